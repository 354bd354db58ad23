"""A Ray cluster: each device of its nodes measures one genome at a time, in a worker of its own."""

from __future__ import annotations

import pickle
import queue
import shutil
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, wait
from concurrent.futures import TimeoutError as FutureTimeoutError
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from archive.run_folder import DEVICE
from evolve.loop.evaluators.base import Evaluator, Job, Loss, Running, Usage
from population import Measurement, Status
from trainer.stage import Progress, Stage

if TYPE_CHECKING:
    from evolve.cluster.fleet import Slot
    from evolve.runs.run import Run
    from trainer.measurement import Measure

MARGIN = 60.0  # seconds beyond its limit after which a child's node counts as hanging
START = 180.0  # seconds in which the first worker should have started
ENOUGH = 15.0  # seconds after which a run begins with the workers that have started
WAIT = 600.0  # seconds for which a run without any node waits for one
GRACE = 30.0  # seconds in which a child that is stopped should end
TICK = 0.5  # seconds between two looks at nodes, deadlines and logs
LOOKS = 50.0  # logs that are looked at in a second, at most: each look takes some milliseconds


@dataclass(eq=False)
class Trial:
    """A job on its way to a result.

    Attributes:
        running: The job and its device.
        slot: Worker that makes it.
        outcome: How it ends; see `DeviceWorker.measure`.
        deadline: Time by the monotonic clock after which its node counts as hanging, in seconds.
        read: Number of bytes of its log that have arrived.
        looking: Whether an answer on its log is on its way.
    """

    running: Running
    slot: Slot
    outcome: Future[tuple[str, Any, bytes]]
    deadline: float
    read: int = 0
    looking: bool = False


class RayCluster(Evaluator):
    """Measures on the nodes of a Ray cluster, which may come and go.

    Args:
        run: Run whose genomes are measured, with the nodes that it begins on.
        wake: Event that is set whenever a job has ended.
        measure: Function that runs a genome once; None is `trainer.measure`.

    Raises:
        ClusterError: No worker starts.
    """

    name = "ray"
    summary = "the nodes of a Ray cluster"

    def __init__(self, run: Run, wake: threading.Event, *, measure: Measure | None = None) -> None:
        from evolve.cluster.cluster import ClusterSite
        from evolve.cluster.connection import ClusterError, import_ray
        from evolve.cluster.fleet import Fleet
        from evolve.cluster.health import Health
        from trainer.clock import choose_clock

        site = run.site
        assert isinstance(site, ClusterSite)
        self._ray, self._run, self._wake, self._measure = import_ray(), run, wake, measure
        self._fleet = Fleet(site.cluster, run.settings.budget, wake.set)
        self._health = Health()
        self._lock = threading.RLock()
        self._trials: list[Trial] = []
        self._ended: queue.SimpleQueue[Trial] = queue.SimpleQueue()
        self._looks: queue.SimpleQueue[tuple[Trial, Future[Any]]] = queue.SimpleQueue()
        self._news: list[str] = []
        self._closing = threading.Event()
        self._broken = ""
        self._written: list[str] = []
        alone = site.devices[0].computes_alone
        self._slowest = choose_clock(run.task.clock, computes_alone=alone).slowest
        self._jobs, self._busy_seconds, self._slot_seconds = 0, 0.0, 0.0
        self._counted = self._last_there = time.monotonic()
        self.limit = run.settings.budget + run.task.overhead
        for member in site.members:
            self._fleet.enlist(member)
        self._await_first(ClusterError)
        self._counted = time.monotonic()
        self._watcher = threading.Thread(target=self._watch, name="cluster", daemon=True)
        self._watcher.start()

    def _await_first(self, error: type[Exception]) -> None:
        """Wait until all workers have started, or one has and the others take their time."""
        begun = time.monotonic()
        while self._fleet.may_grow and time.monotonic() - begun < START:
            self._wake.wait(TICK)
            self._wake.clear()
            if self._fleet.list_slots() and time.monotonic() - begun > ENOUGH:
                return
        if not self._fleet.list_slots():
            self._fleet.close()
            raise error(
                f"no worker of the cluster has started within {START:g} s; do others use its "
                f"devices? {'; '.join(self._fleet.list_idle())}"
            )

    # -- what is there ------------------------------------------------------------------------

    @property
    def slots(self) -> int:
        return len(self._fleet.list_slots())

    @property
    def free(self) -> int:
        return len(self._list_free())

    def _list_free(self) -> list[Slot]:
        with self._lock:
            busy = {id(trial.slot) for trial in self._trials}
        return [slot for slot in self._fleet.list_slots() if id(slot) not in busy]

    @property
    def is_exhausted(self) -> bool:
        if self._broken:
            return True
        if self._fleet.list_slots():
            return False
        waits = self._fleet.may_grow or self._fleet.has_lost_nodes
        return not waits or time.monotonic() - self._last_there > WAIT

    def accepts(self, job: Job) -> bool:
        return self._choose(job) is not None

    def _choose(self, job: Job) -> Slot | None:
        """A free worker for a job: not on the node on which it has failed, if there is another."""
        free = self._list_free()
        suspect = self._health.find_suspect(job.label)
        elsewhere = [slot for slot in free if slot.member.node.name != suspect]
        if suspect and not elsewhere and self._has_others(suspect):
            return None
        chosen = elsewhere or free
        return chosen[0] if chosen else None

    def _has_others(self, node: str) -> bool:
        return any(slot.member.node.name != node for slot in self._fleet.list_slots())

    def list_idle(self) -> list[str]:
        lines = self._fleet.list_idle()
        if not self._fleet.list_slots():
            lines.insert(0, "no node is there; waiting for one")
        return lines

    def news(self) -> list[str]:
        with self._lock:
            news, self._news = self._news, []
        return [*self._fleet.take_news(), *news]

    @property
    def running(self) -> list[Running]:
        with self._lock:
            found = [trial.running for trial in self._trials]
        return sorted(found, key=lambda running: running.device.name)

    @property
    def usage(self) -> Usage:
        self._count_time()
        return Usage(self._jobs, self._busy_seconds, self._slot_seconds)

    def _count_time(self) -> None:
        with self._lock:
            now, slots = time.monotonic(), self.slots
            self._slot_seconds += slots * (now - self._counted)
            self._counted = now
            if slots:
                self._last_there = now

    # -- jobs ---------------------------------------------------------------------------------

    def start(self, job: Job, beat: float | None) -> None:
        slot = self._choose(job)
        assert slot is not None
        assert slot.device is not None
        log, work = self._run.folder.log(job.label), self._run.folder.work / job.label
        for folder in (log.parent, work):
            folder.mkdir(parents=True, exist_ok=True)
        log.write_bytes(b"")
        (work / DEVICE).write_text(slot.device.name)  # `status` reads it
        more = {
            "source": job.source,
            "device": slot.device,
            "seed": job.seed(self._run.settings.seed),
            "limit": self.limit,
            "beat": beat,
        }
        now = time.monotonic()
        outcome = slot.actor.measure.remote(job.label, pickle.dumps(more), self._measure).future()
        running = Running(job, slot.device, now, log, Progress(Stage.START))
        trial = Trial(running, slot, outcome, now + self.limit * self._slowest + MARGIN)
        with self._lock:
            self._trials.append(trial)
        outcome.add_done_callback(lambda _: self._take_end(trial))

    def _take_end(self, trial: Trial) -> None:
        self._ended.put(trial)
        self._wake.set()

    def finished(self) -> Iterator[tuple[Running, Measurement | Loss]]:
        while True:
            try:
                trial = self._ended.get_nowait()
            except queue.Empty:
                return
            with self._lock:
                if trial not in self._trials:
                    continue  # it came too late, and was given up
                self._count_time()
                self._trials.remove(trial)
            result = self._read(trial)
            shutil.rmtree(self._run.folder.work / trial.running.job.label, ignore_errors=True)
            if result is not None:
                yield trial.running, result

    def _read(self, trial: Trial) -> Measurement | Loss | None:
        """The result of a job; None if it was stopped."""
        from evolve.cluster.worker import FAILED, LOST, MEASURED

        try:
            kind, told, log = trial.outcome.result(timeout=0)
        except FutureTimeoutError:
            return self._lose(trial, "did not answer in time")
        except (self._ray.exceptions.RayError, ConnectionError) as error:
            return self._lose(trial, f"was lost ({type(error).__name__})")
        trial.running.log.write_bytes(log)
        if kind == MEASURED:
            return self._judge(trial, pickle.loads(told))
        if kind == LOST:
            device = trial.running.device
            self._fleet.drop([trial.slot])
            return Loss(f"{device.name} ({device.model}) is gone")
        return self._take_breakdown(trial, told) if kind == FAILED else None

    def _judge(self, trial: Trial, measurement: Measurement) -> Measurement | Loss:
        """Believe a result, unless it is a failure that may be its node's."""
        label, node = trial.running.job.label, trial.slot.member.node
        suspect = self._health.find_suspect(label)
        others = self._has_others(node.name)
        believed = self._health.take_result(label, node.name, measurement.status, others=others)
        self._check(suspect)
        if not believed:
            failure = f"{measurement.status}: {measurement.reason}"
            return Loss(f"{trial.running.device.name} may be at fault ({failure})")
        self._jobs += 1
        self._busy_seconds += measurement.seconds
        return measurement

    def _take_breakdown(self, trial: Trial, reason: str) -> Loss:
        label, node = trial.running.job.label, trial.slot.member.node
        self._health.take_breakdown(label, node.name)
        self._check(node.name, reason)
        return Loss(f"{trial.running.device.name} could not measure ({reason})")

    def _check(
        self, name: str, reason: str = "three children in a row failed that pass elsewhere"
    ) -> None:
        """Leave a node out that has failed too often."""
        if not name or not self._health.is_left_out(name):
            return
        nodes = {slot.member.node.name: slot.member.node for slot in self._fleet.list_slots()}
        if name in nodes:
            self._fleet.leave_out(nodes[name], reason)

    def _lose(self, trial: Trial, how: str) -> Measurement | Loss:
        """Give a worker up, and its child back; a child that has lost many is at fault itself."""
        # its node may be gone before Ray notices: no job goes there until a worker starts again
        node, running = trial.slot.member.node, trial.running
        idle = [slot for slot in self._list_free() if slot.member.node.id == node.id]
        self._fleet.drop([trial.slot, *idle])
        if self._closing.is_set() or not self._health.take_loss(running.job.label):
            return Loss(f"the worker on {running.device.name} {how}")
        seconds = time.monotonic() - running.started
        return Measurement(
            status=Status.CRASH,
            fitness=None,
            measures={},
            seconds=seconds,
            seed=running.job.seed(self._run.settings.seed),
            device=running.device.name,
            ended=time.time(),
            reason=f"each worker that measured it died or hung, the last on {running.device.name}",
        )

    # -- the thread that watches --------------------------------------------------------------

    def _watch(self) -> None:
        """Look after nodes, deadlines and logs until the end."""
        while not self._closing.wait(TICK):
            try:
                self._fleet.refresh()
                self._end_overdue()
                self._look_at_logs()
                self._take_looks()
                self._write_idle()
            except (self._ray.exceptions.RayError, ConnectionError) as error:
                with self._lock:
                    self._broken = str(error).partition("\n")[0]
                    self._news.append(f"the cluster cannot be reached any more: {self._broken}")
                self._wake.set()
                return

    def _write_idle(self) -> None:
        """Write for `status` what does not work, and why."""
        lines, path = self.list_idle(), self._run.folder.idle
        if lines != self._written:
            path.parent.mkdir(exist_ok=True)
            path.write_text("\n".join(lines), encoding="utf-8")
            self._written = lines

    def _end_overdue(self) -> None:
        with self._lock:
            overdue = [one for one in self._trials if time.monotonic() > one.deadline]
        for trial in overdue:
            trial.deadline = float("inf")  # once
            self._take_end(trial)

    def _look_at_logs(self) -> None:
        """Ask for what is new in the logs, in turn."""
        with self._lock:
            due = [
                trial for trial in self._trials if not trial.looking and not trial.outcome.done()
            ]
            due = due[: int(LOOKS * TICK)]
            for trial in due:  # the others come first the next time
                self._trials.remove(trial)
                self._trials.append(trial)
                trial.looking = True
        for trial in due:
            seen = trial.slot.actor.look.remote(trial.read).future()
            seen.add_done_callback(lambda future, trial=trial: self._looks.put((trial, future)))

    def _take_looks(self) -> None:
        """Write down what has come of the logs, and at which stages the children are."""
        while not self._looks.empty():
            trial, seen = self._looks.get()
            if seen.exception() is None:  # else the child's own outcome says so, too
                self._take_look(trial, seen)

    def _take_look(self, trial: Trial, seen: Future[tuple[str, float, int, bytes]]) -> None:
        stage, _, begin, new = seen.result()
        with self._lock:
            trial.looking = False
            if trial not in self._trials or trial.outcome.done() or not stage:
                return
            trial.running.progress.enter(Stage(stage))
            with trial.running.log.open("r+b") as file:
                file.truncate(begin)
                file.seek(begin)
                file.write(new)
            trial.read = begin + len(new)

    # -- the end ------------------------------------------------------------------------------

    def close(self) -> None:
        """Stop what runs, with everything that it started, and wait until it is gone."""
        if self._closing.is_set():
            return
        self._count_time()
        self._closing.set()
        self._watcher.join(GRACE)
        with self._lock:
            trials = list(self._trials)
        for trial in trials:
            trial.slot.actor.stop.remote()
        wait([trial.outcome for trial in trials], GRACE)
        self._fleet.close()
        with self._lock:
            gone = [trial for trial in self._trials if not trial.outcome.done()]
            for trial in gone:
                self._trials.remove(trial)

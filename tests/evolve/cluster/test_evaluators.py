"""What every evaluator does alike: this machine's devices, and the nodes of a cluster."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import chdir, closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from evolve.loop.evaluators import DevicePool, Evaluator, Job, Loss
from evolve.loop.evaluators.ray_cluster import RayCluster
from evolve.runs.run import Run, begin_run
from evolve.settings import Settings
from population import Measurement, Status
from trainer import SupervisorError
from trainer.stage import Stage

KINDS = {"devices": DevicePool, "ray": RayCluster}
REPORT = """
print("---")
print("score:", {score})
print("size: 1")
print("work: 1")
print("seconds: 1")
"""
LONG = "import time\nprint('step 1 loss: 3.0', flush=True)\ntime.sleep(600)\n"
GENOMES = {
    Status.OK: "print('step 1 loss: 3.0')\nprint('step 2 loss: 2.5')\n" + REPORT.format(score=2),
    Status.CRASH: "raise RuntimeError('it broke')\n",
    Status.OOM: "print('so far, so good')\nraise MemoryError\n",
    Status.INVALID: REPORT.format(score="float('nan')"),
    Status.TIMEOUT: LONG,
}


@pytest.fixture(scope="module", params=list(KINDS))
def run(request: Any, make_place: Callable[[], Any]) -> Iterator[Run]:
    """A run of the toy task for each kind of evaluator, with two devices."""
    place, where = make_place(), {"devices": "cpu"}
    if request.param == "ray":
        nodes = request.getfixturevalue("nodes")
        ray = pytest.importorskip("ray")
        os.environ |= nodes.env
        ray.cloudpickle.register_pickle_by_value(sys.modules[__name__])
        where = {"cluster": "auto"}
    with chdir(place.folder):
        settings = Settings(task=str(place.task_folder), budget=0.1, sandbox="none", **where)
        made = begin_run(replace(settings, evaluator=request.param), "r", [], print)
        made = replace(made, folder=type(made.folder)(made.folder.path.resolve()))
    with closing(made):
        yield made
    if request.param == "ray":
        ray.shutdown()
        for name in nodes.env:
            del os.environ[name]


@pytest.fixture
def wake() -> threading.Event:
    return threading.Event()


@pytest.fixture
def opened(run: Run, wake: threading.Event) -> Iterator[Callable[..., Evaluator]]:
    """Opens the run's evaluator, and closes it at the end."""
    made: list[Evaluator] = []

    def open_it(measure: Any = None) -> Evaluator:
        made.append(KINDS[run.settings.evaluator](run, wake, measure=measure))
        return made[-1]

    yield open_it
    for one in made:
        one.close()


def job(run: Run, source: str, repeat: int = 0) -> Job:
    return Job(run.individuals()[0], source, repeat=repeat)


def wait_for(evaluator: Evaluator, wake: threading.Event) -> list[tuple[str, Measurement | Loss]]:
    """The results of all that runs, by the labels of the jobs."""
    found: list[tuple[str, Measurement | Loss]] = []
    give_up = time.monotonic() + 120
    while evaluator.running:
        assert time.monotonic() < give_up
        wake.wait(0.2)
        wake.clear()
        found += [(running.job.label, result) for running, result in evaluator.finished()]
    return found


def test_how_genomes_end(run: Run, wake: threading.Event, opened: Callable[..., Evaluator]) -> None:
    evaluator = opened()
    evaluator.limit = 4.0
    results: dict[str, Measurement | Loss] = {}
    jobs = [job(run, source, repeat) for repeat, source in enumerate(GENOMES.values())]
    labels = dict(zip(GENOMES, (one.label for one in jobs), strict=True))
    waiting = list(jobs)
    give_up = time.monotonic() + 120
    while len(results) < len(jobs):
        assert time.monotonic() < give_up
        for running, result in evaluator.finished():
            if isinstance(result, Loss):  # a node in doubt: it is made again on another
                waiting.append(running.job)
            else:
                results[running.job.label] = result
        while waiting and evaluator.accepts(waiting[0]):
            evaluator.start(waiting.pop(0), None)
        wake.wait(0.1)
        wake.clear()
    found = {label: result.status for label, result in results.items()}  # type: ignore[union-attr]
    assert found == {label: status for status, label in labels.items()}
    ok = results[labels[Status.OK]]
    assert isinstance(ok, Measurement)
    assert (ok.fitness, [point.loss for point in ok.curve]) == (2.0, [3.0, 2.5])
    names = {device.name for device in run.devices}
    assert {result.device for result in results.values()} <= names  # type: ignore[union-attr]
    assert len({result.seed for result in results.values()}) == len(jobs)  # type: ignore[union-attr]
    crash = results[labels[Status.CRASH]]
    assert isinstance(crash, Measurement)
    assert crash.reason == "RuntimeError: it broke"
    assert "so far, so good" in run.folder.log(labels[Status.OOM]).read_text()
    usage = evaluator.usage
    assert usage.jobs == len(jobs)
    assert usage.busy_seconds > 4.0
    assert evaluator.free == evaluator.slots > 0


def test_what_runs_can_be_watched_and_is_stopped_with_all_that_it_started(
    run: Run,
    wake: threading.Event,
    opened: Callable[..., Evaluator],
    eventually: Callable[[Callable[[], object]], None],
) -> None:
    evaluator = opened()
    evaluator.start(job(run, LONG), None)
    (running,) = evaluator.running
    eventually(lambda: running.progress.read()[0] is Stage.RUN)
    eventually(lambda: "step 1 loss" in running.log.read_text())
    eventually(lambda: list(run.folder.work.glob("0/*")))
    assert evaluator.free == evaluator.slots - 1
    evaluator.close()
    assert list(evaluator.finished()) == []
    assert evaluator.running == []
    assert not [one for one in run.folder.work.glob("*") if one.name == "0"]


def break_down(*needed: Any, log: Path, **more: Any) -> Measurement:
    """Stands in for `trainer.measure` where the supervisor fails."""
    log.write_bytes(b"")
    raise SupervisorError("the disk is full")


def test_a_job_that_could_not_be_measured_is_no_result(
    run: Run, wake: threading.Event, opened: Callable[..., Evaluator]
) -> None:
    evaluator = opened(break_down)
    evaluator.start(job(run, ""), None)
    if run.settings.evaluator == "devices":  # its device is there, so this ends the run
        with pytest.raises(SupervisorError, match="the disk is full"):
            wait_for(evaluator, wake)
        return
    ((label, result),) = wait_for(evaluator, wake)
    assert label == "0"
    assert isinstance(result, Loss)
    assert "could not measure (the disk is full)" in result.reason

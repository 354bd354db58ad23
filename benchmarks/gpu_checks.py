"""The checks of gpu.py, and what they share."""

from __future__ import annotations

import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from population import Measurement, Status
from trainer.devices import Device
from trainer.log import read_tail
from trainer.measurement import measure
from trainer.process import build_environment
from trainer.sandbox import LEVELS, Limits, Sandbox, find_sandbox
from trainer.setup import Ready
from trainer.summary import read_summary
from trainer.task import Task

ROOT = Path(__file__).resolve().parents[1]
SEEDS = ROOT / "examples" / "seeds"
SMALL = {  # constants of train.py with which a core makes steps in a second
    "DEPTH": "2",
    "WIDTH": "64",
    "HEAD_DIM": "32",
    "TOTAL_BATCH_SIZE": "8 * MAX_SEQ_LEN",
    "DEVICE_BATCH_SIZE": "4",
}
EQUAL = 1e-4  # bits per byte by which the same weights may differ, by hand and under the referee
BRIEF = 2.0  # seconds of training where only the evaluation or some steps count
LEAST = 5.0  # seconds without which no check is begun
TAIL = 5  # lines of a failed child that its reason repeats
EVALUATION = re.compile(r"^(model\.eval\(\)\nval_bpb = evaluate_bpb\(.*)$", re.MULTILINE)
UNCOMPILED = {  # of train.py, where compiling again would only take time; a row needs more memory
    "torch.compile(function, dynamic=False) if on_gpu else function": "function",
    "compiled = 0.5 * row_bytes": "compiled = row_bytes",
}
PROBE = """\
import json, time
import torch
begun = time.perf_counter()
found = torch.cuda.is_available()
device = torch.device("cuda" if found else "cpu")
a = torch.ones(256, 256, device=device, dtype=torch.bfloat16)
assert (a @ a).float().sum().item() == 256**3, "a product is wrong"
if found:
    assert torch.compile(lambda x: x.sin() + 1)(a).shape == a.shape
name = torch.cuda.get_device_name() if found else "cpu"
seconds = round(time.perf_counter() - begun, 2)
print("\\nfacts: " + json.dumps({"device": name, "seconds_of_first_use": seconds}))
"""


class CheckError(Exception):
    """A check failed; the message says why."""


@dataclass(frozen=True)
class Check:
    """The result of a check.

    Attributes:
        name: Name of the check.
        ok: Whether it passed.
        seconds: Wall-clock that it took, in seconds.
        facts: Numbers and words that it found.
        reason: Reason why it failed; empty if it passed.
    """

    name: str
    ok: bool
    seconds: float
    facts: Mapping[str, Any] = field(default_factory=dict)
    reason: str = ""


@dataclass(frozen=True)
class Bench:
    """What the checks share.

    Attributes:
        task: Task at the root.
        ready: Findings of the task's setup.
        device: Device that is checked.
        small: Whether train.py is shrunk to what a core does.
        seconds: Seconds of the run of train.py.
        ends: Time by the monotonic clock when the last check should have ended.
        folder: Folder for working folders and logs.
    """

    task: Task
    ready: Ready
    device: Device
    small: bool
    seconds: float
    ends: float
    folder: Path

    @property
    def left(self) -> float:
        """Seconds that are left for checks.

        Raises:
            CheckError: There are too few.
        """
        left = self.ends - time.monotonic()
        if left < LEAST:
            raise CheckError("no time was left for it; --minutes allows more")
        return left

    def source(self, path: Path) -> str:
        """The text of a genome, shrunk if a core is to run it."""
        text = path.read_text(encoding="utf-8")
        for name, value in SMALL.items() if self.small and path.parent != SEEDS else ():
            text = re.sub(rf"^{name} = [^#\n]+", f"{name} = {value}  ", text, flags=re.MULTILINE)
        return text

    def measure(
        self, source: str, budget: float, *, sandbox: str = "auto", beat: float | None = None
    ) -> Measurement:
        """Measure a genome under the referee.

        Raises:
            CheckError: It has no score.
        """
        with self.work_folder() as folder:
            log, stop = self.folder / "measured.log", threading.Event()
            with ThreadPoolExecutor(1) as pool:
                work = pool.submit(
                    measure,
                    self.task,
                    self.ready,
                    source,
                    device=self.device,
                    sandbox=find_sandbox(sandbox),
                    budget=budget,
                    seed=0,
                    folder=folder,
                    log=log,
                    limit=self.left,
                    beat=beat,
                    stop=stop,
                )
                try:
                    result = work.result()
                except KeyboardInterrupt:
                    stop.set()
                    raise
        if result.status is not Status.OK:
            raise CheckError(f"{result.status}: {result.reason}; {_quote(read_tail(log, TAIL))}")
        return result

    def run_by_hand(self, source: str, budget: float) -> Mapping[str, float]:
        """Run a genome where nobody referees: the numbers that it prints.

        Raises:
            CheckError: It failed.
        """
        with self.work_folder() as folder:
            folder.mkdir()
            (folder / "genome.py").write_text(source, encoding="utf-8")
            for name in self.task.fixed:
                (folder / name).write_bytes((self.task.folder / name).read_bytes())
            own = {"TRAINER_BUDGET": str(budget), "TRAINER_SEED": "0"}
            env = {**os.environ, **self.ready.env, **self.device.environment(), **own}
            done = _run([sys.executable, "genome.py"], folder, env, self.left)
        return read_summary(done.stdout)

    @contextmanager
    def work_folder(self) -> Iterator[Path]:
        """The path of a working folder that nothing has made yet."""
        with tempfile.TemporaryDirectory(dir=self.folder) as name:
            yield Path(name, "child")


def _run(
    command: list[str], folder: Path, env: Mapping[str, str], limit: float
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end, or to the limit.

    Raises:
        CheckError: It failed or was not done in time.
    """
    try:
        done = subprocess.run(
            command, cwd=folder, env=dict(env), capture_output=True, text=True, timeout=limit
        )
    except subprocess.TimeoutExpired as error:
        raise CheckError(f"it was not done within {limit:.0f} s") from error
    if done.returncode:
        said = "\n".join((done.stdout + done.stderr).splitlines()[-TAIL:])
        raise CheckError(f"exit code {done.returncode}; {_quote(said)}")
    return done


def _quote(text: str) -> str:
    return " / ".join(line.strip() for line in text.splitlines() if line.strip())[-600:]


# -- the checks -----------------------------------------------------------------------------------


def check_sandbox(bench: Bench, level: str) -> dict[str, Any]:
    """A child in a sandbox finds the device and computes on it."""
    sandbox: Sandbox = find_sandbox(level)
    with bench.work_folder() as folder:
        (folder / ".tmp").mkdir(parents=True)
        (folder / "probe.py").write_text(PROBE)
        environment = build_environment(folder, own_tmp=sandbox.has_own_tmp)
        command = sandbox.wrap(
            ["python", "probe.py"],
            folder=folder,
            limits=Limits.share(1),
            readable=bench.ready.readable,
            device=bench.device,
        )
        env = {**environment, **bench.ready.env, **bench.device.environment()}
        done = _run(command, folder, env, bench.left)
    facts: dict[str, Any] = json.loads(done.stdout.rpartition("facts: ")[2])
    if (facts["device"] == "cpu") != (bench.device.kind == "cpu"):
        raise CheckError(f"it found {facts['device']} in place of {bench.device.model}")
    return facts


def check_training(bench: Bench) -> dict[str, Any]:
    """A whole run of train.py under the referee."""
    return _describe(bench.measure(bench.source(ROOT / "train.py"), bench.seconds))


def _describe(result: Measurement) -> dict[str, Any]:
    details = result.details
    trained, evaluated = details["training_seconds"], details.get("evaluation_seconds", 0.0)
    return {
        "val_bpb": round(result.fitness or 0.0, 6),
        "tokens_per_second": round(result.measures["throughput"]),
        "mfu_percent": details.get("mfu_percent", 0.0),
        "memory_gib": round(result.memory_gb, 2),
        "steps": details.get("num_steps", 0.0),
        "parameters": round(result.measures["size"]),
        "start_and_compile_seconds": round(result.seconds - trained - evaluated, 1),
        "evaluation_seconds": round(evaluated, 2),
    }


class Weights:
    """The weights of a model that was trained for a moment, and scripts that evaluate them.

    The evaluation is timed alike by hand and under the referee. Nothing is compiled for it.

    Args:
        bench: What the checks share.
    """

    def __init__(self, bench: Bench) -> None:
        self._bench, self._path = bench, bench.folder / "weights.pt"

    def make(self) -> None:
        """Train for a moment and keep the weights, unless that was done.

        Raises:
            CheckError: It failed.
        """
        if not self._path.exists():
            self._bench.run_by_hand(
                self._edit(f"torch.save(model.state_dict(), {str(self._path)!r})\n\\1"), BRIEF
            )

    def source(self) -> str:
        """The script that evaluates them, by the clock that the referee has on the device."""
        clock = "process_time" if self._bench.device.computes_alone else "perf_counter"
        return self._edit(
            f"model.load_state_dict(torch.load({str(self._path)!r}))\n"
            f"evaluation_start = time.{clock}()\n\\1"
        ).replace(
            'print("---")',
            f"evaluation_time = time.{clock}() - evaluation_start\n"
            'print("---")\nprint(f"seconds_by_hand: {evaluation_time:.3f}")',
        )

    def _edit(self, replacement: str) -> str:
        text = self._bench.source(ROOT / "train.py")
        edited, count = EVALUATION.subn(replacement, text)
        if count != 1:
            raise CheckError("train.py is not what this check knows: it looks for its evaluation")
        return leave_uncompiled(edited)


def leave_uncompiled(source: str) -> str:
    """Train.py without compilation; other scripts as they are."""
    for text, instead in UNCOMPILED.items():
        source = source.replace(text, instead)
    return source


def check_referee(bench: Bench, weights: Weights) -> dict[str, Any]:
    """The same weights score the same by hand and under the referee."""
    weights.make()
    by_hand = bench.run_by_hand(weights.source(), BRIEF)
    refereed = bench.measure(weights.source(), BRIEF, sandbox="none")
    difference = (refereed.fitness or 0.0) - by_hand["val_bpb"]
    seconds = refereed.details["evaluation_seconds"], by_hand["seconds_by_hand"]
    if abs(difference) > EQUAL:
        raise CheckError(f"by hand {by_hand['val_bpb']:.6f}, refereed {refereed.fitness:.6f}")
    return {
        "val_bpb": by_hand["val_bpb"],
        "difference": round(difference, 7),
        "seconds_refereed": round(seconds[0], 2),
        "seconds_by_hand": round(seconds[1], 2),
        "cost": round(seconds[0] / seconds[1], 2),
    }


def check_audits(bench: Bench, weights: Weights) -> dict[str, Any]:
    """The same weights under the referee's full audits."""
    weights.make()
    result = bench.measure(weights.source(), BRIEF, sandbox="none", beat=float("inf"))
    audits = {k: v for k, v in result.details.items() if k.startswith("audit_")}
    return {
        "val_bpb": round(result.fitness or 0.0, 6),
        "evaluation_seconds": round(result.details["evaluation_seconds"], 2),
        **audits,
    }


def check_steps(bench: Bench, path: Path) -> dict[str, Any]:
    """A genome makes at least two steps and is scored."""
    facts = _describe(bench.measure(leave_uncompiled(bench.source(path)), BRIEF))
    if facts["steps"] < 2:
        raise CheckError(f"it made {facts['steps']:g} steps in {BRIEF:g} s")
    return {name: facts[name] for name in ("val_bpb", "steps", "memory_gib")}


def compare_scripts(
    bench: Bench, other: Path, rounds: int, say: Callable[[str], None]
) -> dict[str, Any]:
    """Two scripts on the same data in turns, so that neither gets the warmer device.

    Args:
        bench: What the checks share.
        other: File of the script that is compared with train.py.
        rounds: Number of runs of each.
        say: Function that receives each result, a line.
    """
    scripts = {"train.py": bench.source(ROOT / "train.py"), "other": bench.source(other)}
    found: dict[str, list[Measurement]] = {name: [] for name in scripts}
    bench = replace(bench, ends=float("inf"))  # whoever asks for it has the time
    for turn in range(rounds):
        for name in scripts if turn % 2 == 0 else reversed(scripts):
            result = bench.measure(scripts[name], bench.seconds)
            found[name].append(result)
            say(f"{name}: {json.dumps(_describe(result))}")
    facts: dict[str, Any] = {"rounds": rounds}
    for name, results in found.items():
        facts[f"{name} val_bpb"] = [round(r.fitness or 0.0, 6) for r in results]
        speeds = [r.measures["throughput"] for r in results]
        facts[f"{name} tokens_per_second"] = round(statistics.fmean(speeds))
    scores = [statistics.fmean([r.fitness or 0.0 for r in found[name]]) for name in scripts]
    facts["other_is_better_by"] = round(scores[0] - scores[1], 6)
    return facts


def list_checks(bench: Bench) -> dict[str, Callable[[], dict[str, Any]]]:
    """The checks by name, in their order: the cheap ones first."""
    weights = Weights(bench)
    checks: dict[str, Callable[[], dict[str, Any]]] = {
        f"sandbox {level}": partial(check_sandbox, bench, level) for level in LEVELS
    }
    checks["train.py"] = partial(check_training, bench)
    checks["referee"] = partial(check_referee, bench, weights)
    checks["audits"] = partial(check_audits, bench, weights)
    for path in [ROOT / "train.py", *list_seeds(bench.device)]:
        checks[f"two steps of {path.name}"] = partial(check_steps, bench, path)
    return checks


def list_seeds(device: Device) -> list[Path]:
    """The seeds of other kinds that are written for such a device."""
    seeds = sorted(SEEDS.glob("*.py"))
    wanted = device.kind != "cpu"
    return [path for path in seeds if ("cuda" in path.read_text(encoding="utf-8")) == wanted]

"""What runs on a node: the survey of what it has, and the measurements on one of its devices.

These two classes are Ray's actors. They travel by value, and so does the project's code, which
their constructor unpacks: nothing of the project is imported before.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import io
import os
import pickle
import shutil
import stat
import sys
import tarfile
import tempfile
import threading
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from trainer.stage import Progress

FOLDER = "EVOLVE_NODE_DIR"  # variable on a node that names where it keeps what has travelled
KILLS = "RAY_kill_child_processes_on_worker_exit"  # setting of Ray's, which has to be false
CHUNK = 1 << 18  # bytes of a log that travel at once while its child runs
CACHED = 8  # packages that a node keeps

# How a measurement ended; the text or the pickled measurement comes with it.
MEASURED, FAILED, LOST, STOPPED = "measured", "failed", "lost", "stopped"


class NodeFolder:
    """The folder of a node's own in which packages are unpacked and children run."""

    def __init__(self) -> None:
        parent = os.environ.get(FOLDER) or tempfile.gettempdir()
        self.path = Path(parent) / f"evolve-{os.getuid()}"
        self.path.mkdir(mode=0o755, parents=True, exist_ok=True)
        status = self.path.lstat()
        foreign = status.st_uid != os.getuid() or status.st_mode & 0o022
        if not stat.S_ISDIR(status.st_mode) or foreign:
            raise PermissionError(
                f"{self.path} can be written by others; remove it, or name another place by "
                f"{FOLDER}"
            )

    def unpack(self, package: bytes, digest: str) -> Path:
        """Unpack a package, unless it is there already."""
        place = self.path / "packages" / digest
        place.parent.mkdir(exist_ok=True)
        if not place.exists():
            self._forget_packages(place.parent)
            made = Path(tempfile.mkdtemp(prefix=".", dir=place.parent))
            made.chmod(0o755)
            with tarfile.open(fileobj=io.BytesIO(package)) as archive:
                archive.extractall(made, filter="data")
            try:
                made.rename(place)  # at once, since others may unpack the same
            except OSError:
                shutil.rmtree(made)
        os.utime(place)
        return place

    @staticmethod
    def _forget_packages(place: Path) -> None:
        """Remove the packages that were used longest ago."""
        known = sorted(place.glob("[!.]*"), key=lambda path: path.stat().st_mtime)
        for path in known[: -CACHED + 1]:
            shutil.rmtree(path, ignore_errors=True)

    def make_work(self) -> Path:
        """Make a folder for this process's children, and remove those of processes that are gone.

        A lock tells whether a process is there: the kernel takes it back from whoever dies.
        """
        works = self.path / "work"
        works.mkdir(exist_ok=True)
        for lock in works.glob("*.lock"):
            with contextlib.suppress(OSError), lock.open("r") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(lock.with_suffix(""), ignore_errors=True)
                lock.unlink()
        made = works / uuid.uuid4().hex[:8]
        held = os.open(made.with_suffix(".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(held, fcntl.LOCK_EX)
        made.mkdir()
        return made


def compute_digest(folder: Path, names: Sequence[str]) -> str:
    """Digest some files of a folder, their names and contents; empty if one is missing."""
    whole = hashlib.sha256()
    for name in names:
        try:
            data = (folder / name).read_bytes()
        except OSError:
            return ""
        whole.update(f"{name}\0".encode() + hashlib.sha256(data).digest())
    return whole.hexdigest()[:16]


class NodeActor:
    """What both actors do first: unpack the project's code and import from there.

    Args:
        code: Package of the project's code.
        digest: Digest of the package.
    """

    def __init__(self, code: bytes, digest: str) -> None:
        # Ray's choice for its own tasks; a referee and a setup may use what the machine has
        os.environ.pop("OMP_NUM_THREADS", None)
        self.folder = NodeFolder()
        sys.path.insert(0, str(self.folder.unpack(code, digest)))


class Surveyor(NodeActor):
    """Says what a node has to offer, and makes a task ready there."""

    def __init__(self, code: bytes, digest: str) -> None:
        super().__init__(code, digest)
        if not os.environ.get("CUDA_VISIBLE_DEVICES", "-"):
            del os.environ["CUDA_VISIBLE_DEVICES"]  # Ray's word for an actor without a GPU
        self._lines: list[str] = []
        self._outcome: tuple[str, bytes | str] | None = None

    def inspect(self, devices: str, sandbox: str) -> bytes:
        """The node's devices and its sandbox, pickled, or a sentence on what is wrong.

        Args:
            devices: Kind of devices, as `--devices` names it.
            sandbox: Level of the sandbox, as `--sandbox` names it.
        """
        if os.environ.get(KILLS, "").lower() not in ("false", "0"):
            return pickle.dumps(
                f"its Ray was not started with {KILLS}=false in the environment, without which "
                "processes of a child would outlive it"
            )
        try:
            from population.errors import UserError
            from trainer import find_devices, find_sandbox
        except ImportError as error:
            return pickle.dumps(f"the project's dependencies are not installed there: {error}")
        try:
            return pickle.dumps((find_devices(devices), find_sandbox(sandbox)))
        except UserError as error:
            return pickle.dumps(str(error))

    def begin_setup(self, task: bytes, package: bytes, names: Sequence[str], digest: str) -> None:
        """Begin to make a task ready.

        Args:
            task: The task, pickled.
            package: Package of its folder.
            names: Names of the files in the package.
            digest: Digest of the package.
        """
        arguments = (task, package, names, digest)
        threading.Thread(target=self._set_up, args=arguments, daemon=True).start()

    def poll(self) -> tuple[list[str], tuple[str, bytes | str] | None]:
        """The lines that the setup printed since the last call, and its outcome once it ended."""
        outcome = self._outcome  # first, so that no line is missed
        lines, self._lines = self._lines, []
        return lines, outcome

    def _set_up(self, pickled: bytes, package: bytes, names: Sequence[str], digest: str) -> None:
        from dataclasses import replace

        from trainer import set_up

        try:
            task = pickle.loads(pickled)
            if compute_digest(task.folder, names) != digest:  # else it is here: shared storage, say
                task = replace(task, folder=self.folder.unpack(package, digest))
            ready = set_up(task, self._lines.append)
            self._outcome = MEASURED, pickle.dumps((task, ready))
        except Exception as error:  # of any kind: it travels as a sentence
            self._outcome = FAILED, str(error) or type(error).__name__


class DeviceWorker(NodeActor):
    """Measures on one device of a node, one genome at a time."""

    def __init__(self, code: bytes, digest: str) -> None:
        super().__init__(code, digest)
        self._work = self.folder.make_work()
        self._stop = threading.Event()
        self._log: Path | None = None
        self._progress: Progress | None = None
        self._needed: dict[str, Any] = {}

    def find_device(self, kind: str) -> str:
        """The selector of the device that Ray has given to this process; empty for a core."""
        from trainer import find_devices

        return find_devices(kind)[0].selector

    def prepare(self, needed: bytes) -> None:
        """Take what all measurements need: task, ready, sandbox, device, slots and budget."""
        self._needed = pickle.loads(needed)

    def measure(
        self, label: str, more: bytes, measure: Callable[..., Any] | None
    ) -> tuple[str, bytes | str, bytes]:
        """Run a genome once.

        Args:
            label: Name of its log and its working folder.
            more: Source, seed, limit and fitness to beat, pickled.
            measure: Function that runs it; None is `trainer.measure`.

        Returns:
            How that ended, the pickled measurement or a sentence, and the log.
        """
        from trainer import Stopped
        from trainer.measurement import measure as run_genome
        from trainer.measurement import measure_unless_lost
        from trainer.stage import Progress, Stage

        progress = self._progress = Progress(Stage.START)
        log = self._log = self._work / f"{label}.log"
        needed = {**self._needed, **pickle.loads(more)}
        arguments = [needed.pop(name) for name in ("task", "ready", "source")]
        log.unlink(missing_ok=True)
        try:
            measurement = measure_unless_lost(
                measure or run_genome,
                *arguments,
                **needed,
                folder=self._work / label,
                log=log,
                stop=self._stop,
                enter=progress.enter,
            )
            if measurement is None:
                return LOST, "", self._take_log()
            return MEASURED, pickle.dumps(measurement), self._take_log()
        except Stopped:
            return STOPPED, "", self._take_log()
        except Exception as error:  # of any kind: it travels as a sentence
            return FAILED, str(error) or type(error).__name__, self._take_log()

    def _take_log(self) -> bytes:
        log, self._log = self._log, None
        assert log is not None
        with contextlib.suppress(OSError):
            data = log.read_bytes()
            log.unlink()
            return data
        return b""

    def look(self, begin: int) -> tuple[str, float, int, bytes]:
        """The child's stage, the seconds for which it has lasted, and what is new in its log.

        Args:
            begin: Number of the log's bytes that are known.

        Returns:
            Stage, seconds, the place of the new bytes in the log, and these. The place is 0 where
            the log has been shortened.
        """
        progress, log = self._progress, self._log
        if progress is None or log is None:
            return "", 0.0, begin, b""
        stage, seconds = progress.read()
        try:
            with log.open("rb") as file:
                size = file.seek(0, os.SEEK_END)
                begin = begin if begin <= size else 0
                file.seek(begin)
                return stage.value, seconds, begin, file.read(CHUNK)
        except OSError:
            return stage.value, seconds, begin, b""

    def stop(self) -> None:
        """End the measurement that runs, soon, and all that come."""
        self._stop.set()

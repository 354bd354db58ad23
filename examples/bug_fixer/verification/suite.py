"""The tests, run by pytest on the trusted side, while the genome that they test is in a box."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pytest
from verification.verdict import Outcome

from trainer.scoring import Box, CallError, Module, ModuleError

PROBE = Path(__file__).with_name("probe.py")
CALL = 5.0  # seconds for one call; the slowest of an honest genome takes a thousandth of it
IMPORT = 10.0  # seconds for the import
STARTS = 2  # processes for the tests of one folder, so that one that hangs costs no minutes
LINES, WIDTH = 6, 160  # lines of a failure that are shown, and their characters
# Exceptions that a function may raise under their own names. A test never catches another one.
KNOWN: dict[str, type[Exception]] = {
    "ArithmeticError": ArithmeticError,
    "IndexError": IndexError,
    "KeyError": KeyError,
    "LookupError": LookupError,
    "OverflowError": OverflowError,
    "RuntimeError": RuntimeError,
    "TypeError": TypeError,
    "ValueError": ValueError,
    "ZeroDivisionError": ZeroDivisionError,
}


class Genome:
    """The program under test, whose functions are called in a box.

    A process that died or hung is replaced by a fresh one for the next test, once.

    Args:
        source: The program's text.
        starts: Number of processes that may be started.

    Attributes:
        app: Stands in for the imported module.
        called: Names of the functions that the current test has called.
        lost: The reason why the last process died, when none is started any more; else empty.
    """

    def __init__(self, source: str, starts: int = STARTS) -> None:
        self._starts = starts
        self._box = Box()
        self._box.put("app.py", source)
        self._box.put(PROBE.name, PROBE.read_bytes())
        self._running = ExitStack()
        self._module: Module | None = None
        self.app = StandIn(self)
        self.called: set[str] = set()
        self.lost = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._running.close()
        self._box.remove()

    def call(self, function: str, arguments: Sequence[Any] = (), named: Any = None) -> Any:
        """Call a function; what it raises is raised here.

        Args:
            function: The function's name.
            arguments: Its positional arguments.
            named: Its keyword arguments by name.

        Raises:
            ModuleError: There is no process any more, and none can be started.
        """
        self.called.add(function)
        if self._module is None:
            self._module = self._start()
        try:
            return self._module.call(function, *arguments, seconds=CALL, **(named or {}))
        except CallError as raised:
            kind = KNOWN.get(raised.kind)
            if kind is None:
                raise
            raise kind(raised.message) from None
        except ModuleError as failed:
            self._module = None
            self._running.close()
            self.lost = "" if self._starts else str(failed)
            raise

    def signatures(self) -> object:
        """What probe.py finds; the genome may have made anything of it.

        Raises:
            ModuleError: The program cannot be imported.
        """
        try:
            return self.call("signatures")
        except ModuleError:
            raise
        except Exception as error:
            return error

    def _start(self) -> Module:
        if not self._starts:
            raise ModuleError(self.lost)
        self._starts -= 1
        return self._running.enter_context(self._box.module(PROBE.name, seconds=IMPORT))


class StandIn:
    """Has the functions that the program has, as the module itself would."""

    def __init__(self, genome: Genome) -> None:
        self._genome = genome

    def __getattr__(self, name: str) -> Function:
        if name.startswith("_"):
            raise AttributeError(name)
        return Function(self._genome, name)

    def __repr__(self) -> str:
        return "app"


@dataclass(frozen=True)
class Function:
    """A function of the program; pytest shows it by its name."""

    genome: Genome
    name: str

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        return self.genome.call(self.name, arguments, named)

    def __repr__(self) -> str:
        return self.name


class Judge:
    """The plugin through which conftest.py gets the genome, and the outcome of each test is kept.

    Attributes:
        app: Stands in for the imported program.
        outcomes: Outcomes of the tests by their ids.
        broken: Errors of the test files themselves.
    """

    def __init__(self, genome: Genome) -> None:
        self.app = genome.app
        self.outcomes: dict[str, Outcome] = {}
        self.broken: list[str] = []
        self._called = genome.called

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self.broken.append(report.longreprtext)

    def pytest_runtest_logstart(self) -> None:
        self._called.clear()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep the outcome of a test's set-up, of itself and of its end; all three have to pass."""
        seen = self.outcomes.get(report.nodeid)
        if seen is not None and not seen.passed:
            return
        message = "" if report.passed else _read_message(report)
        called = frozenset(self._called)
        self.outcomes[report.nodeid] = Outcome(report.nodeid, report.passed, message, called)


class Setup:
    """Registers the judge under a name, since pytest chooses one itself otherwise."""

    def __init__(self, judge: Judge) -> None:
        self._judge = judge

    def pytest_configure(self, config: pytest.Config) -> None:
        config.pluginmanager.register(self._judge, "judge")
        config.option.tbstyle = "native"  # the cheapest way to the same message


def run_tests(folder: Path, tests: str, genome: Genome) -> list[Outcome]:
    """Run tests in their order.

    Args:
        folder: The task's folder.
        tests: Path of a file or folder of tests in it.
        genome: The program under test.

    Raises:
        RuntimeError: The tests themselves are broken.
    """
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"  # only what is written here counts
    os.environ.pop("PYTEST_ADDOPTS", None)
    judge = Judge(genome)
    ini = folder / "pytest.ini"
    options = ["-c", str(ini), "--rootdir", str(folder), "-p", "no:terminal", str(folder / tests)]
    code = pytest.main(options, plugins=[Setup(judge)])
    if judge.broken or code not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
        raise RuntimeError("\n".join([f"{tests} cannot be run ({code})", *judge.broken]))
    return list(judge.outcomes.values())


def _read_message(report: pytest.TestReport) -> str:
    """Why a test failed, in lines of printable characters. A genome may have chosen the words."""
    crash = getattr(report.longrepr, "reprcrash", None)
    text = crash.message if crash is not None else report.longreprtext
    lines = [_make_printable(line) for line in text.splitlines()[: 4 * LINES]]
    told = [line for line in lines if line and "to get more diff" not in line]
    return "\n".join(told[:LINES])


def _make_printable(line: str) -> str:
    kept = "".join(c if c.isprintable() else " " for c in line[: 2 * WIDTH]).rstrip()
    return kept if len(kept) <= WIDTH else kept[: WIDTH - 3] + "..."

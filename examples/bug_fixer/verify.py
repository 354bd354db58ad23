"""Scores a genome: runs the tests against it, and prints what still fails.

    python verify.py              # src/app.py as it is now
    python verify.py FILE         # another version of it
    python verify.py --record     # make src/app.py the start that others are compared with

The tests run here. The genome answers them from a sandbox, where there are no tests and no scores.
"""

from __future__ import annotations

import sys
from pathlib import Path

from trainer.scoring import ModuleError, read_candidate, refuse, report

sys.dont_write_bytecode = True  # the task's folder stays as it is

from verification import source  # noqa: E402
from verification.suite import Genome, run_tests  # noqa: E402
from verification.verdict import (  # noqa: E402
    Outcome,
    count_confirmed,
    count_passed,
    explain,
    judge,
    read_ids,
)

FOLDER = Path(__file__).resolve().parent
START = FOLDER / "baseline" / "app.py"
TESTS = ("tests", "held_out")  # in this order: the visible ones can show nothing of the others
PASSING = FOLDER / "baseline" / "passing.txt"


def main() -> None:
    if sys.argv[1:] == ["--record"]:
        record(FOLDER / "src" / "app.py")
        return
    text = read_candidate("src/app.py").text
    start = START.read_text(encoding="utf-8")
    try:
        tree = source.parse_source(text)
    except source.SourceError as error:
        refuse(str(error), status="crash")
    interface = source.read_interface(source.parse_source(start))
    refuse_changes(source.compare_interfaces(interface, source.read_interface(tree)))
    try:
        visible, held_out = (find_outcomes(tests, text, interface) for tests in TESTS)
    except ModuleError as failed:
        refuse(f"the program cannot be used: {failed}", status="crash")
    verdict = judge(visible, held_out, read_ids(PASSING))
    print(explain(verdict))
    report(
        score=verdict.score,
        tests=len(visible) + len(held_out),
        visible_passed=count_passed(visible),
        held_out_passed=count_passed(held_out),
        regressions=len(verdict.regressions),
        changed_lines=source.count_changed_lines(start, text),
        complexity=source.measure_complexity(tree),
    )


def refuse_changes(changes: list[str]) -> None:
    """Refuse the genome if its interface has changed."""
    if changes:
        refuse(f"the public interface changed: {'; '.join(changes)}", status="invalid")


def find_outcomes(tests: str, text: str, interface: source.Interface) -> list[Outcome]:
    """Run the tests in a folder; each folder gets a box and a process of its own.

    So nothing that the genome has seen of the held-out tests can show in its answers to the visible
    ones.

    Args:
        tests: Name of the folder.
        text: The genome.
        interface: The interface that it has to have when it runs, too.

    Raises:
        ModuleError: The genome cannot be imported, or dies or hangs again and again.
    """
    with Genome(text) as genome:
        refuse_changes(source.compare_when_running(interface, genome.signatures()))
        found = run_tests(FOLDER, tests, genome)
        if genome.lost:
            raise ModuleError(genome.lost)
        return found


def record(path: Path) -> None:
    """Make a program the start that genomes are compared with."""
    text = path.read_text(encoding="utf-8")
    interface = source.read_interface(source.parse_source(text))
    visible, held_out = (find_outcomes(tests, text, interface) for tests in TESTS)
    failing = [[one for one in part if not one.passed] for part in (visible, held_out)]
    if count_confirmed(*failing) < len(failing[0]):
        sys.exit(
            "a visible test fails without a held-out one of the same function, so that 100 cannot "
            "be reached"
        )
    both = [*visible, *held_out]
    passing = [one.id for one in both if one.passed]
    START.write_text(text, encoding="utf-8")
    PASSING.write_text("".join(f"{id_}\n" for id_ in passing), encoding="utf-8")
    print(f"{len(passing)} of {len(both)} tests pass at the start")


if __name__ == "__main__":
    main()

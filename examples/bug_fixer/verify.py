"""Scores a genome: runs the tests against it, and says what still fails.

    python verify.py              # src/app.py as it is now
    python verify.py FILE         # another version of it
    python verify.py --record     # takes src/app.py for the start that others are compared with

The tests run here. The genome answers them from a sandbox, where there are no tests and no scores.
"""

from __future__ import annotations

import sys
from pathlib import Path

from trainer.scoring import Failed, candidate, refuse, report

sys.dont_write_bytecode = True  # the task's folder stays as it is

from verification import source  # noqa: E402
from verification.suite import Genome, Outcome, run  # noqa: E402
from verification.verdict import judge, passed, read_ids, words  # noqa: E402

FOLDER = Path(__file__).resolve().parent
START = FOLDER / "baseline" / "app.py"
TESTS = ("tests", "held_out")  # in this order: what is seen first can tell nothing of the second
PASSING = FOLDER / "baseline" / "passing.txt"


def main() -> None:
    if sys.argv[1:] == ["--record"]:
        record(FOLDER / "src" / "app.py")
        return
    text = candidate("src/app.py").text
    start = START.read_text(encoding="utf-8")
    try:
        tree = source.parse(text)
    except source.SourceError as error:
        refuse(str(error), status="crash")
    interface = source.interface(source.parse(start))
    check(source.interface_changes(interface, source.interface(tree)))
    try:
        visible, held_out = (outcomes(tests, text, interface) for tests in TESTS)
    except Failed as failed:
        refuse(f"the program cannot be used: {failed}", status="crash")
    verdict = judge(visible, held_out, read_ids(PASSING))
    print(words(verdict))
    report(
        score=verdict.score,
        tests=len(visible) + len(held_out),
        visible_passed=passed(visible),
        held_out_passed=passed(held_out),
        regressions=len(verdict.regressions),
        changed_lines=source.changed_lines(start, text),
        complexity=source.complexity(tree),
    )


def check(changes: list[str]) -> None:
    if changes:
        refuse(f"the public interface changed: {'; '.join(changes)}", status="invalid")


def outcomes(tests: str, text: str, interface: source.Interface) -> list[Outcome]:
    """What comes of the tests in a folder; each folder gets a box and a process of its own.

    So nothing that the genome has seen of the held-out tests can show in the words that it says to
    the visible ones.

    Args:
        tests: name of the folder.
        text: the genome.
        interface: that it has to have when it runs, too.

    Raises:
        Failed: it cannot be imported, or dies or hangs again and again.
    """
    with Genome(text) as genome:
        check(source.changes_when_running(interface, genome.signatures()))
        found = run(FOLDER, tests, genome)
        if genome.lost:
            raise Failed(genome.lost)
        return found


def record(path: Path) -> None:
    """Take a program for the start that genomes are compared with."""
    text = path.read_text(encoding="utf-8")
    interface = source.interface(source.parse(text))
    visible, held_out = (outcomes(tests, text, interface) for tests in TESTS)
    if len(visible) - passed(visible) > len(held_out) - passed(held_out):
        sys.exit("more visible than held-out tests fail, so that 100 cannot be reached")
    both = [*visible, *held_out]
    passing = [one.id for one in both if one.passed]
    START.write_text(text, encoding="utf-8")
    PASSING.write_text("".join(f"{id_}\n" for id_ in passing), encoding="utf-8")
    print(f"{len(passing)} of {len(both)} tests pass at the start")


if __name__ == "__main__":
    main()

"""What a run's numbers depend on is compared before the run goes on."""

from __future__ import annotations

from contextlib import closing
from typing import Any

import pytest

from archive.run_folder import RunError
from evolve.runs.run import begin_run, open_run, reopen_run
from evolve.settings import Settings

SCORED = 'score = ["python", "evaluate.py"]\nsetup = ["sh", "./ready.sh"]\noutput = "out/toy.py"'


@pytest.fixture
def scored(here: Any) -> Any:
    """A run `a`, begun and no more, of a task with a trusted script that `fixed` does not name."""
    program = here.task_folder / "program.md"
    text = program.read_text()
    lines = [line for line in text.splitlines() if not line.startswith(("run", "fixed"))]
    program.write_text("\n".join(["+++", SCORED, *lines[1:]]))
    (here.task_folder / "evaluate.py").write_text("print('---')\n")
    (here.task_folder / "ready.sh").write_text("true\n")
    settings = Settings(task=str(here.task_folder), devices="cpu:0", sandbox="none")
    begin_run(settings, "a", [], print).close()
    return here


def test_a_changed_scoring_script_or_setup_is_refused_by_name(scored: Any) -> None:
    (scored.task_folder / "evaluate.py").write_text("print('---')\n# a comment\n")
    reopen_run("a", {}, print).close()
    (scored.task_folder / "evaluate.py").write_text("print('---', 2)\n")
    with pytest.raises(RunError, match=r"another protocol, .*: file evaluate\.py: was \w+, is \w+"):
        reopen_run("a", {}, print)
    (scored.task_folder / "evaluate.py").write_text("print('---')\n")
    (scored.task_folder / "ready.sh").write_text("true \n")
    with pytest.raises(RunError, match=r"file ready\.sh: was \w+, is \w+\. Restore"):
        reopen_run("a", {}, print)


def test_a_run_that_knew_of_no_scripts_goes_on_and_knows_them_then(scored: Any) -> None:
    with closing(open_run("a")) as run:
        facts = run.record.meta("fingerprint")
        old = {name: value for name, value in facts.items() if not name.startswith("file ")}
        assert old != facts
        run.record.set_meta({"fingerprint": old})
    (scored.task_folder / "evaluate.py").write_text("print('---', 2)\n")
    reopen_run("a", {}, print).close()
    (scored.task_folder / "evaluate.py").write_text("print('---', 3)\n")
    with pytest.raises(RunError, match=r"file evaluate\.py"):
        reopen_run("a", {}, print)


def test_an_output_that_became_a_folder_is_said_before_any_work(scored: Any) -> None:
    (scored.task_folder / "out" / "toy.py").mkdir(parents=True)
    with pytest.raises(RunError, match=r"run a cannot go on: `output` may not be `out/toy\.py`"):
        reopen_run("a", {}, print)


def test_the_seed_that_a_setup_names_is_not_overwritten(scored: Any) -> None:
    (scored.task_folder / "out").mkdir()
    (scored.task_folder / "out" / "toy.py").write_text("GOAL = 1\n")
    (scored.task_folder / "ready.sh").write_text("echo ---\necho seed: out/toy.py\n")
    settings = Settings(task=str(scored.task_folder), devices="cpu:0", sandbox="none")
    with pytest.raises(RunError, match="would overwrite the start"):
        begin_run(settings, "b", [], print)
    assert not scored.run("b").exists()

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from trainer.setup import Ready, SetupError, set_up
from trainer.task import Task


def task_with(toy: Any, script: str, command: str = '["python", "prepare.py"]') -> Task:
    (toy.folder / "prepare.py").write_text(script)
    return toy.write(setup=command)


def test_without_a_setup_the_genome_is_the_seed(toy: Any) -> None:
    assert set_up(toy.write(), print) == Ready("toy.py", {}, {})


def test_the_report_follows_the_last_rule(toy: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    (toy.folder / "small.py").write_text("")
    monkeypatch.setenv("USERS_OWN", "token")
    script = """\
import os, pathlib
assert pathlib.Path("program.md").exists()
print("1 %\\r2 %\\r", end="")
print("reading with", os.environ["USERS_OWN"])
print("---\\nseed: no.py\\n---")
print("seed: small.py\\nenv.DATA: /some where:/x\\nrows: 7")
print("fingerprint.data: ab12\\nfingerprint.torch:2")
"""
    said: list[str] = []
    ready = set_up(task_with(toy, script), said.append)
    assert said[:3] == ["1 %", "2 %", "reading with token"]
    assert said[-1] == "rows: 7"  # no fact, so it is for whoever waits
    assert ready == Ready("small.py", {"DATA": "/some where:/x"}, {"data": "ab12", "torch": "2"})


def test_a_setup_may_name_what_is_masked_and_what_a_referee_holds(toy: Any) -> None:
    report = "print('---\\nmasked.a: /data\\nmasked.b: /more/data')"
    assert set_up(task_with(toy, report), print).masked == (Path("/data"), Path("/more/data"))
    for facts, words in (
        ("referee.folder: /gone", "seq_len"),
        ("referee.folder: /gone\\nreferee.seq_len: x\\nreferee.eval_rows: 3", "referee needs"),
        ("referee.folder: /gone\\nreferee.seq_len: 8\\nreferee.eval_rows: 3", "cannot be read"),
    ):
        with pytest.raises(SetupError, match=words):
            set_up(task_with(toy, f"print('---\\n{facts}')"), print)


def test_a_setup_may_report_nothing(toy: Any) -> None:
    assert set_up(task_with(toy, "print('seed: gone.py')"), print) == Ready("toy.py")


def test_a_failure_shows_command_code_and_last_lines(toy: Any) -> None:
    script = "print('no network')\nraise SystemExit(7)"
    with pytest.raises(
        SetupError, match=r"`python prepare.py` ended with exit code 7:\nno network"
    ):
        set_up(task_with(toy, script), print)


def test_a_command_that_is_not_there(toy: Any) -> None:
    with pytest.raises(SetupError, match="`no-such-program` cannot be started"):
        set_up(task_with(toy, "", '["no-such-program"]'), print)


@pytest.mark.parametrize("seed", ["gone.py", "../toy.py", "/etc/passwd", "lib"])
def test_a_seed_lies_in_the_task(toy: Any, seed: str) -> None:
    with pytest.raises(SetupError, match="seed"):
        set_up(task_with(toy, f"print('---\\nseed: {seed}')"), print)


def test_a_listener_that_fails_ends_the_setup(toy: Any) -> None:
    def fail(line: str) -> None:
        raise KeyError(line)

    with pytest.raises(KeyError, match="hello"):
        set_up(task_with(toy, "import time\nprint('hello', flush=True)\ntime.sleep(600)"), fail)

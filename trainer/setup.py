"""A task's own setup command, which makes its runs ready, and the facts that it reports."""

from __future__ import annotations

import re
import subprocess
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from population.errors import UserError
from trainer.head import check_path
from trainer.prepared_text import PreparedText
from trainer.process import resolve_python
from trainer.summary import RULE
from trainer.task import Task

FACT = re.compile(r"\s*(seed|(?:env|fingerprint|masked|readable|referee)\.[^\s:=]+)\s*:(.*)")
SHOWN = 15  # lines of a failed setup that its error repeats


class SetupError(UserError):
    """A task's setup command failed, or reports what cannot be used."""


@dataclass(frozen=True)
class Ready:
    """The facts that a setup reports; plain data, which a job can carry.

    Attributes:
        seed: Path, within the task's folder, of the seed genome that fits this machine.
        env: Environment variables for every run.
        fingerprint: Facts that results depend on besides the task's files, such as versions and
            data, by name.
        masked: Files and folders that no run may read.
        readable: Files and folders that every run may read besides.
        text: Text that a referee scores with; None if the task has no referee.
    """

    seed: str
    env: Mapping[str, str] = field(default_factory=dict)
    fingerprint: Mapping[str, str] = field(default_factory=dict)
    masked: tuple[Path, ...] = ()
    text: PreparedText | None = None
    readable: tuple[Path, ...] = ()


def set_up(task: Task, say: Callable[[str], None]) -> Ready:
    """Run the task's setup command, if it has one, with the user's own environment.

    It may download and take its time; each line that it prints goes to `say` at once. Below a
    line `---` it may report facts, such as `seed: FILE` and `env.NAME: VALUE`; see `FACT`.

    Raises:
        SetupError: The command cannot be started or fails, or its report cannot be used.
    """
    if not task.setup:
        return Ready(task.start)
    command = resolve_python(task.setup)
    shown = " ".join(task.setup)
    last: deque[str] = deque(maxlen=SHOWN)
    report: list[str] | None = None
    try:
        process = subprocess.Popen(
            command,
            cwd=task.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,  # a carriage return ends a line too, so that a progress bar moves
            errors="replace",
            bufsize=1,
        )
    except OSError as error:
        raise SetupError(f"the setup `{shown}` cannot be started: {error.strerror}") from error
    with process:
        assert process.stdout is not None
        try:
            for line in map(str.rstrip, process.stdout):
                if line.strip() == RULE:
                    report = []
                elif report is not None and FACT.fullmatch(line):
                    report.append(line)
                else:
                    say(line)
                last.append(line)
        except BaseException:
            process.terminate()
            raise
    if process.returncode:
        end = "\n".join(last) or "(it printed nothing)"
        raise SetupError(f"the setup `{shown}` ended with exit code {process.returncode}:\n{end}")
    return _ready(task, report or [], shown)


def _ready(task: Task, report: list[str], shown: str) -> Ready:
    matches = map(FACT.fullmatch, report)
    facts = {match[1]: match[2].strip() for match in matches if match}
    try:
        seed = check_path(facts.pop("seed", task.start), "seed")
    except ValueError as error:
        raise SetupError(f"the setup `{shown}` reports {error}") from error
    if not (task.folder / seed).is_file():
        raise SetupError(
            f"the setup `{shown}` names the seed {seed}, which is not in {task.folder}"
        )
    return Ready(
        seed,
        _under("env.", facts),
        _under("fingerprint.", facts),
        tuple(map(Path, _under("masked.", facts).values())),
        _text(_under("referee.", facts), shown),
        tuple(map(Path, _under("readable.", facts).values())),
    )


def _text(facts: Mapping[str, str], shown: str) -> PreparedText | None:
    if not facts:
        return None
    from trainer.referee.text import TextError  # here: a task without a referee needs none

    try:
        folder = Path(facts["folder"]).absolute()
        text = PreparedText(folder, int(facts["seq_len"]), int(facts["eval_rows"]))
        text.open()  # now, so that what is wrong with it shows before a run begins
    except (KeyError, ValueError) as error:
        raise SetupError(
            f"the setup `{shown}` does not say what a referee needs: {error}"
        ) from error
    except TextError as error:
        raise SetupError(str(error)) from error
    return text


def _under(prefix: str, facts: Mapping[str, str]) -> dict[str, str]:
    return {k.removeprefix(prefix): v for k, v in facts.items() if k.startswith(prefix)}

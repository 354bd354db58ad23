"""A program without its imports: a process that has made them forks itself for each call.

The programs are `python -m evolve` and `python prepare.py`. Each call is a process of its own, with
the arguments, the folder, the environment and the exit code that the command line would have had;
only the seconds for importing the program and its libraries are spent once. Tests that start a
program as a user does are `subprocess.Popen`'s.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import runpy
import select
import subprocess
import sys
import traceback
from pathlib import Path
from types import TracebackType
from typing import Self

ROOT = Path(__file__).parents[1]
TIMEOUT = 300  # seconds for one call


class Warm:
    """The processes that fork, one a program. Each is made by the first call."""

    def __init__(self) -> None:
        self._processes: dict[str, subprocess.Popen[str]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for process in self._processes.values():
            process.communicate()  # its standard input ends, and so does it

    def evolve(
        self, *arguments: str, cwd: Path, env: dict[str, str], scratch: Path
    ) -> subprocess.CompletedProcess[str]:
        """Run `python -m evolve ARGUMENTS` to its end.

        Args:
            arguments: Arguments of the command line.
            cwd: Folder that it runs in.
            env: Its whole environment.
            scratch: Folder for what it prints.
        """
        return self._run("evolve", arguments, cwd, env, scratch)

    def prepare(
        self, *arguments: str, cwd: Path, env: dict[str, str], scratch: Path
    ) -> subprocess.CompletedProcess[str]:
        """Run `python prepare.py ARGUMENTS` to its end; see `evolve`."""
        return self._run("prepare", arguments, cwd, env, scratch)

    def _run(
        self,
        program: str,
        arguments: tuple[str, ...],
        cwd: Path,
        env: dict[str, str],
        scratch: Path,
    ) -> subprocess.CompletedProcess[str]:
        if program not in self._processes:
            self._processes[program] = subprocess.Popen(
                [sys.executable, __file__, program],
                env={**os.environ, "PYTHONPATH": str(ROOT)},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
        process, files = self._processes[program], [scratch / "stdout", scratch / "stderr"]
        assert process.stdin is not None
        assert process.stdout is not None
        call = {"arguments": arguments, "cwd": str(cwd), "env": env, "files": list(map(str, files))}
        print(json.dumps(call), file=process.stdin, flush=True)
        if not select.select([process.stdout], [], [], TIMEOUT)[0]:
            process.kill()
            raise TimeoutError(f"{program} {' '.join(arguments)} does not end")
        code = int(process.stdout.readline())
        output, errors = (path.read_text(encoding="utf-8") for path in files)
        return subprocess.CompletedProcess(arguments, code, output, errors)


def import_evolve() -> None:
    """Import what a call of evolve needs."""
    import evolve.api
    import evolve.cli
    import evolve.models
    import views.heatmap
    import views.progress
    import views.terminal  # noqa: F401

    for name in ("start", *(module for module, *_ in evolve.cli.COMMANDS.values())):
        importlib.import_module(f"evolve.commands.{name}")
    evolve.models.count_tokens("litellm, tiktoken and its vocabulary, too")


def import_prepare() -> None:
    """Import the libraries behind prepare.py; its own modules read the environment of a call."""
    import pyarrow.parquet  # noqa: F401
    import rustbpe  # noqa: F401
    import tiktoken  # noqa: F401
    import torch  # noqa: F401


def serve(program: str) -> None:
    """Fork for each line of standard input, and answer with the exit code of the fork."""
    (import_evolve if program == "evolve" else import_prepare)()
    gc.collect()
    gc.freeze()  # what was imported stays: no fork has to look at it again
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    for line in sys.stdin:
        child = os.fork()
        if not child:
            answers.close()
            become(program, **json.loads(line))
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), file=answers)


def become(
    program: str, arguments: list[str], cwd: str, env: dict[str, str], files: list[str]
) -> None:
    """Be `python -m evolve ARGUMENTS`, or `python prepare.py ARGUMENTS`."""
    for number, path in enumerate([os.devnull, *files]):
        flags = os.O_RDONLY if not number else os.O_WRONLY | os.O_CREAT | os.O_TRUNC
        opened = os.open(path, flags, 0o600)
        os.dup2(opened, number)
        os.close(opened)
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(env)
    sys.argv = [program, *arguments]
    code = 1
    try:
        if program == "evolve":
            runpy.run_module("evolve", run_name="__main__", alter_sys=True)
        else:
            runpy.run_path(str(ROOT / "prepare.py"), run_name="__main__")
            code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 0 if end.code is None else 1
        if isinstance(end.code, str):
            print(end.code, file=sys.stderr)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)  # to take all that was imported down would take longer than most calls


if __name__ == "__main__":
    serve(sys.argv[1])

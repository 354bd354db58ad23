"""An agent's program: its words, its environment, and what of the machine it needs to see."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from evolve.agents.presets import PRESETS, Preset
from evolve.agents.spec import AgentSpec
from evolve.settings import OptionError

CERTIFICATES = ("SSL_CERT_FILE", "SSL_CERT_DIR", "NODE_EXTRA_CA_CERTS", "REQUESTS_CA_BUNDLE")
NETWORK = (  # variables that lead to the network, and say whom to trust there
    *("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"),
    *("http_proxy", "https_proxy", "all_proxy", "no_proxy"),
    *CERTIFICATES,
)
NO_GPU = {"CUDA_VISIBLE_DEVICES": "", "HIP_VISIBLE_DEVICES": "", "ROCR_VISIBLE_DEVICES": ""}
DEPTH = 4  # interpreters of interpreters that are followed


@dataclass(frozen=True)
class Program:
    """How an agent's program is started.

    Attributes:
        words: Words of the command, with `{dir}`, `{brief}` and `{genome}` in them.
        environment: Variables that the agent gets besides those that every child gets.
        readable: Files and folders that it has to read besides the system's.
        login: Files below the user's home of which it gets a copy, as paths from there.
        preset: Preset that it was made of; an empty one for a command of the user's own.
    """

    words: tuple[str, ...]
    environment: Mapping[str, str]
    readable: tuple[Path, ...]
    login: tuple[str, ...]
    preset: Preset

    @property
    def variables(self) -> list[str]:
        """Names of the user's variables that it sees, but for those that lead to the network."""
        return sorted(set(self.environment) - {*NO_GPU, *NETWORK, *self.preset.environment})

    def write_command(self, folder: Path, genome: str) -> list[str]:
        """The command for a session in a folder."""
        places = {"dir": folder, "brief": folder / "BRIEF.md", "genome": folder / genome}
        words = []
        for word in self.words:
            for name, place in places.items():
                word = word.replace(f"{{{name}}}", str(place))
            words.append(word)
        return words


def find_program(
    spec: AgentSpec, variables: Sequence[str], environ: Mapping[str, str], *, sandboxed: bool
) -> Program:
    """Find an agent's program on this machine.

    Args:
        spec: The agent.
        variables: Names of the variables that the user lets every agent see.
        environ: The user's environment.
        sandboxed: Whether its sessions are sandboxed.

    Raises:
        OptionError: The program is not there, or a variable is not set.
    """
    preset = PRESETS[spec.preset] if spec.preset else Preset(words=spec.command)
    missing = [name for name in variables if name not in environ]
    if missing:
        raise OptionError(f"--agent-env names {missing[0]}, which is not set")
    first, *others = preset.words
    path = sys.executable if first == "python" else shutil.which(first, path=environ.get("PATH"))
    if path is None:
        how = f"; install it with `{preset.install}`" if preset.install else ""
        raise OptionError(f"the agent {spec.name} needs the program {first}, not found{how}")
    program = Path(path).absolute()
    if not spec.preset:
        others = [_find_file(word) for word in others]
    more = [*(preset.sandboxed if sandboxed else preset.alone)]
    if spec.model:
        more += [word.replace("{model}", spec.model) for word in preset.model]
    if spec.preset and others:  # the last words are the prompt, or say that there is none
        place = _count_options(others)
        others = [*others[:place], *more, *others[place:]]
    passed = (*NETWORK, *preset.keys, *variables)
    return Program(
        words=(str(program if _find_environment(program) else program.resolve()), *others),
        environment={
            **{name: environ[name] for name in passed if name in environ},
            **preset.environment,
            **NO_GPU,
        },
        readable=tuple(dict.fromkeys(_list_readable(program, others, environ))),
        login=preset.login,
        preset=preset,
    )


def _find_file(word: str) -> str:
    """The whole path of a file of the user's that a word of a command names, such as ./agent.py."""
    return str(Path(word).absolute()) if "/" in word and Path(word).is_file() else word


def _count_options(words: Sequence[str]) -> int:
    """The place before which further options can stand: after the subcommand, if there is one."""
    return next((i for i, word in enumerate(words) if word.startswith("-")), len(words))


def _list_readable(
    program: Path, words: Sequence[str], environ: Mapping[str, str]
) -> Iterator[Path]:
    yield from _list_parts(program, environ, DEPTH)
    trusted = [environ[name] for name in CERTIFICATES if name in environ]
    for path in map(Path, (*words, *trusted)):  # a script that the command names, certificates
        if path.is_absolute() and (path.is_file() or str(path) in trusted) and path.exists():
            yield path
            yield path.resolve()


def _list_parts(link: Path, environ: Mapping[str, str], depth: int) -> Iterator[Path]:
    """What a program consists of: its package or its file, and the interpreter of a script."""
    program, environment = link.resolve(), _find_environment(link)
    if environment is not None:
        yield environment
    if "node_modules" in program.parts:
        yield Path(*program.parts[: program.parts.index("node_modules") + 1])
    elif program.name.startswith("python"):
        yield program.parent.parent  # with its library
    elif environment is None:
        yield program
    interpreter = _find_interpreter(program, environ)
    if interpreter is not None and depth:
        yield from _list_parts(interpreter, environ, depth - 1)


def _find_environment(program: Path) -> Path | None:
    """The virtual environment of Python that a program belongs to."""
    place = program.parent.parent
    return place if (place / "pyvenv.cfg").is_file() else None


def _find_interpreter(program: Path, environ: Mapping[str, str]) -> Path | None:
    """The interpreter that the first line of a script names."""
    try:
        with open(program, "rb") as file:
            line = file.readline(4096)
    except OSError:
        return None
    if not line.startswith(b"#!"):
        return None
    words = os.fsdecode(line[2:].strip()).split()
    if words and Path(words[0]).name == "env":
        words = [word for word in words[1:] if not word.startswith("-")]
        found = shutil.which(words[0], path=environ.get("PATH")) if words else None
        return None if found is None else Path(found)
    return Path(words[0]) if words else None

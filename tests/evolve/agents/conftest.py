"""Sessions of scripted agents: each is a small Python program that works in its folder."""

from __future__ import annotations

import itertools
import os
import textwrap
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from archive.rows import ModelCall
from evolve.agents import AgentReply, AgentSpec, Assignment
from evolve.agents.configuration import ConfiguredAgent
from evolve.agents.pool import AgentPool
from evolve.agents.programs import find_program
from evolve.models import CostBudget, ModelError, Price
from trainer.sandbox import Sandbox, find_sandbox

SOURCE = "RATE = 0.1\nprint(RATE)\n"
START = """
import json, os, pathlib, signal, sys, time
genome = pathlib.Path("train.py")

def change():
    genome.write_text(genome.read_text().replace("0.1", "0.2"))

def report(**more):
    print(json.dumps({"type": "result", "subtype": "success", "is_error": False, **more}))
"""


@dataclass
class Held:
    """What came of a session.

    Attributes:
        call: The session as the record keeps it.
        error: Why it failed; empty if it did not.
        pool: The pool that it was held in.
        log: Its transcript.
    """

    call: ModelCall
    error: str
    pool: AgentPool
    log: Path

    @property
    def reply(self) -> AgentReply:
        return AgentReply.read(self.call.reply)

    @property
    def may_begin(self) -> bool:
        """Whether its agent may begin another session at once."""
        return self.pool.list_unavailable() == ()


@pytest.fixture(scope="session")
def sandbox() -> Sandbox:
    return find_sandbox("auto")


@pytest.fixture
def open_pool(tmp_path: Path, sandbox: Sandbox) -> Callable[..., AgentPool]:
    """Opens a pool of agents by their options; each ends after some seconds."""
    numbers = itertools.count()

    def open_it(
        *agents: str,
        seconds: float = 30.0,
        notice: float = 0.5,
        env: dict[str, str] | None = None,
        see: tuple[str, ...] = (),
        login: tuple[str, ...] = (),
        price: Price | None = None,
        budget: CostBudget | None = None,
        most: int | None = None,
        level: Sandbox = sandbox,
    ) -> AgentPool:
        environ = {**os.environ, "HOME": str(tmp_path / "home"), **(env or {})}
        specs = [AgentSpec.parse(text) for text in agents]
        logs = tmp_path / f"logs{next(numbers)}"
        programs = [find_program(one, see, environ, sandboxed=level.protects) for one in specs]
        return AgentPool(
            [
                ConfiguredAgent(spec, replace(program, login=login), price)
                for spec, program in zip(specs, programs, strict=True)
            ],
            sandbox=level,
            budget=budget or CostBudget(None),
            seconds=seconds,
            find_log=lambda number: logs / f"agent-p{number}.log",
            most=most,
            notice=notice,
            environ=environ,
        )

    return open_it


@pytest.fixture
def write_agent(tmp_path: Path) -> Callable[..., str]:
    """Writes an agent's program; returns its option."""
    numbers = itertools.count()

    def write(body: str, name: str = "scripted") -> str:
        path = tmp_path / f"agent{next(numbers)}.py"
        path.write_text(START + textwrap.dedent(body))
        path.chmod(0o644)
        return f"{name}=python {path}"

    return write


@pytest.fixture
def hold(
    write_agent: Callable[..., str], open_pool: Callable[..., AgentPool]
) -> Callable[..., Held]:
    """Holds one session of an agent whose program is given."""

    def hold_it(body: str, *, others: dict[str, str] | None = None, **options: object) -> Held:
        pool = open_pool(write_agent(body), **options)
        return _hold_session_of(pool, "scripted", others)

    return hold_it


@pytest.fixture
def hold_session_of() -> Callable[..., Held]:
    """Holds one session of an agent of a pool, by its name."""
    return _hold_session_of


def _hold_session_of(pool: AgentPool, name: str, others: dict[str, str] | None = None) -> Held:
    calls: list[ModelCall] = []
    assignment = Assignment("train.py", "python", SOURCE, "The brief.", others or {})
    pool.begin(name)
    try:
        call, error = pool.work(name, 7, assignment, calls), ""
    except ModelError as failed:
        call, error = failed.call, str(failed)
    return Held(call, error, pool, pool.find_log(7))

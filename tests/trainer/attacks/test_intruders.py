"""Genomes that reach for what is outside: each file says for what. Refused, most train honestly."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psutil
import pytest

from population import Status
from trainer.sandbox import SandboxError, find_sandbox

GENOMES = Path(__file__).with_name("intruders")
BOMBS = {"fork_bomb", "memory_bomb", "disk_filler"}
QUICK = {"validation_package", "network", "sealed_files", "memory_bomb"}
SHARE = 24  # so many children share the memory: less than a gigabyte for each
NAMES = sorted(path.stem for path in GENOMES.glob("*.py"))


def trials() -> list[Any]:
    """Every intruder at both levels; the quick ones at the strongest by default."""
    return [
        pytest.param(name, level, marks=[] if level == "auto" else pytest.mark.slow)
        for name in NAMES
        for level in (["auto"] * (name in QUICK) + ["bwrap", "landlock"])
    ]


@pytest.mark.parametrize(("name", "level"), trials())
def test_an_intruder_reaches_nothing(arena: Any, name: str, level: str) -> None:
    try:
        sandbox = find_sandbox(level)
    except SandboxError as error:
        pytest.skip(str(error))
    source = (GENOMES / f"{name}.py").read_text(encoding="utf-8")
    result = arena.measure(source, sandbox=sandbox, slots=SHARE)
    said = arena.log.read_text(encoding="utf-8", errors="replace")[-1500:]
    if name in BOMBS:
        assert result.status in (Status.CRASH, Status.OOM, Status.TIMEOUT), said
        assert result.fitness is None
    else:
        assert (result.status, result.reason) == (Status.OK, ""), said
    assert arena.log.stat().st_size < 5 << 20
    assert not [
        p for p in psutil.process_iter(["cmdline"]) if "lingers-on" in (p.info["cmdline"] or [])
    ]

"""Boxes: at the strongest level of the sandbox that works here, or at each."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from trainer.sandbox import SandboxError, find_sandbox
from trainer.scoring import Box


@pytest.fixture
def environment(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, str]:
    """What the trainer tells a scoring script; a test may be run for several levels."""
    try:
        sandbox = find_sandbox(getattr(request, "param", "auto"))
    except SandboxError as error:
        pytest.skip(str(error))
    return {
        "PATH": os.environ["PATH"],
        "TMPDIR": str(tmp_path),
        "TRAINER_SANDBOX": sandbox.level,
        "TRAINER_BWRAP": sandbox.program,
        "TRAINER_MEMORY": str(1 << 30),
    }


@pytest.fixture
def box(environment: dict[str, str]) -> Iterator[Box]:
    with Box(environment) as box:
        yield box

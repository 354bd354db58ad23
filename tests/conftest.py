"""What tests of several rooms use."""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import settings

BROWSER = "chromium"
# no sandbox: root, which tests may be, has none; the rest is traffic that Chromium makes by itself
BROWSER_OPTIONS = (
    *("--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync"),
)
# how long an example takes says something of the machine and nothing of the program
settings.register_profile("any machine", deadline=None)
settings.load_profile("any machine")


def loaded(path: Path, name: str) -> ModuleType:
    """A file beside the tests as a module of that name."""
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def load() -> Callable[[Path, str], ModuleType]:
    """Imports a file by its path."""
    return loaded


@pytest.fixture(scope="session")
def scripted() -> ModuleType:
    """evolve/chat_server.py, with ready-made replies."""
    return loaded(Path(__file__).parent / "evolve" / "chat_server.py", "chat_server")


@pytest.fixture(scope="session")
def serve(scripted: ModuleType) -> Iterator[Callable[[Callable[[Any], Any]], Any]]:
    """Starts chat servers that live until the last test; see chat_server.py for the scripts."""
    with ExitStack() as stack:
        yield lambda script: stack.enter_context(scripted.ChatServer(script))


@pytest.fixture
def chat(scripted: ModuleType) -> Iterator[Callable[[Callable[[Any], Any]], Any]]:
    """Starts chat servers that live as long as the test; see chat_server.py for the scripts."""
    with ExitStack() as stack:
        yield lambda script: stack.enter_context(scripted.ChatServer(script))


@pytest.fixture(scope="session")
def warm() -> Iterator[Any]:
    """Runs a program in a process of its own, without its imports; see warm.py."""
    with loaded(Path(__file__).with_name("warm.py"), "warm").Warm() as process:
        yield process


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """A headless browser: the system's Chromium, or the one that CHROMIUM names."""
    path = os.environ.get("CHROMIUM")  # with it no test is skipped
    if path is None:
        pytest.importorskip("playwright.sync_api", reason="pip install -e '.[test]' has playwright")
        path = shutil.which(BROWSER)
    if path is None:
        pytest.skip(
            f"there is no {BROWSER} on the PATH: apt install chromium, or name it by CHROMIUM=FILE"
        )
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=[*BROWSER_OPTIONS])
        yield browser
        browser.close()

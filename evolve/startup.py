"""How the program starts, and what can be in its way. Only the standard library is used."""

from __future__ import annotations

import importlib.util
import io
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
ROOMS = ("archive", "evolve", "population", "prepare", "trainer", "views")
SET_UP = "`./go setup` makes an environment in .venv, and `./go` uses it; or: pip install -e ."


def describe_import_error(error: ImportError) -> str | None:
    """One sentence on an import that failed, with the way out; None if it is a defect of ours.

    Args:
        error: The error.
    """
    if shadows := find_shadows():
        files = ", ".join(str(path) for path in shadows)
        return (
            f"{files} is imported in place of a module of the same name, since `python -m` looks "
            "into the current folder first; start `evolve` instead, or from another folder"
        )
    if "git executable" in str(error):
        return (
            "git is missing, which keeps the genomes; install it (Debian, Ubuntu: sudo apt install "
            "git; macOS: xcode-select --install)"
        )
    if isinstance(error, ModuleNotFoundError) and error.name:
        package = error.name.partition(".")[0]
        if package not in ROOMS:
            return f"the package {package} is not installed for {sys.executable}: {SET_UP}"
    return None


def find_shadows() -> list[Path]:
    """Files of the current folder that stand in for modules of ours or of Python."""
    here = Path.cwd()
    if here == ROOT or (sys.path and Path(sys.path[0] or ".").resolve() != here):
        return []
    names = [name for name in ROOMS if _is_found_in(here, name)]
    own = {path.stem: path for path in here.glob("*.py")}
    return [here / name for name in names if name not in own] + [
        path for name, path in own.items() if name in names or name in sys.stdlib_module_names
    ]


def _is_found_in(folder: Path, name: str) -> bool:
    try:
        spec = importlib.util.find_spec(name)
    except (ImportError, ValueError):
        return False
    return spec is not None and spec.origin is not None and folder in Path(spec.origin).parents


def make_printable() -> None:
    """Let every text be printed anywhere, with replacements for what an encoding lacks."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")

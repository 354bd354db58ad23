"""The documentation inside the installed Python and its packages: English prose, no download."""

from __future__ import annotations

import ast
import gc
import inspect
import platform
import sysconfig
from argparse import Namespace
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Self

import numpy as np
import torch

from corpus.sources.base import Corpus, TextSource, hash_text

# Whole packages of the standard library that no genome needs, so that a sandbox can hide them. The
# rest of the library and these packages are the training text.
VALIDATION_PACKAGES = ("pydoc_data", "idlelib", "tkinter", "turtledemo")
TRAINING_PACKAGES = (torch, np)
SKIPPED_FOLDERS = {"test", "tests", "site-packages", "dist-packages", *VALIDATION_PACKAGES}
SHORTEST = 40  # characters of a docstring that is worth reading


class Offline(TextSource):
    """Docstrings and help topics of this machine's Python, some 10 MB."""

    name = "offline"
    about = "the documentation of the installed Python packages"

    @classmethod
    def from_options(cls, value: str, options: Namespace) -> Self:
        return cls()

    def signature(self) -> str:
        versions = (f"{package.__name__} {package.__version__}" for package in TRAINING_PACKAGES)
        return ", ".join((f"python {platform.python_version()}", *versions))

    def read(self) -> Corpus:
        library = Path(sysconfig.get_path("stdlib"))
        roots = [library, *(Path(str(package.__file__)).parent for package in TRAINING_PACKAGES)]
        seen: set[int] = set()
        val = _read_validation(library, seen)
        train = _read_training(roots, seen)
        size = sum(map(len, train)) + sum(map(len, val))
        description = f"offline: {self.signature()}"
        return Corpus(description, size, lambda: iter(train), lambda: iter(val))

    def masked_paths(self) -> Sequence[Path]:
        pythons = {Path(sysconfig.get_path("stdlib"))}
        for prefix in ("/usr/lib", "/usr/local/lib"):
            pythons.update(Path(prefix).glob("python3*"))
        folders = (python / package for python in pythons for package in VALIDATION_PACKAGES)
        return sorted(folder for folder in folders if folder.is_dir())


def _read_validation(library: Path, seen: set[int]) -> list[str]:
    """The help topics and the docstrings of the validation packages, in a random order."""
    from pydoc_data import topics

    documents = _drop_seen((topics.topics[name].strip() for name in sorted(topics.topics)), seen)
    for package in VALIDATION_PACKAGES:
        for path in sorted((library / package).rglob("*.py")):
            documents += _drop_seen(read_docstrings(path), seen)
    documents.sort(key=hash_text)  # so that a part of it is a fair sample
    return documents


def _read_training(roots: Iterable[Path], seen: set[int]) -> list[str]:
    """One document for each file that has docstrings which are not in `seen`."""
    files = [
        path
        for root in roots
        for path in sorted(root.rglob("*.py"))
        if not SKIPPED_FOLDERS.intersection(path.relative_to(root).parts)
    ]
    print(f"reading the documentation in {len(files)} files ...", flush=True)
    gc.disable()  # syntax trees hold no garbage, and looking for it takes half of the time
    documents = ["\n\n".join(_drop_seen(read_docstrings(path), seen)) for path in files]
    gc.enable()
    return [text for text in documents if text]


def _drop_seen(texts: Iterable[str], seen: set[int]) -> list[str]:
    """The texts that are new, but for case and white space; all of them are added to `seen`."""
    keys = {hash_text(" ".join(text.lower().split())): text for text in texts}
    new = [text for key, text in keys.items() if key not in seen]
    seen.update(keys)
    return new


def read_docstrings(path: Path) -> list[str]:
    """Docstrings of a module, its classes and functions, and those that calls attach.

    torch and numpy attach many of theirs by a call, such as `add_docstr(function, "...")`.
    """
    try:
        tree = ast.parse(path.read_bytes())
    except (SyntaxError, ValueError):  # a template, or written for another Python
        return []
    found = [ast.get_docstring(tree)]

    def visit(body: Sequence[ast.stmt]) -> None:
        for node in body:
            if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                found.append(ast.get_docstring(node))
                visit(node.body)
            elif isinstance(node, ast.If | ast.Try | ast.With):
                visit(node.body)
            elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
                values = (x.value for x in ast.walk(node) if isinstance(x, ast.Constant))
                long = (x for x in values if isinstance(x, str) and len(x) > 200)
                found.extend(map(inspect.cleandoc, long))

    visit(tree.body)
    return [text for text in found if text and len(text) >= SHORTEST]

"""The names that code binds and uses."""

from __future__ import annotations

import pytest

from evolve.genome.names import list_bound_names, list_used_names


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("RATE = 0.1  # a\n", {"RATE"}),
        ("a, (b, c) = 1, (2, 3)\n", {"a", "b", "c"}),
        ("x: int = 1\n", {"x"}),
        ("    def helper(self):\n        inner = 1\n", {"helper"}),
        ("@cache\nclass Block:\n    size = 1\n", {"Block"}),
        ("import torch.nn\nimport numpy as np\nfrom math import pi as p, e\n",
         {"torch", "np", "p", "e"}),
        ("print(RATE)\n", set()),
        ("no python at all", set()),
    ],
)  # fmt: skip
def test_bound_names(text: str, names: set[str]) -> None:
    assert list_bound_names(text) == names


def test_used_names_are_those_that_are_read() -> None:
    source = "A = B\nc.d = e\n\n\ndef f(x=g):\n    return x.h\n"
    assert list_used_names(source) == {"B", "c", "d", "e", "g", "x", "h"}

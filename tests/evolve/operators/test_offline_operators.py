"""The offline operators: what they may touch of a genome, and that everything else stays."""

from __future__ import annotations

import ast
import keyword
from collections.abc import Callable, Container
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evolve.genome import (
    RefusedError,
    find_constants,
    find_definitions,
    find_literals,
    identify,
    replace_spans,
)
from evolve.operators import Context, Parent, ProposalError
from evolve.operators.perturb import Perturb, perturb_literal
from evolve.operators.recombine import Recombine
from population import Direction, Individual

# `1if x else 2` is meant: a literal may end where a word begins.
pytestmark = pytest.mark.filterwarnings("ignore::SyntaxWarning")

SOURCE = '''\
"""Ünicode before it all: 3."""
import os
from math import pi  # 7

WIDTH, HEIGHT = 3, 4
SIZE: int = 2**18  # tokens, 5
é = "é"; RATE = 3e-4; BETAS = (0.9, -0.95)
FLAG = not True
DEPTHS = {"é": [1, 2], "b": (  # 9
    10,
)}
NAME = f"""
 {16} {17:>5}
"""
lower = 11
FAST = lambda x=12: x + 13


@decorated(14)
@other
class Net:
    WIDTH = 15

    def f(self): return 1  # 18


async def go(): pass
def gone(): pass; X = 19
if True:
    INNER = 20
'''


def context(seed: int, screen: Callable[[str], None] = lambda source: None) -> Context:
    return Context(task=None, rng=np.random.default_rng(seed), screen=screen)  # type: ignore[arg-type]


def parent(source: str, number: int = 0) -> Parent:
    return Parent(Individual(number, "c", (), "seed", "", 0, Direction.MINIMIZE), source)


def refuse(source: str, known: Container[str]) -> None:
    if identify(source, "python").exact in known:
        raise RefusedError("known")


# -- spans ----------------------------------------------------------------------------------------


def test_literals_are_those_of_capitalised_module_constants() -> None:
    found = [(x.name, x.value, x.exponent) for x in find_literals(SOURCE)]
    assert found == [
        *(("SIZE", 18, True), ("RATE", 3e-4, False), ("BETAS", 0.9, False)),
        *(("BETAS", 0.95, False), ("FLAG", True, False), ("DEPTHS", 1, False)),
        *(("DEPTHS", 2, False), ("DEPTHS", 10, False), ("FAST", 12, False), ("FAST", 13, False)),
    ]


def test_spans_are_exact() -> None:
    data = SOURCE.encode()
    for literal in find_literals(SOURCE):
        span = literal.span
        assert data[span.start : span.end].decode() == span.text
        assert ast.literal_eval(span.text) == literal.value
    for part in (find_constants(SOURCE), find_definitions(SOURCE)):
        for span in part.values():
            assert data[span.start : span.end].decode() == span.text
            ast.parse(span.text)


def test_definitions_hold_their_decorators() -> None:
    found = find_definitions(SOURCE)
    assert list(found) == ["Net", "go", "gone"]
    assert found["Net"].text.startswith("@decorated(14)\n@other\nclass Net:\n    WIDTH = 15")
    assert found["Net"].text.endswith("return 1"), "a comment at the end belongs to the file"
    assert find_constants(SOURCE)["SIZE"].text == "SIZE: int = 2**18"
    assert find_constants(SOURCE)["BETAS"].text == "BETAS = (0.9, -0.95)"


def test_what_is_expected_of_a_change_is_noted() -> None:
    first, second = parent("A = 1\nB = 2\n"), parent("A = 3\nB = 4\n", 1)
    assert Perturb().propose([first], context(0)).notes.startswith("expected: ")
    assert Recombine().propose([first, second], context(0)).notes.startswith("expected: ")


@pytest.mark.parametrize("depth", [3000, 100_000])
def test_a_parent_that_nests_too_deep_is_a_reason_in_words(depth: int) -> None:
    deep = parent(f"A = 1\nx = {'-' * depth}1\n")
    with pytest.raises(ProposalError, match="no Python"):
        Perturb().propose([deep], context(0))
    with pytest.raises(ProposalError, match="no Python"):
        Recombine().propose([deep, parent("A = 2\n")], context(0))


@pytest.mark.parametrize("power", ["2**18", "10**-18", "(3 * 7) ** (18)", "2.0**18"])
def test_a_power_varies_by_its_exponent_alone(power: str) -> None:
    texts = set()
    for seed in range(12):
        child = Perturb().propose([parent(f"SIZE = {power}\n")], context(seed)).source
        texts.add(child.strip())
    assert texts == {f"SIZE = {power.replace('18', other)}" for other in ("17", "19")}


names = st.sampled_from(["A", "BETA_2", "É", "lower", "Mixed", "_", "Z9", "if_"])
leaf = st.one_of(
    st.integers(0, 10**25).map(str),
    st.integers(0, 255).map(hex),
    st.floats(0, allow_infinity=False, allow_nan=False).map(repr),
    st.sampled_from(["True", "False", "None", "'é7'", "x1", "1e999", "1_000", "10**400", "3j"]),
    st.sampled_from(["f'{5}'", 'f"""\n{6}"""', "b'8'", "0x_ff", "1.", ".5e3", "99" * 200]),
)
values = st.recursive(
    leaf,
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map(lambda x: f"({', '.join(x)},)"),
        st.lists(inner, max_size=3).map(lambda x: "[\n" + ", # 4\n".join(x) + "]"),
        st.tuples(inner, st.sampled_from(["+", "**", "<", "//", "or"]), inner).map(
            lambda x: f"({x[0]} {x[1]}\n {x[2]})"
        ),
        inner.map(lambda x: f"{{'é': {x}}}"),
        inner.map(lambda x: f"(-{x})"),
        inner.map(lambda x: f"1if({x})else 2"),
        inner.map(lambda x: f"(lambda: {x})"),
    ),
    max_leaves=6,
)
statements = st.one_of(
    st.tuples(names, values).map(lambda x: f"{x[0]} = {x[1]}  # 1 é"),
    st.tuples(names, values).map(lambda x: f"{x[0]}: int = {x[1]}"),
    st.tuples(names, names, values).map(lambda x: f"é = 'é'; {x[0]} = {x[2]}; {x[1]} = 5"),
    st.tuples(names, values).map(lambda x: f"@dec({x[1]})\nclass {x[0]}:\n    A = 3\n"),
    st.tuples(names, values).map(lambda x: f"def {x[0]}(a={x[1]}):\n\treturn 4"),
    st.tuples(names, values).map(lambda x: f"if 1:\n  {x[0]} = {x[1]}"),
    st.sampled_from(
        ["# 12 é", "", "\x0c", "import os", "B = C = 7", "B += 1", "D: int", '"""é"""']
    ),
)
programs = st.lists(statements, max_size=6).map(lambda x: "\n".join(x) + "\n")
programs = programs | programs.map(lambda text: text.replace("\n", "\r\n"))


class _Mask(ast.NodeTransformer):
    """Masks the numbers and truth values in capitalised module constants, and nothing else."""

    def masked(self, source: str) -> str:
        tree = ast.parse(source)
        for node in tree.body:
            match node:
                case ast.Assign(targets=[ast.Name(name)]) | ast.AnnAssign(target=ast.Name(name)):
                    if name.isupper() and node.value is not None:
                        node.value = self.visit(node.value)
        return ast.dump(tree)

    def visit_Constant(self, node: ast.Constant) -> ast.Constant:
        if isinstance(node.value, (int, float)):
            node.value = 0
        return node


@settings(max_examples=250, deadline=None)
@given(programs, st.integers(0, 2**32))
def test_perturb_changes_only_literals_of_constants(source: str, seed: int) -> None:
    found = find_literals(source)
    for literal in found:
        assert ast.literal_eval(literal.span.text) == literal.value
    if not found:
        with pytest.raises(ProposalError, match="no capitalised module-level constant"):
            Perturb().propose([parent(source)], context(seed))
        return
    proposal = Perturb().propose([parent(source)], context(seed))
    assert proposal.source != source
    mask = _Mask().masked
    assert mask(proposal.source) == mask(source)
    # Between the literals, every character is as it was: comments, layout and line ends too.
    gaps = replace_spans(source, [(x.span, "") for x in found])
    assert (
        replace_spans(proposal.source, [(x.span, "") for x in find_literals(proposal.source)])
        == gaps
    )
    assert len(proposal.description.split(", ")) <= 3
    assert all(" -> " in change for change in proposal.description.split(", "))


@settings(max_examples=150, deadline=None)
@given(programs, programs, st.integers(0, 2**32))
def test_recombine_takes_each_part_from_one_of_its_parents(
    first: str, second: str, seed: int
) -> None:
    def parts(source: str) -> dict[tuple[str, str], str]:
        return {
            (kind, name): span.text
            for kind, found in (("c", find_constants(source)), ("d", find_definitions(source)))
            for name, span in found.items()
        }

    ours, theirs = parts(first), parts(second)
    differing = [key for key in ours if key in theirs and ours[key] != theirs[key]]
    if len(differing) < 2:
        with pytest.raises(ProposalError, match="differ in fewer than two"):
            Recombine().propose([parent(first), parent(second, 1)], context(seed))
        return
    child = Recombine().propose([parent(first), parent(second, 1)], context(seed)).source
    ast.parse(child)
    found = parts(child)
    assert found.keys() == ours.keys()
    for key, text in found.items():
        assert text in {ours[key], theirs.get(key)}
        assert text == ours[key] or key in differing


def test_recombine_needs_a_screen_to_be_new() -> None:
    first, second = "A = 1\nB = (2 +\n 3)\n", "A = 5\nB = 7\n"
    known = {identify(first, "python").exact, identify(second, "python").exact}
    children = {
        Recombine()
        .propose([parent(first), parent(second, 1)], context(n, partial(refuse, known=known)))
        .source
        for n in range(20)
    }
    assert children == {"A = 5\nB = (2 +\n 3)\n", "A = 1\nB = 7\n"}
    known |= {identify(child, "python").exact for child in children}
    with pytest.raises(ProposalError, match="nothing new: known"):
        Recombine().propose(
            [parent(first), parent(second, 1)], context(0, partial(refuse, known=known))
        )


def test_what_is_no_python_is_refused_in_words() -> None:
    with pytest.raises(ProposalError, match="genome 3 is no Python"):
        Perturb().propose([parent("A = (", 3)], context(0))
    with pytest.raises(ProposalError, match="no Python"):
        Recombine().propose([parent("A = 1"), parent("A = (", 1)], context(0))


def test_equal_generators_make_equal_children() -> None:
    def children(seed: int) -> list[str]:
        rng = context(seed)
        return [Perturb().propose([parent(SOURCE)], rng).source for _ in range(5)]

    assert children(1) == children(1) != children(2)


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("0.95", 0.5, 1.0),
        ("0.9999", 0.99, 1.0),
        ("3e-4", 1e-5, 1e-2),
        ("0.0", 1e-3, 1.0),
        ("768", 384, 1536),
        ("1024", 512, 2048),
        ("1", 0, 2),
        ("0", 1, 1),
    ],
)
def test_values_stay_in_a_sensible_range(text: str, low: float, high: float) -> None:
    (literal,) = find_literals(f"A = {text}\n")
    rng = np.random.default_rng(0)
    drawn = [ast.literal_eval(perturb_literal(literal, rng)) for _ in range(300)]
    assert {type(value) for value in drawn} == {type(literal.value)}
    assert sum(low <= value <= high for value in drawn) >= 270
    assert all(value >= 0 for value in drawn)
    if text == "0.9999":
        assert sum(value < 1 for value in drawn) == 300, "a decay rate does not become 1"
    if text == "768":
        assert all(value % 16 == 0 for value in drawn), "widths keep their grain"


def test_the_seed_genomes_of_this_repository_can_be_perturbed() -> None:
    seeds = list(Path(__file__).parents[3].glob("train*.py"))
    assert seeds
    for seed in seeds:
        source = seed.read_text()
        assert len(find_literals(source)) >= 5
        assert all(
            name.isupper() and not keyword.iskeyword(name) for name in find_constants(source)
        )
        for n in range(20):
            compile(Perturb().propose([parent(source)], context(n)).source, str(seed), "exec")


fragments = st.sampled_from(
    [
        *("A", "RATE", "lower", " = ", ": int = ", "1", "0.5", "-", "**", "(", ")", ", ", "[", "]"),
        *("True", "None", "'é'", "f'{2}'", "\n", "\r", "\r\n", ";", "#", "\x0c", "\u2028", "\\"),
        *("\0", "é"),
    ]
)
texts = st.text(max_size=40) | st.lists(fragments, max_size=14).map("".join)


@settings(max_examples=300, deadline=None)
@given(texts)
def test_literals_are_exact_in_any_python_and_refused_in_any_other_text(text: str) -> None:
    try:
        ast.parse(text)
    except (SyntaxError, ValueError):  # Python 3.11 has a ValueError for a null byte
        with pytest.raises((SyntaxError, ValueError)):
            find_literals(text)
        return
    data = text.encode()
    for literal in find_literals(text):
        span = literal.span
        assert data[span.start : span.end].decode() == span.text
        assert ast.literal_eval(span.text) == literal.value

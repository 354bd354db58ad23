"""Whose changes still stand in a genome."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from evolve.genome.blame import Standing, Version, find_standing

SEED = "A = 1\nB = 1\nC = 1\n\ndef f():\n    return 1\n"


def family(**texts: str) -> dict[int, Version]:
    """Genomes that each descend from the one before, but for the seed: by their numbers."""
    return {
        number: Version((number - 1,) if number else (), text)
        for number, text in enumerate(texts.values())
    }


def test_the_last_one_who_wrote_a_line_has_it_and_nobody_whose_line_is_gone() -> None:
    versions = family(
        seed=SEED,
        first=SEED.replace("A = 1", "A = 2").replace("B = 1", "B = 2"),
        second=SEED.replace("A = 1", "A = 2").replace("B = 1", "B = 3"),
        third=SEED.replace("A = 1", "A = 4").replace("B = 1", "B = 3"),
    )
    assert find_standing(versions, 0, 3) == {
        2: Standing(("B = 3",), 1, 0),
        3: Standing(("A = 4",), 1, 0),
    }
    assert find_standing(versions, 0, 2) == {
        1: Standing(("A = 2",), 2, 0),
        2: Standing(("B = 3",), 1, 0),
    }


def test_what_was_taken_back_does_not_stand() -> None:
    versions = family(
        seed=SEED,
        there=SEED.replace("C = 1", "C = 2"),
        back=SEED,
        other=SEED.replace("A = 1", "A = 2"),
    )
    assert find_standing(versions, 0, 2) == {}
    assert list(find_standing(versions, 0, 3)) == [3]


def test_a_removal_stands_until_the_lines_are_back() -> None:
    without = SEED.replace("B = 1\n", "")
    versions = family(seed=SEED, cut=without, more=without + "print(A)\n", back=SEED + "print(A)\n")
    assert find_standing(versions, 0, 2) == {
        1: Standing((), 0, 1),
        2: Standing(("print(A)",), 1, 0),
    }
    assert list(find_standing(versions, 0, 3)) == [2]


def test_the_removal_of_what_only_an_ancestor_had_leaves_nothing() -> None:
    versions = family(seed=SEED, grown=SEED + "extra = 1\n", cut=SEED)
    assert find_standing(versions, 0, 2) == {}


def test_a_child_of_two_has_lines_of_both_and_counts_only_for_its_own() -> None:
    first, second = SEED.replace("A = 1", "A = 2"), SEED.replace("    return 1", "    return 2")
    cut = second.replace("B = 1\n", "")
    both = first.replace("    return 1", "    return 2").replace("B = 1\n", "")
    versions = {
        0: Version((), SEED),
        1: Version((0,), first),
        2: Version((0,), second),
        3: Version((2,), cut),
        4: Version((1, 3), both),
        5: Version((3, 1), both + "new = 1\n"),
    }
    expected = {
        1: Standing(("A = 2",), 1, 0),
        2: Standing(("    return 2",), 1, 0),
        3: Standing((), 0, 1),
    }
    assert find_standing(versions, 0, 4) == expected
    assert find_standing(versions, 0, 5) == {**expected, 5: Standing(("new = 1",), 1, 0)}


def test_lines_of_another_seed_are_that_ones() -> None:
    other = "X = 1\nY = 1\n"
    versions = {
        0: Version((), SEED),
        1: Version((), other),
        2: Version((1,), other.replace("Y = 1", "Y = 2")),
        3: Version((0, 2), SEED + "X = 1\nY = 2\n"),
    }
    assert find_standing(versions, 0, 3) == {
        1: Standing(("X = 1",), 2, 0),
        2: Standing(("Y = 2",), 1, 0),
    }


texts = st.lists(st.sampled_from("abcd"), max_size=6).map("\n".join)


@given(texts, st.lists(texts, min_size=1, max_size=5))
def test_everything_that_was_added_has_one_writer_who_wrote_it(seed: str, steps: list[str]) -> None:
    versions = {0: Version((), seed)} | {
        number: Version((number - 1,), text) for number, text in enumerate(steps, 1)
    }
    last = len(steps)
    standing = find_standing(versions, 0, last)
    assert 0 not in standing
    for number, one in standing.items():
        written = versions[number].text.splitlines()
        assert all(line in written for line in one.lines)
        assert len(one.lines) <= one.written <= len(written)
    gone = [line for one in standing.values() for line in one.lines]
    assert all(gone.count(line) <= versions[last].text.splitlines().count(line) for line in gone)
    if steps[-1] == seed:
        assert standing == {}


@given(texts, texts)
def test_of_one_step_all_that_it_wrote_stands(seed: str, text: str) -> None:
    standing = find_standing({0: Version((), seed), 1: Version((0,), text)}, 0, 1)
    assert all(len(one.lines) == one.written for one in standing.values())
    assert bool(standing) == (seed.splitlines() != text.splitlines())

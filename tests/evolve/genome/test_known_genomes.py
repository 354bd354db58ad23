"""What is known of the genomes that were tried, now and earlier."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from evolve.genome.known_genomes import KnownGenomes

HASHES = st.sampled_from(["", *"abcdef"])


@given(st.lists(st.tuples(HASHES, HASHES), max_size=12), st.data())
def test_what_was_known_earlier_is_what_the_genomes_until_then_have(
    genomes: list[tuple[str, str]], data: st.DataObject
) -> None:
    known, count = KnownGenomes(genomes), data.draw(st.integers(0, len(genomes)))
    assert len(known) == len(genomes)
    for text in ["", *"abcdef"]:
        then = any(text and text in genome for genome in genomes[:count])
        assert (text in known.as_of(count)) == then
        assert (text in known) == any(text and text in genome for genome in genomes)


def test_an_earlier_view_stays_as_it_was() -> None:
    known = KnownGenomes([("a", "b")])
    before = known.as_of(len(known))
    known.add("c", "d")
    assert "c" in known
    assert "c" not in before
    assert "b" in before

"""A session's reply is read from the record as it was written, to the letter of the genome."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from evolve.agents import AgentReply

LINES = st.sampled_from(
    ["===== genome =====", "===== said =====", " ===== no child =====", "x = 1", "", "?"]
)
TEXTS = st.lists(LINES, max_size=5).map("\n".join)


@given(st.none() | TEXTS | st.text(), TEXTS, TEXTS)
@example("===== genome =====\n", "===== genome =====", "===== genome =====")
def test_what_is_written_is_read(source: str | None, notes: str, said: str) -> None:
    reply = AgentReply(source, notes.strip(), said.strip(), ("a.txt", "b.txt"), "a reason")
    again = AgentReply.read(reply.write())
    assert again.source == source
    assert (again.dropped, again.reason) == (reply.dropped, reply.reason)


@given(st.text(st.characters(exclude_characters="="), max_size=50))
def test_notes_and_last_words_are_read(text: str) -> None:
    reply = AgentReply(None, text.strip(), text.strip())
    again = AgentReply.read(reply.write())
    assert (again.notes, again.said) == (reply.notes.strip(), reply.said.strip())


def test_a_text_without_headings_is_what_was_said() -> None:
    assert AgentReply.read("hello") == AgentReply(said="hello")

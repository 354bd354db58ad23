"""Engagement: a title that promises, a hook, examples, a word to the reader, an end that calls."""

from __future__ import annotations

import re
from collections.abc import Sequence

from article_score.brief import Brief
from article_score.checks import Check, Part, part, quoted, ramp, window
from article_score.honesty import Honest
from article_score.text import Block, sentences, words
from article_score.tokens import tokens

HOOK = 100  # words
EXAMPLES, ADDRESSED = 6, 0.25  # paragraphs, and share of the paragraphs
PROMISE = re.compile(r"\b(?:how|why|what|where|who|when|you|your)\b|\?|\d", re.IGNORECASE)
DULL = re.compile(
    r"\b(?:overview|introduction|analysis|aspects?|considerations?|study|report|remarks|summary|"
    r"infrastructure)\b",
    re.IGNORECASE,
)
YOU = re.compile(r"\byou(?:r|rs|rself|'re|'ll|'ve|'d)?\b", re.IGNORECASE)
EXAMPLE = re.compile(
    r"\b(?:for example|for instance|such as|imagine|picture|think of|take|suppose|say,|as if|"
    r"much as|just as|like (?:a|an|the|those|that of)|as (?:\w+) as a|compare[ds]? to|"
    r"example of)\b",
    re.IGNORECASE,
)
ACTION = re.compile(
    r"^(?:and |then |so |now |next |please )*(?:ask|bookmark|build|call|check|choose|compare|"
    r"count|download|explore|find|follow|go|join|learn|listen|look|map|measure|open|pick|plan|"
    r"read|save|search|see|send|share|show|sign|start|subscribe|support|tell|trace|try|turn|"
    r"visit|vote|watch|write)\b",
    re.IGNORECASE,
)


def engagement(honest: Honest, brief: Brief) -> Part:
    """Points for what makes a stranger begin, go on and do something at the end."""
    paragraphs = honest.paragraphs
    return part(
        "engagement",
        [
            title(honest.article.title),
            hook(paragraphs, brief),
            examples(paragraphs),
            address(paragraphs),
            conclusion(honest, brief),
        ],
    )


def title(text: str) -> Check:
    """Of a length that is shown in full, promising something, not the name of a file."""
    notes = []
    length = window(len(text), 10, 30, 70, 110)
    if length < 1:
        notes.append(f"the title has {len(text)} characters, should have 30 to 70")
    promise = bool(PROMISE.search(text))
    if not promise:
        notes.append("the title promises nothing: no how, why or what, no number, no question")
    if dull := DULL.search(text):
        notes.append(f'the title is dull: "{dull[0]}"')
    return Check("title", 0.3 * length + 0.5 * promise + 0.2 * (not dull), 2, notes)


def hook(paragraphs: Sequence[Block], brief: Brief) -> Check:
    """The first words speak to the reader, are concrete and begin short."""
    start = _first_words(paragraphs)
    notes = []
    if not (speaks := bool(YOU.search(" ".join(start)) or any("?" in one for one in start))):
        notes.append(f'the first {HOOK} words neither ask a question nor say "you"')
    numbers = [t for one in start for t in tokens(one) if t.value is not None]
    if not (concrete := any(number.form in brief.known for number in numbers)):
        notes.append(f"the first {HOOK} words have no number of facts.md")
    first = len(words(start[0])) if start else 99
    brisk = ramp(first, 32, 15)
    if brisk < 1:
        notes.append(f"the first sentence has {first} words, should have at most 15")
    return Check("hook", (speaks + concrete + brisk) / 3, 2, notes)


def _first_words(paragraphs: Sequence[Block]) -> list[str]:
    start: list[str] = []
    for one in (one for block in paragraphs for one in block.sentences):
        if sum(len(words(sentence)) for sentence in start) >= HOOK:
            break
        start.append(one)
    return start


def examples(paragraphs: Sequence[Block]) -> Check:
    """Examples and comparisons, each in a paragraph and a whole sentence of its own."""
    having = [
        block
        for block in paragraphs
        if any(EXAMPLE.search(one) and len(words(one)) > 6 for one in block.sentences)
    ]
    sections = {block.section for block in having}
    share = min(len(having) / EXAMPLES, len(sections) / (EXAMPLES - 2), 1)
    notes = [
        f"{len(having)} paragraphs in {len(sections)} sections have an example or a comparison, "
        f"should be {EXAMPLES} in {EXAMPLES - 2}"
    ]
    return Check("examples", share, 2, notes if share < 1 else [])


def address(paragraphs: Sequence[Block]) -> Check:
    """The reader is spoken to all along."""
    spoken = [b for b in paragraphs if YOU.search(b.text) or any("?" in s for s in b.sentences)]
    share = len(spoken) / max(len(paragraphs), 1)
    note = f"{share:.0%} of the paragraphs speak to the reader, should be {ADDRESSED:.0%}"
    return Check("reader", share / ADDRESSED, 1.5, [note] if share < ADDRESSED else [])


def conclusion(honest: Honest, brief: Brief) -> Check:
    """The last section is short, says what to do and comes back to the subject."""
    sections = honest.article.sections()
    blocks = [b for b in sections[-1][1] if b.kind == "paragraph"] if sections else []
    text = " ".join(block.text for block in blocks)
    count = len(words(text))
    notes = []
    size = window(count, 15, 50, 180, 350)
    if size < 1:
        notes.append(f"the last section has {count} words, should have 50 to 180")
    calls = [one for one in sentences(text) if ACTION.match(one) and len(words(one)) > 4]
    if not calls:
        notes.append('no sentence at the end tells the reader what to do ("Open ...", "Ask ...")')
    if not (speaks := bool(YOU.search(text))):
        notes.append('the end does not say "you"')
    if not (returns := brief.keyword.casefold() in text.casefold()):
        notes.append(f"the end does not come back to {quoted(brief.keyword)}")
    share = 0.25 * size + 0.45 * bool(calls) + 0.15 * speaks + 0.15 * returns
    return Check("conclusion", share, 2.5, notes)

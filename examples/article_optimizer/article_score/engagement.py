"""Engagement: a title that promises, a hook, examples, a word to the reader, an end that calls."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from article_score.article import Block, find_words, split_sentences
from article_score.brief import Brief
from article_score.checks import Check, Part, quote, ramp, weigh_checks, window
from article_score.honesty import Honest
from article_score.tokens import find_tokens

HOOK = 100  # words
EXAMPLES, ADDRESSED = 6, 0.25  # paragraphs, and share of the paragraphs
OFTEN = 2  # times that one and the same phrase counts, wherever it is strewn in
QUESTION = 4  # words
PROMISE = re.compile(r"\b(?:how|why|what|where|who|when|you|your)\b|\?|\d", re.IGNORECASE)
DULL = re.compile(
    r"\b(?:overview|introduction|analysis|aspects?|considerations?|study|report|remarks|summary|"
    r"infrastructure)\b",
    re.IGNORECASE,
)
YOU = re.compile(r"\byou(?:r|rs|rself|'re|'ll|'ve|'d)?\b", re.IGNORECASE)
# ", you know," names the reader and speaks to nobody
ASIDE = re.compile(rf",[^,.;:?!]{{0,20}}{YOU.pattern}[^,.;:?!]{{0,20}},", re.IGNORECASE)
ADDRESS = re.compile(rf"{YOU.pattern}\W+\w+", re.IGNORECASE)  # with the word behind it
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


def score_engagement(honest: Honest, brief: Brief) -> Part:
    """Give points for what makes a stranger begin, go on and do something at the end."""
    paragraphs = honest.paragraphs
    return weigh_checks(
        "engagement",
        [
            check_title(honest.article.title),
            check_hook(paragraphs, brief),
            check_examples(paragraphs),
            check_address(paragraphs),
            check_conclusion(honest, brief),
        ],
    )


def check_title(text: str) -> Check:
    """Check that a title can be shown in full, promises something and is not dull."""
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


def check_hook(paragraphs: Sequence[Block], brief: Brief) -> Check:
    """Check that the first words speak to the reader, are concrete and begin short."""
    start = _find_start(paragraphs)
    notes = []
    spoken = YOU.search(_drop_asides(" ".join(start)))
    if not (speaks := bool(spoken or any("?" in one for one in start))):
        notes.append(f'the first {HOOK} words neither ask a question nor say "you"')
    numbers = [t for one in start for t in find_tokens(one) if t.value is not None]
    if not (concrete := any(number.form in brief.known for number in numbers)):
        notes.append(f"the first {HOOK} words have no number of facts.md")
    first = len(find_words(start[0])) if start else 99
    brisk = ramp(first, 32, 15)
    if brisk < 1:
        notes.append(f"the first sentence has {first} words, should have at most 15")
    return Check("hook", (speaks + concrete + brisk) / 3, 2, notes)


def _find_start(paragraphs: Sequence[Block]) -> list[str]:
    start: list[str] = []
    for one in (one for block in paragraphs for one in block.sentences):
        if sum(len(find_words(sentence)) for sentence in start) >= HOOK:
            break
        start.append(one)
    return start


def check_examples(paragraphs: Sequence[Block]) -> Check:
    """Check for examples and comparisons, each in a paragraph and a sentence of its own."""
    phrases = _Phrases(EXAMPLE)
    having = [
        block
        for block in paragraphs
        if any(len(find_words(one)) > 6 and phrases.is_new(one) for one in block.sentences)
    ]
    sections = {block.section for block in having}
    share = min(len(having) / EXAMPLES, len(sections) / (EXAMPLES - 2), 1)
    notes = [
        f"{len(having)} paragraphs in {len(sections)} sections have an example or a comparison, "
        f"should be {EXAMPLES} in {EXAMPLES - 2}"
    ]
    return Check("examples", share, 2, notes if share < 1 else [])


def check_address(paragraphs: Sequence[Block]) -> Check:
    """Check that the article speaks to its reader all along."""
    phrases = _Phrases(ADDRESS)
    spoken = [
        block
        for block in paragraphs
        if phrases.is_new(_drop_asides(block.text))
        or any("?" in one and len(find_words(one)) >= QUESTION for one in block.sentences)
    ]
    share = len(spoken) / max(len(paragraphs), 1)
    note = f"{share:.0%} of the paragraphs speak to the reader, should be {ADDRESSED:.0%}"
    return Check("reader", share / ADDRESSED, 1.5, [note] if share < ADDRESSED else [])


def _drop_asides(text: str) -> str:
    return ASIDE.sub(",", text)


class _Phrases:
    """Phrases that were found, each of which counts no more than so often."""

    def __init__(self, pattern: re.Pattern[str]) -> None:
        self._pattern = pattern
        self._seen = Counter[str]()

    def is_new(self, text: str) -> bool:
        """Whether a text has a phrase that still counts."""
        found = {match[0].casefold() for match in self._pattern.finditer(text)}
        self._seen.update(found)
        return any(self._seen[phrase] <= OFTEN for phrase in found)


def check_conclusion(honest: Honest, brief: Brief) -> Check:
    """Check that the last section is short, says what to do and comes back to the subject."""
    sections = honest.article.sections()
    blocks = [b for b in sections[-1][1] if b.kind == "paragraph"] if sections else []
    text = " ".join(block.text for block in blocks)
    count = len(find_words(text))
    notes = []
    size = window(count, 15, 50, 180, 350)
    if size < 1:
        notes.append(f"the last section has {count} words, should have 50 to 180")
    calls = [one for one in split_sentences(text) if ACTION.match(one) and len(find_words(one)) > 4]
    if not calls:
        notes.append('no sentence at the end tells the reader what to do ("Open ...", "Ask ...")')
    if not (speaks := bool(YOU.search(_drop_asides(text)))):
        notes.append('the end does not say "you"')
    if not (returns := brief.keyword.casefold() in text.casefold()):
        notes.append(f"the end does not come back to {quote(brief.keyword)}")
    share = 0.25 * size + 0.45 * bool(calls) + 0.15 * speaks + 0.15 * returns
    return Check("conclusion", share, 2.5, notes)

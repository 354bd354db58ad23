"""A language model's replies for examples/content_generator: mostly good, some bad, some broken.

For every topic there is a good article in content_generator_articles/. The first draft that the
model gives has some of its sections spoiled, each in a way in which drafts are bad: too short,
copied from the source, with an invented figure. A good reply mends one to three sections that are
not yet as they should be. Which ones depends on the number of the request, so that children differ.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

Answer = str | int | tuple[int, str]

HERE = Path(__file__).parent
ARTICLES = {
    path.stem: path.read_text(encoding="utf-8")
    for path in sorted((HERE / "content_generator_articles").glob("*.md"))
}
SOURCES = HERE.parents[1] / "examples" / "content_generator" / "sources"
FRONT = "---"  # stands for what is above the first heading

NOTES = {
    "tool-library": """\
Story: Tom Okafor lends from his garage until strangers ring; the laundry becomes a library; the
bench, not the shelf, is what keeps it alive.
Beginning: 43 tools, garage, 2015; laundry, May 2016; Nadia Brandt twenty hours, 34 volunteers.
Working: no fines since 2018, late returns 19 per cent before, 8 per cent after; the course
before the saw.
Numbers: 1,340 tools, 9,480 loans, 612 paying households at 24 pounds, income 31,900 pounds with
46 per cent from fees; survey with 274 answers: 71 per cent, 185 pounds, 52 per cent first
repairs.
Wrong: 41 per cent waited longer than a week; software; gifts of dead drills.
Voices: Brandt on fear and ladders, Tom on the broken drill, Brandt on the bench.
Open: the survey flatters, those who borrow more answered more often.
Scene: the clipboard on the garage door. Last thought: pay somebody.""",
    "river-restoration": """\
Story: a river straightened in 1934 gets its bends back; the fish come sooner than the path.
Beginning: 3.1 kilometres became 1.9; Ashby got the floods; Reed, on the Lathe since 1971, was
against it.
Working: old course on air photographs, 2.6 kilometres of new channel, 38,000 cubic metres of
soil stayed; April 2021 to October 2022.
Numbers: species four to eleven, trout 3 to 17 in a stretch, 31 days under water in the winter
of 2023, 1.24 million pounds with 55 per cent from the water company, 22 trout in May 2024.
Wrong: flood of July 2021, 60 metres of bank; 24 degrees in July 2023 and 1,900 trees against
it; the boardwalk of 180 metres.
Voices: Varga on the ordinary year, Reed on the noise and on the path, Lund on the repaired
machine.
Scene: the village hall. Last thought: the river will not be hurried.""",
    "electric-bakery": """\
Story: Marta Lindqvist gives up an oven that never went out; the bread survives a bad month.
Beginning: oven of 1968, five hours to heat, gas bill of 41,300 pounds in 2022.
Working: two deck ovens, 55 minutes; supply 69 kilowatts, peak 66 with a controller; heat
recovery 11 per cent, not 18; 13 pence by night, 29 pence by day.
Numbers: 118,000 pounds with 20 per cent as a grant; 26,800 pounds of electricity; 412,000
kilowatt hours against 158,000.
Wrong: closed for 16 days in March 2023, nine were planned; the breaker on 21 March with 300
loaves in the proofer; the pale crust; the rye.
Voices: Lindqvist on telling people, Pryce on the other kitchen.
Scene: the oven that never slept. Last thought: a week of pale bread is the price of learning.""",
}
OTHER_TITLES = {
    "tool-library": "What a street learned by sharing its tools",
    "river-restoration": "What came back when the Lathe was bent again",
    "electric-bakery": "What a bakery on Quill Street learned without gas",
}
LESSONS = (
    "Helped:\n- whole sections rewritten from the notes\n- required facts next to what "
    "they count\nHurt:\n- passages close to the sources\n- figures that no source has\n"
    "Untested:\n- longer sentences, more of the optional facts"
)


# -- the articles in parts ----------------------------------------------------------------------


def split(article: str) -> dict[str, str]:
    """What is above the first heading, and every section with its heading, without empty ends."""
    parts = re.split(r"^(?=## )", article, flags=re.MULTILINE)
    return {(p.splitlines()[0][3:] if p.startswith("## ") else FRONT): p.strip() for p in parts}


def joined(parts: dict[str, str]) -> str:
    return "\n\n".join(parts.values()) + "\n"


def copied_from(topic: str) -> str:
    """The paragraphs of a source as they stand."""
    text = sorted((SOURCES / topic).glob("*.md"))[0].read_text(encoding="utf-8")
    paragraphs = [" ".join(p.split()) for p in text.partition("## Facts")[0].split("\n\n")[2:]]
    return "\n\n".join(p.replace("**", "") for p in paragraphs if p)


def first_paragraphs(section: str, count: int) -> str:
    return "\n\n".join(section.split("\n\n")[: count + 1])


INVENTED = "A study by Jonathan Whitmore found in 1987 that 83 per cent of people agree."
SPOILED: dict[str, Callable[[str, str], str]] = {
    FRONT: lambda topic, _: (
        f"---\ntitle: {topic.title()}: An Amazing Story!\nsummary: Read on.\n---"
    ),
    "How it began": lambda _, good: first_paragraphs(good, 2),
    "How it works": lambda _, good: f"{good} {INVENTED}",
    "What the numbers say": lambda topic, good: f"{good.splitlines()[0]}\n\n{copied_from(topic)}",
    "What went wrong": lambda _, good: first_paragraphs(good, 2),
    "What others can take from it": lambda _, good: first_paragraphs(good, 3),
    "Sources": lambda _, good: "\n".join(good.splitlines()[:3]),
}


# -- the same article, told in another rhythm ----------------------------------------------------

PAIR = re.compile(
    r"([^.!?\"\n]+)\. (It|They|He|She|The|This|Most|In|A)( [^.!?\"\n]+(?=\.))"  # two sentences
)
BREAK = re.compile(
    r", (but|and|so) (?=(?:it|they|he|she|the|nobody|that|there|you|this|few|most|what|a) )"
)


def flowing(text: str) -> str:
    """With short sentences joined to longer ones."""

    def join(match: re.Match[str]) -> str:
        is_long = len((match[1] + match[3]).split()) > 32
        return match[0] if is_long else f"{match[1]}, and {match[2].lower()}{match[3]}"

    for _ in range(3):
        text = PAIR.sub(join, text)
    return text


def clipped(text: str) -> str:
    """With long sentences broken into short ones."""
    return BREAK.sub(lambda match: f". {match[1].capitalize()} ", text)


VOICES: list[Callable[[str], str]] = [str, flowing, clipped]


def article(topic: str, voice: Callable[[str], str]) -> dict[str, str]:
    """A topic's good article in parts, told in a voice."""
    parts = split(ARTICLES[topic])
    return {key: part if key in (FRONT, "Sources") else voice(part) for key, part in parts.items()}


def voice_of(topic: str, genome: str) -> Callable[[str], str]:
    """The voice in which most of an article is told."""
    have = split(genome)
    return max(
        VOICES,
        key=lambda voice: sum(have.get(k) == part for k, part in article(topic, voice).items()),
    )


def draft(topic: str, number: int, rough: bool) -> str:
    """A whole article with some bad sections, others each time; all of them if it is rough."""
    rng = random.Random(number)
    spoiled = SPOILED if rough else rng.sample(sorted(SPOILED), rng.randint(2, 3))
    parts = article(topic, rng.choice(VOICES))
    return joined({k: SPOILED[k](topic, p) if k in spoiled else p for k, p in parts.items()})


# -- the replies --------------------------------------------------------------------------------


def topic_of(request: Any) -> str:
    """The item that a request is about, as the instructions name it."""
    found = re.search(r"^# The item: (.*)$", request.system, re.MULTILINE)
    assert found, request.system[-2000:]
    return found[1].strip().lower().replace(" ", "-")


def whole(text: str, idea: str, why: str) -> str:
    return f"IDEA: {idea}\nWHY: {why}\n\n```markdown\n{text}```\n"


def edits(idea: str, why: str, *blocks: tuple[str, str]) -> str:
    shown = "\n".join(
        f"<<<<<<< SEARCH\n{search}\n=======\n{replace}\n>>>>>>> REPLACE"
        for search, replace in blocks
    )
    return f"IDEA: {idea}\nWHY: {why}\n\n{shown}\n"


def good(topic: str, genome: str, number: int, most: int = 3) -> str:
    """The next improvement of an article, of so many sections at most."""
    if "(80 to 160 words" in genome:
        return whole(
            draft(topic, number, rough=number < 3 and most == 3),
            "write the whole article from the notes",
            "the bare template has no words yet",
        )
    voice = voice_of(topic, genome)
    wanted, have = article(topic, voice), split(genome)
    if list(have) != list(wanted):
        mended = {key: have.get(key, part) for key, part in wanted.items()}
        return whole(joined(mended), "bring back the template's headings", "they are a condition")
    weak = [key for key in wanted if have[key] != wanted[key]]
    if not weak and voice is not str:
        wanted = article(topic, str)
        weak = [key for key in wanted if have[key] != wanted[key]]
    if not weak:
        title = f"title: {OTHER_TITLES[topic]}"
        old = next(line for line in genome.splitlines() if line.startswith("title:"))
        if old == title:
            return "The article reads well to me now. I have nothing to add."
        return edits("say in the title what was learned", "a reader searches for it", (old, title))
    rng = random.Random(number)
    chosen = sorted(
        rng.sample(weak, rng.randint(min(most - 2, len(weak)), min(most, len(weak)))),
        key=weak.index,
    )
    names = " and ".join("title and summary" if key == FRONT else f'"{key}"' for key in chosen)
    return edits(
        f"rewrite {names} from the notes",
        "it was too short, too close to the source, or had what no source says",
        *((have[key], wanted[key]) for key in chosen),
    )


def bad(topic: str, genome: str, number: int) -> Answer:
    """A reply that makes it worse, or of which no child comes."""
    paragraphs = [
        line for line in genome.splitlines() if len(line) > 200 and genome.count(line) == 1
    ]
    some = paragraphs[number % len(paragraphs)] if paragraphs else ""
    spoiling: list[Answer] = []
    if some:
        spoiling = [
            edits("add a striking study", "readers love numbers", (some, f"{some} {INVENTED}")),
            edits("say it twice", "more words, and repetition helps", (some, f"{some}\n\n{some}")),
            edits("cut a paragraph", "shorter is better", (some, "")),
        ]
    broken: list[Answer] = [
        "I would begin with a stronger scene in the first section. Shall I write it?",
        edits("tidy", "", ("A sentence that stands nowhere in the file.", "Another one.")),
        500,
        good(topic, genome, number)[:-40],
        (429, "Rate limit reached, please slow down"),
    ]
    answers = [answer for pair in zip(spoiling, broken, strict=False) for answer in pair]
    answers += broken[len(spoiling) :]
    return answers[number // 3 % len(answers)]


def script(request: Any) -> Answer:
    """One to three sections at once, as a careful model would, after a rough draft."""
    return reply(request, 3)


def brisk(request: Any) -> Answer:
    """Three to five at once, for those in a hurry."""
    return reply(request, 5)


def reply(request: Any, most: int) -> Answer:
    """The reply to a request; see `Request` in tests/evolve/chat_server.py."""
    topic = topic_of(request)
    if request.is_for_notes:
        return NOTES[topic]
    if request.is_for_lessons:
        return LESSONS
    if request.number % 3 == 2 and not request.is_retry:
        return bad(topic, request.genome, request.number)
    return good(topic, request.genome, request.number, most)

"""The scoring of examples/content_generator: its parts, its sources, and the script by hand."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trainer.items import read_items
from trainer.summary import read_summary
from trainer.task import load_task, read_shown_files

ROOT = Path(__file__).parents[2]
TASK = ROOT / "examples" / "content_generator"
ARTICLES = Path(__file__).with_name("content_generator_articles")
sys.path.insert(0, str(TASK))

from content_scoring.accuracy import check_accuracy, find_wrong_figures, tells  # noqa: E402
from content_scoring.article import Block, read_article, read_template  # noqa: E402
from content_scoring.originality import Originality, measure_originality  # noqa: E402
from content_scoring.score import WEIGHTS, check_structure, score_article, weigh_parts  # noqa: E402
from content_scoring.sources import parse_source, read_sources  # noqa: E402
from content_scoring.style import check_readability, find_words_to_avoid  # noqa: E402
from content_scoring.tokens import FUNCTION, find_tokens, find_words, split_sentences  # noqa: E402

TEMPLATE = (TASK / "templates" / "article.md").read_text()
GUIDE = (TASK / "style_guide.md").read_text()
ITEMS = [item.name for item in read_items((TASK / "topics" / "topic_list.md").read_text())]
SOURCES = {item: read_sources(TASK / "sources" / item) for item in ITEMS}
GOOD = {item: (ARTICLES / f"{item}.md").read_text() for item in ITEMS}
word = st.text("bcdfgklmnprstvz", min_size=3, max_size=9)


def evaluate(folder: Path, *args: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "evaluate.py", *args],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), **env},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


# -- words and figures --------------------------------------------------------------------------

SMALL = """zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen
fifteen sixteen seventeen eighteen nineteen"""
TENS = "twenty thirty forty fifty sixty seventy eighty ninety"


def spelled(number: int) -> str:
    """A whole number in English words."""
    if number < 20:
        return SMALL.split()[number]
    if number < 100:
        tens = TENS.split()[number // 10 - 2]
        return f"{tens}-{spelled(number % 10)}" if number % 10 else tens
    size, name = (1000, "thousand") if number >= 1000 else (100, "hundred")
    rest = number % size
    link = " and " if 0 < rest < 100 else " "
    return f"{spelled(number // size)} {name}" + (link + spelled(rest) if rest else "")


@given(st.integers(3, 999_999))
def test_a_number_is_the_same_in_words_in_digits_and_with_a_comma(number: int) -> None:
    for written in (spelled(number), f"{number}", f"{number:,}"):
        found = find_tokens(f"they saw {written} boats")
        assert [token.norm for token in found if token.is_figure] == [f"{number}"]
        assert [token.norm for token in found][-1] == "boat"


@pytest.mark.parametrize(
    ("same", "other"),
    [
        ("46 per cent", "46 pounds"),
        ("46%", "46"),
        ("forty-six percent", "forty-six"),
        ("£5,000", "5,000 pence"),
        ("1.24 million pounds", "1.24 pounds"),
    ],
)
def test_a_share_or_a_sum_of_money_is_another_figure_than_the_bare_number(
    same: str, other: str
) -> None:
    assert find_tokens(same)[0].norm != find_tokens(other)[0].norm
    assert len(find_tokens(same)) == 1


def test_unlike_ways_to_write_a_figure_are_one() -> None:
    assert find_tokens("46%") == [
        t for t in find_tokens("46%") if t.norm == find_tokens("46 per cent")[0].norm
    ]
    assert find_tokens("£5,000")[0].norm == find_tokens("five thousand pounds")[0].norm
    assert find_tokens("1.24 million pounds")[0].norm == find_tokens("£1,240,000")[0].norm
    assert not any(token.is_figure for token in find_tokens("one of them and the two others"))


def test_a_sentence_ends_where_a_reader_thinks_it_does() -> None:
    text = 'Dr Lund paid £2.50. "It is 3.5 metres," she said. "Is it?" Nobody knew. Mr. Reed left.'
    assert [len(find_words(s)) for s in split_sentences(text)] == [5, 7, 2, 2, 3]


# -- originality --------------------------------------------------------------------------------


@given(st.lists(word, min_size=8, max_size=60, unique=True), st.integers(0, 60))
def test_what_is_copied_is_not_original(found: list[str], at: int) -> None:
    text = " ".join(found)
    assert measure_originality([text], []) == Originality(1.0, [])
    assert measure_originality([text], [f"before {text} after"]).share == 0.0
    some = " ".join(found[min(at, len(found) - 8) :])
    assert 0 <= measure_originality([text], [some]).share < 1


@given(st.lists(st.lists(word, min_size=4, max_size=20), min_size=1, max_size=6), st.data())
def test_no_text_to_compare_with_makes_an_article_more_original(
    parts: list[list[str]], data: st.DataObject
) -> None:
    article = [" ".join(part).capitalize() + "." for part in parts]
    known = data.draw(st.lists(st.sampled_from(article), max_size=3))
    assert measure_originality(article, known).share <= measure_originality(article, []).share


def test_short_phrases_that_anybody_might_write_are_nobodys() -> None:
    ours = ["On the whole it was a good year for the people of that street."]
    assert measure_originality(ours, ["It was a good year. On the whole I like it."]).share == 1.0


# -- the form of an article ---------------------------------------------------------------------


def test_the_template_says_what_the_program_tells_the_model() -> None:
    program = (TASK / "program.md").read_text()
    for form in read_template(TEMPLATE):
        asked = f"{form.words[0]} to {form.words[1]}" if form.words else "one line `- Title`"
        assert f"| {form.heading} | {asked}" in program


@given(st.permutations(range(7)))
def test_only_the_order_of_the_template_has_all_points(order: list[int]) -> None:
    forms = read_template(TEMPLATE)
    item = ITEMS[0]
    head, *parts = GOOD[item].split("\n## ")
    text = "\n## ".join([head, *(parts[i] + "\n" for i in order)])
    kept, notes = check_structure(
        read_article(text, forms, SOURCES[item].topic), forms, SOURCES[item]
    )
    assert (kept == 1) == (order == sorted(order)) == (not notes)


def test_only_running_text_counts_as_words() -> None:
    prose = "It is a plain sentence that anybody could have said about the weather of the day."
    counted = read_article(f"## A\n\n{prose}").length()
    assert counted == len(find_words(prose))
    odd = "\n\n".join(
        ["| a | b |", "```\ncode it is\n```", "<b>it is bold</b>", "![it is](a.png)", "    it is"]
    )
    article = read_article(f"## A\n\n{prose}\n\n{odd}\n\n<!-- {prose} -->\n\n- - -\n")
    assert article.length() == counted
    assert len(article.oddities) >= 5


@given(st.text(max_size=400))
@settings(max_examples=60)
def test_any_text_has_a_score(text: str) -> None:
    for article in (text, TEMPLATE.replace("(80 to 160", text)):
        result = score_article(article, TEMPLATE, GUIDE, SOURCES[ITEMS[0]])
        assert 0 <= result.total <= 2
        assert all(0 <= part <= 10 for part in result.parts.values())


# -- the sources --------------------------------------------------------------------------------


def test_a_fact_takes_its_figures_and_what_they_mean() -> None:
    fact = parse_source("# T\n\n1. (required) The shop sold **40** lamps in **May 2020**.\n").facts[
        0
    ]
    assert fact.required
    for told in (
        "In May 2020 the shop sold as many as forty lamps.",
        "It was May 2020. Business was slow. Still, 40 lamps were sold.",
    ):
        assert tells(Block("paragraph", told), fact), told
    for not_told in (
        "In May 2020 the shop sold 41 lamps.",
        "In June 2020 the shop sold 40 lamps.",
        "In May 2020 there were 40 goats on the hill.",
        "It was May 2020. We slept. We ate. We sang. We saw 40 lamps in a shop.",
    ):
        assert not tells(Block("paragraph", not_told), fact), not_told


@pytest.mark.parametrize("item", ITEMS)
def test_every_source_can_be_told_and_says_nothing_against_itself(item: str) -> None:
    sources = SOURCES[item]
    assert 2 <= len(sources.texts) <= 3
    for source in sources.texts:
        assert source.title
        assert 400 <= len(find_words(source.text)) <= 700
        assert sum(fact.required for fact in source.facts) >= 3
        assert any(not fact.required for fact in source.facts)
    for fact in sources.facts:
        assert fact.marks
        assert tells(Block("paragraph", fact.text), fact), fact.text
        assert not list(find_wrong_figures(fact.text, sources)), fact.text


def test_a_topic_without_sources_or_without_facts_is_refused(tmp_path: Path) -> None:
    for texts in ([], ["# A title\n\nNothing that has to be told.\n"]):
        folder = tmp_path / str(len(texts))
        folder.mkdir()
        for text in texts:
            (folder / "a.md").write_text(text)
        with pytest.raises(ValueError, match=str(folder)):
            read_sources(folder)
    with pytest.raises(ValueError, match="no sources"):
        read_sources(tmp_path / "missing")


# -- the score ----------------------------------------------------------------------------------

parts = st.fixed_dictionaries({name: st.floats(0, 10) for name in WEIGHTS})
amount = st.integers(0, 6000)


@given(parts, amount, st.floats(0, 1), st.integers(0, 4), st.sampled_from(sorted(WEIGHTS)))
def test_a_better_part_never_lowers_the_score_and_a_broken_condition_keeps_it_below_nine(
    values: dict[str, float], length: int, own: float, broken: int, name: str
) -> None:
    score = weigh_parts(values, length, own, ["x"] * broken)
    better = weigh_parts({**values, name: 10.0}, length, own, ["x"] * broken)
    assert 0 <= score <= better <= 10 + 1e-9
    assert weigh_parts(values, length, own, ["x"] * (broken + 1)) <= score
    assert not broken or better < 9


@given(parts, st.integers(0, 1999), st.floats(0, 1))
def test_below_the_shortest_length_every_word_of_ones_own_counts(
    values: dict[str, float], length: int, own: float
) -> None:
    assert weigh_parts(values, length, own, []) <= weigh_parts(values, length + 1, own, [])


@pytest.mark.parametrize("item", ITEMS)
def test_a_good_article_tells_everything_required_and_beats_the_target(item: str) -> None:
    others = [text for other, text in GOOD.items() if other != item]
    result = score_article(GOOD[item], TEMPLATE, GUIDE, SOURCES[item], others)
    assert (result.broken, result.accuracy.missing, result.accuracy.invented) == ([], [], [])
    assert 9.5 < result.total < 10


@pytest.mark.parametrize("item", ITEMS)
def test_in_whatever_rhythm_it_is_told_a_good_article_beats_the_target(
    load: Callable[..., ModuleType], item: str
) -> None:
    replies = load(ARTICLES.with_name("content_generator_replies.py"), "content_generator_replies")
    for voice in replies.VOICES:
        text = replies.joined(replies.article(item, voice))
        assert score_article(text, TEMPLATE, GUIDE, SOURCES[item]).total > 9, voice


def test_an_article_about_the_wrong_topic_is_worth_little() -> None:
    result = score_article(GOOD[ITEMS[1]], TEMPLATE, GUIDE, SOURCES[ITEMS[0]])
    assert result.total < 3
    assert result.length < 1000


def test_a_text_is_readable_between_too_easy_and_too_hard() -> None:
    easy = read_article("## A\n\n" + "It is so. He is as he is. I am as I am. We go on. " * 9)
    hard = read_article(
        "## A\n\n" + "The administration of the institution, notwithstanding considerable "
        "deliberations of representatives of the organisations, was of the understanding that an "
        "unconditional implementation of the recommendation is inadvisable. " * 4
    )
    middle = read_article(GOOD[ITEMS[0]])
    assert check_readability(middle)[0] > max(
        check_readability(easy)[0], check_readability(hard)[0]
    )
    assert check_readability(read_article(""))[0] == 0


def test_the_guide_names_the_words_to_avoid_itself() -> None:
    avoid = find_words_to_avoid(GUIDE)
    assert {"very", "game-changer", "moreover"} <= avoid
    assert not avoid & FUNCTION


# -- the task and its script --------------------------------------------------------------------


def test_the_task_shows_each_topic_its_own_sources_alone() -> None:
    task = load_task(TASK)
    for item in task.list_items():
        shown = read_shown_files(task.for_item(item))
        folders = {path.split("/")[1] for path in shown if path.startswith("sources/")}
        assert folders == {item.name}
        assert "style_guide.md" in shown


@pytest.mark.parametrize("item", ITEMS)
def test_the_bare_template_is_a_start_with_everything_to_gain(item: str) -> None:
    done = evaluate(TASK, "templates/article.md", TRAINER_ITEM=item)
    assert done.returncode == 0, done.stderr
    assert read_summary(done.stdout)["score"] == pytest.approx(0.48, abs=0.01)
    assert "required facts are missing" in done.stdout


def test_by_hand_the_file_says_which_topic_it_is_about(
    task_copy: Callable[[str], Path], tmp_path: Path
) -> None:
    folder = task_copy("content_generator")
    articles = folder / "output" / "articles"
    articles.mkdir(parents=True, exist_ok=True)
    shutil.copy(ARTICLES / "tool-library.md", articles)
    done = evaluate(folder, "output/articles/tool-library.md")
    numbers = read_summary(done.stdout)
    assert numbers["score"] > 9
    assert (numbers["missing"], numbers["invented"]) == (0, 0)
    assert "26 of 28 facts told" in done.stdout
    assert numbers["others"] == 0
    shutil.copy(ARTICLES / "tool-library.md", articles / "electric-bakery.md")
    copied = evaluate(folder, "output/articles/tool-library.md")
    assert read_summary(copied.stdout)["originality"] < 10
    assert read_summary(copied.stdout)["others"] == 1


def test_a_topic_that_cannot_be_scored_is_refused_with_the_reason(
    task_copy: Callable[[str], Path],
) -> None:
    folder = task_copy("content_generator")
    shutil.rmtree(folder / "sources" / "tool-library")
    done = evaluate(folder, "templates/article.md", TRAINER_ITEM="tool-library")
    assert done.returncode != 0
    assert "status: invalid" in done.stdout
    assert "there are no sources" in done.stdout


def test_a_file_much_longer_than_any_article_is_refused(tmp_path: Path) -> None:
    (tmp_path / "long.md").write_text("It is long. " * 6000)
    done = evaluate(TASK, str(tmp_path / "long.md"), TRAINER_ITEM="tool-library")
    assert done.returncode != 0
    assert "status: invalid" in done.stdout


def test_accuracy_is_the_share_of_what_is_owed() -> None:
    item = ITEMS[0]
    forms = read_template(TEMPLATE)
    article = read_article(GOOD[item], forms, SOURCES[item].topic)
    found = check_accuracy(article, SOURCES[item])
    assert found.share == 1
    owed = sum(fact.required for fact in SOURCES[item].facts)
    lying = GOOD[item].replace("A visitor sees", "A visitor from Lisbon sees")
    worse = check_accuracy(read_article(lying, forms, SOURCES[item].topic), SOURCES[item])
    assert worse.share == pytest.approx(owed / (owed + 1))

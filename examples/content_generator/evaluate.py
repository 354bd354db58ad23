"""Score one article: `python evaluate.py output/articles/tool-library.md` prints what it is worth.

The article is read and never run, so that no sandbox is needed. Its topic is the trainer's item;
by hand it is the name of the file.
"""

from __future__ import annotations

from pathlib import Path

from content_scoring.score import Score, score_article
from content_scoring.sources import Sources, read_sources

from trainer.scoring import read_candidate, refuse, report

HERE = Path(__file__).parent
MOST = 60_000  # characters; an article has 15,000
TOLD = 16  # complaints that are printed, the gravest first


def main() -> None:
    candidate = read_candidate("article.md")
    item = candidate.item or candidate.path.stem
    if len(candidate.text) > MOST:
        refuse(f"the article has {len(candidate.text):,} characters, more than {MOST:,}", "invalid")
    try:
        sources = read_sources(HERE / "sources" / item)
    except (OSError, ValueError) as error:
        refuse(f"the topic {item} cannot be scored: {error}", "invalid")
    others = other_articles(HERE / "output" / "articles", item)
    score = score_article(
        candidate.text,
        (HERE / "templates" / "article.md").read_text(encoding="utf-8"),
        (HERE / "style_guide.md").read_text(encoding="utf-8"),
        sources,
        others,
    )
    print("\n".join(breakdown(score, sources)))
    report(**numbers(score), others=len(others))


def other_articles(folder: Path, item: str) -> list[str]:
    """What was written about the other topics."""
    files = sorted(folder.glob("*.md")) if folder.is_dir() else []
    return [file.read_text(encoding="utf-8") for file in files if file.stem != item]


def breakdown(score: Score, sources: Sources) -> list[str]:
    """The parts and what costs points, for people."""
    told, facts = len(score.accuracy.told), len(sources.facts)
    return [
        f"{score.length} words, {score.originality:.1%} original, {told} of {facts} facts told",
        *(f"{name:12} {value:5.2f} of 10" for name, value in score.parts.items()),
        *(f"below 9 because of: {broken}" for broken in score.broken),
        *(f"- {note}" for note in score.notes[:TOLD]),
        *([f"- and {len(score.notes) - TOLD} more"] if len(score.notes) > TOLD else []),
        f"score {score.total:.2f} of 10",
    ]


def numbers(score: Score) -> dict[str, float]:
    """What the search is told."""
    return {
        "score": score.total,
        **{name: value for name, value in score.parts.items() if name != "originality"},
        "originality": 100 * score.originality,
        "words": score.length,
        "facts": len(score.accuracy.told),
        "missing": len(score.accuracy.missing),
        "invented": len(score.accuracy.invented),
        "sentence": score.sentence,
        "detail": score.detail,
    }


if __name__ == "__main__":
    main()

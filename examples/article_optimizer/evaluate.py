"""Scores an article: python evaluate.py [FILE]. It is trusted; the article is only ever read."""

from __future__ import annotations

import os
from pathlib import Path

from article_score.brief import read_brief
from article_score.judge import JudgeError, ask_judge
from article_score.score import explain, score_article

from trainer.scoring import read_candidate, refuse, report

HERE = Path(__file__).parent
LONGEST = 100_000  # characters: three times the longest article that scores well


def main() -> None:
    """Measure, ask the judge if there is one, print the breakdown and the numbers."""
    candidate = read_candidate("articles/draft.md")
    if len(candidate.text) > LONGEST:
        refuse(
            f"the file has {len(candidate.text)} characters, more than {LONGEST}", status="invalid"
        )
    result = score_article(candidate.text, read_brief(HERE))
    if not result.honest.whole.words:
        refuse("the article has no words", status="invalid")
    numbers = {}
    if model := os.environ.get("ARTICLE_JUDGE"):
        try:
            opinion = ask_judge(
                result.honest.article,
                (HERE / "style_guide.md").read_text(encoding="utf-8"),
                model,
                os.environ.get("ARTICLE_JUDGE_API_BASE") or None,
                seconds=candidate.budget,
            )
        except JudgeError as error:
            refuse(str(error))
        result = result.average(opinion.points)
        numbers = opinion.numbers
    print("\n".join(explain(result)))
    report(**result.numbers, **numbers)


if __name__ == "__main__":
    main()

"""The score: five parts by their weights, times what keeps them honest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from article_score.accuracy import score_accuracy
from article_score.article import find_words, read_article
from article_score.brief import Brief
from article_score.checks import Part
from article_score.engagement import score_engagement
from article_score.honesty import Honest, examine_article
from article_score.readability import score_readability
from article_score.seo import score_seo
from article_score.style import score_style

WEIGHTS = {
    "accuracy": 0.30,
    "readability": 0.25,
    "engagement": 0.20,
    "seo": 0.15,
    "style": 0.10,
}
FREE, MOST = 8.0, 8.9  # while a fact is missing or invented, points above FREE end at MOST


@dataclass(frozen=True)
class Result:
    """What an article is worth, and why.

    Attributes:
        honest: The article without what does not count.
        parts: The parts of the score.
    """

    honest: Honest
    parts: Sequence[Part]

    @property
    def score(self) -> float:
        """From 0 to 10; below 9 while a fact is missing or something is invented.

        Not cut off but compressed, so that a search sees every step.
        """
        earned = self.honest.factor * sum(WEIGHTS[one.name] * one.points for one in self.parts)
        if self.untrue and earned > FREE:
            return FREE + (earned - FREE) * (MOST - FREE) / (10 - FREE)
        return earned

    @property
    def untrue(self) -> str:
        """What keeps the score below 9, in words; empty if all facts are told and no others."""
        found = {name: number for one in self.parts for name, number in one.numbers.items()}
        missing, invented = found["missing"], found["inventions"]
        if not missing and not invented:
            return ""
        return f"{missing:.0f} facts are missing, {invented:.0f} numbers or names are invented"

    @property
    def numbers(self) -> dict[str, float]:
        """All that is reported, by name."""
        lengths = [len(find_words(one)) for one in self.honest.whole.sentences]
        numbers = {"score": self.score, **{one.name: one.points for one in self.parts}}
        for one in self.parts:
            numbers |= one.numbers
        return numbers | {
            "honest": self.honest.factor,
            "words": float(sum(lengths)),
            "sentence_words": sum(lengths) / len(lengths) if lengths else 0.0,
        }

    def average(self, opinion: dict[str, float]) -> Result:
        """Average a judge's points into the parts that it judged."""
        return replace(
            self,
            parts=[
                replace(one, points=(one.points + opinion[one.name]) / 2)
                if one.name in opinion
                else one
                for one in self.parts
            ],
        )


def score_article(source: str, brief: Brief) -> Result:
    """Score an article."""
    honest = examine_article(read_article(source), source, brief)
    return Result(
        honest,
        [
            score_accuracy(honest, brief),
            score_readability(honest),
            score_engagement(honest, brief),
            score_seo(honest, brief),
            score_style(honest, brief),
        ],
    )


def explain(result: Result) -> list[str]:
    """Explain a score in lines for a person or a model; what costs most stands last.

    A model that is asked for the next version reads the end of it.
    """
    lines = []
    for one in sorted(result.parts, key=lambda one: WEIGHTS[one.name] * (10 - one.points)):
        lines.append(f"{one.name} {one.points:.2f} of 10, {WEIGHTS[one.name]:.0%} of the score")
        for check in one.checks:
            if check.share < 1 or check.notes:
                lines.append(f"  {check.name}: {max(check.share, 0):.0%}")
            lines += [f"    | {note}" for note in check.notes]
    for factor in result.honest.factors:
        if factor.value < 1 or factor.notes:
            lines.append(f"times {factor.value:.2f} for {factor.name}")
        lines += [f"    | {note}" for note in factor.notes]
    if result.untrue:
        lines.append(f"the score stays below 9: {result.untrue}")
    return lines

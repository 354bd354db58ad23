"""What was tried and what came of it, in words that a language model reads."""

from __future__ import annotations

from evolve.search import Search
from trainer.task import Task

HISTORY = 15  # results that a language model is told


def history(search: Search, task: Task) -> list[str]:
    """The latest results, a line each, for a language model to learn from."""
    lines = []
    for individual in list(search.individuals.values()):
        if not individual.measurements or not individual.parents:
            continue
        result = f"{individual.status}"
        parent = search.individuals[individual.parents[0]]
        if individual.objective is not None:
            result = f"{task.metric} {individual.objective:.6g}"
            if parent.objective is not None:
                gain = individual.direction.gain(individual.objective, parent.objective)
                word = "better" if gain > 0 else "worse"
                result += f", {abs(gain):.3g} {word} than its parent"
        lines.append(
            f"- genome {individual.id}, child of {parent.id}: {individual.description}: {result}"
        )
    return lines[-HISTORY:]

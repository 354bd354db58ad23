"""What a run searches, for how long and where: the settings that have nothing to do with models."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from archive import default_cells
from evolve.cluster.address import parse_address
from evolve.options import option, parse_count, parse_finite, parse_positive, parse_whole

WHAT, LENGTH, WHERE, SEARCH = "what to do", "how long", "where it runs", "the search"


def _resolve(text: str) -> str:
    return str(Path(text).resolve())


@dataclass(frozen=True)
class SearchSettings:
    """The settings of a run's search: each field is an option with the same meaning.

    Attributes:
        task: Absolute path of the task's folder.
        generations: Number of generations; a generation is `children` finished children.
        children: Number of children in a generation.
        budget: Seconds that a child may train.
        hours: Hours after which no child is started any more; None is no limit.
        target: Fitness at which the search may stop; None is none.
        patience: Children without a confirmed gain after which the search ends; None is no limit.
        devices: Devices that children run on, as `--devices` names them.
        evaluator: Name of the evaluator that measures the children, unless there is a cluster.
        cluster: Address of the Ray cluster that measures them, as `--cluster` names it; empty for
            none.
        device_type: Model of the cluster's devices, or a part of its name; empty takes the
            commonest.
        sandbox: Level of the sandbox, as `--sandbox` names it.
        strategy: Name of the strategy.
        selector: Name of the parent selector that map-elites uses.
        operators: NAME[:WEIGHT] of the operators; empty takes the task's own, or all.
        proposals: Whether operators make children; else the run measures what is handed in.
        cells: Number of cells on each axis; 0 chooses by the numbers of children and axes.
        bounds: Bounds of axes as AXIS=LOW:HIGH; "fixed" keeps all as they are laid.
        seed: Seed of all the run's randomness.
        seed_runs: Number of runs of the first seed genome at the start; 0 chooses.
        final_runs: Number of fresh runs of the seed and of the best at the end; -1 chooses.
        distill: Whether the run ends with an ablation of the best.
    """

    task: str = option(
        ".",
        "--task",
        WHAT,
        "folder with the task's program.md",
        metavar="DIR",
        parse=_resolve,
        resumable=True,
    )
    generations: int = option(
        20,
        "--generations",
        LENGTH,
        "generations that the run has in all",
        metavar="N",
        parse=parse_whole,
        default="as many as the task says, or 20",
        resumable=True,
    )
    children: int = option(
        5,
        "--children",
        LENGTH,
        "children that make a generation",
        metavar="N",
        parse=parse_count,
        default="as many as the task says, or 5",
    )
    budget: float = option(
        300.0,
        "--budget",
        LENGTH,
        "seconds that each child may work",
        metavar="S",
        parse=parse_positive,
        default="the task's",
    )
    hours: float | None = option(
        None,
        "--hours",
        LENGTH,
        "hours after which no further child is started",
        metavar="H",
        parse=parse_positive,
        default="no limit",
        resumable=True,
    )
    target: float | None = option(
        None,
        "--target",
        LENGTH,
        "score of the best at which the run stops",
        metavar="F",
        parse=parse_finite,
        default="the task's, if it has one",
        resumable=True,
    )
    patience: int | None = option(
        None,
        "--patience",
        LENGTH,
        "children without a gain that a repeat confirms, after which the run ends",
        metavar="N",
        parse=parse_count,
        default="no limit",
        resumable=True,
    )
    devices: str = option(
        "auto",
        "--devices",
        WHERE,
        "devices that children run on, one at a time on each: all of a kind, such as cuda, or "
        "single ones, such as cuda:0,cuda:1",
        metavar="D,...",
        listing="trainer.devices:describe_kinds",
        default="every GPU, or every core if there is none",
        resumable=True,
    )
    evaluator: str = option(
        "devices",
        "--evaluator",
        WHERE,
        "what measures the children; devices are those of this machine, ray those of the cluster "
        "that --cluster names",
        choices="evolve.loop.evaluators:EVALUATORS",
    )
    cluster: str = option(
        "",
        "--cluster",
        WHERE,
        "the Ray cluster on whose devices children run: auto, the one that this machine belongs "
        "to; ray://HOST:PORT; local:N, a small one of N cores on this machine; none, this "
        "machine's own devices",
        metavar="ADDRESS",
        parse=parse_address,
        default="none",
        resumable=True,
    )
    device_type: str = option(
        "",
        "--device-type",
        WHERE,
        "model of the cluster's devices that a run uses, or a part of its name, such as H200: "
        "scores of different models do not compare",
        metavar="MODEL",
        default="the commonest in the cluster",
        resumable=True,
    )
    sandbox: str = option(
        "auto",
        "--sandbox",
        WHERE,
        "what keeps children from the rest of the machine; none trusts them",
        choices="trainer.sandbox:LEVELS",
        also=("auto",),
        default="auto, the strongest that works here",
        resumable=True,
    )
    strategy: str = option(
        "map-elites",
        "--strategy",
        SEARCH,
        "map-elites keeps the best of every cell; greedy has one parent, which a better child "
        "replaces; random makes all children from the seed",
        choices="evolve.search.strategies:STRATEGIES",
    )
    selector: str = option(
        "ucb",
        "--selector",
        SEARCH,
        "how map-elites draws parents among the elites",
        choices="population.selection:SELECTORS",
    )
    operators: tuple[str, ...] = option(
        (),
        "--operators",
        SEARCH,
        "operators that make children, or FILE.py:NAME of your own; with weights they are drawn by "
        "these, else by the gains that they made",
        metavar="NAME[:WEIGHT],...",
        separated=True,
        listing="evolve.operators:describe_operators",
        default="all that can work",
    )
    proposals: bool = option(
        True,
        "--proposals",
        SEARCH,
        "whether operators make children; --no-proposals keeps the run open and measures what is "
        "handed in with `submit`",
        default="yes",
        resumable=True,
    )
    cells: int = option(
        0,
        "--cells",
        SEARCH,
        "cells on each axis of the archive",
        metavar="N",
        parse=parse_count,
        default="by the number of children and of axes; 4, 6 or 8 on each of two",
    )
    bounds: tuple[str, ...] = option(
        (),
        "--bounds",
        SEARCH,
        "bounds of an axis of the archive in its unit, such as size=1e5:4e6, or the word fixed for "
        "all; repeatable",
        metavar="AXIS=LOW:HIGH",
        repeatable=True,
        default="the task's own; else around the seed, and they follow what is found",
    )
    seed: int = option(
        0,
        "--seed",
        SEARCH,
        "number from which all randomness of the run follows",
        metavar="N",
        parse=parse_whole,
    )
    seed_runs: int = option(
        0,
        "--seed-runs",
        SEARCH,
        "runs of the seed genome at the start, which show the noise",
        metavar="N",
        parse=parse_count,
        default="2 to 4, more for more children",
    )
    final_runs: int = option(
        -1,
        "--final-runs",
        SEARCH,
        "fresh runs of the seed genome, and as many of the best, at the end",
        metavar="N",
        parse=parse_whole,
        default="2 to 5, more for more children",
    )
    distill: bool = option(
        False,
        "--distill",
        SEARCH,
        "at the end, show what each part of the best is worth and leave out what does not count; "
        "takes at most a third as many runs as there are children, or 24 if that is more",
        default="no",
        resumable=True,
    )

    @property
    def evaluator_name(self) -> str:
        """The name of the evaluator, which is "ray" where a cluster is named."""
        return "ray" if self.cluster else self.evaluator

    @property
    def total_children(self) -> int:
        """The number of children that the run is to finish."""
        return self.generations * self.children

    def grid_cells(self, axes: int) -> int:
        """The number of cells on each of so many axes."""
        return self.cells or default_cells(self.total_children, axes)

    @property
    def seed_repeats(self) -> int:
        """Runs of the first seed at the start, which show the noise: 1 in 50 children, 2 to 4."""
        return self.seed_runs or min(max(self.total_children // 50, 2), 4)

    @property
    def max_repeats(self) -> int:
        """Runs that may go into repeating what seems to be the best: a tenth of the children."""
        return self.total_children // 10

    @property
    def final_repeats(self) -> int:
        """Fresh runs of the seed, and as many of the best, at the end.

        Together a tenth of the children, but at least 4 and at most 10: more would narrow the
        headline's interval slowly and cost the search.
        """
        if self.final_runs >= 0:
            return self.final_runs
        return min(max(self.total_children // 20, 2), 5) if self.total_children else 0

    @property
    def distill_runs(self) -> int:
        """The most runs that `distill` may take: a third of the children, but at least 24.

        24 are 3 runs without each of four groups of parts, 6 of the best beside them, and 3 each of
        the best and of the distilled genome.
        """
        wanted = self.distill and self.total_children > 0
        return max(self.total_children // 3, 24) if wanted else 0

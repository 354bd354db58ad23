"""What a run is asked to do; kept in its record, so that `resume` needs no option again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from archive import default_cells
from evolve.cluster.address import parse_address
from evolve.options import option, parse_count, parse_finite, parse_positive, parse_whole
from population.beliefs import RULES
from population.errors import UserError

WHAT, LENGTH, WHERE = "what to do", "how long", "where it runs"
AGENTS = "coding agents (each makes a child in a session of its own)"
SEARCH, MODELS = "the search", "language models (without --model the offline operators work alone)"


class OptionError(UserError, ValueError):
    """An option of a run is impossible; the message says why."""


def _resolve(text: str) -> str:
    return str(Path(text).resolve())


@dataclass(frozen=True)
class Settings:
    """The settings of a run: each field is an option of the command line with the same meaning.

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
        models: NAME[:WEIGHT][@URL] of the language models; empty leaves the offline operators.
        api_base: Address of the models on a server of one's own that name none, or None.
        prices: NAME=IN:OUT of a model, or IN:OUT of all whose price is unknown, in dollars for a
            million tokens.
        context_tokens: Most tokens that a request may have, all its messages together.
        max_cost: Dollars after which no model is asked any more; None is no limit.
        forms: MODEL=FORM of a model, or FORM of all others; empty leaves them to be learnt.
        offline_after: Seconds without an answer from any model, or without a child for a free
            device, after which the offline operators go on.
        model_timeout: Seconds without any progress of a reply, after which it is given up.
        agents: NAME[@MODEL][:WEIGHT] or [NAME[:WEIGHT]=]COMMAND of the coding agents.
        agent_env: Names of environment variables that the agents see, their keys among them.
        agent_seconds: Wall-clock seconds of an agent's session; None chooses.
        max_proposals: Most sessions of the agents in all; None is no limit.
        rules: Version of the rules by which results are judged, which a run keeps; no option.
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
    models: tuple[str, ...] = option(
        (),
        "--model",
        MODELS,
        "a model by litellm's name, such as anthropic/claude-sonnet-4-5, with its key in the "
        "environment, or openai/NAME@URL on a server of your own; repeat it for several: if their "
        "weights differ they are drawn by these, else by the gains that they made",
        metavar="NAME[:WEIGHT][@URL]",
        repeatable=True,
        default="none",
        resumable=True,
    )
    api_base: str | None = option(
        None,
        "--api-base",
        MODELS,
        "the server of every model on a server of your own (openai/..., hosted_vllm/..., "
        "ollama_chat/...) that has no @URL; hosted models are asked at their providers",
        metavar="URL",
        default="none",
        resumable=True,
    )
    prices: tuple[str, ...] = option(
        (),
        "--price",
        MODELS,
        "the price of a model, or of all models whose price is unknown, in dollars for a million "
        "tokens in and out; repeatable",
        metavar="[NAME=]IN:OUT",
        repeatable=True,
        default="what litellm knows",
        resumable=True,
    )
    context_tokens: int = option(
        30_000,
        "--context-tokens",
        MODELS,
        "tokens that a request has at most",
        metavar="N",
        parse=parse_count,
        resumable=True,
    )
    max_cost: float | None = option(
        None,
        "--max-cost",
        MODELS,
        "dollars that models and agents may take in all",
        metavar="USD",
        parse=parse_positive,
        default="no limit",
        resumable=True,
    )
    forms: tuple[str, ...] = option(
        (),
        "--form",
        MODELS,
        "the form in which a model replies, or all models; repeatable",
        metavar="[MODEL=]FORM",
        repeatable=True,
        listing="evolve.edits.forms:describe_forms",
        default="free, and where free replies give few children what gives more",
        resumable=True,
    )
    offline_after: float = option(
        60.0,
        "--offline-after",
        MODELS,
        "seconds after which nothing waits for a model: without an answer from any, the offline "
        "operators go on alone until one answers; a device that is free for so long gets a child "
        "of theirs, whatever the models answered meanwhile",
        metavar="S",
        parse=parse_positive,
        default="60",
        resumable=True,
    )
    model_timeout: float = option(
        300.0,
        "--model-timeout",
        MODELS,
        "seconds that a model may take to begin a reply, and for each further part of it; the "
        "whole may take four times as long",
        metavar="S",
        parse=parse_positive,
        default="300",
        resumable=True,
    )
    agents: tuple[str, ...] = option(
        (),
        "--agent",
        AGENTS,
        "a coding agent that proposes children beside models and operators, drawn as these are: "
        "one that is known by name, with @MODEL if you choose its model, or a program of your own, "
        "whose words may have {brief}, {dir} and {genome} in them; repeatable; it works in the "
        "sandbox, with the network open",
        metavar="NAME|COMMAND",
        repeatable=True,
        listing="evolve.agents.presets:describe_agents",
        default="none",
        resumable=True,
    )
    agent_env: tuple[str, ...] = option(
        (),
        "--agent-env",
        AGENTS,
        "environment variables that every agent sees, such as its key; those that a known agent "
        "reads its own key from it sees anyway",
        metavar="VAR,...",
        separated=True,
        default="none",
        resumable=True,
    )
    agent_seconds: float | None = option(
        None,
        "--agent-seconds",
        AGENTS,
        "seconds of an agent's session, after which it is asked to end and killed 10 s later",
        metavar="S",
        parse=parse_positive,
        default="600, or as long as two children may take if that is less",
        resumable=True,
    )
    max_proposals: int | None = option(
        None,
        "--max-proposals",
        AGENTS,
        "sessions of the agents in all, for those whose price nobody knows",
        metavar="N",
        parse=parse_count,
        default="no limit",
        resumable=True,
    )
    rules: int = RULES

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
        """Runs of the first seed at the start, which show the noise: 1 in 25 children, 2 to 4."""
        return self.seed_runs or min(max(self.total_children // 25, 2), 4)

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

    def to_json(self) -> dict[str, Any]:
        """The settings as JSON holds them."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Settings:
        """The settings out of JSON; what is unknown is left out."""
        known = {field.name for field in fields(cls)}
        kept: dict[str, Any] = {
            key: tuple(value) if isinstance(value, list) else value
            for key, value in values.items()
            if key in known
        }
        if price := values.get("price"):  # as older versions have stored it
            kept["prices"] = (price,)
        kept.setdefault("bounds", ("fixed",))  # older versions never moved them
        kept.setdefault("rules", 1)  # and judged results in one way
        return cls(**kept)

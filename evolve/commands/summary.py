"""The summaries that are printed before a run and after it."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from archive.comparison import describe_confirmation, read_comparison
from archive.rows import Purpose
from evolve.agents.configuration import ConfiguredAgent, limit_session
from evolve.loop.forecast import forecast, guess_turn, observe_turn
from evolve.loop.loop import End
from evolve.loop.phases import Ending
from evolve.loop.target import is_reached
from evolve.models import ConfiguredModel, find_advice, summarise_outages
from evolve.operators import OPERATORS
from evolve.runs.history import count_fruitless_replies, read_axes
from evolve.runs.run import Run
from population.formatting import format_count, format_dollars, format_duration
from population.invocation import write_command
from trainer.devices import Device
from trainer.fingerprint import describe_budget

MANY = 8  # devices that are named one by one


def announce(
    run: Run, models: list[ConfiguredModel], agents: Sequence[ConfiguredAgent] = ()
) -> list[str]:
    """What a run is about to do, how long that takes at least, and what it may cost."""
    settings, task = run.settings, run.task
    ended = {e.individual for e in run.record.experiments() if e.purpose is Purpose.SEARCH}
    seeds = {i.id for i in run.individuals() if not i.parents}
    children = max(settings.total_children - len(ended - seeds), 0)
    runs = children + (0 if ended else settings.seed_repeats) + 2 * settings.final_repeats
    runs += settings.distill_runs
    measured = observe_turn(run.individuals())
    repeats = round(settings.max_repeats * children / max(settings.total_children, 1))
    turn = measured or guess_turn(task, settings)
    span = forecast(turn, runs, repeats, len(run.devices))
    devices = describe_devices(run.devices)
    budget = describe_budget(task, run.devices, settings.budget)
    later = "" if measured else "; the first runs will narrow it down"
    lines = [
        f"run {run.folder.name}: {task.name}, {settings.strategy}, "
        f"{format_count(settings.generations, 'generation')} of "
        f"{format_count(settings.children, 'child', 'children')}, {budget} each on {devices}",
        f"{format_count(runs, 'run')} to come, with those of the seed and the finalists: {span}, "
        f"start-up and evaluation included{later}",
        f"everything is kept in {run.folder.path}; Ctrl-C stops cleanly, and "
        f"`{write_command('resume', run.folder.name)}` goes on",
    ]
    if settings.distill_runs:
        lines.append(
            f"--distill: at most {settings.distill_runs} of these runs (a third as many as there "
            "are children, at least 24) show what each part of the best is worth"
        )
    if not run.sandbox.protects:
        lines.append(f"WARNING: {run.sandbox.note}")
    else:
        lines.append(f"children are sandboxed by {run.sandbox.note}")
    return [*lines, *_cost_lines(run, models, children), *_describe_agents(run, agents)]


def _describe_agents(run: Run, agents: Sequence[ConfiguredAgent]) -> list[str]:
    """The coding agents, with what they see and what caps their cost."""
    lines = []
    for one in agents:
        seen, login = one.program.variables, one.program.login
        lines.append(
            f"agent {one.name}: {one.program.words[0]}, one session at a time; it sees "
            f"{', '.join(seen) or 'no variable of yours'}"
            + (f", and a copy of your {' and '.join(login)}" if login else "")
        )
    if agents:
        settings, most = run.settings, run.settings.max_proposals
        seconds = format_duration(limit_session(settings, run.task.overhead))
        caps = [] if most is None else [f"{most} sessions in all"]
        caps += [] if settings.max_cost is None else ["--max-cost"]
        lines.append(
            f"agents' sessions take {seconds} at most, THE NETWORK IS OPEN TO THEM, and "
            f"{'they see no file of yours' if run.sandbox.protects else 'NO SANDBOX holds them'}; "
            f"their cost is capped by {' and '.join(caps) or 'nothing (--max-proposals N)'}"
        )
    return lines


def describe_devices(devices: Sequence[Device]) -> str:
    """Name devices, or where they are many, their numbers."""
    if len(devices) <= MANY:
        return ", ".join(device.name for device in devices)
    models = " and ".join(sorted({device.model for device in devices}))
    nodes = {device.node for device in devices if device.node}
    on = f" on {format_count(len(nodes), 'node')}" if nodes else ""
    return f"{len(devices)} devices ({models}){on}"


def _cost_lines(run: Run, models: list[ConfiguredModel], children: int) -> list[str]:
    if not run.settings.proposals:
        submit = write_command("submit", run.folder.name, "FILE", "-m", "IDEA")
        return [f"nothing is proposed: the run measures what is handed in with `{submit}`"]
    if not models and run.settings.agents:
        return []
    if not models:
        return [
            "no language model is configured: the offline operators vary what is there. For new "
            "ideas add --model NAME, any name that litellm knows, with its key in the environment"
        ]
    lines = []
    total = sum(one.weight for one in models)
    for one, each in zip(models, _request_costs(run, models), strict=True):
        calls, name = children * one.weight / total, one.model.name
        if each is None:
            cost = (
                f"of unknown price (--price {name}=IN:OUT, in dollars a million tokens, makes it "
                "known)"
            )
        else:
            cost = f"about {format_dollars(calls * each)}" if each else "free"
        at = f"; asked at {one.server}" if one.server else ""
        lines.append(f"model {name}: some {calls:.0f} requests, {cost}{at}")
    if run.settings.max_cost is not None:
        lines.append(f"the models may take {format_dollars(run.settings.max_cost)} in all")
    return lines


def _request_costs(run: Run, models: list[ConfiguredModel]) -> list[float | None]:
    """What a request to each model is likely to cost, in dollars; None if its price is unknown."""
    if not models:
        return []
    genome = run.lineage.source(run.individuals()[0].commit)
    messages = [{"role": "user", "content": f"{run.task.text}\n{genome}\n{genome}"}]
    return [one.model.estimate(messages) for one in models]


def _describe_models(run: Run, ending: Ending) -> list[str]:
    """What kept the language models from giving children, if anything did."""
    spend, lines = run.record.spend(), list[str]()
    requests = spend.calls + ending.unanswered
    if requests and not spend.answered:
        why = run.record.last_error()
        made = [OPERATORS.get(one.operator) for one in run.individuals() if one.parents]
        alone = any(operator is not None and not operator.needs_model for operator in made)
        rest = ", the offline operators did it all" if alone else ""
        lines.append(
            f"no model ever answered in {format_count(requests, 'request')}{rest}: "
            + (f"{find_advice(why)} ({why})" if why else "they still wait (--model-timeout)")
        )
    if outages := summarise_outages(run.record.events(), time.time()).describe():
        lines.append(outages)
    if replies := count_fruitless_replies(run):
        rows = run.record.proposals(with_calls=False)
        reasons = Counter(row.reason for row in rows if row.model and row.told and row.reason)
        most = reasons.most_common(1)
        lines.append(
            f"none of the models' {format_count(replies, 'reply', 'replies')} gave a child"
            + (f", mostly since {most[0][0]}" if most else "")
            + f": {write_command('prompts', run.folder.name, '--refused')} says more"
        )
    return lines


def list_closing_lines(run: Run, ending: Ending) -> list[str]:
    """What a run achieved and where everything is."""
    best = ending.best
    name, folder, settings = run.folder.name, run.folder, run.settings
    exported = f"best{Path(run.task.genome).suffix}"
    took = format_duration(ending.seconds)
    lines = [
        *_describe_result(run, ending),
        f"{ending.end} after {took}; children ran {ending.busy:.0%} of it",
    ]
    if ending.end is End.INTERRUPTED:
        lines.append(f"go on with: {write_command('resume', name)}")
    if ending.end is End.NO_DEVICE:
        where = ["--devices", ",".join(device.name for device in run.devices)]
        if settings.evaluator_name == "ray":
            where = ["--cluster", settings.cluster or "auto"]
        models = " and ".join(sorted({device.model for device in run.devices}))
        lines.append(
            f"nothing is lost: once a device of the same model ({models}) is here, go on with: "
            f"{write_command('resume', name, *where)}"
        )
    lines += _describe_models(run, ending)
    lines += _describe_target(run, ending)
    children = [i for i in run.individuals() if i.parents]
    if children and not any(child.scored for child in children):
        reasons = {f"{c.status}: {c.measurements[-1].reason}" for c in children if c.measurements}
        lines.append(f"no child scored; they ended with {'; '.join(sorted(reasons)[:3])}")
    if best is None or best.objective is None or read_axes(run.record) is None:
        return lines
    lines += [
        f"heatmap:     {folder.artifacts / 'heatmap.png'}",
        f"progress:    {folder.artifacts / 'progress.png'}",
        f"experiments: {folder.results}",
        f"best genome: {write_command('export', name, 'best', '-o', exported)}",
        f"everything:  {write_command('report', name)}",
    ]
    if best.parents:
        lines.append(f"its story:   {folder.changes}")
    if best.parents and run.task.output:
        lines.append(f"result:      {run.task.folder / run.task.output}")
    return lines


def _describe_result(run: Run, ending: Ending) -> list[str]:
    """The number that can be trusted, or that there is none yet."""
    best, metric = ending.best, run.task.metric
    if best is None or best.objective is None:
        return []
    if ending.comparison is not None:
        return [ending.comparison.text(metric)]
    if ending.end is not End.INTERRUPTED and not best.parents:
        return [f"no child was fitter than the seed ({metric} {best.objective:.6g})"]
    said = describe_confirmation(read_comparison(run.record, run.task.direction), metric, best.id)
    return [f"{said}{_describe_failed_finals(run)}"]


def _describe_failed_finals(run: Run) -> str:
    """How fresh runs have failed, to be appended; empty if none has."""
    finals = [e for e in run.record.experiments() if e.purpose is Purpose.FINAL]
    failed = [e.measurement for e in finals if e.measurement.fitness is None]
    if not failed:
        return ""
    return f": {len(failed)} of {len(finals)} fresh runs failed ({failed[-1].reason})"


def _describe_target(run: Run, ending: Ending) -> list[str]:
    """Whether a target was missed, or its reaching is not confirmed by the fresh runs."""
    target, comparison = run.settings.target, ending.comparison
    if target is None:
        return []
    if not is_reached(ending.best, target):
        return [f"the target {target:g} was not reached"]
    if comparison is None or run.task.direction.gain(comparison.best_mean, target) >= 0:
        return []
    return [
        f"the fresh runs do not confirm that the target {target:g} is reached: the mean of "
        f"#{comparison.best} in {comparison.runs[1]} of them is "
        f"{comparison.write(comparison.best_mean)}"
    ]

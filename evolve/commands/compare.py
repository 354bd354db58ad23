"""`python -m evolve compare`: several runs of one protocol, and whether they differ."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from contextlib import ExitStack, closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.text import Text

from archive import Purpose, RunError
from archive.files import replace_file
from archive.results import read_frame
from evolve.commands.console import new_console
from evolve.commands.json_output import json_option, print_json
from evolve.commands.options import new_parser
from evolve.commands.output_file import check_output, output_option
from evolve.commands.run_state import read_confirmation
from evolve.commands.tables import Column, fit_table
from evolve.runs.history import view_search
from evolve.runs.run import Run, open_run
from population import Direction
from population.comparison import Comparison, compare_runs
from population.formatting import choose_format
from trainer.fingerprint import compare_fingerprints
from views.side_by_side import RunCurve, RunGroup, describe_result, draw_groups

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PAGE = ".html"
# settings that tell no groups apart: where a run works, and how long it may take
ASIDE = (
    *(
        "seed",
        "task",
        "devices",
        "evaluator",
        "cluster",
        "device_type",
        "sandbox",
        "hours",
        "target",
        "generations",
    ),
    *("prices", "max_cost", "offline_after", "api_base", "seed_runs", "final_runs"),
)


@dataclass(frozen=True)
class Verdict:
    """How a group compares with the first one.

    Attributes:
        label: Name of the group.
        runs: Names of its runs.
        result: Mean of its runs' results, in the metric's unit.
        gain: How much fitter it is than the first group, in the metric's unit; None for the first.
        low: Lower end of the gain's 95 % interval (Welch's t); None if there is none.
        high: Upper end of it; None if there is none.
        words: What that says, in plain words.
    """

    label: str
    runs: Sequence[str]
    result: float
    gain: float | None
    low: float | None
    high: float | None
    words: str


@dataclass(frozen=True)
class ComparedRuns:
    """Several runs of one protocol, and how they compare.

    Attributes:
        title: Name of what is compared.
        metric: Name of the metric.
        direction: Direction of the metric.
        groups: Groups of runs that differ in nothing but their seeds.
        verdicts: How each group compares with the first, in the groups' order.
        noise: Standard deviation of one run, in the metric's unit; 0 if unknown.
    """

    title: str
    metric: str
    direction: Direction
    groups: Sequence[RunGroup]
    verdicts: Sequence[Verdict]
    noise: float

    def draw(self) -> Figure:
        """The best so far of each group, as a picture."""
        return draw_groups(
            self.groups,
            metric=self.metric,
            direction=self.direction,
            title=self.title,
            noise=self.noise,
        )


def arguments() -> argparse.ArgumentParser:
    parser = new_parser(
        "compare",
        "Compare runs of one protocol. Runs that differ in nothing but their seeds are a group; "
        "each group is compared with the first. With one run a group, the fresh runs of their best "
        "genomes are compared. Runs of different protocols are refused: their numbers do not "
        "compare.",
    )
    parser.add_argument("names", nargs="+", metavar="RUN", help="a run, or its folder")
    output_option(
        parser, "FILE", "picture (.png, .svg, .pdf) or page (.html) to write, beside the table"
    )
    json_option(parser)
    return parser


def command(options: argparse.Namespace) -> int:
    """Compare several runs."""
    path: Path | None = options.output
    if path is not None:
        _check_format(path)
        check_output(path, force=options.force)
    compared = compare_by_name(options.names)
    if options.json:
        print_json([asdict(verdict) for verdict in compared.verdicts])
    else:
        _print(compared, new_console())
    if path is not None:
        _write(compared, path)
        if not options.json:
            print(path)
    return 0


def compare_by_name(names: Sequence[str]) -> ComparedRuns:
    """Compare several runs.

    Args:
        names: Names of the runs under runs/, or their folders; at least two.

    Raises:
        RunError: They are too few, are not there, were measured under different protocols, or one
            has no result yet.
    """
    if len(set(names)) < max(len(names), 2):
        raise RunError("compare needs at least two runs, each named once")
    with ExitStack() as stack:
        runs = [stack.enter_context(closing(open_run(name))) for name in names]
        _check_protocols(runs)
        task, groups = runs[0].task, _group_runs(runs)
        return ComparedRuns(
            title=f"{task.name}, {len(runs)} runs side by side",
            metric=task.metric,
            direction=task.direction,
            groups=groups,
            verdicts=judge_groups(groups, task.direction),
            noise=max(view_search(run).noise.deviation for run in runs),
        )


def _check_format(path: Path) -> None:
    from views import check_format

    if path.suffix.lower() == PAGE:
        return
    try:
        check_format(path)
    except ValueError as error:
        raise RunError(f"{error}, or a page's in {PAGE}") from error


def _check_protocols(runs: Sequence[Run]) -> None:
    """Check that the fitnesses of all runs compare.

    Raises:
        RunError: Two differ in their protocol; the message names the differences.
    """
    first, *others = runs
    protocol = first.record.meta("fingerprint", {})
    for run in others:
        changed = compare_fingerprints(protocol, run.record.meta("fingerprint", {}))
        if run.task.name != first.task.name:
            changed = [f"task: was {first.task.name}, is {run.task.name}", *changed]
        if changed:
            raise RunError(
                f"{first.folder.name} and {run.folder.name} were measured under different "
                f"protocols, so their numbers do not compare: {'; '.join(changed)}"
            )


def _group_runs(runs: Sequence[Run]) -> list[RunGroup]:
    """The runs in groups, in the order in which they are named."""
    settings = [{k: v for k, v in run.settings.to_json().items() if k not in ASIDE} for run in runs]
    telling = [key for key in settings[0] if len({str(one.get(key)) for one in settings}) > 1]
    grouped: dict[tuple[str, ...], list[Run]] = {}
    for run, one in zip(runs, settings, strict=True):
        grouped.setdefault(tuple(str(one[key]) for key in telling), []).append(run)
    return [
        RunGroup(_label(telling, values, members), [_read_curve(run) for run in members])
        for values, members in grouped.items()
    ]


def _label(names: Sequence[str], values: Sequence[str], members: Sequence[Run]) -> str:
    """What sets a group apart; a run that is alone is called by its name, too."""
    apart = ", ".join(
        value if name == "strategy" else f"{name.replace('_', ' ')} {value}"
        for name, value in zip(names, values, strict=True)
    )
    if len(members) > 1:
        return apart or "all alike but their seeds"
    return f"{members[0].folder.name}{f': {apart}' if apart else ''}"


def _read_curve(run: Run) -> RunCurve:
    """The course of a run.

    Raises:
        RunError: Nothing has scored in it.
    """
    from views.chart import trace_best

    search = view_search(run)
    if search.champion is None or search.champion.objective is None:
        raise RunError(f"nothing has scored yet in run {run.folder.name}, so it has no result")
    frame = read_frame(run.record, run.task.direction)
    searched = frame["purpose"].isin([str(Purpose.SEARCH), str(Purpose.REPEAT)])
    line = trace_best(frame[frame["fitness"].notna() & searched], run.task.direction)
    fresh = read_confirmation(run, search)
    finals = [
        e.measurement.fitness
        for e in run.record.experiments()
        if e.purpose is Purpose.FINAL
        and e.individual == search.champion.id
        and e.measurement.fitness is not None
    ]
    return RunCurve(
        name=run.folder.name,
        experiments=line["experiment"].tolist(),
        objectives=line["objective"].tolist(),
        last=int(line["experiment"].max()),
        result=search.champion.objective if fresh is None else fresh.best_mean,
        fresh=() if fresh is None else finals[-fresh.runs[1] :],
    )


def judge_groups(groups: Sequence[RunGroup], direction: Direction) -> list[Verdict]:
    """Compare each group with the first.

    Groups of several runs are compared by the results of their runs, single runs by the fresh runs
    of their best genomes.
    """
    first = groups[0]
    verdicts = [Verdict(first.label, _names(first), first.mean, None, None, None, "the reference")]
    for group in groups[1:]:
        alone = len(group.runs) == len(first.runs) == 1
        values = group.runs[0].fresh if alone else group.results
        reference = first.runs[0].fresh if alone else first.results
        if values and reference:
            comparison = compare_runs(values, reference, direction)
        else:
            gain, runs = direction.gain(group.mean, first.mean), (len(values), len(reference))
            comparison = Comparison(gain, None, None, group.mean, first.mean, runs)
        words = _say_significance(comparison, alone=alone)
        verdicts.append(
            Verdict(
                group.label,
                _names(group),
                group.mean,
                comparison.gain,
                comparison.low,
                comparison.high,
                words,
            )
        )
    return verdicts


def _names(group: RunGroup) -> list[str]:
    return [run.name for run in group.runs]


def _say_significance(comparison: Comparison, *, alone: bool) -> str:
    if comparison.low is None or comparison.high is None:
        return (
            "not confirmed: no fresh runs to compare"
            if alone
            else "unknown: a group of one run has no spread"
        )
    about = "its best genome is" if alone else "it is"
    if comparison.low > 0:
        return f"{about} fitter, beyond what luck gives"
    if comparison.high < 0:
        return f"{about} less fit, beyond what luck gives"
    return "no difference is shown: this may be luck"


def _rows(compared: ComparedRuns) -> tuple[list[str], list[list[str]]]:
    """The table's headings and cells."""
    groups = compared.groups
    write = choose_format([result for group in groups for result in group.results])
    rows = []
    for verdict, group in zip(compared.verdicts, groups, strict=True):
        interval = (
            ""
            if verdict.low is None or verdict.high is None
            else f"{verdict.low:+.3g} to {verdict.high:+.3g}"
        )
        gain = "" if verdict.gain is None else f"{verdict.gain:+.3g}"
        result = describe_result(group, write)
        rows.append([verdict.label, str(len(group.runs)), result, gain, interval, verdict.words])
    return ["group", "runs", "result", "gain", "95 % interval", "what that says"], rows


def _print(compared: ComparedRuns, console: Console) -> None:
    headings, rows = _rows(compared)
    ranks = (0, 5, 1, 2, 4, 3)
    columns = [
        Column(heading, rank, rest=heading == headings[-1])
        for heading, rank in zip(headings, ranks, strict=True)
    ]
    console.print(fit_table(columns, rows, console))
    console.print(Text(_explain(compared)), soft_wrap=True)


def _explain(compared: ComparedRuns) -> str:
    several = any(len(group.runs) > 1 for group in compared.groups)
    text = f"A result is the {compared.metric} of a run's best in fresh runs, where there are any. "
    if several:
        return text + "± is half the 95 % interval of a group's mean over its runs."
    return text + (
        "With one run each this compares two genomes, not two ways of searching: name several runs "
        "that differ in their seeds alone."
    )


def _write(compared: ComparedRuns, path: Path) -> None:
    """Write a picture, or a page with it and the table."""
    from views import save_figure

    if path.suffix.lower() != PAGE:
        save_figure(compared.draw(), path)
        return
    from views.report import render_comparison

    headings, rows = _rows(compared)
    page = render_comparison(compared.title, compared.draw(), headings, rows, _explain(compared))
    path.parent.mkdir(parents=True, exist_ok=True)
    with replace_file(path) as draft:
        draft.write_text(page, encoding="utf-8")

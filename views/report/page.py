"""The report's page: one HTML file with everything in it, which asks nothing of any network."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from population import Individual
from population.formatting import (
    choose_format,
    describe_noise,
    format_dollars,
)
from views.ancestry import Ancestry, tell_story, trace_ancestry
from views.report.environment import make_environment, read_asset, write_policy
from views.report.genome_records import IN_CHUNK, pack_genomes
from views.report.grid import picture_grid
from views.report.history import count_dollars, count_hours, trace_history
from views.run_view import RunView
from views.scales import find_limits
from views.tallies import tally_arms, tally_failures
from views.unseen import cut

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DESCRIPTION = 200  # characters of a genome's description in lists
LANE, LINE = 16, 44  # pixels between two columns of the family tree, and of a line's height
MOST_EVENTS = 500  # the latest ones; `show --events` has them all
LARGEST_SVG = 200_000  # bytes of a still picture, above which it is a PNG
SCRIPTS = ("echarts/echarts.min.js", "unpack.js", "charts.js", "genomes.js", "genome.js", "page.js")
LIVE_SCRIPTS = ("news.js",)


def render_report(
    run: RunView,
    progress: Callable[[int, int], None] = lambda *_: None,
    stills: Mapping[str, Figure] = MappingProxyType({}),
    *,
    live: bool = False,
) -> str:
    """Render the report of a run.

    Args:
        run: The run.
        progress: Function that receives the number of genomes that are ready, and that of all.
        stills: Pictures, by what they show, for readers whose browser runs no scripts.
        live: Whether the live server shows it, which says when the run has gone on since.
    """
    proposals = run.record.proposals(with_calls=False)
    scored = [one.objective for one in run.individuals.values() if one.objective is not None]
    write = choose_format(scored) if scored else str
    best = run.best
    ancestry = None if best is None else trace_ancestry(run.individuals, best.id)
    gains = {number: run.gain(one) for number, one in run.individuals.items()}
    packed = pack_genomes(run, progress)
    scripts = [read_asset(name) for name in (*SCRIPTS, *(LIVE_SCRIPTS if live else ()))]
    style = read_asset("page.css")
    template = make_environment().get_template("report.html")
    return template.render(
        run=run,
        best=best,
        write=write,
        headline=describe_headline(run, write),
        story=[] if ancestry is None else tell_story(ancestry, gains),
        gains=gains,
        grid=None
        if run.archive is None or best is None
        else picture_grid(run.archive, metric=run.metric, noise=run.noise, targets=run.targets),
        ancestry=ancestry,
        tree=None if ancestry is None else _draw_tree(ancestry),
        glance=_count_at_a_glance(run),
        arms=tally_arms(run, proposals),
        failures=tally_failures(run, proposals),
        spend=run.record.spend(),
        lessons=run.record.lessons(),
        notes=run.record.meta("notes", ""),
        events=run.record.events()[-MOST_EVENTS:],
        problems=_find_problems(run),
        data=_embed(_gather_data(run, gains)),
        packed=packed,
        stills=[(about, _encode_picture(figure)) for about, figure in stills.items()],
        scripts=[Markup(script) for script in scripts],
        style=Markup(style),
        policy=write_policy(scripts, style, "'self'" if live else "'none'"),
        live=live,
        written=time.time(),
        DESCRIPTION=DESCRIPTION,
    )


def render_damaged(name: str, reason: str) -> str:
    """Render a page that says that a run cannot be read, and why.

    Args:
        name: Name of the run.
        reason: Reason, with the way out.
    """
    style = read_asset("page.css")
    return (
        make_environment()
        .get_template("damaged.html")
        .render(name=name, reason=reason, style=Markup(style), policy=write_policy([], style))
    )


def render_comparison(
    title: str, figure: Figure, headings: Sequence[str], rows: Sequence[Sequence[str]], note: str
) -> str:
    """Render a page with a picture of several runs and a table of how they compare.

    Args:
        title: Title of the page.
        figure: Picture of the runs.
        headings: Headings of the table.
        rows: Cells of each row.
        note: Explanation of the table.
    """
    style = read_asset("page.css")
    return (
        make_environment()
        .get_template("comparison.html")
        .render(
            title=title,
            picture=_encode_picture(figure),
            headings=headings,
            rows=rows,
            note=note,
            style=Markup(style),
            policy=write_policy([], style),
        )
    )


def _encode_picture(figure: Figure) -> str:
    """A figure as the address of an image that holds all of it."""
    from views.canvas import render_figure  # matplotlib takes half a second

    kind, picture = "svg+xml", render_figure(figure, "svg")
    if len(picture) > LARGEST_SVG:
        kind, picture = "png", render_figure(figure, "png")
    return f"data:image/{kind};base64,{base64.b64encode(picture).decode()}"


def describe_headline(run: RunView, write: Callable[[float], str]) -> dict[str, Any]:
    """The numbers on top: of fresh runs where there are any, else as the search saw them."""
    seed, best, fresh = run.reference, run.best, run.comparison
    if fresh is not None:
        write = choose_format([fresh.seed_mean, fresh.best_mean])
        verdict, kind = "may be noise", "unsure"
        if fresh.low is not None and fresh.high is not None:
            if fresh.low > 0:
                verdict, kind = "confirmed by fresh runs", "sure"
            elif fresh.high < 0:
                verdict, kind = "worse than the seed in fresh runs", "worse"
        return {
            "seed": write(fresh.seed_mean),
            "best": write(fresh.best_mean),
            "gain": fresh.describe_gain(),
            "interval": ""
            if fresh.low is None or fresh.high is None
            else f"95 % interval {fresh.low:+.3g} to {fresh.high:+.3g}",
            "runs": f"{fresh.runs[0]} and {fresh.runs[1]} fresh runs of the seed and the best",
            "verdict": verdict,
            "kind": kind,
        }
    if seed is None or best is None or seed.objective is None or best.objective is None:
        return {}
    gain = run.direction.gain(best.objective, seed.objective)
    margin = f" ± {best.margin(run.noise):.2g}" if run.deviation else ""
    return {
        "seed": write(seed.objective),
        "best": write(best.objective) + margin,
        "gain": f"{abs(gain):.3g} {'better' if gain >= 0 else 'worse'}" if gain else "no gain yet",
        "interval": "as the search saw it, which flatters the best of many",
        "runs": "no fresh runs yet",
        "verdict": "not confirmed yet",
        "kind": "unsure",
    }


def _count_at_a_glance(run: RunView) -> list[tuple[str, str]]:
    """What a reader asks next, as names and values."""
    children = [one for one in run.individuals.values() if one.parents and one.measurements]
    failed = sum(not one.scored for one in children)
    facts = [("children", f"{len(children)}, of which {failed} failed")]
    if run.archive is not None and run.qd_offset is not None:
        filled, cells = len(run.archive), run.archive.cells
        facts.append(("archive", f"{filled} of {cells} cells filled"))
        score = run.archive.qd_score(run.qd_offset)
        facts.append(("QD score", f"{score:.3g} over the seed"))
    if run.deviation:
        facts.append(("noise", describe_noise(run.deviation)))
    spend = run.record.spend()
    facts.append(("models", format_dollars(spend.cost) if spend.calls else "none asked"))
    return facts


def _find_problems(run: RunView) -> list[str]:
    """What is missing of the run, each in a sentence."""
    problems = []
    if not run.experiments:
        problems.append("Nothing has been measured yet, so there is little to show.")
    elif run.best is None:
        problems.append("No genome has scored yet, so there is no archive and no best.")
    return problems


def _draw_tree(ancestry: Ancestry) -> dict[str, Any]:
    """The lines and dots of a family tree, in pixels."""

    def at(lane: int, row: int) -> tuple[float, float]:
        return LANE * (lane + 0.75), LINE * (row + 0.5)

    paths = []
    for edge in ancestry.edges:
        (x, y), (p, q) = at(edge.child.lane, edge.child.row), at(edge.parent.lane, edge.parent.row)
        lane = at(edge.lane, 0)[0]
        bend = LINE * 0.5
        path = f"M{x:g} {y:g}"
        if lane != x:
            path += f"C{x:g} {y + bend:g} {lane:g} {y + bend / 2:g} {lane:g} {y + 2 * bend:g}"
        if lane != p:
            path += (
                f"L{lane:g} {q - 2 * bend:g}C{lane:g} {q - bend:g} {p:g} {q - bend:g} {p:g} {q:g}"
            )
        else:
            path += f"L{p:g} {q:g}"
        paths.append({"d": path, "lane": edge.lane % 6})
    dots = [
        {"x": at(node.lane, node.row)[0], "y": at(node.lane, node.row)[1], "lane": node.lane % 6}
        for node in ancestry.nodes
    ]
    return {
        "paths": paths,
        "dots": dots,
        "width": LANE * (ancestry.lanes + 0.5),
        "height": LINE * len(ancestry.nodes),
    }


def _gather_data(run: RunView, gains: dict[int, float | None]) -> dict[str, Any]:
    """What the page's scripts show: one row a genome and one an experiment, as columns."""
    hours, dollars = count_hours(run), count_dollars(run)
    everyone = list(run.individuals.values())
    history, best = trace_history(run), run.best
    return {
        "run": run.folder.name,
        "metric": run.metric,
        "minimize": run.direction.fitter_end == "lower",
        "genome": run.genome,
        "noise": run.deviation,
        "limits": _find_limits(run, [m.objective for m in history if m.objective is not None]),
        "best": None if best is None else best.id,
        "inChunk": IN_CHUNK,
        "axes": [] if run.archive is None else [axis.to_dict() for axis in run.archive.axes],
        "genomes": {
            "operator": [one.operator for one in everyone],
            "model": [one.model for one in everyone],
            "parents": [one.parents for one in everyone],
            "description": [cut(one.description, DESCRIPTION) for one in everyone],
            "objective": [one.objective for one in everyone],
            "gain": [gains[one.id] for one in everyone],
            "status": [_describe_status(run, one) for one in everyone],
            "generation": [one.generation for one in everyone],
            "runs": [len(one.scored) for one in everyone],
        },
        "experiments": {
            "number": [e.number for e in run.experiments],
            "genome": [e.individual for e in run.experiments],
            "fitness": [e.measurement.fitness for e in run.experiments],
            "purpose": [str(e.purpose) for e in run.experiments],
            "kept": [int(e.kept) for e in run.experiments],
            "hours": [round(value, 5) for value in hours],
            "dollars": [round(value, 5) for value in dollars],
        },
        "history": [
            [m.experiment, m.best, m.objective, round(m.coverage, 4), float(f"{m.qd_score:.5g}")]
            for m in history
        ],
    }


def _find_limits(run: RunView, bests: Sequence[float]) -> tuple[float, float]:
    """The range of fitnesses to show: without the worst, but with every best so far."""
    runs = [e.measurement.fitness for e in run.experiments if e.measurement.fitness is not None]
    low, high = find_limits(runs, run.direction) if runs else (0.0, 1.0)
    return min([low, *bests]), max([high, *bests])


def _describe_status(run: RunView, one: Individual) -> str:
    """What became of a genome in a few words: elite, was an elite, scored, or why it is none."""
    if one.objective is None:
        return str(one.status or ("beside the search" if one.id in run.measured else "waiting"))
    if run.archive is not None and run.archive.elite_of(run.archive.cell_of(one)) == one:
        return "elite"
    return "was an elite" if one.id in run.kept else "scored"


def _embed(data: dict[str, Any]) -> Markup:
    """Data as JSON that no reader of HTML takes for the end of its element."""
    text = json.dumps(data, separators=(",", ":"), allow_nan=False)
    for sign in "<>&":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return Markup(text)

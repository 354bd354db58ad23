"""What an ablation found, as a table and in sentences."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from rich.console import Console

from evolve.commands.console import new_table, printable, sayer
from evolve.loop.ablation import AblationResult, Distilled, Verdict, Worth
from evolve.runs.run import Run
from population.formatting import choose_format

HEADER = ("part", "change", "worth", "95 % interval", "runs", "verdict", "genome")
LISTED = 10  # names of parts in a sentence


def list_rows(result: AblationResult) -> list[tuple[str, ...]]:
    """A row for each part, as texts; the columns are those of `HEADER`."""
    found = [one.comparison for one in result.worths if one.comparison is not None]
    ends = [end for one in found for end in (one.gain, one.low, one.high) if end is not None]
    write = _signed(choose_format(ends)) if ends else str
    return [_row(one, write) for one in result.worths]


def _row(one: Worth, write: Callable[[float], str]) -> tuple[str, ...]:
    found, alone = one.comparison, "" if one.individual is None else f"#{one.individual}"
    worth = interval = runs = ""
    if found is not None:
        worth, runs = write(found.gain), str(found.runs[1])
        if found.low is not None and found.high is not None:
            interval = f"{write(found.low)} to {write(found.high)}"
    part, change = printable(one.unit.name), printable(one.unit.change)
    return part, change, worth, interval, runs, str(one.verdict), alone


def _signed(write: Callable[[float], str]) -> Callable[[float], str]:
    """The same numbers with their sign, but for what is written as 0."""

    def signed(value: float) -> str:
        text = write(abs(value))
        return text if not text.strip("0.") else f"{'+' if value > 0 else '-'}{text}"

    return signed


def print_ablation(run: Run, result: AblationResult, console: Console) -> None:
    """Print the table, and what follows from it."""
    table = new_table(*HEADER)
    for column in table.columns[:2]:
        column.no_wrap, column.overflow = False, "fold"
    for column in table.columns[2:5]:
        column.justify = "right"
    for row in list_rows(result):
        table.add_row(*row)
    console.print(f"\nwhat the parts of #{result.ablation.base.id} are worth:")
    console.print(table)
    for line in list_findings(run, result):
        sayer(console)(line)


def list_findings(run: Run, result: AblationResult) -> list[str]:
    """What an ablation says, a sentence a line."""
    base = result.ablation.base.id
    lines = [
        f"worth: how much better {run.task.metric} is with the part than without it, all else as "
        f"in #{base}, by fresh runs alone; a part counts if its 95 % interval lies above 0"
    ]
    for verdict, words in (
        (Verdict.NO_OP, "no-ops, as far as these runs show"),
        (Verdict.HARMS, f"better without it than #{base}"),
    ):
        names = [one.unit.name for one in result.worths if one.verdict is verdict]
        if names:
            more = f" and {len(names) - LISTED} more" if len(names) > LISTED else ""
            lines.append(f"{words}: {', '.join(names[:LISTED])}{more}")
    for one in result.worths:
        if one.reason:
            lines.append(f"{one.unit.name} cannot be reverted alone: {one.reason}")
    for distilled in result.distilled:
        lines += _describe_distilled(run, result, distilled)
    if not result.complete:
        lines.append(
            f"not all was measured; go on with: python -m evolve ablate {run.folder.name} {base}"
        )
    elif not result.distilled:
        lines.append("nothing was found that does not count, so there is no distilled genome")
    elif not result.distilled[-1].holds:
        lines.append(f"no genome with less in it is as good as #{base}: its parts count together")
    return [printable(line) for line in lines]


def _describe_distilled(run: Run, result: AblationResult, one: Distilled) -> list[str]:
    base, metric = result.ablation.base.id, run.task.metric
    more = f" and {len(one.left_out) - LISTED} more" if len(one.left_out) > LISTED else ""
    without = f"without {', '.join(one.left_out[:LISTED])}{more}"
    if one.individual is None or one.comparison is None:
        return [f"the genome {without} is no use: {one.reason or f'#{base} did not score'}"]
    found = one.comparison
    write = choose_format([found.mean, found.reference_mean])
    word = "better than" if found.is_better else "worse than" if found.is_worse else "as good as"
    difference = f"{abs(found.gain):.3g} {'worse' if found.gain < 0 else 'better'}"
    interval = f" ({found.interval})" if found.interval else ""
    lines = [
        f"distilled genome #{one.individual.id}, {without}, is {word} #{base} as far as "
        f"{found.runs[0]} and {found.runs[1]} fresh runs show: {metric} {write(found.mean)} "
        f"against {write(found.reference_mean)}, {difference}{interval}"
    ]
    if one.holds:
        file = f"distilled{Path(run.task.genome).suffix}"
        name = run.folder.name
        lines.append(f"take it: python -m evolve export {name} {one.individual.id} -o {file}")
    return lines


def write_table(result: AblationResult) -> list[str]:
    """The table as lines of Markdown."""
    rows = [HEADER, ("---",) * len(HEADER), *list_rows(result)]
    cells = ([text.replace("|", "\\|") for text in row] for row in rows)
    return [f"| {' | '.join(row)} |" for row in cells]

"""Everything about single genomes, packed: source, changes, runs, curves, requests, logs.

The page unpacks it when somebody opens a genome. What is here is data as it was: nothing of it
becomes HTML, the page shows it as text.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any

from archive import Experiment, ModelCall, ProposalRow
from population import CurvePoint, Individual
from population.lineage import LineageError, StoredGenome
from views.outcomes import name_outcome
from views.report.highlighting import Highlighter
from views.report.texts import LineStream, Span, pack_json, pack_text
from views.run_view import RunView

IN_CHUNK = 200  # records that are unpacked together
POINTS, CURVE = 150_000, (20, 300)  # points of all curves together; of one, at least and at most
LOG_LINES, LOG = 100_000, (10, 60)  # lines of all logs together; of one, at least and at most
LONG_LINE = 2_000  # characters, after which a line of a log, request or reply is cut
NEAR_END = 1 << 16  # bytes at the end of a log that are looked at
MANY_LINES = 4_000  # of a changed region, above which the comparison may pass over common lines

Hunk = tuple[int, int, int, int]
"""Lines of an older text that were replaced by lines of a newer one: as [start, end) of both."""


@dataclass(frozen=True)
class PackedGenomes:
    """The packed records of all genomes, with the texts that they share.

    Attributes:
        records: Records by id, `IN_CHUNK` to a chunk.
        sources: Lines of all sources.
        marks: Colours of these lines, as `Highlighter.mark` has them.
        texts: Lines of all requests, replies, logs and notes.
    """

    records: Sequence[str]
    sources: str
    marks: str
    texts: str


def pack_genomes(run: RunView, progress: Callable[[int, int], None]) -> PackedGenomes:
    """Pack the records of all genomes of a run.

    Args:
        run: The run.
        progress: Function that receives the number of genomes that are packed, and that of all.
    """
    packer = _Packer(run)
    chunks, chunk = list[str](), list[dict[str, Any]]()
    everyone = list(run.individuals.values())
    genomes = run.read_genomes([one.commit for one in everyone])
    for number, (individual, genome) in enumerate(zip(everyone, genomes, strict=True), 1):
        chunk.append(packer.pack(individual, genome))
        if len(chunk) == IN_CHUNK or number == len(everyone):
            chunks.append(pack_json(chunk))
            chunk = []
        progress(number, len(everyone))
    return PackedGenomes(
        records=chunks,
        sources=pack_text("\n".join(packer.sources.lines)),
        marks=pack_text("\n".join(packer.marks)),
        texts=pack_text("\n".join(packer.texts.lines)),
    )


def compare_lines(older: Sequence[str], newer: Sequence[str]) -> list[Hunk]:
    """Compare two texts line by line: the hunks that differ, in order."""
    start, end = 0, 0
    shorter = min(len(older), len(newer))
    while start < shorter and older[start] == newer[start]:
        start += 1
    while end < shorter - start and older[-1 - end] == newer[-1 - end]:
        end += 1
    was, now = older[start : len(older) - end], newer[start : len(newer) - end]
    matcher = SequenceMatcher(None, was, now, autojunk=len(was) + len(now) > MANY_LINES)
    return [
        (start + i, start + j, start + k, start + n)
        for tag, i, j, k, n in matcher.get_opcodes()
        if tag != "equal"
    ]


class _Packer:
    """Packs genomes one after the other, parents before their children."""

    def __init__(self, run: RunView) -> None:
        self._run = run
        self.sources, self.texts, self.marks = LineStream(), LineStream(), list[str]()
        self._highlighter = Highlighter(run.genome)
        self._spans: dict[int, list[Span]] = {}
        self._experiments: dict[int, list[Experiment]] = {}
        for experiment in run.experiments:
            self._experiments.setdefault(experiment.individual, []).append(experiment)
        rows = run.record.proposals(with_calls=False)
        self._proposals = {row.individual: row for row in rows if row.individual is not None}
        self._logs = _find_logs(run.folder.path / "logs")
        self._points = _share(POINTS, len(run.experiments), CURVE)
        self._log_lines = _share(LOG_LINES, sum(map(len, self._logs.values())), LOG)

    def pack(self, individual: Individual, genome: StoredGenome | LineageError) -> dict[str, Any]:
        """The record of an individual; it says so if its genome is missing."""
        record: dict[str, Any] = {"runs": self._pack_runs(individual.id)}
        if isinstance(genome, LineageError):
            record["missing"] = str(genome)
        else:
            record |= self._pack_source(individual, genome.source)
            record["notes"] = self._add_text(genome.notes)
        if individual.prior is not None:
            record["prior"] = individual.prior.typical
        if individual.measures:
            record["measures"] = individual.measures
        if row := self._proposals.get(individual.id):
            record["calls"] = list(self._pack_calls(row))
        record["logs"] = [
            [path.name, self._add_text(self._read_tail(path))]
            for path in self._logs.get(individual.id, ())
        ]
        return record

    def _pack_source(self, individual: Individual, source: str) -> dict[str, Any]:
        spans, old = self.sources.add(source), len(self.marks)
        self._spans[individual.id] = spans
        if len(self.sources.lines) > old:  # the stream holds new lines in the order of the text
            marks = self._highlighter.mark(source)
            new = _own_lines(spans, old)
            self.marks += [marks[place] for place in new]
        lines = source.split("\n")
        return {
            "source": spans,
            "changes": {
                parent: compare_lines(self.sources.read(self._spans[parent]).split("\n"), lines)
                for parent in individual.parents
                if parent in self._spans
            },
        }

    def _pack_runs(self, number: int) -> list[dict[str, Any]]:
        return [self._pack_run(e) for e in self._experiments.get(number, ())]

    def _pack_run(self, experiment: Experiment) -> dict[str, Any]:
        m = experiment.measurement
        curve = _thin(self._run.record.curve(experiment.number), self._points)
        return {
            "number": experiment.number,
            "outcome": name_outcome(experiment, self._run.individuals[experiment.individual]),
            "purpose": str(experiment.purpose),
            "fitness": m.fitness,
            "seconds": round(m.seconds, 1),
            "memory": round(m.memory_gb, 3) or None,
            "device": m.device,
            "seed": m.seed,
            "ended": round(m.ended),
            "reason": _cut_lines(m.reason),
            "details": {name: _shorten(value) for name, value in m.details.items()},
            "curve": [[_shorten(p.seconds), p.step, _shorten(p.loss)] for p in curve],
        }

    def _pack_calls(self, row: ProposalRow) -> Iterator[dict[str, Any]]:
        for call in self._run.record.calls(row.number):
            yield {
                "model": call.model,
                "tokens": [call.tokens_in, call.tokens_out],
                "cost": call.cost,
                "seconds": round(call.seconds, 1),
                "error": _cut_lines(call.error),
                "cut": call.cut,
                "prompt": [[role, self._add_text(text)] for role, text in _read_messages(call)],
                "reply": self._add_text(call.reply),
            }

    def _add_text(self, text: str) -> list[Span]:
        return self.texts.add(_cut_lines(text))

    def _read_tail(self, log: Path) -> str:
        """The last lines of a log; empty if it cannot be read."""
        try:
            with log.open("rb") as file:
                file.seek(max(0, log.stat().st_size - NEAR_END))
                text = file.read(NEAR_END).decode(errors="replace")
        except OSError:  # it is gone, or somebody else's: the page shows what there is
            return ""
        lines = text.replace("\r\n", "\n").replace("\r", "\n").rstrip("\n").split("\n")
        return "\n".join(lines[-self._log_lines :])


def _own_lines(spans: Sequence[Span], old: int) -> list[int]:
    """The indices, within a text, of the lines that the stream got from it, in its order."""
    own: dict[int, int] = {}
    place = 0
    for start, count in spans:
        for line in range(start, start + count):
            if line >= old:
                own.setdefault(line, place)
            place += 1
    return [own[line] for line in sorted(own)]


def _find_logs(folder: Path) -> dict[int, list[Path]]:
    """The logs of each genome, by its id: ID.log, then ID-REPEAT.log."""
    logs: dict[int, list[Path]] = {}
    for path in sorted(folder.glob("*.log"), key=lambda path: (len(path.name), path.name)):
        number = path.stem.partition("-")[0]
        if number.isdecimal():
            logs.setdefault(int(number), []).append(path)
    return logs


def _read_messages(call: ModelCall) -> list[tuple[str, str]]:
    """The messages of a request, each with its role; one without a role if they are no JSON."""
    try:
        return [(str(m["role"]), str(m["content"])) for m in json.loads(call.prompt)]
    except (ValueError, TypeError, KeyError):
        return [("", call.prompt)]


def _thin(curve: Sequence[CurvePoint], most: int) -> list[CurvePoint]:
    if len(curve) <= most:
        return list(curve)
    return [curve[round(place * (len(curve) - 1) / (most - 1))] for place in range(most)]


def _share(whole: int, parts: int, limits: tuple[int, int]) -> int:
    """The share of each of some parts, within limits."""
    least, most = limits
    return min(max(whole // max(parts, 1), least), most)


def _shorten(value: float | None) -> float | None:
    """The number with five significant digits, since thousands of them are stored; NaN is None."""
    if value is None or value != value or abs(value) == float("inf"):
        return None
    return float(f"{value:.5g}")


def _cut_lines(text: str) -> str:
    if len(text) <= LONG_LINE:
        return text
    return "\n".join(_cut_line(line) for line in text.split("\n"))


def _cut_line(line: str) -> str:
    if len(line) <= LONG_LINE:
        return line
    return f"{line[:LONG_LINE]} [... {len(line) - LONG_LINE} characters left out ...]"

"""How the data of a run's record lie in the columns of its tables: both ways, by name."""

from __future__ import annotations

import json
import sqlite3
import zlib
from collections.abc import Sequence
from typing import Any

from archive.axis import Bounds
from archive.rows import (
    Ask,
    Epoch,
    Event,
    Experiment,
    Lessons,
    ModelCall,
    ProposalRow,
    Purpose,
)
from population import CurvePoint, Direction, Individual, Measurement, Status
from population.estimate import Prior

Columns = dict[str, Any]
"""The values of a row that is to be written, by the names of its columns."""


def compress(text: str) -> bytes:
    """Compress a long text as the file holds it."""
    return zlib.compress(text.encode())


def decompress(data: bytes) -> str:
    """Read a text that `compress` wrote."""
    return zlib.decompress(data).decode()


def pack_individual(individual: Individual, digest: str, near: str) -> Columns:
    """The columns of an individual; its measurements are rows of their own."""
    prior = individual.prior
    return {
        "id": individual.id,
        "commit_hash": individual.commit,
        "parents": json.dumps(individual.parents),
        "operator": individual.operator,
        "description": individual.description,
        "generation": individual.generation,
        "digest": digest,
        "near": near,
        "model": individual.model,
        "prior": None if prior is None else json.dumps(prior.to_dict()),
    }


def unpack_individual(
    row: sqlite3.Row, direction: Direction, measurements: Sequence[Measurement]
) -> Individual:
    """The individual of a row, with its measurements within the search."""
    return Individual(
        id=row["id"],
        commit=row["commit_hash"],
        parents=tuple(json.loads(row["parents"])),
        operator=row["operator"],
        description=row["description"],
        generation=row["generation"],
        direction=direction,
        measurements=tuple(measurements),
        prior=_unpack_prior(row),
        model=row["model"],
    )


def _unpack_prior(row: sqlite3.Row) -> Prior | None:
    """The prior of an individual; older versions have stored a mean and a weight."""
    if row["prior"] is not None:
        return Prior.from_dict(json.loads(row["prior"]))
    mean, weight = row["prior_mean"], row["prior_weight"]
    return None if mean is None else Prior.normal(mean, weight)


def pack_measurement(
    individual: int, measurement: Measurement, purpose: Purpose, kept: bool, told: int
) -> Columns:
    """The columns of an experiment, but for its number, which the table gives, and its curve."""
    return {
        "individual": individual,
        "purpose": purpose,
        "status": measurement.status,
        "fitness": measurement.fitness,
        "measures": json.dumps(dict(measurement.measures)),
        "details": json.dumps(dict(measurement.details)),
        "seconds": measurement.seconds,
        "seed": measurement.seed,
        "device": measurement.device,
        "ended": measurement.ended,
        "memory_gb": measurement.memory_gb,
        "reason": measurement.reason,
        "kept": kept,
        "told": told,
    }


def unpack_experiment(row: sqlite3.Row) -> Experiment:
    """The experiment of a row."""
    return Experiment(
        number=row["id"],
        individual=row["individual"],
        purpose=Purpose(row["purpose"]),
        kept=bool(row["kept"]),
        told=row["told"],
        measurement=Measurement(
            status=Status(row["status"]),
            fitness=row["fitness"],
            measures=json.loads(row["measures"]),
            details=json.loads(row["details"]),
            seconds=row["seconds"],
            seed=row["seed"],
            device=row["device"],
            ended=row["ended"],
            memory_gb=row["memory_gb"],
            reason=row["reason"],
        ),
    )


def pack_curve(measurement: int, curve: Sequence[CurvePoint]) -> Columns:
    """The columns of a learning curve."""
    return {"measurement": measurement, "points": compress(json.dumps(curve))}


def unpack_curve(row: sqlite3.Row) -> tuple[CurvePoint, ...]:
    """The learning curve of a row."""
    return tuple(CurvePoint(*point) for point in json.loads(decompress(row["points"])))


def pack_call(proposal: int, call: ModelCall) -> Columns:
    """The columns of a request that a proposal made."""
    return {
        "proposal": proposal,
        "model": call.model,
        "prompt": compress(call.prompt),
        "reply": compress(call.reply),
        "tokens_in": call.tokens_in,
        "tokens_out": call.tokens_out,
        "cost": call.cost,
        "seconds": call.seconds,
        "error": call.error,
        "cut": call.cut,
        "full": call.full,
    }


def unpack_call(row: sqlite3.Row) -> ModelCall:
    """The request of a row."""
    return ModelCall(
        model=row["model"],
        prompt=decompress(row["prompt"]),
        reply=decompress(row["reply"]),
        tokens_in=row["tokens_in"],
        tokens_out=row["tokens_out"],
        cost=row["cost"],
        seconds=row["seconds"],
        error=row["error"],
        cut=bool(row["cut"]),
        full=bool(row["full"]),
    )


def unpack_proposal(row: sqlite3.Row, calls: Sequence[ModelCall]) -> ProposalRow:
    """The proposal of a row, with its requests."""
    return ProposalRow(
        number=row["id"],
        operator=row["operator"],
        parents=tuple(json.loads(row["parents"])),
        individual=row["individual"],
        reason=row["reason"],
        seconds=row["seconds"],
        ended=row["ended"],
        calls=tuple(calls),
        model=row["model"],
        asked=row["asked"],
        told=row["told"],
        offline=bool(row["offline"]),
        screened=tuple(json.loads(row["screened"])),
        form=row["form"],
    )


def unpack_ask(row: sqlite3.Row) -> Ask:
    """What the search was asked for, of a row."""
    return Ask(
        place=row["place"],
        number=row["proposal"],
        operator=row["operator"],
        model=row["model"],
        parents=tuple(json.loads(row["parents"])),
        offline=bool(row["offline"]),
        target=unpack_bounds(row["target"]),
        without=tuple(json.loads(row["without"])),
    )


def unpack_bounds(text: str) -> Bounds:
    """The bounds of a cell, of a column."""
    return tuple((low, high) for low, high in json.loads(text))


def pack_epoch(time: float, epoch: Epoch) -> Columns:
    """The columns of an epoch, which began at a time in seconds since 1970."""
    return {
        "time": time,
        "place": epoch.place,
        "settings": json.dumps(epoch.settings),
        "axes": json.dumps(epoch.axes),
    }


def unpack_epoch(row: sqlite3.Row) -> Epoch:
    """The epoch of a row."""
    return Epoch(
        place=row["place"], settings=json.loads(row["settings"]), axes=json.loads(row["axes"])
    )


def unpack_event(row: sqlite3.Row) -> Event:
    """The event of a row."""
    return Event(time=row["time"], kind=row["kind"], text=row["text"])


def unpack_lessons(row: sqlite3.Row) -> Lessons:
    """The lessons of a row."""
    return Lessons(time=row["time"], children=row["children"], text=row["text"])

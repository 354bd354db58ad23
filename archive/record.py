"""The run's record: SQLite remembers every proposal, genome, measurement and event.

Everything else that a run folder shows (results.tsv, the pictures, the grid) is drawn from here and
from the genomes' git repository.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from archive import columns
from archive.axis import Bounds
from archive.database import Database, insert
from archive.database import RecordError as RecordError
from archive.rows import (
    Ask,
    Epoch,
    Event,
    Experiment,
    Lessons,
    ModelCall,
    ProposalRow,
    Purpose,
    Spend,
)
from population import CurvePoint, Direction, Individual, Measurement

UNANSWERED = "the run ended before the model answered"  # the error of a call nobody waited for
LOST = (UNANSWERED, "the run ended before it was answered")  # and as earlier versions wrote it

SPEND = (  # of the calls `c`, in the order of the fields of `Spend`
    "count(*) AS calls, coalesce(sum(c.error = ''), 0) AS answered, "
    "coalesce(sum(c.tokens_in), 0) AS tokens_in, coalesce(sum(c.tokens_out), 0) AS tokens_out, "
    "coalesce(sum(c.cost), 0.0) AS cost, "
    "coalesce(sum(c.cost IS NULL AND c.error = ''), 0) AS unpriced"
)


class Record:
    """archive.db of one run; each writing method is one transaction.

    Raises:
        RecordError: From every method, when the file is missing, foreign, corrupt or full.
    """

    def __init__(self, database: Database) -> None:
        self._transaction, self.close = database.transaction, database.close

    @classmethod
    def create(cls, path: Path, meta: Mapping[str, Any]) -> Record:
        """Make a new record.

        Args:
            path: Path of the file.
            meta: Values by key that it begins with, as JSON can hold them.
        """
        record = cls(Database.create(path))
        record.set_meta(meta)
        return record

    @classmethod
    def open(cls, path: Path) -> Record:
        """Open an existing record; one that may not be written is read as it is now."""
        return cls(Database.open(path))

    def _fetch(self, query: str, parameters: Sequence[Any] = ()) -> list[sqlite3.Row]:
        """The rows of a query, whose columns are read by name."""
        with self._transaction() as db:
            return db.execute(query, parameters).fetchall()

    def _fetch_number(self, query: str) -> int:
        """The whole number that a query finds."""
        return int(self._fetch(query)[0][0])

    # -- values, events, epochs ---------------------------------------------------------------

    def set_meta(self, values: Mapping[str, Any]) -> None:
        """Store values by key, replacing older ones."""
        with self._transaction() as db:
            db.executemany(
                "INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)",
                [(key, json.dumps(value)) for key, value in values.items()],
            )

    def meta(self, key: str, default: Any = None) -> Any:
        """A stored value, or the default."""
        rows = self._fetch("SELECT value FROM meta WHERE key = ?", (key,))
        return json.loads(rows[0]["value"]) if rows else default

    def add_event(self, time: float, kind: str, text: str) -> None:
        """Record what a reader of the run should know: a stop, a fallback, a lost device."""
        with self._transaction() as db:
            insert(db, "events", {"time": time, "kind": kind, "text": text})

    def events(self) -> list[Event]:
        """All events in their order."""
        rows = self._fetch("SELECT time, kind, text FROM events ORDER BY id")
        return [columns.unpack_event(row) for row in rows]

    def add_epoch(self, time: float, epoch: Epoch) -> None:
        """Record that a process begins to work on the run."""
        with self._transaction() as db:
            insert(db, "epochs", columns.pack_epoch(time, epoch))

    def epochs(self) -> list[Epoch]:
        """All of them in their order; the first processes of an old run are not known."""
        rows = self._fetch("SELECT place, settings, axes FROM epochs ORDER BY id")
        return [columns.unpack_epoch(row) for row in rows]

    # -- genomes and measurements -------------------------------------------------------------

    def add_seed(self, seed: Individual, digest: str, near: str = "") -> None:
        """Record a genome that nobody proposed.

        Args:
            seed: Individual of the genome, without measurements.
            digest: Hash of the genome, which equal genomes share.
            near: Hash of the genome, which genomes that differ little share.
        """
        with self._transaction() as db:
            insert(db, "individuals", columns.pack_individual(seed, digest, near))

    def add_measurement(
        self,
        individual: int,
        measurement: Measurement,
        purpose: Purpose,
        kept: bool,
        told: int = 0,
    ) -> Experiment:
        """Record the end of an experiment.

        Args:
            individual: Id of the individual that was measured.
            measurement: Result of the measurement.
            purpose: Reason for the measurement.
            kept: Whether the individual became an elite by it.
            told: Its place in the order of what the search was asked and told.
        """
        values = columns.pack_measurement(individual, measurement, purpose, kept, told)
        with self._transaction() as db:
            number = insert(db, "measurements", values).lastrowid
            assert number is not None
            if measurement.curve:
                insert(db, "curves", columns.pack_curve(number, measurement.curve))
        return Experiment(number, individual, purpose, measurement, kept, told)

    def curve(self, experiment: int) -> tuple[CurvePoint, ...]:
        """The learning curve of an experiment, by its number; empty if there is none."""
        rows = self._fetch("SELECT points FROM curves WHERE measurement = ?", (experiment,))
        return columns.unpack_curve(rows[0]) if rows else ()

    def individuals(self, direction: Direction) -> list[Individual]:
        """All genomes in the order of their ids, with their measurements within the search."""
        runs: dict[int, list[Measurement]] = {}
        for experiment in self.experiments():
            if experiment.purpose.decides:
                runs.setdefault(experiment.individual, []).append(experiment.measurement)
        rows = self._fetch("SELECT * FROM individuals ORDER BY id")
        return [columns.unpack_individual(row, direction, runs.get(row["id"], ())) for row in rows]

    def digests(self) -> list[tuple[str, str]]:
        """The hashes of all genomes in the order of their ids, exact and near."""
        rows = self._fetch("SELECT digest, near FROM individuals ORDER BY id")
        return [(row["digest"], row["near"]) for row in rows]

    def experiments(self) -> list[Experiment]:
        """All measurements in the order in which they ended, without their learning curves."""
        rows = self._fetch("SELECT * FROM measurements ORDER BY id")
        return [columns.unpack_experiment(row) for row in rows]

    # -- proposals ----------------------------------------------------------------------------

    def begin_proposal(self, row: ProposalRow) -> None:
        """Record that the search was asked for a proposal, before anybody works on it.

        If it begins for the second time, since a process was killed, its earlier calls stay.
        """
        drawn = {
            "operator": row.operator,
            "parents": json.dumps(row.parents),
            "model": row.model,
            "offline": row.offline,
        }
        begun = {**drawn, "asked": row.asked, "reason": "", "form": row.form}
        again = ", ".join(f"{name} = :{name}" for name in begun)
        with self._transaction() as db:
            insert(
                db,
                "proposals",
                {"id": row.number, **begun, "seconds": 0.0, "ended": 0.0},
                f"ON CONFLICT (id) DO UPDATE SET {again} WHERE ended = 0",
            )
            if row.asked:
                asked = {"place": row.asked, "proposal": row.number, **drawn}
                asked |= {"target": json.dumps(row.target), "without": json.dumps(row.without)}
                insert(db, "asks", asked)

    def add_calls(self, number: int, calls: Sequence[ModelCall]) -> None:
        """Record requests of a proposal that goes on."""
        with self._transaction() as db:
            for call in calls:
                insert(db, "calls", columns.pack_call(number, call))

    def end_proposal(
        self,
        row: ProposalRow,
        child: Individual | None = None,
        digest: str = "",
        near: str = "",
        *,
        recorded: int = 0,
    ) -> None:
        """Record what came of a proposal that has begun: its model calls, and its child if any.

        Args:
            row: The proposal as it is now.
            child: Individual that came of it; None if it was refused.
            digest: Hash of the child's genome, which equal genomes share.
            near: Hash of the child's genome, which genomes that differ little share.
            recorded: Number of its calls that `add_calls` has recorded already.
        """
        with self._transaction() as db:
            if child is not None:
                insert(db, "individuals", columns.pack_individual(child, digest, near))
            for call in row.calls[recorded:]:
                insert(db, "calls", columns.pack_call(row.number, call))
            cursor = db.execute(
                "UPDATE proposals SET individual = :individual, reason = :reason, "
                "seconds = :seconds, ended = :ended, told = :told, screened = :screened, "
                "form = :form "
                "WHERE id = :number AND ended = 0",
                {**vars(row), "screened": json.dumps(row.screened)},
            )
            if cursor.rowcount != 1:
                raise sqlite3.IntegrityError(f"proposal {row.number} was not in the making")
            if row.target:  # the operator chose it by itself, after it was asked
                target = json.dumps(row.target), row.asked
                db.execute("UPDATE asks SET target = ? WHERE place = ?", target)

    def abandon_proposals(self, time: float) -> None:
        """Charge for the proposals that were being made when their process ended.

        Whoever sends a request pays for it, so each that asked a model is taken to have had one
        request on its way, at the mean price of that model's answers. Lessons and notes end here.

        Args:
            time: Time of their end, in seconds since 1970.
        """
        with self._transaction() as db:
            db.execute(
                "INSERT INTO calls (proposal, model, prompt, reply, tokens_in, tokens_out, cost, "
                "seconds, error) SELECT p.id, p.model, ?, ?, 0, 0, (SELECT avg(c.cost) "
                "FROM calls c WHERE c.model = p.model AND c.error = ''), 0.0, ? "
                "FROM proposals p WHERE p.ended = 0 AND p.model != '' AND p.reason = ''",
                (columns.compress("[]"), columns.compress(""), UNANSWERED),
            )
            db.execute("UPDATE proposals SET reason = ? WHERE ended = 0", (UNANSWERED,))
            db.execute("UPDATE proposals SET ended = ? WHERE ended = 0 AND asked = 0", (time,))

    def unfinished_proposals(self) -> list[int]:
        """The numbers of those that have not ended; a process that was killed leaves some."""
        rows = self._fetch("SELECT id FROM proposals WHERE ended = 0 ORDER BY id")
        return [row["id"] for row in rows]

    def proposals(self, *, with_calls: bool = True) -> list[ProposalRow]:
        """All proposals in their order, with their model calls or, faster, without."""
        calls: dict[int, list[ModelCall]] = {}
        for row in self._fetch("SELECT * FROM calls ORDER BY id") if with_calls else ():
            calls.setdefault(row["proposal"], []).append(columns.unpack_call(row))
        rows = self._fetch("SELECT * FROM proposals ORDER BY id")
        return [columns.unpack_proposal(row, calls.get(row["id"], ())) for row in rows]

    def asks(self) -> list[Ask]:
        """Everything that the search was asked for, in order."""
        return [columns.unpack_ask(row) for row in self._fetch("SELECT * FROM asks ORDER BY place")]

    def targets(self) -> list[Bounds]:
        """Bounds of the cells that proposals aimed at, of those whose child has run or is none."""
        rows = self._fetch(
            "SELECT target FROM asks JOIN proposals p ON p.id = asks.proposal "
            "WHERE target != '[]' AND p.ended > 0 AND (p.individual IS NULL OR "
            "p.individual IN (SELECT individual FROM measurements)) ORDER BY place"
        )
        return [columns.unpack_bounds(row["target"]) for row in rows]

    def next_place(self) -> int:
        """The next place in the order of what the search was asked and told, from 1."""
        return 1 + self._fetch_number(
            "SELECT max((SELECT coalesce(max(told), 0) FROM measurements), "
            "(SELECT coalesce(max(told), 0) FROM proposals), "
            "(SELECT coalesce(max(place), 0) FROM asks))"
        )

    def next_proposal(self) -> int:
        """The number that the next proposal will have."""
        return self._fetch_number("SELECT coalesce(max(id) + 1, 0) FROM proposals")

    # -- language models ----------------------------------------------------------------------

    def calls(self, number: int) -> tuple[ModelCall, ...]:
        """The requests that proposal `number` made, in all its tries."""
        rows = self._fetch("SELECT * FROM calls WHERE proposal = ? ORDER BY id", (number,))
        return tuple(columns.unpack_call(row) for row in rows)

    def last_calls(self, number: int) -> tuple[ModelCall, ...]:
        """The requests of its last try, the one that came to an end."""
        calls = self.calls(number)
        lost = [place for place, call in enumerate(calls, 1) if call.error in LOST]
        return calls[lost[-1] if lost else 0 :]

    def costs(self) -> dict[int, dict[str, float]]:
        """The known cost of each proposal's last try, by number and model, in US dollars."""
        rows = self._fetch(
            "SELECT proposal, model, coalesce(sum(cost), 0.0) AS cost FROM calls c "
            "WHERE id > coalesce((SELECT max(id) FROM calls l "
            "WHERE l.proposal = c.proposal AND l.error IN (?, ?)), 0) GROUP BY proposal, model",
            LOST,
        )
        costs: dict[int, dict[str, float]] = {}
        for row in rows:
            costs.setdefault(row["proposal"], {})[row["model"]] = row["cost"]
        return costs

    def spend(self) -> Spend:
        """What the models took so far."""
        (row,) = self._fetch(f"SELECT {SPEND} FROM calls c")
        return Spend(**dict(row))

    def spend_by_arm(self) -> dict[tuple[str, str], Spend]:
        """What the models took, by the operator that asked and the model that was asked."""
        rows = self._fetch(
            f"SELECT p.operator, c.model, {SPEND} FROM calls c "
            "JOIN proposals p ON p.id = c.proposal GROUP BY p.operator, c.model"
        )
        return {(row[0], row[1]): Spend(*row[2:]) for row in rows}

    def count_replies(self, apart_from: Sequence[str]) -> int:
        """Count the requests that were answered, without those of some operators."""
        (row,) = self._fetch(
            "SELECT count(*) AS replies FROM calls c JOIN proposals p ON p.id = c.proposal "
            f"WHERE c.error = '' AND p.operator NOT IN ({', '.join('?' * len(apart_from))})",
            tuple(apart_from),
        )
        return int(row["replies"])

    def last_error(self) -> str:
        """Why the latest call to a model that failed had no reply; empty if none failed."""
        rows = self._fetch("SELECT error FROM calls WHERE error != '' ORDER BY id DESC LIMIT 1")
        return str(rows[0]["error"]) if rows else ""

    def add_lessons(self, time: float, children: int, text: str) -> None:
        """Record what was learnt from so many children; earlier lessons stay readable."""
        with self._transaction() as db:
            insert(db, "lessons", {"time": time, "children": children, "text": text})

    def lessons(self) -> list[Lessons]:
        """All lessons, the latest last."""
        rows = self._fetch("SELECT time, children, text FROM lessons ORDER BY id")
        return [columns.unpack_lessons(row) for row in rows]

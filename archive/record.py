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

from archive.database import Database, packed, unpacked
from archive.database import RecordError as RecordError
from archive.rows import Ask, Epoch, Experiment, ModelCall, ProposalRow, Purpose, Spend
from population import Direction, Individual, Measurement, Status
from population.estimate import Prior

UNANSWERED = "the run ended before it was answered"  # what a call says that nobody waited for


class Record:
    """archive.db of one run; each writing method is one transaction.

    Raises:
        RecordError: from every method, when the file is missing, foreign, corrupt or full.
    """

    def __init__(self, database: Database) -> None:
        self._transaction, self.close = database.transaction, database.close

    @classmethod
    def create(cls, path: Path, meta: Mapping[str, Any]) -> Record:
        """Make a new record that begins with `meta`, values as JSON can hold them."""
        record = cls(Database.create(path))
        record.set_meta(meta)
        return record

    @classmethod
    def open(cls, path: Path) -> Record:
        """Open an existing record; one that may not be written is read as it is now."""
        return cls(Database.open(path))

    # -- what is known from the start ---------------------------------------------------------

    def set_meta(self, values: Mapping[str, Any]) -> None:
        """Store values by key, replacing older ones."""
        with self._transaction() as db:
            db.executemany(
                "INSERT OR REPLACE INTO meta VALUES (?, ?)",
                [(key, json.dumps(value)) for key, value in values.items()],
            )

    def meta(self, key: str, default: Any = None) -> Any:
        """A stored value, or the default."""
        with self._transaction() as db:
            row = db.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
        return default if row is None else json.loads(row[0])

    # -- what happens -------------------------------------------------------------------------

    def begin_proposal(self, row: ProposalRow) -> None:
        """Record that the search was asked for a proposal, before anybody works on it.

        If it begins for the second time, since a process was killed, its earlier calls stay.
        """
        parents = json.dumps(row.parents)
        values = (row.operator, parents, row.model, row.asked, row.offline)
        with self._transaction() as db:
            db.execute(
                "INSERT INTO proposals (id, operator, parents, model, asked, offline, reason, "
                "seconds, ended) VALUES (?, ?, ?, ?, ?, ?, '', 0.0, 0.0) ON CONFLICT (id) "
                "DO UPDATE SET operator = ?, parents = ?, model = ?, asked = ?, offline = ?, "
                "reason = '' WHERE ended = 0",
                (row.number, *values, *values),
            )
            if row.asked:
                asked = (row.asked, row.number, row.operator, row.model, parents, row.offline)
                db.execute("INSERT INTO asks VALUES (?, ?, ?, ?, ?, ?)", asked)

    def add_calls(self, number: int, calls: Sequence[ModelCall]) -> None:
        """Record requests of a proposal that goes on."""
        with self._transaction() as db:
            self._insert_calls(db, number, calls)

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
            row: as it is now.
            child: that came of it.
            digest, near: its hashes.
            recorded: how many of its calls `add_calls` has recorded already.
        """
        with self._transaction() as db:
            self._insert_individual(db, child, digest, near)
            self._insert_calls(db, row.number, row.calls[recorded:])
            cursor = db.execute(
                "UPDATE proposals SET individual = ?, reason = ?, seconds = ?, ended = ?, told = ?,"
                " screened = ? WHERE id = ? AND ended = 0",
                (row.individual, row.reason, row.seconds, row.ended, row.told,
                 json.dumps(row.screened), row.number),
            )  # fmt: skip
            if cursor.rowcount != 1:
                raise sqlite3.IntegrityError(f"proposal {row.number} was not in the making")

    def abandon_proposals(self, time: float) -> None:
        """Charge for the proposals that were in the making when their process ended.

        Whoever sends a request pays for it, so each that asked a model is taken to have had one on
        its way, at the mean price of that model's answers. Lessons and notes end here.
        """
        with self._transaction() as db:
            db.execute(
                "INSERT INTO calls SELECT NULL, p.id, p.model, ?, ?, 0, 0, (SELECT avg(c.cost) "
                "FROM calls c WHERE c.model = p.model AND c.error = ''), 0.0, ?, 0 "
                "FROM proposals p WHERE p.ended = 0 AND p.model != '' AND p.reason = ''",
                (packed("[]"), packed(""), UNANSWERED),
            )
            db.execute("UPDATE proposals SET reason = ? WHERE ended = 0", (UNANSWERED,))
            db.execute("UPDATE proposals SET ended = ? WHERE ended = 0 AND asked = 0", (time,))

    def open_proposals(self) -> list[int]:
        """The numbers of those that have not ended; a process that was killed leaves some."""
        with self._transaction() as db:
            rows = db.execute("SELECT id FROM proposals WHERE ended = 0 ORDER BY id").fetchall()
        return [number for (number,) in rows]

    @staticmethod
    def _insert_calls(db: sqlite3.Connection, number: int, calls: Sequence[ModelCall]) -> None:
        db.executemany(
            "INSERT INTO calls VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                (number, call.model, packed(call.prompt), packed(call.reply), call.tokens_in,
                 call.tokens_out, call.cost, call.seconds, call.error, call.cut)
                for call in calls
            ],
        )  # fmt: skip

    def add_seed(self, seed: Individual, digest: str, near: str = "") -> None:
        """Record a genome that nobody proposed."""
        with self._transaction() as db:
            self._insert_individual(db, seed, digest, near)

    def add_measurement(
        self,
        individual: int,
        measurement: Measurement,
        purpose: Purpose,
        kept: bool,
        told: int = 0,
    ) -> Experiment:
        """Record the end of an experiment."""
        m = measurement
        with self._transaction() as db:
            cursor = db.execute(
                "INSERT INTO measurements VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (individual, purpose, m.status, m.fitness, json.dumps(dict(m.measures)),
                 json.dumps(dict(m.details)), m.seconds, m.seed, m.device, m.ended, m.memory_gb,
                 m.reason, kept, told),
            )  # fmt: skip
        assert cursor.lastrowid is not None
        return Experiment(cursor.lastrowid, individual, purpose, measurement, kept, told)

    def add_epoch(self, time: float, epoch: Epoch) -> None:
        """Record that a process begins to work on the run."""
        with self._transaction() as db:
            db.execute(
                "INSERT INTO epochs VALUES (NULL, ?, ?, ?, ?)",
                (time, epoch.place, json.dumps(epoch.settings), json.dumps(epoch.axes)),
            )

    def epochs(self) -> list[Epoch]:
        """All of them in their order; the first processes of an old run are not known."""
        with self._transaction() as db:
            rows = db.execute("SELECT place, settings, axes FROM epochs ORDER BY id").fetchall()
        return [
            Epoch(place, json.loads(settings), json.loads(axes)) for place, settings, axes in rows
        ]

    def add_event(self, time: float, kind: str, text: str) -> None:
        """Record what a reader of the run should know: a start, a stop, a fallback."""
        with self._transaction() as db:
            db.execute("INSERT INTO events VALUES (NULL, ?, ?, ?)", (time, kind, text))

    @staticmethod
    def _insert_individual(
        db: sqlite3.Connection, individual: Individual | None, digest: str, near: str
    ) -> None:
        if individual is None:
            return
        i = individual
        prior = None if i.prior is None else json.dumps(i.prior.to_dict())
        db.execute(
            "INSERT INTO individuals (id, commit_hash, parents, operator, description, generation, "
            "digest, near, model, prior) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (i.id, i.commit, json.dumps(i.parents), i.operator, i.description, i.generation, digest,
             near, i.model, prior),
        )  # fmt: skip

    # -- what was -----------------------------------------------------------------------------

    def individuals(self, direction: Direction) -> list[Individual]:
        """All genomes in the order of their ids, with their measurements within the search."""
        runs: dict[int, list[Measurement]] = {}
        for experiment in self.experiments():
            if experiment.purpose is not Purpose.FINAL:
                runs.setdefault(experiment.individual, []).append(experiment.measurement)
        with self._transaction() as db:
            rows = db.execute(
                "SELECT id, commit_hash, parents, operator, description, generation, prior_mean, "
                "prior_weight, model, prior FROM individuals ORDER BY id"
            ).fetchall()
        return [
            Individual(
                id=row[0],
                commit=row[1],
                parents=tuple(json.loads(row[2])),
                operator=row[3],
                description=row[4],
                generation=row[5],
                direction=direction,
                measurements=tuple(runs.get(row[0], ())),
                prior=_prior(row[9], row[6], row[7]),
                model=row[8],
            )
            for row in rows
        ]

    def digests(self) -> list[tuple[str, str]]:
        """The hashes of all genomes in the order of their ids, exact and near."""
        with self._transaction() as db:
            return db.execute("SELECT digest, near FROM individuals ORDER BY id").fetchall()

    def experiments(self) -> list[Experiment]:
        """All measurements in the order in which they ended."""
        with self._transaction() as db:
            rows = db.execute(
                "SELECT id, individual, purpose, kept, status, fitness, measures, details, "
                "seconds, seed, device, ended, memory_gb, reason, told "
                "FROM measurements ORDER BY id"
            ).fetchall()
        return [
            Experiment(
                number=row[0],
                individual=row[1],
                purpose=Purpose(row[2]),
                kept=bool(row[3]),
                told=row[14],
                measurement=Measurement(
                    status=Status(row[4]),
                    fitness=row[5],
                    measures=json.loads(row[6]),
                    details=json.loads(row[7]),
                    seconds=row[8],
                    seed=row[9],
                    device=row[10],
                    ended=row[11],
                    memory_gb=row[12],
                    reason=row[13],
                ),
            )
            for row in rows
        ]

    def calls(self, number: int) -> tuple[ModelCall, ...]:
        """The requests that proposal `number` made, in all its tries."""
        with self._transaction() as db:
            rows = db.execute("SELECT * FROM calls WHERE proposal = ? ORDER BY id", (number,))
            return tuple(_call(row) for row in rows)

    def last_calls(self, number: int) -> tuple[ModelCall, ...]:
        """Those of its last try, the one that came to an end."""
        calls = self.calls(number)
        lost = [place for place, call in enumerate(calls, 1) if call.error == UNANSWERED]
        return calls[lost[-1] if lost else 0 :]

    def costs(self) -> dict[int, dict[str, float]]:
        """What the last try of each proposal took of each model, in dollars, as far as is known."""
        query = (
            "SELECT proposal, model, coalesce(sum(cost), 0.0) FROM calls c WHERE id > coalesce("
            "(SELECT max(id) FROM calls l WHERE l.proposal = c.proposal AND l.error = ?), 0) "
            "GROUP BY 1, 2"
        )
        costs: dict[int, dict[str, float]] = {}
        with self._transaction() as db:
            for number, model, cost in db.execute(query, (UNANSWERED,)):
                costs.setdefault(number, {})[model] = cost
        return costs

    def proposals(self, *, with_calls: bool = True) -> list[ProposalRow]:
        """All proposals in their order, with their model calls or, faster, without."""
        calls: dict[int, list[ModelCall]] = {}
        with self._transaction() as db:
            rows = db.execute("SELECT * FROM proposals ORDER BY id").fetchall()
            for row in db.execute("SELECT * FROM calls ORDER BY id") if with_calls else ():
                calls.setdefault(row[1], []).append(_call(row))
        return [
            ProposalRow(
                number=row[0],
                operator=row[1],
                parents=tuple(json.loads(row[2])),
                individual=row[3],
                reason=row[4],
                seconds=row[5],
                ended=row[6],
                calls=tuple(calls.get(row[0], ())),
                model=row[7],
                asked=row[8],
                told=row[9],
                offline=bool(row[10]),
                screened=tuple(json.loads(row[11])),
            )
            for row in rows
        ]

    def asks(self) -> list[Ask]:
        """Everything that the search was asked for, in order."""
        query = "SELECT place, proposal, operator, model, parents, offline FROM asks ORDER BY place"
        with self._transaction() as db:
            rows = db.execute(query).fetchall()
        return [
            Ask(place, number, operator, model, tuple(json.loads(parents)), bool(offline))
            for place, number, operator, model, parents, offline in rows
        ]

    def next_place(self) -> int:
        """The next place in the order of what the search was asked and told, from 1."""
        query = (
            "SELECT max((SELECT coalesce(max(told), 0) FROM measurements), "
            "(SELECT coalesce(max(told), 0) FROM proposals), "
            "(SELECT coalesce(max(place), 0) FROM asks))"
        )
        with self._transaction() as db:
            return int(db.execute(query).fetchone()[0]) + 1

    def next_proposal(self) -> int:
        """The number that the next proposal will have."""
        with self._transaction() as db:
            return int(db.execute("SELECT coalesce(max(id) + 1, 0) FROM proposals").fetchone()[0])

    def spend(self) -> Spend:
        """What the models took so far."""
        with self._transaction() as db:
            row = db.execute(
                "SELECT count(*), coalesce(sum(error = ''), 0), coalesce(sum(tokens_in), 0), "
                "coalesce(sum(tokens_out), 0), coalesce(sum(cost), 0.0), "
                "coalesce(sum(cost IS NULL AND error = ''), 0) FROM calls"
            ).fetchone()
        return Spend(*row)

    def replies(self, apart_from: Sequence[str]) -> int:
        """How many requests were answered, those of some operators left out."""
        query = (
            "SELECT count(*) FROM calls c JOIN proposals p ON p.id = c.proposal WHERE c.error = '' "
            f"AND p.operator NOT IN ({', '.join('?' * len(apart_from))})"
        )
        with self._transaction() as db:
            return int(db.execute(query, tuple(apart_from)).fetchone()[0])

    def last_error(self) -> str:
        """Why the latest call to a model that failed had no reply; empty if none failed."""
        query = "SELECT error FROM calls WHERE error != '' ORDER BY id DESC LIMIT 1"
        with self._transaction() as db:
            row = db.execute(query).fetchone()
        return str(row[0]) if row else ""

    def add_lessons(self, time: float, children: int, text: str) -> None:
        """Record what was learnt from so many children; earlier lessons stay readable."""
        with self._transaction() as db:
            db.execute("INSERT INTO lessons VALUES (NULL, ?, ?, ?)", (time, children, text))

    def lessons(self) -> Sequence[tuple[float, int, str]]:
        """(time, children, text) of all lessons, the latest last."""
        with self._transaction() as db:
            return db.execute("SELECT time, children, text FROM lessons ORDER BY id").fetchall()

    def events(self) -> Sequence[tuple[float, str, str]]:
        """(time, kind, text) of all events in their order."""
        with self._transaction() as db:
            return db.execute("SELECT time, kind, text FROM events ORDER BY id").fetchall()


def _prior(stored: str | None, mean: float | None, weight: float | None) -> Prior | None:
    """What was expected of an individual; older versions have stored a mean and a weight."""
    if stored is not None:
        return Prior.from_dict(json.loads(stored))
    return None if mean is None or weight is None else Prior.normal(mean, weight)


def _call(row: tuple[Any, ...]) -> ModelCall:
    return ModelCall(
        model=row[2],
        prompt=unpacked(row[3]),
        reply=unpacked(row[4]),
        tokens_in=row[5],
        tokens_out=row[6],
        cost=row[7],
        seconds=row[8],
        error=row[9],
        cut=bool(row[10]),
    )

"""The run's record: SQLite remembers every proposal, genome, measurement and event.

Everything else that a run folder shows (results.tsv, the pictures, the grid) is drawn from here and
from the genomes' git repository.
"""

from __future__ import annotations

import json
import os
import sqlite3
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from archive.rows import Experiment, ModelCall, ProposalRow, Purpose, Spend
from archive.schema import MIGRATIONS, SCHEMA, SCHEMA_VERSION
from population import Direction, Individual, Measurement, Status
from population.estimate import Prior


class RecordError(Exception):
    """archive.db cannot be read or written; the message says what to do."""


class Record:
    """archive.db of one run; each writing method is one transaction.

    Raises:
        RecordError: from every method, when the file is missing, foreign, corrupt or full.
    """

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self._path = path
        self._db = connection

    @classmethod
    def create(cls, path: Path, meta: Mapping[str, Any]) -> Record:
        """Make a new record that begins with `meta`, values as JSON can hold them."""
        if path.exists():
            raise RecordError(f"{path} exists already; resume its run, or choose another --run")
        record = cls(path, sqlite3.connect(path))
        with record._transaction() as db:
            db.execute("PRAGMA journal_mode = WAL")
        with record._transaction() as db:
            db.executescript(f"BEGIN; {SCHEMA} PRAGMA user_version = {SCHEMA_VERSION}; COMMIT;")
        record.set_meta(meta)
        return record

    @classmethod
    def open(cls, path: Path) -> Record:
        """Open an existing record; one that may not be written is read as it is now."""
        if not path.is_file():
            raise RecordError(f"there is no {path}; `python -m evolve list` names the runs")
        writable = os.access(path, os.W_OK) and os.access(path.parent, os.W_OK)
        record = cls(path, sqlite3.connect(path if writable else ":memory:"))
        if not writable:
            record._load()
        with record._transaction() as db:
            version = db.execute("PRAGMA user_version").fetchone()[0]
            tables = {row[0] for row in db.execute("SELECT name FROM sqlite_master")}
        if not tables:
            raise RecordError(
                f"{path} is no record of a run but empty: the run was never "
                f"fully made; remove {path.parent}"
            )
        if not {"meta", "individuals", "measurements", "proposals"} <= tables:
            raise RecordError(f"{path} is no record of a run; restore it from a backup")
        if version > SCHEMA_VERSION or (version < SCHEMA_VERSION and version not in MIGRATIONS):
            raise RecordError(
                f"{path} has schema version {version}, this program reads {SCHEMA_VERSION} and "
                "older ones; use the version of the program that wrote it"
            )
        record._migrate(version)
        return record

    def _load(self) -> None:
        """Copy the file into memory."""
        with self._transaction() as db:
            journal = self._path.with_name(f"{self._path.name}-wal").exists()
            mode = "mode=ro" if journal else "mode=ro&immutable=1"  # no journal can be made there
            with closing(
                sqlite3.connect(f"{self._path.absolute().as_uri()}?{mode}", uri=True)
            ) as file:
                file.backup(db)

    def _migrate(self, version: int) -> None:
        """Make a record of an older version one of this version."""
        for older in range(version, SCHEMA_VERSION):
            steps = f"{MIGRATIONS[older]} PRAGMA user_version = {older + 1};"
            with self._transaction() as db:
                db.executescript(f"BEGIN IMMEDIATE; {steps} COMMIT;")

    def close(self) -> None:
        self._db.close()

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        try:
            with self._db as db:
                yield db
        except sqlite3.Error as error:
            raise RecordError(
                f"{self._path}: {error}; what was recorded before is safe. Free the disk, make the "
                "folder writable or restore the file from a backup, then resume the run"
            ) from error

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

    def add_proposal(
        self, row: ProposalRow, child: Individual | None = None, digest: str = "", near: str = ""
    ) -> None:
        """Record a proposal, its model calls and, if it came to one, its child with its hashes."""
        with self._transaction() as db:
            if child is not None:
                self._insert_individual(db, child, digest, near)
            db.execute(
                "INSERT INTO proposals VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (row.number, row.operator, json.dumps(row.parents), row.individual, row.reason,
                 row.seconds, row.ended, row.model, row.asked, row.told, row.offline),
            )  # fmt: skip
            db.executemany(
                "INSERT INTO calls VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                [
                    (row.number, call.model, _packed(call.prompt), _packed(call.reply),
                     call.tokens_in, call.tokens_out, call.cost, call.seconds, call.error,
                     call.cut)
                    for call in row.calls
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

    def add_event(self, time: float, kind: str, text: str) -> None:
        """Record what a reader of the run should know: a start, a stop, a fallback."""
        with self._transaction() as db:
            db.execute("INSERT INTO events VALUES (NULL, ?, ?, ?)", (time, kind, text))

    @staticmethod
    def _insert_individual(
        db: sqlite3.Connection, individual: Individual, digest: str, near: str
    ) -> None:
        i = individual
        prior = (None, None) if i.prior is None else (i.prior.mean, i.prior.weight)
        db.execute(
            "INSERT INTO individuals VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (i.id, i.commit, json.dumps(i.parents), i.operator, i.description, i.generation, digest,
             *prior, near, i.model),
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
                "prior_weight, model FROM individuals ORDER BY id"
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
                prior=None if row[6] is None else Prior(row[6], row[7]),
                model=row[8],
            )
            for row in rows
        ]

    def digests(self) -> set[str]:
        """The hashes of all genomes, by which equal and nearly equal ones are known."""
        with self._transaction() as db:
            rows = db.execute("SELECT digest, near FROM individuals").fetchall()
        return {text for row in rows for text in row if text}

    def digest(self, number: int) -> str:
        """The hash by which individual `number` is known exactly."""
        query = "SELECT digest FROM individuals WHERE id = ?"
        with self._transaction() as db:
            return str(db.execute(query, (number,)).fetchone()[0])

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
        """The requests that proposal `number` made."""
        with self._transaction() as db:
            rows = db.execute("SELECT * FROM calls WHERE proposal = ? ORDER BY id", (number,))
            return tuple(_call(row) for row in rows)

    def costs(self) -> dict[int, dict[str, float]]:
        """What each proposal took of each model, in dollars, as far as that is known."""
        query = "SELECT proposal, model, coalesce(sum(cost), 0.0) FROM calls GROUP BY 1, 2"
        costs: dict[int, dict[str, float]] = {}
        with self._transaction() as db:
            for number, model, cost in db.execute(query):
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
            )
            for row in rows
        ]

    def next_place(self) -> int:
        """The next place in the order of what the search was asked and told, from 1."""
        query = (
            "SELECT max((SELECT coalesce(max(told), 0) FROM measurements), "
            "(SELECT coalesce(max(max(told, asked)), 0) FROM proposals))"
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


def _call(row: tuple[Any, ...]) -> ModelCall:
    return ModelCall(
        model=row[2],
        prompt=_unpacked(row[3]),
        reply=_unpacked(row[4]),
        tokens_in=row[5],
        tokens_out=row[6],
        cost=row[7],
        seconds=row[8],
        error=row[9],
        cut=bool(row[10]),
    )


def _packed(text: str) -> bytes:
    return zlib.compress(text.encode())


def _unpacked(data: bytes) -> str:
    return zlib.decompress(data).decode()

"""archive.db as a file: created, opened, migrated, and written in whole transactions."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from archive.schema import MIGRATIONS, SCHEMA, SCHEMA_VERSION
from population.errors import UserError
from population.invocation import write_command


class RecordError(UserError):
    """archive.db cannot be read or written; the message says what to do."""


class Database:
    """One file, whose rows are read by the names of their columns.

    Raises:
        RecordError: From every method, when the file is missing, foreign, corrupt or full.
    """

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self._path = path
        self._db = connection
        self._db.row_factory = sqlite3.Row

    @classmethod
    def create(cls, path: Path) -> Database:
        """Create a file with all tables, and nothing in them."""
        if path.exists():
            raise RecordError(f"{path} exists already; resume its run, or choose another --run")
        database = cls(path, sqlite3.connect(path))
        with database.transaction() as db:
            db.execute("PRAGMA journal_mode = WAL")
        with database.transaction() as db:
            db.executescript(f"BEGIN; {SCHEMA} PRAGMA user_version = {SCHEMA_VERSION}; COMMIT;")
        return database

    @classmethod
    def open(cls, path: Path) -> Database:
        """Open an existing file; one that may not be written is read as it is now."""
        if not path.is_file():
            raise RecordError(f"there is no {path}; `{write_command('list')}` names the runs")
        writable = os.access(path, os.W_OK) and os.access(path.parent, os.W_OK)
        database = cls(path, sqlite3.connect(path if writable else ":memory:"))
        if not writable:
            database._load()
        with database.transaction() as db:
            version = db.execute("PRAGMA user_version").fetchone()[0]
            tables = {row["name"] for row in db.execute("SELECT name FROM sqlite_master")}
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
        database._migrate(version)
        return database

    def _load(self) -> None:
        """Copy the file into memory."""
        with self.transaction() as db:
            journal = self._path.with_name(f"{self._path.name}-wal").exists()
            mode = "mode=ro" if journal else "mode=ro&immutable=1"  # no journal can be made there
            with closing(
                sqlite3.connect(f"{self._path.absolute().as_uri()}?{mode}", uri=True)
            ) as file:
                file.backup(db)

    def _migrate(self, version: int) -> None:
        """Bring a file of an older version up to date, one version at a time."""
        for older in range(version, SCHEMA_VERSION):
            steps = f"{MIGRATIONS[older]} PRAGMA user_version = {older + 1};"
            with self.transaction() as db:
                db.executescript(f"BEGIN IMMEDIATE; {steps} COMMIT;")

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Read or write as one transaction: all of it happens, or nothing."""
        try:
            with self._db as db:
                yield db
        except sqlite3.Error as error:
            raise RecordError(
                f"{self._path}: {error}; what was recorded before is safe. Free the disk, make the "
                "folder writable or restore the file from a backup, then resume the run"
            ) from error


def insert(
    db: sqlite3.Connection, table: str, values: Mapping[str, Any], conflict: str = ""
) -> sqlite3.Cursor:
    """Insert a row.

    Args:
        db: Connection within a transaction.
        table: Name of the table.
        values: Values by the names of their columns.
        conflict: An "ON CONFLICT ..." clause, which may use `:name` of the values; may be empty.
    """
    names, marks = ", ".join(values), ", ".join(f":{name}" for name in values)
    return db.execute(f"INSERT INTO {table} ({names}) VALUES ({marks}) {conflict}", values)

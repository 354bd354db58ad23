"""The tables of archive.db, and how those of older versions become them."""

from __future__ import annotations

SCHEMA_VERSION = 2
SCHEMA = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
CREATE TABLE individuals (
    id INTEGER PRIMARY KEY, commit_hash TEXT NOT NULL, parents TEXT NOT NULL,
    operator TEXT NOT NULL, description TEXT NOT NULL, generation INTEGER NOT NULL,
    digest TEXT NOT NULL, prior_mean REAL, prior_weight REAL) STRICT;
CREATE TABLE measurements (
    id INTEGER PRIMARY KEY, individual INTEGER NOT NULL REFERENCES individuals,
    purpose TEXT NOT NULL, status TEXT NOT NULL, fitness REAL, measures TEXT NOT NULL,
    details TEXT NOT NULL, seconds REAL NOT NULL, seed INTEGER NOT NULL, device TEXT NOT NULL,
    ended REAL NOT NULL, memory_gb REAL NOT NULL, reason TEXT NOT NULL, kept INTEGER NOT NULL
    ) STRICT;
CREATE TABLE proposals (
    id INTEGER PRIMARY KEY, operator TEXT NOT NULL, parents TEXT NOT NULL,
    individual INTEGER REFERENCES individuals, reason TEXT NOT NULL, seconds REAL NOT NULL,
    ended REAL NOT NULL) STRICT;
CREATE TABLE calls (
    id INTEGER PRIMARY KEY, proposal INTEGER NOT NULL REFERENCES proposals, model TEXT NOT NULL,
    prompt BLOB NOT NULL, reply BLOB NOT NULL, tokens_in INTEGER NOT NULL,
    tokens_out INTEGER NOT NULL, cost REAL, seconds REAL NOT NULL, error TEXT NOT NULL) STRICT;
CREATE TABLE events (
    id INTEGER PRIMARY KEY, time REAL NOT NULL, kind TEXT NOT NULL, text TEXT NOT NULL) STRICT;
CREATE INDEX measurements_of ON measurements (individual);
CREATE INDEX proposals_of ON proposals (individual);
CREATE INDEX calls_of ON calls (proposal);
"""


# What makes a record of each older version one of the next; all of it or none.
MIGRATIONS = {
    1: """
ALTER TABLE individuals ADD COLUMN prior_mean REAL;
ALTER TABLE individuals ADD COLUMN prior_weight REAL;
""",
}

"""The tables of archive.db, and the steps that bring those of older versions up to date."""

from __future__ import annotations

SCHEMA_VERSION = 7
# `asked` and `told` number what the search was asked and told, in that order, over all tables: a
# search that is asked and told the same takes the same decisions. Version 2 did not store it; its
# migration guesses.
# A proposal has a row from its beginning; its `ended` is 0 until it has ended. One whose process is
# killed is asked for again under its number, so `asks` has a row for every time.
SCHEMA = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
CREATE TABLE individuals (
    id INTEGER PRIMARY KEY, commit_hash TEXT NOT NULL, parents TEXT NOT NULL,
    operator TEXT NOT NULL, description TEXT NOT NULL, generation INTEGER NOT NULL,
    digest TEXT NOT NULL, prior_mean REAL, prior_weight REAL, near TEXT NOT NULL DEFAULT '',
    model TEXT NOT NULL DEFAULT '', prior TEXT) STRICT;
CREATE TABLE measurements (
    id INTEGER PRIMARY KEY, individual INTEGER NOT NULL REFERENCES individuals,
    purpose TEXT NOT NULL, status TEXT NOT NULL, fitness REAL, measures TEXT NOT NULL,
    details TEXT NOT NULL, seconds REAL NOT NULL, seed INTEGER NOT NULL, device TEXT NOT NULL,
    ended REAL NOT NULL, memory_gb REAL NOT NULL, reason TEXT NOT NULL, kept INTEGER NOT NULL,
    told INTEGER NOT NULL DEFAULT 0) STRICT;
CREATE TABLE curves (
    measurement INTEGER PRIMARY KEY REFERENCES measurements, points BLOB NOT NULL) STRICT;
CREATE TABLE proposals (
    id INTEGER PRIMARY KEY, operator TEXT NOT NULL, parents TEXT NOT NULL,
    individual INTEGER REFERENCES individuals, reason TEXT NOT NULL, seconds REAL NOT NULL,
    ended REAL NOT NULL, model TEXT NOT NULL DEFAULT '', asked INTEGER NOT NULL DEFAULT 0,
    told INTEGER NOT NULL DEFAULT 0, offline INTEGER NOT NULL DEFAULT 0,
    screened TEXT NOT NULL DEFAULT '[]', form TEXT NOT NULL DEFAULT '') STRICT;
CREATE TABLE asks (
    place INTEGER PRIMARY KEY, proposal INTEGER NOT NULL REFERENCES proposals,
    operator TEXT NOT NULL, model TEXT NOT NULL, parents TEXT NOT NULL, offline INTEGER NOT NULL,
    target TEXT NOT NULL DEFAULT '[]', without TEXT NOT NULL DEFAULT '[]') STRICT;
CREATE TABLE epochs (
    id INTEGER PRIMARY KEY, time REAL NOT NULL, place INTEGER NOT NULL, settings TEXT NOT NULL,
    axes TEXT NOT NULL) STRICT;
CREATE TABLE calls (
    id INTEGER PRIMARY KEY, proposal INTEGER NOT NULL REFERENCES proposals, model TEXT NOT NULL,
    prompt BLOB NOT NULL, reply BLOB NOT NULL, tokens_in INTEGER NOT NULL,
    tokens_out INTEGER NOT NULL, cost REAL, seconds REAL NOT NULL, error TEXT NOT NULL,
    cut INTEGER NOT NULL DEFAULT 0, full INTEGER NOT NULL DEFAULT 0) STRICT;
CREATE TABLE events (
    id INTEGER PRIMARY KEY, time REAL NOT NULL, kind TEXT NOT NULL, text TEXT NOT NULL) STRICT;
CREATE TABLE lessons (
    id INTEGER PRIMARY KEY, time REAL NOT NULL, children INTEGER NOT NULL, text TEXT NOT NULL
    ) STRICT;
CREATE INDEX measurements_of ON measurements (individual);
CREATE INDEX proposals_of ON proposals (individual);
CREATE INDEX calls_of ON calls (proposal);
"""


# The steps from each older version to the next, in one transaction.
MIGRATIONS = {
    1: """
ALTER TABLE individuals ADD COLUMN prior_mean REAL;
ALTER TABLE individuals ADD COLUMN prior_weight REAL;
""",
    2: """
ALTER TABLE individuals ADD COLUMN near TEXT NOT NULL DEFAULT '';
ALTER TABLE individuals ADD COLUMN model TEXT NOT NULL DEFAULT '';
ALTER TABLE proposals ADD COLUMN model TEXT NOT NULL DEFAULT '';
ALTER TABLE proposals ADD COLUMN asked INTEGER NOT NULL DEFAULT 0;
ALTER TABLE proposals ADD COLUMN told INTEGER NOT NULL DEFAULT 0;
ALTER TABLE proposals ADD COLUMN offline INTEGER NOT NULL DEFAULT 0;
ALTER TABLE measurements ADD COLUMN told INTEGER NOT NULL DEFAULT 0;
UPDATE measurements SET told = 2 * id;
UPDATE proposals SET told = coalesce(
    (SELECT 2 * min(m.id) - 1 FROM measurements m WHERE m.individual = proposals.individual),
    (SELECT 2 * coalesce(max(m.id), 0) + 1 FROM measurements m));
CREATE TABLE lessons (
    id INTEGER PRIMARY KEY, time REAL NOT NULL, children INTEGER NOT NULL, text TEXT NOT NULL
    ) STRICT;
""",
    3: "ALTER TABLE calls ADD COLUMN cut INTEGER NOT NULL DEFAULT 0;",
    4: """
ALTER TABLE proposals ADD COLUMN screened TEXT NOT NULL DEFAULT '[]';
CREATE TABLE epochs (
    id INTEGER PRIMARY KEY, time REAL NOT NULL, place INTEGER NOT NULL, settings TEXT NOT NULL,
    axes TEXT NOT NULL) STRICT;
CREATE TABLE asks (
    place INTEGER PRIMARY KEY, proposal INTEGER NOT NULL REFERENCES proposals,
    operator TEXT NOT NULL, model TEXT NOT NULL, parents TEXT NOT NULL, offline INTEGER NOT NULL
    ) STRICT;
INSERT INTO asks (place, proposal, operator, model, parents, offline)
    SELECT asked, id, operator, model, parents, offline FROM proposals WHERE asked > 0;
""",
    # older priors are single normal ones, which stay in `prior_mean` and `prior_weight`
    5: """
ALTER TABLE individuals ADD COLUMN prior TEXT;
ALTER TABLE asks ADD COLUMN target TEXT NOT NULL DEFAULT '[]';
CREATE TABLE curves (
    measurement INTEGER PRIMARY KEY REFERENCES measurements, points BLOB NOT NULL) STRICT;
""",
    6: """
ALTER TABLE proposals ADD COLUMN form TEXT NOT NULL DEFAULT '';
ALTER TABLE calls ADD COLUMN full INTEGER NOT NULL DEFAULT 0;
ALTER TABLE asks ADD COLUMN without TEXT NOT NULL DEFAULT '[]';
""",
}

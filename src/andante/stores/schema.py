"""The tables of a database, version 1, and how its file says that it is ours."""

from __future__ import annotations

APPLICATION_ID = 0x416E6474
"""``Andt``: what ``PRAGMA application_id`` says of a file of ours."""

SCHEMA_VERSION = 1
"""What ``PRAGMA user_version`` says; raised with every change of a table, with a step in ``migration.py``."""

TABLES = (
    # What holds for the file: name of the log, epoch and token of its writer, replay_from, retained_from.
    "CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
    # The log. Rows arrive in order of position, so an append touches the last page alone: no other index here.
    """CREATE TABLE log (
  position INTEGER PRIMARY KEY,
  kind INTEGER,
  user INTEGER,
  at_us INTEGER,
  action INTEGER,
  body TEXT
)""",
    "CREATE TABLE users (number INTEGER PRIMARY KEY, user_id TEXT UNIQUE NOT NULL)",
    """CREATE TABLE names (
  kind TEXT NOT NULL,
  code INTEGER NOT NULL,
  name TEXT NOT NULL,
  PRIMARY KEY (kind, code)
) WITHOUT ROWID""",
    # Idempotency keys, as digests.
    """CREATE TABLE keys (
  digest BLOB PRIMARY KEY,
  body BLOB NOT NULL,
  position INTEGER NOT NULL,
  at_us INTEGER NOT NULL
) WITHOUT ROWID""",
    """CREATE TABLE preferences (
  user INTEGER NOT NULL,
  key TEXT NOT NULL,
  value TEXT NOT NULL,
  at_us INTEGER NOT NULL,
  PRIMARY KEY (user, key)
) WITHOUT ROWID""",
    "CREATE TABLE waiting (position INTEGER PRIMARY KEY, user INTEGER NOT NULL, due_s INTEGER NOT NULL)",
    # Checkpoints: a user's state, and the position of the last record that it includes.
    "CREATE TABLE states (user INTEGER PRIMARY KEY, position INTEGER NOT NULL, state BLOB NOT NULL)",
    # States as of a retention cut; a new cut is written beside the old one before it takes its place.
    "CREATE TABLE base (cut INTEGER NOT NULL, user INTEGER NOT NULL, position INTEGER NOT NULL, state BLOB NOT NULL)",
    # Who has written here. An epoch is one opening; the token tells two copies of one file apart.
    """CREATE TABLE epochs (
  epoch INTEGER PRIMARY KEY,
  token TEXT NOT NULL,
  opened_at_us INTEGER NOT NULL,
  pid INTEGER NOT NULL,
  host TEXT NOT NULL
)""",
)

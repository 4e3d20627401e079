"""The tables of an outbox, version 1, and how its file says that it is ours."""

from __future__ import annotations

APPLICATION_ID = 0x416E644F
"""``AndO``: what ``PRAGMA application_id`` says of an outbox."""

SCHEMA_VERSION = 1
"""What ``PRAGMA user_version`` says; raised with every change of a table, with a step in :data:`STEPS`."""

TABLES = (
    # The name of the log that is followed.
    "CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
    # The cursor, and the last fencing token that was given out. Both only rise.
    "CREATE TABLE counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID",
    "INSERT INTO counters VALUES ('cursor', 0), ('token', 0)",
    # A device, a browser or a mailbox is one address, of one user at a time.
    """CREATE TABLE addresses (
  channel TEXT NOT NULL,
  provider TEXT NOT NULL,
  address_id TEXT NOT NULL,
  user_id TEXT NOT NULL,
  value TEXT NOT NULL,
  seen_us INTEGER NOT NULL,
  PRIMARY KEY (channel, provider, address_id)
) WITHOUT ROWID""",
    "CREATE INDEX addresses_of_user ON addresses (user_id, channel)",
    """CREATE TABLE messages (
  kind TEXT NOT NULL,
  name TEXT NOT NULL,
  version INTEGER NOT NULL,
  body TEXT NOT NULL,
  at_us INTEGER NOT NULL,
  PRIMARY KEY (kind, name, version)
) WITHOUT ROWID""",
    # A push: one send of the log, by its position there. state: open, accepted, ambiguous, failed.
    """CREATE TABLE pushes (
  position INTEGER PRIMARY KEY,
  decision_id TEXT NOT NULL,
  user_id TEXT NOT NULL,
  channel TEXT NOT NULL,
  send TEXT NOT NULL,
  sent_us INTEGER NOT NULL,
  until_us INTEGER NOT NULL,
  message TEXT,
  state TEXT NOT NULL,
  settled_us INTEGER,
  untold INTEGER NOT NULL DEFAULT 0
)""",
    "CREATE INDEX pushes_of_user ON pushes (user_id)",
    "CREATE UNIQUE INDEX pushes_of_decision ON pushes (decision_id)",
    "CREATE INDEX pushes_untold ON pushes (position) WHERE untold = 1",
    "CREATE INDEX pushes_settled ON pushes (settled_us) WHERE settled_us IS NOT NULL",
    # A delivery: a push on its way to one address. state: waiting, attempting, accepted, withheld, dead.
    """CREATE TABLE deliveries (
  delivery INTEGER PRIMARY KEY,
  position INTEGER NOT NULL,
  channel TEXT NOT NULL,
  provider TEXT NOT NULL,
  address_id TEXT NOT NULL,
  state TEXT NOT NULL,
  tries INTEGER NOT NULL DEFAULT 0,
  next_us INTEGER NOT NULL,
  until_us INTEGER NOT NULL,
  token INTEGER NOT NULL DEFAULT 0,
  began_us INTEGER NOT NULL DEFAULT 0,
  lease_us INTEGER NOT NULL DEFAULT 0,
  letter TEXT,
  provider_id TEXT,
  UNIQUE (position, provider, address_id)
)""",
    "CREATE INDEX deliveries_waiting ON deliveries (channel, provider, next_us) WHERE state = 'waiting'",
    "CREATE INDEX deliveries_late ON deliveries (until_us) WHERE state = 'waiting'",
    "CREATE INDEX deliveries_leased ON deliveries (lease_us) WHERE state = 'attempting'",
    "CREATE INDEX deliveries_reported ON deliveries (provider, provider_id) WHERE provider_id IS NOT NULL",
    # Every attempt that has ended, and how.
    """CREATE TABLE attempts (
  delivery INTEGER NOT NULL,
  try INTEGER NOT NULL,
  token INTEGER NOT NULL,
  began_us INTEGER NOT NULL,
  ended_us INTEGER NOT NULL,
  status TEXT NOT NULL,
  code TEXT NOT NULL,
  detail TEXT NOT NULL,
  raw TEXT NOT NULL,
  PRIMARY KEY (delivery, token)
) WITHOUT ROWID""",
    # What reached nobody, for an operator to look at. position or delivery is empty where there is none.
    """CREATE TABLE dead_letters (
  letter INTEGER PRIMARY KEY,
  position INTEGER NOT NULL,
  delivery INTEGER,
  kind TEXT NOT NULL,
  code TEXT NOT NULL,
  detail TEXT NOT NULL,
  at_us INTEGER NOT NULL,
  retried_us INTEGER
)""",
    "CREATE INDEX dead_letters_of_push ON dead_letters (position)",
    # What providers reported, as it came, beside the outcome that it was read as.
    """CREATE TABLE provider_events (
  event INTEGER PRIMARY KEY,
  at_us INTEGER NOT NULL,
  provider TEXT NOT NULL,
  decision_id TEXT,
  user_id TEXT,
  outcome TEXT NOT NULL,
  raw TEXT NOT NULL,
  untold INTEGER NOT NULL
)""",
    "CREATE INDEX provider_events_of_user ON provider_events (user_id)",
    "CREATE INDEX provider_events_untold ON provider_events (event) WHERE untold = 1",
)

STEPS: dict[int, tuple[str, ...]] = {}
"""What turns each version into the next. Version 1 is the first."""

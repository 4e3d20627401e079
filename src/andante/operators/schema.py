"""The tables of the books, version 1, and how their file says that it is ours."""

from __future__ import annotations

APPLICATION_ID = 0x416E6442
"""``AndB``: what ``PRAGMA application_id`` says of books."""

SCHEMA_VERSION = 1
"""What ``PRAGMA user_version`` says; raised with every change of a table, with a step in :data:`STEPS`."""

TABLES = (
    # The audit chain. The text of an entry is what is hashed; columns that are searched by are read out of it.
    """CREATE TABLE audit (
  number INTEGER PRIMARY KEY,
  entry TEXT NOT NULL,
  hash TEXT NOT NULL,
  action TEXT GENERATED ALWAYS AS (CASE WHEN json_valid(entry) THEN json_extract(entry, '$.action') END) VIRTUAL
)""",
    "CREATE INDEX audit_of_action ON audit (action, number)",
    # A campaign with all that was decided about it, and how far its launch has come.
    """CREATE TABLE campaigns (
  number INTEGER PRIMARY KEY,
  campaign_id TEXT UNIQUE NOT NULL,
  body TEXT NOT NULL,
  launch TEXT,
  state TEXT GENERATED ALWAYS AS (json_extract(body, '$.state')) VIRTUAL
)""",
    "CREATE INDEX campaigns_by_state ON campaigns (state, number)",
    """CREATE TABLE complaints (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  user_id TEXT NOT NULL,
  text TEXT NOT NULL,
  contact TEXT,
  status TEXT NOT NULL,
  opened_us INTEGER NOT NULL,
  answer TEXT,
  answered_by TEXT,
  answered_us INTEGER,
  closed_by TEXT,
  closed_us INTEGER
)""",
    "CREATE INDEX complaints_of_user ON complaints (user_id)",
    "CREATE INDEX complaints_by_status ON complaints (status, id)",
)

STEPS: dict[int, tuple[str, ...]] = {}
"""What turns each version into the next. Version 1 is the first."""

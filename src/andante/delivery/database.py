"""The outbox's file: what each process that has it open may do is settled by leases within its tables."""

from __future__ import annotations

from andante.delivery import feed_schema
from andante.delivery.schema import APPLICATION_ID, SCHEMA_VERSION, STEPS, TABLES
from andante.stores.side_file import MEMORY, Schema, SideFile

__all__ = ["MEMORY", "Database"]


class Database(SideFile):
    """The outbox's connection, which several threads share."""

    schema = Schema("outbox", APPLICATION_ID, SCHEMA_VERSION, TABLES, feed_schema.TABLES, STEPS)

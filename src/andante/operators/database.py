"""The books' file."""

from __future__ import annotations

from andante.operators.schema import APPLICATION_ID, SCHEMA_VERSION, STEPS, TABLES
from andante.stores.side_file import MEMORY, Schema, SideFile

__all__ = ["MEMORY", "Database"]


class Database(SideFile):
    """The books' connection, which several threads share."""

    schema = Schema("book of operators", APPLICATION_ID, SCHEMA_VERSION, TABLES, steps=STEPS)

"""A desk for the tests of ingest: a connection, a folder, and ways to load files and see what came."""

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb

from andante.ingest.load import load_events, load_messages
from andante.ingest.mapping import Mapping
from andante.ingest.quality import Quality

NOW = datetime(2024, 6, 1)  # noqa: DTZ001  naive is UTC here
FIXTURES = Path(__file__).parent / "fixtures"


@dataclass(frozen=True)
class Desk:
    """A connection and a folder to load into."""

    connection: duckdb.DuckDBPyConnection
    folder: Path

    @property
    def quarantine(self) -> Path:
        return self.folder / "out" / "quarantine.ndjson"

    def file(self, name: str, content: bytes | str) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def events(self, *sources: Any, now: datetime = NOW, mapping: Any = None, **options: Any) -> Quality:
        stated = Mapping.parse(mapping) if mapping is not None else None
        return load_events(self.connection, sources, now=now, quarantine=self.quarantine, mapping=stated, **options)

    def messages(self, *sources: Any, now: datetime = NOW, mapping: Any = None) -> Quality:
        stated = Mapping.parse(mapping) if mapping is not None else None
        return load_messages(self.connection, sources, now=now, quarantine=self.quarantine, mapping=stated)

    def rows(self, columns: str = "*", table: str = "events") -> list[tuple[Any, ...]]:
        listed = columns if columns == "*" else ", ".join(f'"{name}"' for name in columns.split(", "))
        return self.connection.execute(f"SELECT {listed} FROM {table} ORDER BY rowid").fetchall()

    def quarantined(self) -> list[tuple[int, str, str]]:
        return [(row["line"], row["field"], row["reason"]) for row in self.quarantined_rows()]

    def quarantined_rows(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.quarantine.read_text("utf-8").split("\n") if line]

"""Quality: what a load found, in figures and in plain words."""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class SourceQuality:
    """One file: rows read = rows loaded + rows quarantined, always."""

    file: str
    shape: str
    format: str
    size_bytes: int
    rows_read: int
    rows_loaded: int
    rows_quarantined: int
    reasons: Mapping[str, int]
    """Quarantined rows by reason."""


@dataclass(frozen=True, slots=True)
class RuleQuality:
    """One rule of cleaning: how many rows it touched (changed or removed) and removed, and why."""

    rule: str
    why: str
    touched: int
    removed: int
    users: tuple[str, ...] = ()
    """Users whose rows were removed as a bot's, up to 20."""


@dataclass(frozen=True, slots=True)
class Quality:
    """What one load found.

    ``rows_read == rows_loaded + rows_quarantined``, always; ``rows_clean`` are left after cleaning.
    """

    table: str
    sources: tuple[SourceQuality, ...]
    skipped: Mapping[str, str]
    """Files of a folder that were not read, and why."""
    rules: tuple[RuleQuality, ...]
    rows_read: int
    rows_loaded: int
    rows_quarantined: int
    rows_clean: int
    users: int
    first_at: datetime | None
    last_at: datetime | None
    types: Mapping[str, int]
    missing: Mapping[str, float]
    """Share of clean rows without a value, by column."""
    orphans: int = 0
    """Outcomes of messages without a sent row; they are kept."""
    warnings: tuple[str, ...] = field(default=())

    def warned(self, warnings: Sequence[str]) -> "Quality":
        """Return the report with further warnings."""
        return dataclasses.replace(self, warnings=(*self.warnings, *warnings))

    def to_dict(self) -> dict[str, Any]:
        """Return the report as plain values for JSON; times as RFC 3339."""
        plain = dataclasses.asdict(self)
        for name in ("first_at", "last_at"):
            at = plain[name]
            plain[name] = f"{at.isoformat()}Z" if at else None
        return plain

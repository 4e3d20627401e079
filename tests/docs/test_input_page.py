"""The page of input names every shape, column, key of a mapping, reason of quarantine and rule of cleaning."""

import re
from datetime import UTC, datetime

import duckdb

from andante.ingest.load import load_events
from andante.ingest.mapping import Mapping
from andante.ingest.quarantine import Reason
from andante.ingest.shapes import EVENT_SHAPES, MESSAGE_SHAPES
from andante.vocabulary.event import EVENT_COLUMNS, EventType
from andante.vocabulary.message import MESSAGE_COLUMNS, SENT, OutcomeType

NOW = datetime(2026, 6, 1, tzinfo=UTC)


def rows(page, heading):
    """The cells of the table below a heading."""
    below = page("docs/input.md").partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    table = [line.strip("| ").split(" | ") for line in below.splitlines() if line.startswith("| ")]
    return {name: row for row in table[1:] for name in re.findall(r"`(.*?)`", row[0])}


def test_every_shape_is_listed_with_the_columns_it_needs(page):
    listed = rows(page, "Shapes that are recognised")
    shapes = {shape.name: shape for shape in (*EVENT_SHAPES, *MESSAGE_SHAPES)}
    assert listed.keys() == shapes.keys()
    for name, shape in shapes.items():
        shown = re.findall(r"`(.*?)`", " ".join(listed[name]))
        for group in shape.needs():
            assert set(group) & set(shown), f"{name} needs {group}"


def test_every_column_and_type_of_our_own_shapes_is_listed(page):
    assert rows(page, "Our own shape").keys() == EVENT_COLUMNS.keys()
    assert rows(page, "Message logs").keys() == MESSAGE_COLUMNS.keys()
    words = re.findall(r"`(\w+)`", page("docs/input.md"))
    assert {*EventType, SENT, *OutcomeType} <= set(words)


def test_every_key_of_a_mapping_is_listed(page):
    assert rows(page, "Any other shape").keys() == set(Mapping.__dataclass_fields__)


def test_every_reason_of_quarantine_is_listed(page):
    assert rows(page, "Quarantine").keys() == {reason.value for reason in Reason}


def test_every_rule_of_cleaning_is_listed_in_its_order(page, shop, tmp_path):
    with duckdb.connect() as connection:
        quality = load_events(connection, [shop / "events.parquet"], now=NOW, quarantine=tmp_path / "bad.ndjson")
    assert list(rows(page, "Cleaning")) == [rule.rule for rule in quality.rules]

"""The page of outputs names every file, column and key that a run writes."""

import json
import re

import pyarrow.csv
import pyarrow.parquet
import pytest

DATA = {"targets", "types", "missing", "reasons", "skipped"}
"""Keys whose own keys are data: targets, types of events, columns, reasons and files."""


@pytest.fixture
def words(page):
    """Every word that the page sets as code."""
    set_as_code = re.findall(r"`([^`]+)`", page("docs/outputs.md"))
    return {word for code in set_as_code for word in re.split(r"[.\[\]/\s]+", code)}


def keys(value, *, are_data=False):
    """All keys in a tree of JSON, but those that are data."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if not are_data:
                yield key
            yield from keys(inner, are_data=key in DATA)
    elif isinstance(value, list):
        for inner in value:
            yield from keys(inner)


def test_every_output_is_named(page, outputs):
    text = page("docs/outputs.md")
    for path in (*outputs.iterdir(), *(outputs / "model").iterdir()):
        assert f"`{path.name}" in text, path.name


def test_every_column_of_the_frequencies_is_named_and_no_other(page, outputs):
    section = page("docs/outputs.md").partition("## Frequencies")[2].partition("\n## ")[0]
    listed = re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE)
    columns = pyarrow.parquet.read_schema(outputs / "frequencies.parquet").names
    assert set(columns) == set(listed)
    assert pyarrow.csv.read_csv(outputs / "frequencies.csv").column_names == columns


@pytest.mark.parametrize("name", ["metrics.json", "quality.json"])
def test_every_key_is_named(outputs, words, name):
    written = json.loads((outputs / name).read_text("utf-8"))
    assert sorted(set(keys(written)) - words) == []


def test_a_metric_of_the_page_exists(outputs, words):
    written = json.loads((outputs / "metrics.json").read_text("utf-8"))
    assert {"mean_per_week", "spearman_untied", "engaged_per_week"} <= set(keys(written)) & words

"""The documentation of the settings is written from the settings."""

import re
import tomllib
from pathlib import Path

from andante.settings import describe, faults, markdown_table, warnings

PAGE = Path(__file__).parents[2] / "docs" / "configuration.md"
BEGIN, END = "<!-- settings: begin -->\n", "<!-- settings: end -->"


def test_the_table_on_the_page_is_up_to_date():
    table = PAGE.read_text(encoding="utf-8").partition(BEGIN)[2].partition(END)[0]
    assert table.strip() == markdown_table().strip(), "write settings.markdown_table() between the two marks"


def test_every_setting_says_what_it_means_on_whose_clock_and_what_counts():
    settings = describe()
    assert len({setting.key for setting in settings}) == len(settings) >= 20
    for setting in settings:
        assert setting.meaning.endswith("."), setting
        assert setting.form, setting
        assert setting.clock, setting
        assert setting.counts, setting


def test_the_example_on_the_page_loads_without_fault_or_warning():
    (example,) = re.findall(r"```toml\n(.*?)```", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL)
    assert faults(tomllib.loads(example), {}) == []
    assert warnings(tomllib.loads(example), {}) == []

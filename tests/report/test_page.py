"""The page as text: one file, small, the same every time, and honest where figures are missing."""

import hashlib
import json
import math
import os
import re
import subprocess
import sys
from dataclasses import replace
from importlib.resources import files
from pathlib import Path

import pytest
from sample import baseline_wins, rated, sample

from andante.report.page import render
from andante.report.summary import Interval, PlanFacts, RunSummary

SIZE_MAX_BYTES = 3_000_000
CONTRAST_AA = 4.5


def _told(page: str) -> str:
    """Return what the page says to a reader: its text without scripts, styles and tags."""
    bare = re.sub(r"<(script|style)\b.*?</\1>", " ", page, flags=re.DOTALL)
    return " ".join(re.sub(r"<[^>]+>", " ", bare).split())


def test_page_is_one_small_file_that_refers_to_nothing_outside():
    page = render(rated())
    assert len(page.encode()) < SIZE_MAX_BYTES
    tags = re.sub(r"(<script\b[^>]*>).*?(</script>)", r"\1\2", page, flags=re.DOTALL)
    assert not re.search(r"<[^>]*\s(src|href|srcset|action)=(?![\"']?(data:|#))", tags)
    assert not re.search(r"url\(|@import", files("andante.report").joinpath("templates/report.css").read_text())


def test_same_summary_gives_the_same_bytes_in_any_process():
    code = "import sys, hashlib, sample; from andante.report.page import render\n"
    code += "sys.stdout.write(hashlib.sha256(render(sample.rated()).encode()).hexdigest())"
    here = str(Path(__file__).parent)
    ours = hashlib.sha256(render(rated()).encode()).hexdigest()
    assert hashlib.sha256(render(rated()).encode()).hexdigest() == ours
    environ = dict(os.environ) | {"PYTHONHASHSEED": "4", "PYTHONPATH": os.pathsep.join([here, *sys.path])}
    other = subprocess.run([sys.executable, "-c", code], env=environ, capture_output=True, text=True, check=True)
    assert other.stdout == ours


def test_summary_survives_json():
    whole = rated().to_dict()
    assert json.loads(json.dumps(whole))["plan"]["users"] == 2500


@pytest.mark.parametrize(("language", "lang", "word"), [("en", "en", "Push plan"), ("zh", "zh-Hans", "推送计划")])
def test_page_speaks_its_language(language, lang, word):
    page = render(sample(), language=language)
    assert f'<html lang="{lang}">' in page
    assert word in _told(page)


def test_headline_says_who_gets_what():
    told = _told(render(sample()))
    assert "2,500 shoppers get a pace: 2.0 pushes a week on average. 31% of them get fewer than one." in told


def test_page_says_so_where_a_baseline_wins():
    told = _told(render(replace(sample(), targets=(baseline_wins(),))))
    assert "A simple rule wins: “Frequency alone”" in told
    assert "Take its percentages with care" in told


def test_page_tells_how_it_was_made():
    told = _told(render(sample()))
    for fact in (sample().run.command.split(" --out")[0], "0.1.0", "2018-01-01T00:00:00+00:00"):
        assert fact in told


def test_rules_that_found_nothing_are_named_as_such():
    assert "Looked for and not found: impossible values and missing categories." in _told(render(sample()))


def test_summary_of_almost_nothing_makes_a_page():
    bare = RunSummary(
        run=replace(sample().run, started_at="", ended_at="", messages=None),
        sources=(),
        plan=PlanFacts(1, 0.0, 0.0, 1.0, 1.0, 0.0, ()),
        personas=(),
        rhythm=None,
        targets=(),
        reasons=(),
        budgets=(),
        associations=(),
        cleaning=(),
    )
    told = _told(render(bare))
    assert "its quality is unknown" in told
    assert "not measured to not measured" in told


def test_figures_that_are_not_numbers_are_called_not_measured():
    target = sample().targets[0]
    lost = Interval(math.nan, math.nan, math.nan)
    broken = replace(
        target,
        scores=(target.scores[0], replace(target.scores[1], auc=lost, spearman=lost)),
        folds=tuple(replace(fold, r2=math.nan) for fold in target.folds),
    )
    page = render(replace(sample(), targets=(broken,)))
    assert "not measured" in _told(page)
    assert not re.search(r"\bnan\b", _told(page), flags=re.IGNORECASE)
    data = re.search(r'id="chart-data">(.*?)</script>', page, flags=re.DOTALL)
    assert data
    assert "NaN" not in data[1]
    assert len(json.loads(data[1])["charts"]["auc-0"]["layer"]) == 4


def test_personas_stand_by_falling_pace_and_keep_their_budget_figures():
    whole = sample()
    order = [3, 0, 5, 1, 4, 2]
    shuffled = replace(
        whole,
        personas=tuple(whole.personas[i] for i in order),
        budgets=tuple(replace(o, persona_paces=tuple(o.persona_paces[i] for i in order)) for o in whole.budgets),
    )
    assert render(shuffled) == render(whole)


def test_many_sources_are_folded_away():
    whole = sample()
    many = tuple(replace(whole.sources[0], name=f"/data/day-{i:03}.csv") for i in range(40))
    page = render(replace(whole, sources=many))
    assert "day-000.csv, day-001.csv, day-002.csv, day-003.csv and 36 more" in _told(page)
    assert page.count('class="source"') == 4
    assert "Show all 40 files" in page


def _luminance(colour: str) -> float:
    """Return the relative luminance of #rgb or #rrggbb (WCAG 2.2)."""
    digits = colour.lstrip("#")
    digits = "".join(d * 2 for d in digits) if len(digits) == 3 else digits
    parts = [int(digits[i : i + 2], 16) / 255 for i in (0, 2, 4)]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize("ink", ["ink", "soft", "accent", "warm"])
@pytest.mark.parametrize("ground", ["paper", "card", "wash"])
def test_text_stands_out_from_its_ground(scheme, ink, ground):
    style = files("andante.report").joinpath("templates/report.css").read_text(encoding="utf-8")
    root = re.findall(r":root \{(.*?)\}", style, flags=re.DOTALL)[scheme]
    colours = dict(re.findall(r"--(\w+): (#[0-9a-f]+);", root))
    light, dark = sorted((_luminance(colours[ink]), _luminance(colours[ground])), reverse=True)
    assert (light + 0.05) / (dark + 0.05) >= CONTRAST_AA

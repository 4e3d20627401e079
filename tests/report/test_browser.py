"""The page in a real browser: it draws, asks for nothing, fits, and is inert towards strangers' names."""

import itertools
from dataclasses import replace

import pytest
from conftest import Open, Opened
from playwright.sync_api import Error
from sample import dates_only, rated, sample

from andante.report.summary import Association, CleaningRule, RunSummary, Source, Trait

OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
MARKS = """element => [...element.querySelectorAll("svg g.role-mark")].map(group =>
    [...group.querySelectorAll("path, text, line, rect")].filter(mark => {
        const box = mark.getBoundingClientRect();
        return box.width + box.height > 1;
    }).length)"""
HOSTILE = '</script><script>window.pwned = 1</script><img src=x onerror="window.pwned = 2">'


def _charts(found: Opened) -> dict[str, list[int]]:
    """Count the visible marks of each layer of each chart."""
    charts = found.page.query_selector_all("[data-chart]")
    return {str(chart.get_attribute("data-chart")): chart.evaluate(MARKS) for chart in charts}


def _hostile(whole: RunSummary) -> RunSummary:
    """Put a script into every text that comes from a stranger's files."""
    bad = tuple(
        replace(p, name=HOSTILE + p.name, lines=(HOSTILE,), traits=(Trait(HOSTILE, 1, 2, HOSTILE),))
        for p in whole.personas
    )
    scores = tuple(replace(s, model=HOSTILE + s.model) for s in whole.targets[0].scores[1:])
    target = replace(whole.targets[0], name=HOSTILE, scores=(whole.targets[0].scores[0], *scores))
    return replace(
        whole,
        run=replace(whole.run, name=HOSTILE, command=HOSTILE, version=HOSTILE, model=HOSTILE),
        personas=bad,
        sources=(Source(HOSTILE, HOSTILE, HOSTILE, 1, 1, 0),),
        targets=(target,),
        reasons=tuple(replace(r, name=HOSTILE) for r in whole.reasons),
        associations=(Association((HOSTILE, "{{ 7 * 7 }}"), ("{0.__class__}",), 2.0, 0.5, 0.1),),
        cleaning=(CleaningRule(HOSTILE, 3, HOSTILE, HOSTILE), CleaningRule(HOSTILE, 0, "kept")),
        warnings=(HOSTILE,),
        limits=(HOSTILE,),
    )


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (360, "dark")])
def test_page_draws_every_chart_says_nothing_and_asks_for_nothing(opened: Open, language, width, scheme):
    found = opened(rated(), width=width, scheme=scheme, language=language)
    assert found.said == []
    assert found.asked == [found.url]
    drawn = _charts(found)
    assert len(drawn) == 16
    assert all(min(layers) > 0 for layers in drawn.values()), drawn
    assert found.page.evaluate(OVERFLOW) == 0


def test_page_does_not_overflow_with_every_table_open(opened: Open):
    found = opened(_hostile(rated()), width=360)
    found.page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
    assert found.page.evaluate(OVERFLOW) == 0


def test_page_fits_again_after_the_window_changes(opened: Open):
    found = opened(sample(), width=1280)
    found.page.set_viewport_size({"width": 360, "height": 700})
    found.page.wait_for_function("document.querySelector('.chart svg').getBoundingClientRect().width < 330")
    assert found.page.evaluate(OVERFLOW) == 0


def test_policy_lets_no_request_leave(opened: Open):
    found = opened(sample())
    with pytest.raises(Error, match="Failed to fetch"):
        found.page.evaluate("fetch('https://example.org/?leak=1')")
    assert any("Content Security Policy" in line for line in found.said)


def test_policy_runs_no_script_but_the_page_s_own(opened: Open):
    found = opened(sample())
    found.page.evaluate(
        """() => {
            const script = document.createElement("script");
            script.textContent = "window.pwned = 1";
            document.body.append(script);
            document.body.insertAdjacentHTML("beforeend", "<img src=x onerror='window.pwned = 2'>");
        }"""
    )
    found.page.wait_for_function("document.querySelector('img').complete")
    assert found.page.evaluate("window.pwned") is None
    assert any("Content Security Policy" in line for line in found.said)


def test_histogram_stands_upright_and_has_a_bar_for_each_range_with_shoppers(opened: Open):
    found = opened(sample())
    bars = found.page.evaluate(
        """[...document.querySelectorAll("[data-chart=plan] .mark-rect path")]
            .map(bar => bar.getBoundingClientRect().height)"""
    )
    assert sum(height > 0.1 for height in bars) == sum(b.users > 0 for b in sample().plan.histogram)
    assert max(bars) > 150


def test_budget_slider_moves_figures_and_charts_by_keyboard(opened: Open):
    page = opened(sample()).page
    told = {name: page.inner_text(f"[data-readout={name}]") for name in ("value", "pushes", "engaged", "top", "now")}
    charts = {name: page.inner_html(f"[data-chart={name}]") for name in ("budget-engaged", "budget-personas")}
    assert told["value"] == "2 a week"
    assert told["now"] == "the plan as it is"
    page.focus("#budget")
    for _ in range(16):
        page.keyboard.press("ArrowRight")
    assert page.inner_text("[data-readout=value]") == "6 a week"
    assert page.get_attribute("#budget", "aria-valuetext") == "6 a week"
    changed = {name for name, text in told.items() if page.inner_text(f"[data-readout={name}]") != text}
    assert changed == set(told)
    for name, before in charts.items():
        page.wait_for_function(
            "([name, before]) => document.querySelector(`[data-chart=${name}]`).innerHTML !== before",
            arg=[name, before],
        )


def test_strangers_names_stay_text(opened: Open):
    found = opened(_hostile(rated()))
    found.page.hover("[data-chart=personas] .mark-symbol path >> nth=0")
    found.page.wait_for_selector("#vg-tooltip-element.visible")
    assert HOSTILE in found.page.inner_text("#vg-tooltip-element")
    assert found.page.evaluate("window.pwned") is None
    assert found.page.query_selector_all("img") == []
    assert len(found.page.query_selector_all("script")) == 4
    assert found.said == []
    assert found.asked == [found.url]
    text = found.page.inner_text("main")
    assert HOSTILE in text
    assert "{{ 7 * 7 }}" in text
    assert "{0.__class__}" in text
    assert HOSTILE in found.page.text_content("[data-chart=budget-personas]")


def test_dark_page_recolours_text_and_charts_without_drawing_anew(opened: Open):
    page = opened(sample(), scheme="light").page
    look = """[getComputedStyle(document.body).backgroundColor,
        getComputedStyle(document.querySelector("[data-chart=plan] .mark-rect path")).fill,
        getComputedStyle(document.querySelector("[data-chart=plan] .role-axis-label text")).fill]"""
    light = page.evaluate(look)
    page.emulate_media(color_scheme="dark")
    dark = page.evaluate(look)
    assert all(one != other for one, other in zip(light, dark, strict=True))
    page.emulate_media(color_scheme="dark", media="print")
    assert page.evaluate(look)[1:] == light[1:]


def test_headings_do_not_skip_a_level_and_charts_have_a_text_alternative(opened: Open):
    page = opened(rated()).page
    levels = page.evaluate("[...document.querySelectorAll('h1,h2,h3,h4')].map(h => Number(h.tagName[1]))")
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels))
    labels = page.evaluate("[...document.querySelectorAll('[role=img]')].map(e => e.getAttribute('aria-label'))")
    assert all(len(label) > 10 for label in labels)


def test_contents_lead_to_every_section_and_mark_the_one_in_view(opened: Open):
    page = opened(sample()).page
    targets = page.evaluate("[...document.querySelectorAll('.contents a')].map(a => a.hash.slice(1))")
    assert targets == page.evaluate("[...document.querySelectorAll('main section')].map(s => s.id)")
    page.click(".contents a[href='#reasons']")
    page.wait_for_selector(".contents a[href='#reasons'][aria-current]")


def test_first_tab_stop_skips_to_the_report(opened: Open):
    page = opened(sample()).page
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.hash") == "#plan"


def test_touch_targets_are_large_enough(opened: Open):
    page = opened(sample(), width=360).page
    heights = page.evaluate(
        "[...document.querySelectorAll('summary, input')].map(e => e.getBoundingClientRect().height)"
    )
    assert min(heights) >= 40


def test_log_without_hours_personas_or_budgets_still_makes_a_page(opened: Open):
    found = opened(dates_only())
    assert found.said == []
    assert "no hours" in found.page.inner_text("#rhythm")
    assert set(_charts(found)) == {"plan", "rhythm", "auc-0", "spearman-0", "calibration-0", "bands-0"}
    assert found.page.query_selector("#budget") is None


def test_page_without_scripts_still_tells_every_figure(opened: Open):
    page = opened(sample(), script=False).page
    assert "JavaScript" in page.inner_text("header")
    assert page.inner_text("[data-readout=value]") == "2 a week"
    assert len(page.query_selector_all("figure table")) == 15

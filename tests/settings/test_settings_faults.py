"""Every fault is named at once, with its key, the value, what is wrong and its fix."""

from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from andante.settings import faults, load, warnings
from andante.vocabulary.fault import SettingsFault


def cap(scope="global", limit=1, window="P1D"):
    return {"scope": scope, "limit": limit, "window": window}


def said(source, environ=None):
    return [str(fault) for fault in faults(source, environ or {})]


@pytest.mark.parametrize(
    ("source", "thing", "words"),
    [
        ({"consent": {"default": "maybe"}}, "consent.default", ['"deny" or "allow"']),
        ({"budget": {"per_user_week": 0}}, "budget.per_user_week", ["is not above 0", "number above 0"]),
        ({"budget": {"per_user_week": float("nan")}}, "budget.per_user_week", ["finite"]),
        ({"budget": {"per_user_week": "3"}}, "budget.per_user_week", ["is not a number"]),
        ({"budget": 3}, "budget", ["is not a table", "[budget]"]),
        ({"caps": [cap(scope="category:")]}, "caps[0].scope", ["category:NAME"]),
        ({"caps": [cap(), cap(limit=33, window="P7D")]}, "caps[1].limit", ["above 32", "1 to 32"]),
        ({"caps": [cap(limit=0)]}, "caps[0].limit", ["below 1"]),
        ({"caps": [cap(limit=True)]}, "caps[0].limit", ["whole number"]),
        ({"caps": [cap(window="P1M")]}, "caps[0].window", ["exact length", "P30D"]),
        ({"caps": [cap(window="P32D")]}, "caps[0].window", ["between PT1S and P31D"]),
        ({"caps": [cap(window="PT0S")]}, "caps[0].window", ["between PT1S and P31D"]),
        ({"caps": [cap(window="PT")]}, "caps[0].window", ["exact length"]),
        ({"caps": [{"scope": "global", "limit": 1}]}, "caps[0].window", ["is missing", "ISO-8601"]),
        ({"caps": cap()}, "caps", ["[[caps]]"]),
        ({"caps": ["global"]}, "caps[0]", ["[[caps]]"]),
        ({"quiet_hours": {"start": "24:00", "end": "08:00"}}, "quiet_hours.start", ["HH:MM"]),
        ({"quiet_hours": {"start": "22:00"}}, "quiet_hours.end", ["is missing"]),
        ({"quiet_hours": {"start": "22:00", "end": "22:00"}}, "quiet_hours", ["never or always"]),
        ({"categories": {"x": {"transactional": 1}}}, "categories.x.transactional", ["true or false"]),
        ({"categories": {"a b": 1}}, 'categories."a b"', ["[categories.NAME]"]),
        ({"experiment": {"holdout": 0.51}}, "experiment.holdout", ["above 0.5", "from 0 to 0.5"]),
        ({"experiment": {"explore": 1}}, "experiment.explore", ["is not below 1"]),
        ({"engine": {"seed": -1}}, "engine.seed", ["below 0"]),
        ({"plan": {"theta": 0}}, "plan.theta", ["is not above 0"]),
        ({"plan": {"model": ""}}, "plan.model", ["is empty"]),
        ({"plan": {"folds": 1}}, "plan.folds", ["below 2"]),
        ({"gap": {"minimum": "P32D"}}, "gap.minimum", ["between PT0S and P31D"]),
        ({"gap": {"minimum": 60}}, "gap.minimum", ["exact length"]),
        ({"gap": {"minimum": "P999999999W"}}, "gap.minimum", ["longer than any time"]),
        ({"gap": {"minimum": timedelta(milliseconds=1)}}, "gap.minimum", ["whole seconds"]),
        ({"duplicates": {"window": "-P1D"}}, "duplicates.window", ["exact length"]),
        ({"users": {"time_zone": "Mars/Phobos"}}, "users.time_zone", ["time zone database", "Asia/Shanghai"]),
        ({"users": {"time_zone": "asia/shanghai"}}, "users.time_zone", ["did you mean Asia/Shanghai?"]),
        ({"vendor_quotas": {"x": {"time_zone": "Europe/Berln"}}}, "vendor_quotas.x.time_zone", ["Europe/Berlin"]),
        ({"vendor_quotas": {"x": {"per_day": 33}}}, "vendor_quotas.x.per_day", ["above 32", "from 1 to 32"]),
        ({"vendor_quotas": {"x": 3}}, "vendor_quotas.x", ["[vendor_quotas.CHANNEL]"]),
        ({"pacing": {"burst": 0.5}}, "pacing.burst", ["below 1"]),
        ({"pacing": {"floor": 0.5}}, "pacing.floor", ["is not below 0.5"]),
        ({"pacing": {"arms": []}}, "pacing.arms", ["1 to 8 numbers"]),
        ({"pacing": {"arms": [1, 169]}}, "pacing.arms", ["from 0 to 168"]),
        ({"pacing": {"arms": [1, float("nan")]}}, "pacing.arms", ["from 0 to 168"]),
        ({"pacing": {"arms": [True]}}, "pacing.arms", ["numbers"]),
        ({"pacing": {"adjustment": "both"}}, "pacing.adjustment", ['"multiplicative" or "additive"']),
        ({"learning": {"hour_prior": [1] * 23}}, "learning.hour_prior", ["24 numbers"]),
        ({"learning": {"hour_prior": [0] * 24}}, "learning.hour_prior", ["not all below 0.001"]),
        ({"learning": {"evidence_half_life": "PT1S"}}, "learning.evidence_half_life", ["PT1H to P3650D"]),
        ({"learning": {"visit_weights": 3}}, "learning.visit_weights", ["[learning.visit_weights]"]),
        (
            {"learning": {"refusal_weights": {"opened": -1}}},
            "learning.refusal_weights.opened",
            ["below 0", "number from 0 to 1"],
        ),
        ({"log": {"checkpoint_every": 0}}, "log.checkpoint_every", ["below 1"]),
    ],
)
def test_a_faulty_value_gives_one_fault_that_names_it(source, thing, words):
    (fault,) = faults(source, {})
    assert fault.thing == thing
    assert all(word in str(fault) for word in words), str(fault)


@pytest.mark.parametrize(
    ("source", "suggestion"),
    [
        ({"budgt": {"per_user_week": 1}}, "did you mean budget?"),
        ({"quiet-hours": {}}, "did you mean quiet_hours?"),
        ({"engine": {"sed": 1}}, "did you mean engine.seed?"),
        ({"engine": {"Seed": 1}}, "did you mean engine.seed?"),
        ({"caps": [{**cap(), "windw": "P1D"}]}, "did you mean caps[0].window?"),
        ({"budget": {"holdout": 0.1}}, "did you mean experiment.holdout?"),
        ({"consent": {"xyz": 1}}, "leave it out, or use one of default"),
        ({"learning": {"visit_weights": {"veiw": 1}}}, "did you mean learning.visit_weights.view?"),
        ({"vendor_quotas": {"oppo": {"perday": 1}}}, "did you mean vendor_quotas.oppo.per_day?"),
        ({"users": {"minimum": "PT1H"}}, "did you mean gap.minimum?"),
    ],
)
def test_an_unknown_key_gives_a_suggestion(source, suggestion):
    (fault,) = faults(source, {})
    assert fault.problem == "is not a setting"
    assert fault.action == suggestion


def test_all_faults_are_named_at_once():
    source = {
        "budgt": {},
        "consent": {"default": "x"},
        "caps": [cap(limit=99), cap(limit=2), cap(limit=3), {"scope": "nowhere"}],
        "quiet_hours": {"start": "noon", "end": "08:00"},
        "engine": {"seed": 1.5},
        "plan": {"f_min_per_week": 20, "theta": 3},
    }
    assert [fault.thing for fault in faults(source, {})] == [
        "budgt",
        "consent.default",
        "caps[0].limit",
        "caps[3].scope",
        "caps[3].limit",
        "caps[3].window",
        "quiet_hours.start",
        "engine.seed",
        "plan.theta",
        "plan.f_min_per_week",
        "caps",
    ]


def test_a_faulty_value_is_not_blamed_a_second_time_for_a_conflict():
    assert [fault.thing for fault in faults({"plan": {"f_min_per_week": 20, "f_max_per_week": -1}}, {})] == [
        "plan.f_max_per_week"
    ]


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ({"plan": {"f_min_per_week": 9, "f_base_per_week": 10, "f_max_per_week": 8}}, "f_min ≤ f_max"),
        ({"plan": {"f_min_per_week": 9}}, "f_min ≤ f_base"),
        ({"plan": {"f_max_per_week": 2}}, "f_base ≤ f_max"),
        ({"budget": {"per_user_week": 15}}, "no plan can meet it"),
        ({"caps": [cap(limit=1), cap(limit=2)]}, "is given twice, with limits 1 and 2"),
        ({"pacing": {"default_per_week": 20}}, "default ≤ most"),
        ({"pacing": {"least_per_week": 2}}, "least ≤ default"),
        ({"pacing": {"least_per_week": 3, "most_per_week": 2}}, "least ≤ most"),
        ({"budget": {"controller": True}}, "has no budget to hold"),
        ({"log": {"retention": "P1D"}}, "an answer is read from the log"),
        ({"vendor_quotas": {"x": {"quiet_start": "01:00"}}}, "has no quiet_end beside it"),
        ({"categories": {f"c{i}": {} for i in range(65)}}, "more than the 64"),
        (
            {"vendor_quotas": {f"c{i}": {} for i in range(8)}, "caps": [cap(), cap("channel:one more")]},
            "(9 of scope channel) name more than the 8",
        ),
        ({"caps": [cap(window=f"P{i + 1}D") for i in range(31)] + [cap(window="PT1H"), cap(window="PT2H")]}, "32"),
    ],
)
def test_settings_that_contradict_each_other_are_a_fault(source, words):
    (fault,) = faults(source, {})
    assert words in str(fault)


def test_what_is_as_it_should_be_gives_no_warning():
    calm = {
        "caps": [cap(limit=2), cap("category:o", 2, "P7D")],
        "pacing": {"least_per_week": 0.5, "most_per_week": 7, "arms": [0, 0.5, 7]},
        "budget": {"per_user_week": 3, "controller": True},
        "categories": {"a": {"news": True}, "b": {"transactional": True}},
        "vendor_quotas": {"huawei": {"per_day": 1}, "far": {"per_day": 2, "time_zone": "Europe/Berlin"}},
    }
    assert warnings(calm, {}) == []


def test_a_fault_from_the_environment_names_the_variable():
    (fault,) = faults(None, {"ANDANTE_ENGINE__SEED": "many"})
    assert str(fault).startswith("engine.seed from ANDANTE_ENGINE__SEED (many) is not a whole number")


def test_a_misspelt_variable_is_a_fault():
    (section,) = said(None, {"ANDANTE_ENGIN__SEED": "1"})
    (whole,) = said(None, {"ANDANTE_CAP": "[]"})
    assert "did you mean engine?" in section
    assert whole == "cap from ANDANTE_CAP ([]) is not a setting: did you mean caps?"


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("[engine]\nseed = = 1\n", "line 2, column 8"),
        ("[engine]\nseed = 1\nseed = 2\n", "line 3"),
        ('[engine]\nseed = "1', "line 2, column 10"),
        ("caps = [", "line 1, column 9"),
    ],
)
def test_broken_toml_gives_line_and_column(tmp_path: Path, text, place):
    path = tmp_path / "broken.toml"
    path.write_text(text, encoding="utf-8")
    (fault,) = faults(path, {})
    assert place in str(fault)
    assert "is not valid TOML" in str(fault)
    assert str(path) in str(fault)


def test_a_file_that_cannot_be_read_is_one_fault(tmp_path: Path):
    latin = tmp_path / "latin.toml"
    latin.write_bytes('[plan]\nmodel = "für"'.encode("latin-1"))
    assert "is not UTF-8" in said(latin)[0]
    assert "no such file" in said(tmp_path / "missing.toml")[0]
    assert "is a directory" in said(tmp_path)[0]


def test_load_raises_the_one_fault_itself():
    with pytest.raises(SettingsFault, match=r"^engine\.seed \(-1\) is below 0"):
        load({"engine": {"seed": -1}}, {})


def test_load_says_how_many_faults_there_are_and_names_the_first(tmp_path: Path):
    path = tmp_path / "two.toml"
    path.write_text('[engine]\nseed = -1\n[consent]\ndefault = "x"\n', encoding="utf-8")
    with pytest.raises(SettingsFault, match=r"\(2 faults\).*consent\.default.*andante check") as caught:
        load(path, {})
    assert "\n" not in str(caught.value)


LEAVES = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5), st.just("P1D"))
KEYS = st.one_of(
    st.sampled_from(["caps", "plan", "quiet_hours", "start", "end", "scope", "limit", "window", "categories"]),
    st.text(max_size=3),
)
TREES = st.dictionaries(
    KEYS,
    st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3)),
    max_size=4,
)


@given(tree=TREES)
def test_any_tree_loads_or_has_faults_of_one_line_each(tree):
    found = faults(tree, {})
    assert all("\n" not in str(fault) for fault in found)
    if found:
        with pytest.raises(SettingsFault):
            load(tree, {})
    else:
        load(tree, {})


@given(
    environ=st.dictionaries(
        st.sampled_from(
            [
                "ANDANTE_CAPS",
                "ANDANTE_CAPS__0__LIMIT",
                "ANDANTE_PLAN",
                "ANDANTE_",
                "ANDANTE_PLAN__SEED",
                "ANDANTE_PLAN__SEED__X",
                "ANDANTE___",
            ]
        ),
        st.text(max_size=8),
    )
)
def test_any_environment_loads_or_has_faults(environ):
    assert all(isinstance(fault, SettingsFault) for fault in faults(None, environ))


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ({"caps": [cap(limit=2), cap(limit=20, window="P7D")]}, "global 20 per P7D) never binds"),
        ({"caps": [cap(limit=2), cap("channel:push", 2, "PT12H")]}, "channel:push 2 per PT12H) never binds"),
        (
            {"caps": [cap("category:promotion", 5, "P7D")]},
            "refuses more than it says once more than 32 sends of all kinds fall into P7D",
        ),
        (
            {"caps": [cap(limit=3), cap("category:promotion", 5, "P14D")]},
            "what it may have forgotten counts against the cap",
        ),
        (
            {
                "caps": [cap(limit=2), cap("category:o", 1, "P2D")],
                "categories": {"o": {"transactional": True}},
            },
            "bypasses caps",
        ),
        ({"caps": [cap(limit=1, window="P7D")], "budget": {"per_user_week": 2}}, "lets through (1 a week)"),
        ({"plan": {"theta": 0.5}, "budget": {"per_user_week": 2}}, "the plan follows theta"),
        ({"pacing": {"default_per_week": 8}, "caps": [cap()]}, "lets through (7 a week): lower the pace, or raise"),
        ({"gap": {"minimum": "P14D"}}, "gap.minimum (P14D) lets through (0.5 a week)"),
        ({"gap": {"minimum": "P4D"}, "budget": {"per_user_week": 2}}, "lower the budget, or shorten the gap"),
        ({"pacing": {"arms": [0, 1, 20, 30]}}, "pacing.arms (20, 30) is outside"),
        ({"pacing": {"most_per_week": 7}, "plan": {"f_max_per_week": 8}}, "followed only so far"),
        ({"pacing": {"spread": "P1D"}}, "dropped as they wait"),
        ({"learning": {"habituation_half_life": "P2D"}}, "slow companion"),
        ({"categories": {"a": {"news": True, "transactional": True}}}, "no quota counts it"),
        ({"vendor_quotas": {"huawei": {"per_day": 3}}, "caps": [cap(limit=2)]}, "global 2 per P1D is at least"),
        ({"vendor_quotas": {"huawei": {"news_per_day": 1}}}, "is below per_day (2)"),
    ],
)
def test_what_cannot_do_as_it_says_is_a_warning_and_no_fault(source, words):
    assert faults(source, {}) == []
    (warning,) = warnings(source, {})
    assert words in str(warning)


def test_an_ordinary_configuration_has_no_warnings():
    source = {
        "budget": {"per_user_week": 3.0},
        "caps": [cap(limit=3), cap("category:promotion", 5, "P7D")],
    }
    assert warnings(source, {}) == []

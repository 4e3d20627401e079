"""The settings become one record of parameters: each setting reaches its field, and nothing is ever out of range."""

import copy
import hashlib
import os
import subprocess
import sys

import numpy as np
import pytest

from andante.live.names import Names
from andante.live.parameters import compile_parameters, same, usual_worth
from andante.settings import describe, load
from andante.settings.conflicts import CAPS_MAX as CAPS_CONFIGURED_MAX
from andante.settings.conflicts import NAMES_MAX
from andante.settings.sections import REMEMBERED_SENDS
from andante.settings.sections.pace import ARMS_MAX as ARMS_CONFIGURED_MAX
from andante.vocabulary.fault import InputFault
from andante.vocabulary.flow import EVENT_CODES, OUTCOME_CODES
from andante.vocabulary.parameters import (
    ADJUST_ADDITIVE,
    ARMS_MAX,
    CAP_CATEGORY,
    CAP_CHANNEL,
    CAP_GLOBAL,
    CAPS_MAX,
    NO_QUOTA,
    PARAMETERS,
    REFUSING_OUTCOMES,
    policy_version,
)
from andante.vocabulary.state import CATEGORIES_MAX, CHANNELS_MAX, NO_CLOCK, SLOTS


def compiled(source=None, names=None, *, version=1, before=None):
    return compile_parameters(load(source or {}, {}), names or Names(), version=version, before=before)


def settled():
    """Return the names of a log that has seen these zones, so that a change of zones changes no other code."""
    return Names(
        ("zone", code, name) for code, name in enumerate(("UTC", "Asia/Shanghai", "Asia/Tokyo", "Europe/Berlin"))
    )


def differing(one, other):
    return {field for field in PARAMETERS.names if one[field].tobytes() != other[field].tobytes()}


def test_the_bounds_of_the_settings_are_those_of_the_records():
    assert (CAPS_CONFIGURED_MAX, ARMS_CONFIGURED_MAX) == (CAPS_MAX, ARMS_MAX)
    assert {"channel": CHANNELS_MAX, "category": CATEGORIES_MAX} == NAMES_MAX
    assert REMEMBERED_SENDS == SLOTS < NO_QUOTA


# Another value of every setting that decides, and the fields that it moves.
SHOP = {
    "users": {"time_zone": "UTC"},
    "caps": [{"scope": "category:promotion", "limit": 3, "window": "P7D"}],
    "quiet_hours": {"start": "22:00", "end": "08:00"},
    "categories": {"promotion": {}},
    "vendor_quotas": {"huawei": {}},
}
CHANGES = {
    "consent.default": ("allow", {"allows_by_default"}),
    "caps[].scope": ("channel:huawei", {"cap_kind"}),
    "caps[].limit": (4, {"cap_limit"}),
    "caps[].window": ("P8D", {"cap_window_s"}),
    "gap.minimum": ("PT2H", {"gap_s"}),
    "duplicates.window": ("P8D", {"duplicate_window_s"}),
    "quiet_hours.start": ("23:00", {"quiet_start_min"}),
    "quiet_hours.end": ("09:00", {"quiet_end_min"}),
    "categories.NAME.transactional": (True, {"transactional"}),
    "categories.NAME.news": (True, {"news"}),
    "vendor_quotas.CHANNEL.per_day": (3, {"quota"}),
    "vendor_quotas.CHANNEL.news_per_day": (6, {"quota_news"}),
    "vendor_quotas.CHANNEL.time_zone": ("Asia/Tokyo", {"quota_zone"}),
    "vendor_quotas.CHANNEL.quiet_start": ("23:00", {"quota_quiet_start_min"}),
    "vendor_quotas.CHANNEL.quiet_end": ("07:00", {"quota_quiet_end_min"}),
    "pacing.default_per_week": (2.0, {"default_per_week"}),
    "pacing.least_per_week": (0.5, {"least_per_week"}),
    "pacing.most_per_week": (10.0, {"most_per_week"}),
    "pacing.burst": (2.0, {"burst"}),
    "pacing.adjustment": ("additive", {"adjusts"}),
    "pacing.adjustment_rate": (0.2, {"adjust_rate"}),
    "pacing.arms": ([1, 2], {"arms", "arm_per_week"}),
    "pacing.explore_candidates": (0.1, {"explore_candidates"}),
    "pacing.patience": (0.5, {"patience"}),
    "pacing.temperature": (0.5, {"temperature"}),
    "pacing.floor": (0.01, {"floor"}),
    "pacing.spread": ("PT1H", {"spread_s"}),
    "pacing.message_cost": (0.5, {"message_cost"}),
    "pacing.shadow_price": (0.5, {"shadow_price"}),
    "pacing.refusal_loss": (0.5, {"refusal_loss"}),
    "pacing.refusal_loss_pushes": (0.5, {"refusal_loss_pushes"}),
    "pacing.stale_after": ("PT6H", {"stale_after_s"}),
    "learning.open_rate": (0.05, {"open_a"}),
    "learning.open_rate_weight": (50.0, {"open_a", "open_b"}),
    "learning.visits_per_day": (0.2, {"visit_a"}),
    "learning.visits_weight_days": (7.0, {"visit_a", "visit_b"}),
    "learning.conversion_rate": (0.05, {"conversion_a"}),
    "learning.conversion_rate_weight": (50.0, {"conversion_a", "conversion_b"}),
    "learning.refusal_rate": (0.002, {"refusal_a"}),
    "learning.refusal_rate_weight": (50.0, {"refusal_a", "refusal_b"}),
    "learning.satisfaction": (0.5, {"satisfaction_a"}),
    "learning.satisfaction_weight": (5.0, {"satisfaction_a", "satisfaction_b"}),
    "learning.offers_per_day": (2.0, {"offer_a"}),
    "learning.offers_weight_days": (5.0, {"offer_a", "offer_b"}),
    "learning.offer_worth": (50.0, {"offer_worth"}),
    "learning.interest_rate": (0.1, {"interest_rate"}),
    "learning.evidence_half_life": ("P91D", {"evidence_half_life_s"}),
    "learning.counts_half_life": ("P8D", {"counts_half_life_s"}),
    "learning.rhythm_half_life": ("P61D", {"rhythm_half_life_s"}),
    "learning.fatigue_half_life": ("P3D", {"fatigue_half_life_s"}),
    "learning.habituation_half_life": ("P16D", {"habituation_half_life_s"}),
    "learning.fatigue_open": (0.3, {"fatigue_open"}),
    "learning.habituation_open": (0.3, {"habituation_open"}),
    "learning.fatigue_refusal": (0.3, {"fatigue_refusal"}),
    "learning.carry_over": (0.3, {"carry_over"}),
    "learning.hour_prior": ([1] * 24, {"hour_prior"}),
    "learning.weekday_prior": ([1, 1, 1, 1, 1, 2, 2], {"weekday_prior"}),
    "learning.rhythm_prior_weight": (30.0, {"rhythm_prior_weight"}),
    "experiment.holdout": (0.1, {"holdout"}),
    "experiment.explore": (0.1, {"explore"}),
    "engine.seed": (2**63 - 1, {"seed"}),
    "users.time_zone": ("Europe/Berlin", {"zone"}),
}
WEIGHTS = {"learning.visit_weights.": "visit_weight", "learning.refusal_weights.": "refusal_weight"}
NOT_OF_THE_STEP = (
    *("plan.", "log.", "budget.", "service.", "stream.", "delivery.", "channels.", "operators."),
    "categories.NAME.digest",
)


def changed(key, value):
    """Return the shop's settings with one of them changed."""
    tree = copy.deepcopy(SHOP)
    node = tree
    path = key.replace("caps[]", "caps").replace("NAME", "promotion").replace("CHANNEL", "huawei").split(".")
    for part in path[:-1]:
        node = node[part][0] if part == "caps" else node.setdefault(part, {})
    node[path[-1]] = value
    return tree


def test_every_setting_that_decides_is_changed_here():
    keys = {setting.key for setting in describe() if not setting.key.startswith((*NOT_OF_THE_STEP, *WEIGHTS))}
    assert keys == set(CHANGES)


@pytest.mark.parametrize("key", CHANGES)
def test_a_setting_moves_its_own_fields_and_no_others(key):
    value, fields = CHANGES[key]
    assert differing(compiled(SHOP, settled()), compiled(changed(key, value), settled())) == fields


def test_every_field_is_set_by_a_setting_or_a_switch():
    moved = {field for _, fields in CHANGES.values() for field in fields} | set(WEIGHTS.values())
    counted = {"caps", "cap_code"}  # by tests of their own
    thrown = {"version", "stopped", "stopped_channels", "stopped_categories", "stopped_campaigns"}
    assert moved | counted | thrown == set(PARAMETERS.names)


@pytest.mark.parametrize(
    "key", [s.key for s in describe() if s.key.startswith(tuple(WEIGHTS))], ids=lambda key: key.rpartition(".")[2]
)
def test_a_weight_has_the_place_of_its_name(key):
    (prefix,) = (prefix for prefix in WEIGHTS if key.startswith(prefix))
    names = [s.key for s in describe() if s.key.startswith(prefix)]
    before, after = compiled(SHOP)[WEIGHTS[prefix]][0], compiled(changed(key, 0.77))[WEIGHTS[prefix]][0]
    assert np.flatnonzero(before != after).tolist() == [names.index(key)]


def test_the_code_of_weights_is_the_code_of_events_and_outcomes():
    """The order in which settings list them must be that of the codes."""
    for prefix, codes in (("visit_weights", [*EVENT_CODES]), ("refusal_weights", [*OUTCOME_CODES][:REFUSING_OUTCOMES])):
        listed = [s.key for s in describe() if s.key.startswith(f"learning.{prefix}.")]
        assert [key.rpartition(".")[2] for key in listed] == [str(name) for name in codes]


def test_caps_become_kinds_codes_limits_and_seconds():
    names = Names()
    names.channel("email")  # seen before the configuration named any
    caps = [
        {"scope": "global", "limit": 2, "window": "P1D"},
        {"scope": "channel:push", "limit": 3, "window": "PT90M"},
        {"scope": "category:promotion", "limit": 32, "window": "P31D"},
    ]
    record = compiled({"caps": caps}, names)[0]
    assert record["caps"] == 3
    assert record["cap_kind"][:3].tolist() == [CAP_GLOBAL, CAP_CHANNEL, CAP_CATEGORY]
    assert record["cap_code"][:3].tolist() == [0, names.channel("push"), names.category("promotion")] == [0, 1, 0]
    assert record["cap_limit"][:3].tolist() == [2, 3, 32]
    assert record["cap_window_s"][:3].tolist() == [86_400, 5_400, 31 * 86_400]
    assert not record["cap_limit"][3:].any()


def test_categories_become_bits():
    names = Names()
    record = compiled(
        {"categories": {f"c{i}": {"transactional": i == 63, "news": i in {0, 63}} for i in range(64)}}, names
    )
    assert int(record["transactional"][0]) == 1 << names.category("c63") == 1 << 63
    assert int(record["news"][0]) == 1 << 63 | 1


def test_zones_become_codes_of_the_log():
    names = Names()
    names.zone("Europe/Berlin")
    record = compiled({"users": {"time_zone": "Asia/Shanghai"}}, names)
    assert names.zones[record["zone"][0]] == "Asia/Shanghai"


def test_a_vendors_channel_brings_its_quota_when_it_is_first_seen():
    names = Names()
    for name in ("email", "huawei", "xiaomi"):
        names.channel(name)
    record = compiled({"vendor_quotas": {"xiaomi": {"per_day": 1}}}, names)[0]
    assert record["quota"].tolist() == [NO_QUOTA, 2, 1, *[NO_QUOTA] * 5]
    assert record["quota_news"].tolist() == [NO_QUOTA, 5, 8, *[NO_QUOTA] * 5]
    assert record["quota_quiet_start_min"].tolist() == [NO_CLOCK, 0, *[NO_CLOCK] * 6]
    assert record["quota_quiet_end_min"].tolist() == [NO_CLOCK, 360, *[NO_CLOCK] * 6]
    assert names.zones[record["quota_zone"][1]] == "Asia/Shanghai"


def test_vendors_that_nobody_sends_through_take_no_codes():
    names = Names()
    compiled({}, names)
    assert names.channels == ()


def test_a_new_channel_without_a_quota_changes_nothing_but_the_version():
    names = Names()
    before = compiled({}, names)
    names.channel("email")
    after = compiled({}, names, version=2, before=before)
    assert same(before, after)
    assert differing(before, after) == {"version"}
    names.channel("oppo")
    assert not same(before, compiled({}, names, version=2, before=before))


def test_no_quiet_hours_are_none():
    record = compiled()
    assert (record["quiet_start_min"][0], record["quiet_end_min"][0]) == (NO_CLOCK, NO_CLOCK)


def test_profiles_have_the_mean_of_one_and_their_shape():
    record = compiled({"learning": {"weekday_prior": [0, 0, 0, 0, 0, 3, 4], "hour_prior": [5] * 24}})[0]
    assert record["weekday_prior"].tolist() == [0, 0, 0, 0, 0, 3, 4]
    assert record["hour_prior"].tolist() == [1] * 24


def test_the_usual_day_peaks_at_noon_and_in_the_evening_and_sleeps_before_dawn():
    hours = compiled()["hour_prior"][0]
    peaks = [h for h in range(24) if hours[h] > max(hours[h - 1], hours[(h + 1) % 24])]
    assert peaks == [12, 20]
    assert hours[3:5].mean() == pytest.approx(0.1 * hours.max(), rel=0.05)
    assert hours.mean() == pytest.approx(1)


def test_a_prior_is_its_rate_and_its_weight():
    record = compiled({"learning": {"refusal_rate": 0.002, "refusal_rate_weight": 500.0}})[0]
    assert (record["refusal_a"], record["refusal_b"]) == (1.0, 500.0)


def test_a_usual_push_is_worth_an_offer_if_opened_and_if_converted():
    record = compiled({"learning": {"offer_worth": 100.0, "open_rate": 0.1, "conversion_rate": 0.2}})
    assert usual_worth(record) == pytest.approx(2.0)


def test_feedback_is_one_of_three():
    assert compiled({"pacing": {"adjustment": "additive"}})["adjusts"][0] == ADJUST_ADDITIVE


def test_a_channel_too_many_for_the_log_is_a_fault_that_names_it():
    names = Names()
    for i in range(CHANNELS_MAX):
        names.channel(f"old {i}")
    with pytest.raises(InputFault, match=r"the 9th channel \(push\)"):
        compiled({"caps": [{"scope": "channel:push", "limit": 1, "window": "P1D"}]}, names)


# What is published.


def test_equal_settings_give_equal_bytes_in_every_process():
    code = (
        "import hashlib; from andante.live.names import Names; from andante.live.parameters import compile_parameters;"
        "from andante.settings import load;"
        f"print(hashlib.sha256(compile_parameters(load({SHOP!r}, {{}}), Names(), version=1).tobytes()).hexdigest())"
    )
    printed = [
        subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            check=True,
            env=os.environ | {"PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(sys.path)},
        ).stdout.strip()
        for seed in ("1", "2")
    ]
    here = hashlib.sha256(compiled(SHOP).tobytes()).hexdigest()
    assert printed == [here, here]


def test_the_name_of_a_policy_tells_versions_and_numbers_apart():
    one, later, other = compiled(), compiled(version=2), compiled({"gap": {"minimum": "PT2H"}})
    names = {policy_version(parameters[0]) for parameters in (one, later, other)}
    assert len(names) == 3
    assert policy_version(compiled()[0]) in names

"""Whatever configuration loads, its parameters are numbers that the step can work with."""

import numpy as np
from any_settings import trees
from hypothesis import HealthCheck, assume, given, settings

from andante.live.names import Names
from andante.live.parameters import compile_parameters, usual_worth
from andante.settings import faults, load, warnings
from andante.vocabulary.parameters import NO_QUOTA, PARAMETERS
from andante.vocabulary.state import NO_CLOCK

MONTH_S = 31 * 86_400
WITHIN = {  # every number, and the range that the step relies on
    "adjusts": (0, 2),
    "allows_by_default": (0, 1),
    "holdout": (0, 0.5),
    "explore": (0, 1),
    "explore_candidates": (0, 1),
    "caps": (0, 32),
    "cap_kind": (0, 2),
    "cap_code": (0, 63),
    "cap_limit": (0, 32),
    "cap_window_s": (0, MONTH_S),
    "gap_s": (0, MONTH_S),
    "duplicate_window_s": (0, MONTH_S),
    "default_per_week": (0, 168),
    "least_per_week": (0, 168),
    "most_per_week": (0.01, 168),
    "burst": (1, 32),
    "adjust_rate": (0, 1),
    "arms": (1, 8),
    "arm_per_week": (0, 168),
    "open_a": (1e-11, 1e6),
    "open_b": (0.01, 1e6),
    "visit_a": (1e-11, 1e9),
    "visit_b": (0.01, 1e6),
    "conversion_a": (1e-11, 1e6),
    "conversion_b": (0.01, 1e6),
    "refusal_a": (1e-11, 1e6),
    "refusal_b": (0.01, 1e6),
    "satisfaction_a": (1e-11, 1e6),
    "satisfaction_b": (0.01, 1e6),
    "offer_a": (1e-11, 1e9),
    "offer_b": (0.01, 1e6),
    "offer_worth": (1e-9, 1e9),
    "interest_rate": (0, 1),
    "evidence_half_life_s": (3600, 3650 * 86_400),
    "counts_half_life_s": (3600, 3650 * 86_400),
    "rhythm_half_life_s": (3600, 3650 * 86_400),
    "fatigue_half_life_s": (3600, 3650 * 86_400),
    "habituation_half_life_s": (3600, 3650 * 86_400),
    "fatigue_open": (0, 10),
    "habituation_open": (0, 10),
    "fatigue_refusal": (0, 10),
    "carry_over": (0, 10),
    "visit_weight": (0, 100),
    "refusal_weight": (0, 1),
    "hour_prior": (0, 24.001),
    "weekday_prior": (0, 7.001),
    "rhythm_prior_weight": (0.01, 1e6),
    "message_cost": (0, 1e9),
    "shadow_price": (0, 1e9),
    "refusal_loss": (0, 1e9),
    "refusal_loss_pushes": (0, 1e6),
    "temperature": (0, 100),
    "floor": (0, 0.5),
    "patience": (0, 1),
    "spread_s": (0, 86_400),
    "stale_after_s": (1, MONTH_S),
}
BITS = {"transactional", "news", "stopped", "stopped_channels", "stopped_categories", "stopped_campaigns"}
CODED = {"version", "seed", "zone", "quota", "quota_news", "quota_zone", *BITS}
CLOCKS = {"quiet_start_min", "quiet_end_min", "quota_quiet_start_min", "quota_quiet_end_min"}


def test_every_field_has_a_range_here():
    assert {*WITHIN, *CODED, *CLOCKS} == set(PARAMETERS.names)


@given(tree=trees())
@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
def test_any_settings_that_load_compile_to_numbers_in_range(tree):
    assume(not faults(tree, {}))
    names = Names()
    parameters = compile_parameters(load(tree, {}), names, version=3)
    record = parameters[0]
    for field, (least, most) in WITHIN.items():
        assert np.all((record[field] >= least) & (record[field] <= most)), (field, record[field])
    for field in CLOCKS:
        assert np.all((record[field] < 24 * 60) | (record[field] == NO_CLOCK)), field
    for field in ("quota", "quota_news"):
        assert np.all(((record[field] >= 1) & (record[field] <= 32)) | (record[field] == NO_QUOTA)), field
    for field in ("zone", "quota_zone"):
        assert np.all(record[field] < len(names.zones)), field
    assert record["least_per_week"] <= record["default_per_week"] <= record["most_per_week"]
    assert np.isclose(record["hour_prior"].mean(), 1)
    assert np.isclose(record["weekday_prior"].mean(), 1)
    assert 0 < usual_worth(parameters) < np.inf
    assert not any(record[field].any() for field in BITS - {"transactional", "news"})


@given(tree=trees())
@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
def test_settings_that_were_logged_compile_to_the_same_bytes(tree):
    assume(not faults(tree, {}))
    written = load(tree, {})
    parameters = compile_parameters(written, Names(), version=1)
    for leaves_out_none in (True, False):
        again = load(written.model_dump(mode="json", exclude_none=leaves_out_none), {})
        assert compile_parameters(again, Names(), version=1).tobytes() == parameters.tobytes()


@given(tree=trees())
@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
def test_any_faults_and_warnings_are_one_line_each(tree):
    for found in (*faults(tree, {}), *warnings(tree, {})):
        assert "\n" not in str(found)
        assert found.action

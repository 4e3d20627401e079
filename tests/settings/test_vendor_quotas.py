"""Quotas of vendors: a dated built-in table, overridden key by key."""

from datetime import time

import pytest

from andante.settings import load, quota_of
from andante.settings.sections.vendors import BUILT_IN


@pytest.mark.parametrize(
    ("vendor", "marketing", "news"),
    [("huawei", 2, 5), ("honor", 2, 5), ("xiaomi", 5, 8), ("oppo", 2, 5), ("vivo", 2, 5), ("meizu", 3, 5)],
)
def test_the_built_in_quotas_are_those_of_the_dated_table(vendor, marketing, news):
    quota = quota_of(vendor, {})
    assert quota is not None
    assert (quota.per_day, quota.news_per_day, quota.time_zone) == (marketing, news, "Asia/Shanghai")


def test_only_huawei_has_hours_in_which_it_shows_nothing():
    hours = {vendor: (quota.quiet_start, quota.quiet_end) for vendor, quota in BUILT_IN.items()}
    assert hours.pop("huawei") == (time(0), time(6))
    assert set(hours.values()) == {(None, None)}


def test_a_channel_that_is_no_vendors_has_no_quota():
    assert quota_of("email", {}) is None


def test_a_key_that_is_given_leaves_the_other_built_in_ones():
    given = load({"vendor_quotas": {"huawei": {"per_day": 3}}}, {}).vendor_quotas
    quota = quota_of("huawei", given)
    assert quota == BUILT_IN["huawei"].model_copy(update={"per_day": 3})


def test_the_environment_overrides_one_key():
    given = load(None, {"ANDANTE_VENDOR_QUOTAS__XIAOMI__PER_DAY": "6"}).vendor_quotas
    quota = quota_of("xiaomi", given)
    assert quota is not None
    assert (quota.per_day, quota.news_per_day) == (6, 8)


def test_quiet_hours_of_a_vendor_end_where_they_begin_to_be_none():
    given = load({"vendor_quotas": {"huawei": {"quiet_start": "06:00"}}}, {}).vendor_quotas
    quota = quota_of("huawei", given)
    assert quota is not None
    assert quota.quiet_start == quota.quiet_end == time(6)


def test_a_new_vendor_limits_news_as_it_limits_marketing_until_told_otherwise():
    quota = quota_of("tinno", load({"vendor_quotas": {"tinno": {"per_day": 4}}}, {}).vendor_quotas)
    assert quota is not None
    assert (quota.per_day, quota.news_per_day) == (4, 4)
    quota = quota_of("tinno", load({"vendor_quotas": {"tinno": {"per_day": 4, "news_per_day": 6}}}, {}).vendor_quotas)
    assert quota is not None
    assert (quota.per_day, quota.news_per_day) == (4, 6)


def test_quotas_survive_a_round_trip_through_json():
    settings = load({"vendor_quotas": {"huawei": {"per_day": 3}, "x": {"news_per_day": 2}}}, {})
    again = load(settings.model_dump(mode="json", exclude_none=True), {})
    for channel in ("huawei", "x", "honor"):
        assert quota_of(channel, again.vendor_quotas) == quota_of(channel, settings.vendor_quotas)

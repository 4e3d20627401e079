"""The section ``[vendor_quotas.CHANNEL]``: what the vendors of phones let through, with a dated built-in table."""

from collections.abc import Mapping
from datetime import time
from types import MappingProxyType
from typing import Final

from pydantic import Field

from andante.settings.sections.limits import REMEMBERED_SENDS
from andante.settings.sections.values import CLOCK_FORM, ZONE_FORM, Clock, Section, TimeZone, about

AS_OF: Final = "2026-05"
"""When the built-in table was true. Vendors change their quotas."""

_VENDORS_DAY = "calendar days of `time_zone`, the vendor's, whatever the user's"
_COUNTED = "sends to one user on this channel, shown or not; transactional ones never"
_BUILT_IN = f"Absent: built in for huawei, honor, xiaomi, oppo, vivo and meizu as of {AS_OF}, else"


class VendorQuota(Section):
    """What one vendor lets through to one user in one day. Absent keys keep what is built in for the channel."""

    per_day: int | None = Field(
        default=None,
        ge=1,
        le=REMEMBERED_SENDS,
        description=f"The most marketing pushes in a day. {_BUILT_IN} no limit.",
        json_schema_extra=about(clock=_VENDORS_DAY, counts=_COUNTED),
    )
    news_per_day: int | None = Field(
        default=None,
        ge=1,
        le=REMEMBERED_SENDS,
        description=f"The most pushes in a day for a push of a category that is `news`. {_BUILT_IN} `per_day`.",
        json_schema_extra=about(clock=_VENDORS_DAY, counts=_COUNTED),
    )
    time_zone: TimeZone = Field(
        default="Asia/Shanghai",
        description="The zone in which the vendor's day begins and its quiet hours run.",
        json_schema_extra=about(form=ZONE_FORM),
    )
    quiet_start: Clock | None = Field(
        default=None,
        description="First minute in which the vendor shows no marketing. Absent: built in (huawei: 00:00), else none.",
        json_schema_extra=about(clock="`time_zone`, the vendor's", form=CLOCK_FORM),
    )
    quiet_end: Clock | None = Field(
        default=None,
        description="First minute after it. Absent: built in (huawei: 06:00), else none. Equal to `quiet_start`: none.",
        json_schema_extra=about(clock="`time_zone`, the vendor's", form=CLOCK_FORM),
    )


BUILT_IN: Final[Mapping[str, VendorQuota]] = MappingProxyType(
    {
        "huawei": VendorQuota(per_day=2, news_per_day=5, quiet_start=time(0), quiet_end=time(6)),
        "honor": VendorQuota(per_day=2, news_per_day=5),
        "xiaomi": VendorQuota(per_day=5, news_per_day=8),
        "oppo": VendorQuota(per_day=2, news_per_day=5),
        "vivo": VendorQuota(per_day=2, news_per_day=5),
        "meizu": VendorQuota(per_day=3, news_per_day=5),
    }
)
"""Marketing pushes per app, device and day, and news, by channel; Huawei counts requests even if they are not shown."""


def quota_of(channel: str, given: Mapping[str, VendorQuota]) -> VendorQuota | None:
    """Return the quota of a channel: what is given, then what is built in; None where there is neither.

    >>> quota_of("honor", {"honor": VendorQuota(per_day=3)})
    VendorQuota(per_day=3, news_per_day=5, time_zone='Asia/Shanghai', quiet_start=None, quiet_end=None)
    >>> quota_of("email", {}) is None
    True
    """
    built_in, own = BUILT_IN.get(channel), given.get(channel)
    if own is None:
        return built_in
    base = VendorQuota(news_per_day=own.per_day) if built_in is None else built_in
    return base.model_copy(
        update={key: getattr(own, key) for key in own.model_fields_set if getattr(own, key) is not None}
    )

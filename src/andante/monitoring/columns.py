"""What is counted in a bucket: which number stands in which column.

A series counts by the time at which something happened; a cohort counts what came of pushes by the time at which they
were sent, so that a rate has the same pushes above and below the line.
"""

from __future__ import annotations

from typing import Final

from andante.vocabulary.message import OutcomeType
from andante.vocabulary.reason import Reason
from andante.vocabulary.state import CATEGORIES_MAX, CHANNELS_MAX

CAMPAIGNS_MAX: Final = 256
"""So many campaigns are told apart at once; what comes beyond is counted as ``OTHERS``."""

OTHERS: Final = "(others)"

PLAN_EDGES: Final = (0.25, 0.75, 1.5, 2.5, 3.5, 5.0, 7.0, 10.0)
"""Pushes per week between which decisions are counted by the plan that they followed: one band more than edges."""

SCALARS: Final = (
    *("decisions", "suppresses", "defers", "sends", "paced", "explored", "cost", "plan_sum", "plan_known"),
    *("events", "purchases", "purchase_value", "value", "rating_sum"),
)
"""``paced`` are sends that asked the plan, ``cost`` is what these messages cost, in money."""

OUTCOMES: Final = tuple(OutcomeType)
REASONS: Final = tuple(Reason)
REASON_BASE: Final = len(SCALARS) + len(OUTCOMES)
PLAN_BASE: Final = REASON_BASE + len(REASONS)
SENDS_BASE: Final = PLAN_BASE + len(PLAN_EDGES) + 1

ALL: Final = 0
"""The key of all pushes together; then come channels, categories and campaigns."""
CHANNEL_BASE: Final = 1
CATEGORY_BASE: Final = CHANNEL_BASE + CHANNELS_MAX
CAMPAIGN_BASE: Final = CATEGORY_BASE + CATEGORIES_MAX
KEYS: Final = CAMPAIGN_BASE + CAMPAIGNS_MAX + 1
SERIES_COLUMNS: Final = SENDS_BASE + KEYS

COHORT: Final = ("sends", "opens", "clicks", "optouts", "not_interested", "conversions", "value", "failed")
COHORT_COLUMNS: Final = KEYS * len(COHORT)

PLACES: Final = {name: place for place, name in enumerate(SCALARS)} | {
    str(name): len(SCALARS) + place for place, name in enumerate(OUTCOMES)
}
"""The columns of a series by name: scalars, then outcomes."""

REASON_PLACES: Final = {int(reason): REASON_BASE + place for place, reason in enumerate(REASONS)}

OF_COHORT: Final = {name: place for place, name in enumerate(COHORT)}
COHORT_OF_OUTCOME: Final = {
    OutcomeType.OPENED: OF_COHORT["opens"],
    OutcomeType.CLICKED: OF_COHORT["clicks"],
    OutcomeType.CONVERTED: OF_COHORT["conversions"],
    OutcomeType.UNSUBSCRIBED: OF_COHORT["optouts"],
    OutcomeType.COMPLAINED: OF_COHORT["optouts"],
    OutcomeType.NOT_INTERESTED: OF_COHORT["not_interested"],
    OutcomeType.FAILED: OF_COHORT["failed"],
}
"""An unsubscription and a complaint are opt-outs; who is not interested in one push has not left."""


class Keys:
    """Which channel, category or campaign each key is. Codes of campaigns that are long over are given anew."""

    def __init__(self) -> None:
        """Begin with no names."""
        self._channels: dict[str, int] = {}
        self._categories: dict[str, int] = {}
        self._campaigns: dict[str, int] = {}
        self._last_us: dict[str, int] = {}
        self.category_of: dict[str, str] = {}  # the category of a campaign's first push
        self.freed: list[int] = []  # keys whose columns are to be cleared before they are used again

    @property
    def channels(self) -> dict[str, int]:
        """Channels and their keys."""
        return dict(self._channels)

    @property
    def categories(self) -> dict[str, int]:
        """Categories and their keys."""
        return dict(self._categories)

    @property
    def campaigns(self) -> dict[str, int]:
        """Campaigns and their keys, and what stands for the others."""
        return {**self._campaigns, OTHERS: CAMPAIGN_BASE + CAMPAIGNS_MAX}

    def of(self, channel: str, category: str, campaign: str | None, at_us: int, oldest_us: int) -> tuple[int, ...]:
        """Return the keys that a push counts under. ``oldest_us`` is how far back anything is kept."""
        one = self._channels.get(channel)
        if one is None:
            one = self._channels[channel] = CHANNEL_BASE + min(len(self._channels), CHANNELS_MAX - 1)
        two = self._categories.get(category)
        if two is None:
            two = self._categories[category] = CATEGORY_BASE + min(len(self._categories), CATEGORIES_MAX - 1)
        if campaign is None:
            return ALL, one, two
        three = self._campaigns.get(campaign)
        if three is None:
            three = self._new_campaign(campaign, category, oldest_us)
        if at_us > self._last_us.get(campaign, at_us - 1):
            self._last_us[campaign] = at_us
        return ALL, one, two, three

    def _new_campaign(self, campaign: str, category: str, oldest_us: int) -> int:
        if len(self._campaigns) < CAMPAIGNS_MAX:
            key = CAMPAIGN_BASE + len(self._campaigns)
        else:
            over = min(self._campaigns, key=lambda name: self._last_us[name])
            if self._last_us[over] >= oldest_us:
                return CAMPAIGN_BASE + CAMPAIGNS_MAX
            key = self._campaigns.pop(over)
            del self._last_us[over], self.category_of[over]
            self.freed.append(key)
        self._campaigns[campaign], self.category_of[campaign] = key, category
        self._last_us[campaign] = oldest_us
        return key

"""The parameters: everything that a decision needs and that holds for all users, as one record of fixed width.

They are published as records of the log, so a replay knows which ones held. ``policy_version`` names the step and the
parameters together. Money is in the shop's own unit; rates are per day; half-lives and windows in seconds.
"""

import hashlib

import numpy as np

from andante.vocabulary.state import CHANNELS_MAX, EVENT_TYPES

STEP_VERSION = 1
"""Raised with every change of the step that changes a decision."""

CAPS_MAX = 32
ARMS_MAX = 8
STOPPED_CAMPAIGNS_MAX = 32
NO_QUOTA = 0xFF

CAP_GLOBAL, CAP_CATEGORY, CAP_CHANNEL = 0, 1, 2
REFUSING_OUTCOMES = 9
"""The outcomes, in their order, that can be weighed as refusals; what was added later never is."""

ADJUST_NOT, ADJUST_MULTIPLICATIVE, ADJUST_ADDITIVE = 0, 1, 2

PARAMETERS = np.dtype(
    [
        ("version", "u4"),  # counts up with every publication
        ("adjusts", "u1"),  # ADJUST_*: how feedback moves a pace (first seed, section 5)
        ("allows_by_default", "u1"),  # consent.default = "allow"
        ("stopped", "u1"),  # kill switch: everything
        ("stopped_channels", "u1"),  # bits
        ("seed", "u8"),
        ("stopped_categories", "u8"),  # bits
        ("stopped_campaigns", "u4", (STOPPED_CAMPAIGNS_MAX,)),  # hashes; 0 is none
        ("transactional", "u8"),  # bits by category
        ("news", "u8"),  # bits by category: vendors allow more of them
        ("holdout", "f8"),
        ("explore", "f8"),  # share of users with a random pace this week
        ("explore_candidates", "f8"),  # share of choices among candidates left to chance
        # Caps.
        ("caps", "i8"),  # how many
        ("cap_window_s", "i8", (CAPS_MAX,)),
        ("cap_kind", "u1", (CAPS_MAX,)),
        ("cap_code", "u1", (CAPS_MAX,)),
        ("cap_limit", "u1", (CAPS_MAX,)),
        ("gap_s", "i8"),
        ("duplicate_window_s", "i8"),
        # Quiet hours of users who set none, and the zone of users who gave none.
        ("quiet_start_min", "u2"),  # NO_CLOCK: none
        ("quiet_end_min", "u2"),
        ("zone", "u2"),
        # Vendor quotas by channel: pushes of one user in one day of the vendor's zone.
        ("quota", "u1", (CHANNELS_MAX,)),  # NO_QUOTA: none
        ("quota_news", "u1", (CHANNELS_MAX,)),
        ("quota_zone", "u2", (CHANNELS_MAX,)),
        ("quota_quiet_start_min", "u2", (CHANNELS_MAX,)),  # NO_CLOCK: none; vendor's zone
        ("quota_quiet_end_min", "u2", (CHANNELS_MAX,)),
        # Pace.
        ("default_per_week", "f8"),  # of users without a plan: the cautious one
        ("least_per_week", "f8"),
        ("most_per_week", "f8"),
        ("burst", "f8"),  # the most credit that can gather, in pushes; at least 1
        ("adjust_rate", "f8"),  # alpha of f · (1 + alpha (I - theta)), or epsilon of f ± epsilon
        ("arms", "i8"),  # how many
        ("arm_per_week", "f8", (ARMS_MAX,)),
        # Response: priors (what one user is before any evidence), as counts and exposures.
        ("open_a", "f8"),
        ("open_b", "f8"),
        ("visit_a", "f8"),  # visits
        ("visit_b", "f8"),  # days
        ("conversion_a", "f8"),
        ("conversion_b", "f8"),
        ("refusal_a", "f8"),
        ("refusal_b", "f8"),
        ("satisfaction_a", "f8"),  # sum of ratings in [0, 1]
        ("satisfaction_b", "f8"),  # weight of them
        ("offer_a", "f8"),  # requests
        ("offer_b", "f8"),  # days
        ("offer_worth", "f8"),  # mean value times relevance of a request's best candidate
        ("interest_rate", "f8"),  # how far one answer or silence moves interest, in [0, 1]
        ("evidence_half_life_s", "f8"),
        ("counts_half_life_s", "f8"),
        ("rhythm_half_life_s", "f8"),
        ("fatigue_half_life_s", "f8"),
        ("habituation_half_life_s", "f8"),
        ("fatigue_open", "f8"),  # beta: opens fall as exp(-beta F)
        ("habituation_open", "f8"),  # alpha: and as exp(-alpha H)
        ("fatigue_refusal", "f8"),  # eta: refusals rise as exp(eta F)
        ("carry_over", "f8"),  # share of an open's worth that a push brings by later visits
        ("visit_weight", "f8", (EVENT_TYPES,)),  # how many visits an event of each type stands for
        ("refusal_weight", "f8", (REFUSING_OUTCOMES,)),  # how much of an opt-out each outcome is
        ("hour_prior", "f8", (24,)),  # the population's activity by local hour; its mean is 1
        ("weekday_prior", "f8", (7,)),  # Monday first; its mean is 1
        ("rhythm_prior_weight", "f8"),  # events that the prior is worth
        # Index.
        ("message_cost", "f8"),  # kappa, in money
        ("shadow_price", "f8"),  # mu, in money
        ("refusal_loss", "f8"),  # what a subscribed user is worth more than an unsubscribed one, in money
        ("refusal_loss_pushes", "f8"),  # the same, in what so many usual pushes bring; both add up
        ("temperature", "f8"),  # softness of send or hold, as a share of the worth of a usual push
        ("floor", "f8"),  # least probability of either
        ("patience", "f8"),  # weight of what waiting is worth, in [0, 1]; 0 never waits for better
        ("spread_s", "i8"),  # over how many seconds deferred pushes are spread
        ("stale_after_s", "i8"),  # a push that could not go out within so long after it was asked is dropped
    ],
    align=True,
)


def policy_version(parameters: np.ndarray) -> str:
    """Name the step and the parameters that decide: ``step.version.hash``.

    >>> policy_version(np.zeros((), PARAMETERS))[:4]
    '1.0.'
    """
    digest = hashlib.blake2b(parameters.tobytes(), digest_size=4).hexdigest()
    return f"{STEP_VERSION}.{int(parameters['version'])}.{digest}"

"""The parameters of a world, each with its basis. A world is these numbers and a seed, and nothing else.

Bases: *published* figures are named; *choice* is ours, and said to be so. The defaults are the reference world. Times
are in days unless the name says otherwise, money is the shop's own, frequencies are pushes per week.
"""

from dataclasses import dataclass, field

NEVER = float("inf")


@dataclass(frozen=True, slots=True)
class Latents:
    """Correlations of the four normals behind each user: activity, open, leaving, buying. All of them: choice."""

    activity_open: float = 0.35
    activity_leaving: float = -0.25
    open_leaving: float = -0.35
    activity_buying: float = 0.3


@dataclass(frozen=True, slots=True)
class Visiting:
    """Visits of a user's own accord, and what pushes add to them beside being opened."""

    per_day_median: float = 0.055  # choice, near the rate of repeat orders in CDNOW
    spread: float = 1.15  # σ of the logarithm: choice, as above
    carry_over: float = 0.008  # share by which one push raises later visits: choice
    carry_over_max: float = 0.35  # choice
    carry_over_half_life: float = 14.0  # choice
    displaces: float = 1.0  # days: an opened push stands for the next own visit within this time. Choice


@dataclass(frozen=True, slots=True)
class Rhythm:
    """Hours of the day, of the user's own clock: two von Mises peaks over a floor."""

    noon_h: float = 12.5  # retail visits peak at noon and, more, from 20 to 22 o'clock (published)
    evening_h: float = 20.5
    evening_share: float = 0.6  # of what is in the peaks: choice
    concentration: float = 3.0  # of both peaks, κ: choice
    trough: float = 0.1  # 3 to 5 o'clock, as a share of the peak: published retail profiles
    shift_h: float = 1.5  # σ of a user's own shift: choice
    open_power: float = 0.5  # opens follow the rhythm to this power: an unseen push waits on the screen. Choice


@dataclass(frozen=True, slots=True)
class Opening:
    """Whether a push is opened."""

    logit_mean: float = -4.05  # mean 2.8 %: direct opens of retail pushes, median 2.5 to 3 %, 8.1 % at P90
    logit_spread: float = 1.05  # (Airship 2025)
    plain: float = 1.0  # relevance: click rates .48, .91 and 4.38 % of plain, targeted and triggered messages
    targeted: float = 2.0
    triggered: float = 9.0
    usual: float = 1.4  # the mean of these among what is sent at a constant pace, which opens as above. Choice
    taste_spread: float = 0.4  # σ of the logarithm of a user's taste for a theme: choice
    taste_turn: float = 0.0  # degrees a week by which tastes turn: 90 forgets them
    fatigue: float = 0.22  # open × exp(−fatigue·F − habituation·H): choice
    habituation: float = 0.03  # choice
    fatigue_half_life: float = 3.0  # choice
    habituation_half_life: float = 15.0  # Duolingo's recovering bandit (Yancey and Settles, 2020)
    half_life_spread: float = 0.0  # σ of the logarithm of each user's own half-lives
    cliff: float = NEVER  # F above which opens are multiplied by ``beyond``
    beyond: float = 1.0
    most: float = 0.95  # no push is certain to be opened. Choice


@dataclass(frozen=True, slots=True)
class Leaving:
    """Whether a push makes a user opt out, and how."""

    hazard_median: float = 5.5e-4  # h₀, lognormal; hazard of a push = scale·h₀·exp(fatigue·F)
    hazard_spread: float = 1.0
    scale: float = 1.7  # 17,500 users of a retail trial: +2.5 points of uninstalls per extra weekly push in 7 weeks
    fatigue: float = 0.22
    cliff_factor: float = 1.0  # beyond the cliff of opening
    uninstalls: float = 0.35  # share of those who leave; the others only unsubscribe, and go on visiting
    hazard_max: float = 0.5  # of one push: choice


@dataclass(frozen=True, slots=True)
class Buying:
    """Whether a visit ends in an order, and what that brings."""

    per_visit: float = 0.034  # mean: a click of a campaign leads to an order in about 1 of 20 (published)
    spread: float = 0.3  # σ of the logarithm between users: choice, so that orders per visit are 3.4 % as lived
    depletion: float = 0.5  # × exp(−depletion·D), D + 1 with each order. Choice
    depletion_half_life: float = 10.0  # choice
    margin_mean: float = 8.8  # Gamma-Gamma on CDNOW × 25 %
    margin_spread_users: float = 0.5  # σ of the logarithms, between users and between orders of one: choice
    margin_spread_orders: float = 0.7


@dataclass(frozen=True, slots=True)
class Answering:
    """What is heard of a push, and when."""

    open_delay_median_h: float = 1.0  # lognormal (published delays)
    open_delay_spread: float = 1.5  # choice
    delay_max_h: float = 168.0  # later opens are not counted: choice
    order_delay_days: float = 1.5  # exponential mean, from the visit (published delays)
    clicked: float = 0.5  # of what is opened: choice
    dismissed: float = 0.2  # of what is not opened: choice
    complaints: float = 0.13  # per opt-out: e-mail of one real CRM, spam .05 % beside unsubscribe .39 %


@dataclass(frozen=True, slots=True)
class Survey:
    """How many weekly pushes a user feels as right, and what is said of it. All of it: choice."""

    asked: float = 0.03  # share of user-weeks with a push that are answered
    right_median: float = 3.0  # middle of the band
    right_spread: float = 0.5
    low: float = 0.6  # the band, as shares of its middle
    high: float = 1.6
    best: float = 4.6  # stars within the band
    slope: float = 2.2  # stars lost per e-fold outside of it
    noise: float = 0.7


@dataclass(frozen=True, slots=True)
class Offering:
    """What the shop asks to push: 17.5 requests of 24 candidates a user-week, and triggered ones. All of it: choice."""

    parts_h: tuple[int, ...] = (10, 14, 18)  # day parts of three hours each, by the user's clock, with a request each
    part_shares: tuple[float, ...] = (1.0, 0.75, 0.75)  # of days on which it comes
    second: float = 0.35  # share of scheduled requests with two candidates
    targeted: float = 0.35  # of scheduled candidates; the others are plain
    searches: float = 0.35  # of visits
    carts: float = 0.12
    triggers: float = 0.4  # of visits with a search or a cart: a triggered push is asked for 1 to 2 hours later
    life_scheduled_h: int = 24
    life_triggered_h: int = 48
    relevance_noise: float = 0.5  # σ of the logarithm of what the shop declares beside the truth
    value_noise: float = 0.25
    bait: float = 0.0  # share of plain candidates that are opened far more, and bring nothing
    bait_relevance: float = 4.0
    bait_leaving: float = 2.0


@dataclass(frozen=True, slots=True)
class Calendar:
    """Seasons: multipliers of what users do by weekday and in promotion weeks. The reference world has none."""

    weekdays: tuple[float, ...] = (1.0,) * 7  # Monday first
    promotion_every_weeks: int = 0  # 0: none; else one week in so many
    promotion_visits: float = 1.0
    promotion_buying: float = 1.0


@dataclass(frozen=True, slots=True)
class Population:
    """Who is there, beside their latents. The reference world has only people who are there from the beginning."""

    zones_h: tuple[int, ...] = (0, 1, 1, 1, 2, 8)  # offsets of local time, each as likely: choice
    member_logit: float = -1.0  # membership: σ(logit + slope·activity). Choice
    member_slope: float = 0.8
    known_days: float = 56.0  # the shop's segments are by visits in so many days before. Choice
    bots: float = 0.0  # share of users that open everything, buy nothing, never leave
    joining: float = 0.0  # users join evenly over this share of the weeks; 0: all are there
    honeymoon: float = 0.0  # own visits × (1 + honeymoon·2^(−age / half-life)) after joining
    honeymoon_half_life: float = 14.0
    rivals_per_week: float = 0.0  # pushes of other senders, which tire as ours do
    lost: float = 0.0  # share of pushes that never arrive


@dataclass(frozen=True, slots=True)
class Nature:
    """All of a world's parameters; ``dataclasses.replace`` makes another world."""

    latents: Latents = field(default_factory=Latents)
    visiting: Visiting = field(default_factory=Visiting)
    rhythm: Rhythm = field(default_factory=Rhythm)
    opening: Opening = field(default_factory=Opening)
    leaving: Leaving = field(default_factory=Leaving)
    buying: Buying = field(default_factory=Buying)
    answering: Answering = field(default_factory=Answering)
    survey: Survey = field(default_factory=Survey)
    offering: Offering = field(default_factory=Offering)
    calendar: Calendar = field(default_factory=Calendar)
    population: Population = field(default_factory=Population)

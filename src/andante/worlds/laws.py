"""The laws of a world as plain numbers, for compiled code: what ``nature`` says, per second, in one flat tuple."""

from typing import NamedTuple

from andante.worlds.contract import DAY_S, HOUR_S
from andante.worlds.nature import Nature
from andante.worlds.people import LN_2


class Laws(NamedTuple):
    """Numbers of a world. Names are those of ``nature``, with the part before them where two parts share one."""

    carry_over: float
    carry_over_max: float
    carry_over_rate: float  # per second, as all rates here
    displaces_s: int
    honeymoon: float
    honeymoon_rate: float
    open_fatigue: float
    open_habituation: float
    open_most: float
    cliff: float
    beyond: float
    leaving_fatigue: float
    cliff_factor: float
    hazard_max: float
    depletion: float
    depletion_rate: float
    margin_spread: float
    order_delay_s: float
    open_delay_s: float
    open_delay_spread: float
    open_delay_max_s: int
    clicked: float
    dismissed: float
    complaints: float
    lost: float
    searches: float
    carts: float
    triggers: float


def laws(nature: Nature) -> Laws:
    """Return the laws that follow from a world's parameters."""
    visiting, opening, leaving, buying = nature.visiting, nature.opening, nature.leaving, nature.buying
    answering, offering, crowd = nature.answering, nature.offering, nature.population
    return Laws(
        carry_over=visiting.carry_over,
        carry_over_max=visiting.carry_over_max,
        carry_over_rate=LN_2 / (visiting.carry_over_half_life * DAY_S),
        displaces_s=int(visiting.displaces * DAY_S),
        honeymoon=crowd.honeymoon,
        honeymoon_rate=LN_2 / (crowd.honeymoon_half_life * DAY_S),
        open_fatigue=opening.fatigue,
        open_habituation=opening.habituation,
        open_most=opening.most,
        cliff=opening.cliff,
        beyond=opening.beyond,
        leaving_fatigue=leaving.fatigue,
        cliff_factor=leaving.cliff_factor,
        hazard_max=leaving.hazard_max,
        depletion=buying.depletion,
        depletion_rate=LN_2 / (buying.depletion_half_life * DAY_S),
        margin_spread=buying.margin_spread_orders,
        order_delay_s=answering.order_delay_days * DAY_S,
        open_delay_s=answering.open_delay_median_h * HOUR_S,
        open_delay_spread=answering.open_delay_spread,
        open_delay_max_s=int(answering.delay_max_h * HOUR_S),
        clicked=answering.clicked,
        dismissed=answering.dismissed,
        complaints=answering.complaints,
        lost=crowd.lost,
        searches=offering.searches,
        carts=offering.carts,
        triggers=offering.triggers,
    )

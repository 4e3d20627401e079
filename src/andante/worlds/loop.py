"""The loop: a policy lives through a world."""

from collections.abc import Callable

from andante.worlds.contract import Lived, Policy, Tick, World


def live(world: World, policy: Policy, on_tick: Callable[[Tick], None] | None = None) -> Lived:
    """Live through all of a world with a policy, and return what came of it.

    ``on_tick`` is called with each tick before the policy decides: for progress, or to look on.
    """
    policy.begin(world.crowd)
    for tick in world.ticks():
        if on_tick is not None:
            on_tick(tick)
        world.take(policy.decide(tick))
    return world.lived()

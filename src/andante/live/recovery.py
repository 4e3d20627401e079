"""Recovery: a store in, the desk as it was out. State is the fold of the log; checkpoints save most of the folding."""

from __future__ import annotations

import gc
import json
import secrets
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np

from andante.engine.batch import fold
from andante.engine.batch import load as load_step
from andante.engine.migration import read_states
from andante.live.answers import read_decisions
from andante.live.budget import BudgetController
from andante.live.checkpoints import Checkpoints, parameters_in
from andante.live.deciding import left_over
from andante.live.desk import Desk, LiveStore
from andante.live.names import Names
from andante.live.policies import POLICY, SETTINGS
from andante.live.refolding import Published, runs
from andante.live.waiting import Waiter
from andante.settings import load
from andante.vocabulary.reason import Action
from andante.zones.table import build

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from andante.settings import Settings
    from andante.stores.contract import Waiting

LOG_NAME = "log_name"
_SEND = int(Action.SEND)
_NAME_BYTES = 3


def recover(store: LiveStore, settings: Settings | None, environ: Mapping[str, str]) -> Desk:
    """Return the desk that a store's log amounts to. A new store is given a name, which nobody has written yet.

    Without settings, those that the log was last opened with are kept, but for what the environment overrides.
    """
    load_step(build(()))
    with _no_collection():
        return _recovered(store, settings, environ)


def _recovered(store: LiveStore, settings: Settings | None, environ: Mapping[str, str]) -> Desk:
    opened = store.load()
    if settings is None:
        kept = opened.meta.get(SETTINGS)
        settings = load(None if kept is None else json.loads(kept), environ)
    desk = Desk(
        store=store,
        settings=settings,
        names=Names(opened.names),
        checkpoints=Checkpoints(settings.log.checkpoint_every),
        budget=BudgetController(settings),
        log_name=opened.meta.get(LOG_NAME) or secrets.token_hex(_NAME_BYTES),
        position=opened.last_position,
    )
    desk.logged_settings = opened.meta.get(SETTINGS, "")
    desk.policies = {int(key[len(POLICY) :]): value for key, value in opened.meta.items() if key.startswith(POLICY)}
    desk.population.restore(list(opened.users.ids))
    for part in opened.checkpoints:
        desk.population.load(part.numbers, read_states(part.states))
    desk.population.give_keys()
    desk.parameters = parameters_in(opened.meta)
    desk.checkpoints.resume(opened.replay_from, opened.last_position)
    _replay(desk, opened.replay_from)
    _wait(desk, opened.waiting)
    desk.waiting.keep()
    return desk


def _replay(desk: Desk, after: int) -> None:
    """Step what the checkpoints may lack; the step passes over what they have."""
    for part in runs(desk.store.read(after), desk.names):
        if isinstance(part, Published):
            desk.parameters = part.parameters
            desk.policies[int(part.parameters["version"][0])] = part.policy
            continue
        rows = part.records["user"]
        before = desk.population.users["position"][rows]
        fold(desk.population.users, part.records, part.candidates, desk.deciding(), desk.zones)
        newer = part.records["number"] > before
        desk.checkpoints.touch(np.unique(rows[newer]), len(desk.population))


def _wait(desk: Desk, waiting: Sequence[Waiting]) -> None:
    """Let deferred requests wait again."""
    if not waiting:
        return
    rows = [one.row for one in waiting]
    actions = [row.action or 0 for row in rows]
    read = read_decisions([row.body for row in rows], actions, desk.names)
    stale_after_s = int(desk.deciding()["stale_after_s"][0])
    last_s, offered = (read.decisions["at_s"] + stale_after_s).tolist(), read.offered
    for place, (one, row) in enumerate(zip(waiting, rows, strict=True)):
        left = offered[place]
        if actions[place] == _SEND:
            first = int(read.first[place])
            verdicts = read.verdicts[first : first + len(left)]
            _, left = left_over(desk, left, read.decisions[place], verdicts, read.origins[place])
        desk.waiting.add(Waiter(row.position, row.user, one.due_s, last_s[place], left))


@contextmanager
def _no_collection() -> Iterator[None]:
    """Keep the collector of cycles away while millions of values that are to stay are read."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()

"""Once a day the service lets go of what is old."""

import asyncio
from datetime import UTC, datetime, timedelta

from service_desk import SENDING

from andante import Engine
from andante.service.upkeep import keep_tidy, tidy


class Desk:
    """A service, as upkeep sees it."""

    def __init__(self, engine):
        self.engine = engine


def _aged(path):
    """Return an engine with a row a year and a half old, which it keeps for a day."""
    engine = Engine.open(path, SENDING | {"log": {"retention": "P1D", "keys": "P1D"}})
    old = datetime.now(UTC) - timedelta(days=500)
    engine.set_preferences("ann", {"consent": {"push": True}, "at": old})
    engine.ingest([{"user_id": "ann", "type": "view", "at": old, "event_id": "e1"}])
    engine.ingest([{"user_id": "ann", "type": "view", "event_id": "e2"}])
    return engine


def _kinds(engine):
    return [row.kind for rows in engine.log_rows() for row in rows]


def test_what_is_older_than_the_log_keeps_it_is_dropped_and_the_user_is_kept(tmp_path):
    with _aged(tmp_path / "shop.db") as engine:
        before, user = _kinds(engine), engine.user("ann")
        asyncio.run(tidy(Desk(engine)))
        assert len(_kinds(engine)) < len(before)
        assert engine.user("ann").consent == user.consent


def test_upkeep_goes_on_by_itself_until_the_server_ends(tmp_path):
    with _aged(tmp_path / "shop.db") as engine:
        before = len(_kinds(engine))

        async def live():
            stop = asyncio.Event()
            keeping = asyncio.create_task(keep_tidy(Desk(engine), stop, first_s=0.0))
            while len(_kinds(engine)) == before:  # noqa: ASYNC110  nothing tells that a log has shrunk
                await asyncio.sleep(0)
            stop.set()
            await keeping

        asyncio.run(asyncio.wait_for(live(), 30))
        assert len(_kinds(engine)) < before


def test_a_closed_store_is_no_reason_to_end(tmp_path):
    engine = _aged(tmp_path / "shop.db")
    engine.close()
    asyncio.run(tidy(Desk(engine)))

"""A launch decides everybody in its audience once, stops within a chunk, and is held by what holds it."""

from __future__ import annotations

import asyncio
import json
import threading
from collections import Counter
from datetime import timedelta

import pytest
from books_desk import NOON, OPEN, SPRING, approved, books, engine_of, started

from andante.operators.launch import Launch
from andante.operators.launcher import Launcher
from andante.vocabulary.fault import Conflict, InputFault
from andante.vocabulary.flow import Kind

USERS = [f"user-{n}" for n in range(40)]


def asked(engine, campaign_id):
    """How often each user was decided about for a campaign, from the log alone."""
    ids, found = engine._desk.population.ids, Counter()
    for rows in engine.log_rows():
        for row in rows:
            if row.kind == Kind.REQUEST and campaign_id in row.body:
                (candidate,) = json.loads(row.body)["candidates"]
                assert candidate["campaign_id"] == campaign_id
                found[ids[row.user]] += 1
    return found


@pytest.fixture
def desk():
    """An engine with users, and books whose launches take seven users at a time."""
    with engine_of(USERS) as engine, books(engine=engine, launch_chunk=7) as opened:
        yield engine, opened, Launch(engine, opened)


def test_everybody_who_consented_is_decided_once_and_counted(desk):
    engine, opened, launch = desk
    engine.set_preferences("nobody", {"consent": {"push": False, "email": True}})
    engine.set_preferences("silent", {"member": True})
    campaign_id = started(opened)
    progress = launch.run(campaign_id)
    assert asked(engine, campaign_id) == Counter(USERS)
    assert (progress.asked, progress.sent, progress.share) == (len(USERS), len(USERS), 1.0)
    assert progress.chunk == -(-len(USERS) // 7)
    assert opened.campaigns.of(campaign_id).state == "done"
    last = opened.audit.entries()[0]
    assert (last.who, last.action, last.detail["sent"]) == ("andante", "campaign.done", len(USERS))
    assert launch.run(campaign_id) == progress, "who is done is not asked again"
    assert asked(engine, campaign_id) == Counter(USERS)


def test_what_is_sent_says_what_the_campaign_says(desk):
    engine, opened, launch = desk
    fields = {"item_id": "i-1", "value": 2.5, "relevance": 0.5, "expires_at": NOON + timedelta(hours=1)}
    campaign_id = started(opened, {**SPRING, **fields})
    before = engine.position
    launch.run(campaign_id)
    sends = engine.sends(before).sends
    assert len({send.candidate.candidate_id for send in sends}) == len(USERS)
    for send in sends:
        assert send.candidate.candidate_id.startswith(f"{campaign_id}.")
        assert {name: getattr(send.candidate, name) for name in fields} == fields


@pytest.mark.parametrize(
    ("audience", "those"),
    [
        ({"member": True}, {"user-1", "user-2"}),
        ({"member": False}, set(USERS) - {"user-1", "user-2"}),
        ({"persona": "buyer"}, {"user-3"}),
        ({"user_ids": ["user-5", "user-1", "nobody"]}, {"user-5", "user-1"}),
        ({"user_ids": ["user-5", "user-1"], "member": True}, {"user-1"}),
    ],
)
def test_an_audience_is_members_a_persona_or_a_list(desk, audience, those):
    engine, opened, launch = desk
    for user in ("user-1", "user-2"):
        engine.set_preferences(user, {"member": True})
    engine.ingest([{"user_id": "user-3", "type": "purchase", "value": 9.0}])
    campaign_id = started(opened, {**SPRING, "audience": audience})
    assert launch.size(opened.campaigns.of(campaign_id).campaign).audience == len(those)
    launch.run(campaign_id)
    assert asked(engine, campaign_id) == Counter(those)


def test_a_submission_measures_the_reach_itself(desk):
    _, opened, launch = desk
    filed = opened.campaigns.create("ann", SPRING)
    assert launch.submit("ann", filed.campaign_id).reach == len(USERS)
    few = opened.campaigns.create("ann", {**SPRING, "audience": {"user_ids": ["user-5", "user-1"]}})
    assert launch.submit("ann", few.campaign_id).reach == 2


def test_a_stop_ends_it_within_a_chunk_and_it_goes_on_from_there_after_a_new_submission(desk):
    engine, opened, _ = desk
    launch = Launch(engine, opened, heard=lambda: opened.campaigns.stop("bea", campaign_id, "too loud"))
    campaign_id = started(opened)
    progress = launch.run(campaign_id)
    assert (progress.asked, opened.campaigns.of(campaign_id).ended_for) == (7, "too loud")
    with pytest.raises(Conflict, match="is stopped"):
        opened.campaigns.start("ann", campaign_id)
    with pytest.raises(Conflict, match="is stopped"):
        opened.campaigns.edit("ann", campaign_id, SPRING)
    opened.campaigns.submit("ann", campaign_id, len(USERS))
    opened.campaigns.start("ann", campaign_id)
    assert Launch(engine, opened).run(campaign_id).asked == len(USERS)
    assert asked(engine, campaign_id) == Counter(USERS)


def test_who_asks_it_to_end_ends_that_call_alone(desk):
    engine, opened, _ = desk
    stop = threading.Event()
    launch, campaign_id = Launch(engine, opened, heard=stop.set), started(opened)
    assert launch.run(campaign_id, stop).asked == 7
    assert opened.campaigns.of(campaign_id).state == "running"
    assert Launch(engine, opened).run_all() == 1
    assert asked(engine, campaign_id) == Counter(USERS)


@pytest.mark.parametrize("scope", ["global", "channel:push", "category:promotion", "campaign:{}"])
def test_the_kill_switch_holds_it_within_a_chunk_and_spends_nobody(desk, scope):
    engine, opened, _ = desk
    throw = lambda: opened.switch("bea", scope.format(campaign_id), on=True)  # noqa: E731
    launch, campaign_id = Launch(engine, opened, heard=throw), started(opened)
    progress = launch.run(campaign_id)
    ended = opened.campaigns.of(campaign_id)
    assert (progress.asked, progress.suppressed, ended.state, ended.ended_for) == (7, 0, "stopped", "kill_switch")
    assert [one.action for one in opened.audit.entries(limit=2)] == ["campaign.held", "switch"]
    opened.switch("bea", scope.format(campaign_id), on=False)
    opened.campaigns.submit("ann", campaign_id, 0)
    opened.campaigns.start("ann", campaign_id)
    Launch(engine, opened).run(campaign_id)
    assert asked(engine, campaign_id) == Counter(USERS)


def test_another_switch_holds_nothing(desk):
    _, opened, launch = desk
    for scope in ("campaign:another", "category:promotion"):
        opened.switch("bea", scope, on=True)
    campaign_id = started(opened, {**SPRING, "category": "news"})
    assert launch.run(campaign_id).asked == len(USERS)
    assert opened.thrown() == ["category:promotion"]


def test_without_a_second_person_it_never_reaches_more_than_one_may():
    with engine_of(USERS) as engine, books(engine=engine, launch_chunk=7, approval_above=10) as opened:
        campaign_id = started(opened, reach=3)  # whoever said so was wrong
        launch = Launch(engine, opened)
        progress, ended = launch.run(campaign_id), opened.campaigns.of(campaign_id)
        assert (progress.sent + progress.deferred, ended.state, ended.ended_for) == (10, "stopped", "needs_approval")
        assert opened.campaigns.submit("ann", campaign_id, 0).state == "awaiting_approval"
        opened.campaigns.approve("bea", campaign_id)
        opened.campaigns.start("ann", campaign_id)
        assert launch.run(campaign_id).asked == len(USERS)
        assert asked(engine, campaign_id) == Counter(USERS)


def test_one_that_just_fits_needs_no_second_person():
    with engine_of(USERS[:10]) as engine, books(engine=engine, launch_chunk=7, approval_above=10) as opened:
        campaign_id = started(opened, reach=10)
        assert Launch(engine, opened).run(campaign_id).sent == 10
        assert opened.campaigns.of(campaign_id).state == "done"


def test_it_keeps_every_cap_and_counts_why_users_got_nothing():
    config = OPEN | {"caps": [{"scope": "global", "limit": 1, "window": "P1D"}]}
    with engine_of(USERS, config=config) as engine, books(engine=engine, launch_chunk=7) as opened:
        launch = Launch(engine, opened)
        first, second = started(opened), started(opened, {**SPRING, "name": "Again"})
        assert launch.run(first).sent == len(USERS)
        progress = launch.run(second)
        assert progress.sent == 0
        assert progress.deferred + progress.suppressed == sum(progress.reasons.values()) == len(USERS)
        assert set(progress.reasons) == {"cap_global"}


def test_a_campaign_is_launched_in_one_thread_at_a_time(desk):
    engine, opened, _ = desk
    again = []

    def launch_again():
        with pytest.raises(Conflict, match="is being launched already") as fault:
            Launch(engine, opened).run(campaign_id)
        again.append(fault)

    launch, campaign_id = Launch(engine, opened, heard=launch_again), started(opened)
    launch.run(campaign_id)
    assert again
    assert asked(engine, campaign_id) == Counter(USERS)


def test_who_comes_or_is_erased_meanwhile_is_asked_never_or_once(desk):
    engine, opened, _ = desk

    def meanwhile():
        if opened.campaigns.progress(campaign_id).chunk == 2:
            engine.erase("user-0")  # was asked
            engine.erase("user-39")  # was not
            for user in ("user-0", "user-39", "late"):
                engine.set_preferences(user, {"consent": {"push": True}})

    campaign_id = started(opened)
    Launch(engine, opened, heard=meanwhile).run(campaign_id)
    assert asked(engine, campaign_id) == Counter(set(USERS) - {"user-0", "user-39"})


def test_only_what_was_started_is_launched(desk):
    engine, opened, launch = desk
    campaign_id = approved(opened)
    assert launch.run(campaign_id).asked == 0
    assert launch.run_all() == 0
    assert asked(engine, campaign_id) == Counter()


def test_a_category_that_the_engine_has_no_room_for_ends_it_and_is_said(desk):
    engine, opened, launch = desk
    engine.set_preferences("user-1", {"categories": {f"category-{n}": True for n in range(63)}})
    campaign = {**SPRING, "category": "one too many"}
    filed = opened.campaigns.create("ann", campaign)
    with pytest.raises(InputFault, match="has no room"):
        launch.submit("ann", filed.campaign_id)
    campaign_id = started(opened, campaign)
    assert launch.run(campaign_id).asked == 0
    ended = opened.campaigns.of(campaign_id)
    assert ended.state == "stopped"
    assert "has no room" in ended.ended_for
    assert opened.audit.entries()[0].detail["held_for"] == ended.ended_for


def test_what_is_started_is_launched_beside_a_server_until_that_ends(desk):
    engine, opened, launch = desk
    campaign_id = started(opened)

    async def serve():
        stop, faults = asyncio.Event(), []
        running = asyncio.create_task(Launcher(launch, faults.append, every_s=0.01).run(stop))
        async with asyncio.timeout(60):
            while opened.campaigns.of(campaign_id).state == "running":  # noqa: ASYNC110  another thread's doing
                await asyncio.sleep(0)
        stop.set()
        await running
        return faults

    assert asyncio.run(serve()) == []
    assert asked(engine, campaign_id) == Counter(USERS)

"""Complaints keep their status, and forgetting a user leaves no plaintext in the books' file, its WAL or its head."""

from __future__ import annotations

import pytest
from books_desk import NOON, SPRING, books, engine_of

from andante.operators.complaints import TEXT_MAX
from andante.vocabulary.fault import Conflict, InputFault, StoreBusy, StoreFault

CANARY = "canary-7f3a91"


def test_a_complaint_is_open_then_answered_then_closed_and_stays_so(tmp_path):
    with books(tmp_path) as opened:
        filed = opened.complaints.open("ann", "  too many pushes \n", " ann@example.org ")
        assert (filed.text, filed.contact, filed.status) == ("too many pushes", "ann@example.org", "open")
        assert filed.opened_at == NOON
        answered = opened.complaints.answer("bea", filed.id, "we set your dial to one a week")
        assert (answered.status, answered.answered_by, answered.answered_at) == ("answered", "bea", NOON)
        assert opened.complaints.answer("cy", filed.id, "and paused it").answer == "and paused it"
    with books(tmp_path) as opened:
        assert opened.complaints.of_user("ann")[0].status == "answered"
        closed = opened.complaints.close("cy", filed.id)
        assert (closed.status, closed.closed_by, closed.answer) == ("closed", "cy", "and paused it")
        for call in (lambda: opened.complaints.answer("bea", filed.id, "x"), lambda: opened.complaints.close("b", 1)):
            with pytest.raises(Conflict, match="is closed"):
                call()
        assert opened.complaints.of(filed.id) == closed
        told = [(one.who, one.action, one.refused is None) for one in opened.audit.entries()]
        assert told == [
            ("b", "complaint.close", False),
            ("bea", "complaint.answer", False),
            ("cy", "complaint.close", True),
            ("cy", "complaint.answer", True),
            ("bea", "complaint.answer", True),
        ]


def test_complaints_are_listed_by_status_and_page():
    with books() as opened:
        for n in range(5):
            opened.complaints.open(f"user-{n}", "too loud")
        opened.complaints.answer("bea", 2, "sorry")
        assert [one.id for one in opened.complaints.listed("open")] == [5, 4, 3, 1]
        assert [one.id for one in opened.complaints.listed(before=4, limit=2)] == [3, 2]
        assert opened.complaints.of_user("nobody") == []


@pytest.mark.parametrize("text", ["", "  \n", "x" * (TEXT_MAX + 1), "\ud800"])
def test_a_complaint_that_cannot_be_kept_is_a_fault(text):
    with books() as opened:
        with pytest.raises(InputFault):
            opened.complaints.open("ann", text)
        with pytest.raises(InputFault):
            opened.complaints.open("ann", "fine", "x" * 400)
        assert opened.complaints.listed() == []


def test_one_shopper_cannot_fill_the_books():
    with books(complaints_open_max=3) as opened:
        for _ in range(3):
            opened.complaints.open("ann", "again")
        with pytest.raises(InputFault, match="the 3 that wait"):
            opened.complaints.open("ann", "again")
        opened.complaints.open("bob", "first")
        opened.complaints.answer("bea", 1, "sorry")
        opened.complaints.open("ann", "again")


def test_a_complaint_that_nobody_made_is_a_fault():
    with books() as opened:
        for call in (opened.complaints.of, lambda n: opened.complaints.close("bea", n)):
            with pytest.raises(InputFault, match="is in no book"):
                call(7)


def traces(folder):
    """The files of the books in which the canary sings."""
    return [path.name for path in folder.iterdir() if path.is_file() and CANARY.encode() in path.read_bytes()]


def test_forgetting_a_user_leaves_no_plaintext(tmp_path):
    with engine_of([CANARY, "bob"]) as engine, books(tmp_path, engine) as opened:
        for n in range(300):  # so that pages split, and rows move
            opened.complaints.open(f"user-{n}", "x" * (n % 90 + 1))
            if n % 20 == 0:
                filed = opened.complaints.open(CANARY, f"{CANARY} says: too loud", f"{CANARY}@example.org")
                opened.complaints.answer("bea", filed.id, f"dear {CANARY}")
        ids = [CANARY, *(f"user-{n}" for n in range(50))]
        campaign = {**SPRING, "audience": {"user_ids": ids}}
        filed = opened.campaigns.create("ann", campaign)
        opened.campaigns.edit("ann", filed.campaign_id, campaign)
        alone = opened.campaigns.create("ann", {**SPRING, "audience": {"user_ids": [CANARY]}})
        with pytest.raises(InputFault):
            opened.campaigns.create("ann", {**SPRING, "category": "", "audience": {"user_ids": [CANARY]}})
        opened.audit.note("ann", "user.erase", opened.audit.person(CANARY), {})
        assert "shop.db.operators-wal" in traces(tmp_path), "the canary was never there: the proof is empty"
        assert opened.forget(CANARY) == {"complaints": 15, "audiences": 2}
        assert traces(tmp_path) == []
        assert opened.campaigns.of(filed.campaign_id).campaign.audience.user_ids == tuple(ids[1:])
        assert opened.campaigns.of(alone.campaign_id).campaign.audience.user_ids == (), "nobody, and not everybody"
        assert len(opened.complaints.listed(limit=1000)) == 300
        assert opened.audit.verify() is None
        assert opened.forget(CANARY) == {"complaints": 0, "audiences": 0}
    assert traces(tmp_path) == []


def test_a_reader_that_holds_old_pages_is_said(tmp_path):
    with books(tmp_path) as opened:
        opened.complaints.open(CANARY, "too loud")
        other = opened._database.open(tmp_path / "shop.db.operators", write=False)
        other._connection.execute("BEGIN")
        other.rows("SELECT count(*) FROM complaints")
        opened._database._connection.execute("PRAGMA busy_timeout = 0")
        with pytest.raises(StoreBusy):
            opened.forget(CANARY)
        other.close()
        opened.forget(CANARY)
    assert traces(tmp_path) == []


def test_the_switch_is_thrown_and_taken_down_refused_ones_too():
    with engine_of(["ann"]) as engine, books(engine=engine) as opened:
        policy = opened.switch("bea", "channel:push", on=True)
        assert (policy, opened.thrown()) == (engine.policy_version, ["channel:push"])
        with pytest.raises(InputFault, match="was never seen"):
            opened.switch("bea", "channel:puhs", on=True)
        opened.switch("cy", "channel:push", on=False)
        assert opened.thrown() == []
        told = [(one.who, one.action, one.subject, one.detail, one.refused) for one in opened.audit.entries()]
        assert told[0] == ("cy", "switch", "channel:push", {"on": False}, None)
        assert told[1][4] == "the channel was never seen, so there is nothing to stop"
        assert told[2] == ("bea", "switch", "channel:push", {"on": True}, None)


def test_books_that_are_broken_keep_no_switch_from_being_thrown():
    with engine_of(["ann"]) as engine, books(engine=engine) as opened:
        opened.close()
        with pytest.raises(StoreFault, match="was closed"):
            opened.switch("bea", "global", on=True)
        asked = {"candidate_id": "c", "category": "promotion", "channel": "push"}
        assert engine.decide([{"user_id": "ann", "candidates": [asked]}])[0].reasons[0] == "kill_switch"

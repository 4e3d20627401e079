"""The outbox's file, its place in the log, addresses, messages, and all that is kept of one person."""

from __future__ import annotations

import sqlite3
import stat
from pathlib import Path

import pytest
from delivery_desk import DAY, LANE, NOON, shop

from andante.delivery import Outbox
from andante.delivery.addresses import ADDRESSES_MAX
from andante.delivery.persons import attempts_of, forget, of_user
from andante.vocabulary.fault import Conflict, InputFault, StoreFault, StoreUnreadable
from andante.vocabulary.records import Candidate


@pytest.fixture
def outbox():
    opened = Outbox.open(":memory:")
    yield opened
    opened.close()


def test_a_new_outbox_begins_at_the_end_of_its_log(tmp_path):
    path = tmp_path / "shop.db"
    with shop(path) as desk:
        old = desk.ask("accept")
    Path(f"{path}.delivery").unlink()
    with shop(path) as desk:
        new = desk.ask("accept", item="hat")
        desk.deliver()
        assert {decision_id for decision_id, _ in desk.peer.taken} == {new.decision_id} != {old.decision_id}


def test_an_outbox_refuses_another_log_and_one_that_was_restored(outbox):
    assert outbox.follow("log", 7) == 7
    assert outbox.follow("log", 9) == 7
    with pytest.raises(StoreFault, match="follows the log log, and this one is other"):
        outbox.follow("other", 9)
    with pytest.raises(StoreFault, match="an older copy was restored"):
        outbox.follow("log", 6)


def test_an_outbox_can_be_read_by_its_owner_alone(tmp_path):
    Outbox.open(tmp_path / "shop.db.delivery").close()
    assert stat.S_IMODE((tmp_path / "shop.db.delivery").stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("pragma", "problem"), [("application_id = 7", "was not made by Andante"), ("user_version = 99", "has version 99")]
)
def test_a_file_that_is_no_outbox_of_ours_is_refused_and_left_alone(pragma, problem, tmp_path):
    path = tmp_path / "shop.db.delivery"
    Outbox.open(path).close()
    with sqlite3.connect(path) as connection:
        connection.execute(f"PRAGMA {pragma}")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(StoreUnreadable, match=problem):
        Outbox.open(path)
    assert path.read_bytes() == before


def test_an_outbox_that_was_closed_says_so(outbox):
    outbox.close()
    outbox.close()
    with pytest.raises(StoreFault, match="was closed"):
        outbox.counts()


def test_one_device_is_one_address_and_belongs_to_who_signed_in_last(outbox):
    outbox.addresses.add("ann", "push", "web_push", {"endpoint": "https://push.example/1", "keys": {"auth": "a"}}, 1)
    outbox.addresses.add("ann", "push", "web_push", {"endpoint": "https://push.example/1", "keys": {"auth": "b"}}, 2)
    (address,) = outbox.addresses.of_user("ann")
    assert address.value["keys"] == {"auth": "b"}
    outbox.addresses.add("bob", "push", "web_push", address.value, 3)
    assert outbox.addresses.of_user("ann") == []
    assert not outbox.addresses.drop("ann", "push", address.address_id)  # it is not hers any more
    assert outbox.addresses.drop("bob", "push", address.address_id)


def test_a_user_has_several_addresses_and_the_one_longest_unseen_gives_way(outbox):
    for n in range(ADDRESSES_MAX + 2):
        outbox.addresses.add("ann", "push", "fcm", {"token": str(n)}, n)
    outbox.addresses.add("ann", "email", "email", {"email": "ann@example.org"}, 0)
    tokens = [address.value["token"] for address in outbox.addresses.of_user("ann", "push")]
    assert tokens == [str(n) for n in reversed(range(2, ADDRESSES_MAX + 2))]
    assert len(outbox.addresses.of_user("ann")) == ADDRESSES_MAX + 1


@pytest.mark.parametrize("value", [{}, {"token": "x" * 9000}, {"token": object()}])
def test_an_address_that_cannot_be_one_is_refused(value, outbox):
    with pytest.raises(InputFault, match="address"):
        outbox.addresses.add("ann", "push", "fcm", value, 1)


def test_a_message_of_a_candidate_wins_over_its_campaigns_and_each_has_versions(outbox):
    candidate = Candidate(candidate_id="c", campaign_id="spring", category="promotion", channel="push")
    assert outbox.messages.of(candidate) is None
    assert outbox.messages.put("campaign", "spring", {"title": "Spring"}, 1) == 1
    assert outbox.messages.put("campaign", "spring", {"title": "Spring!"}, 2) == 2
    assert outbox.messages.put("campaign", "spring", {"title": "Spring!"}, 3) == 2
    assert outbox.messages.of(candidate).body == {"title": "Spring!"}
    outbox.messages.put("candidate", "c", {"title": "For you"}, 4)
    assert [(m.kind, m.name, m.version) for m in outbox.messages.listed()] == [
        ("campaign", "spring", 2),
        ("candidate", "c", 1),
    ]
    assert outbox.messages.of(candidate).name == "c"


def test_a_dead_letter_that_may_have_arrived_or_has_nowhere_to_go_is_not_retried():
    with shop() as desk:
        for word in ("cut", "gone"):
            desk.ask(word)
            desk.deliver()
        ambiguous, gone = desk.outbox.dead_letters.listed()
        for letter, problem in [(ambiguous, "may have arrived"), (gone, "no address to go to")]:
            with pytest.raises(Conflict, match=problem):
                desk.outbox.dead_letters.retry(letter.letter, desk.clock.now_us)
        desk.outbox.addresses.add("ann", *LANE, {"token": "new"}, desk.clock.now_us)
        desk.outbox.dead_letters.retry(gone.letter, desk.clock.now_us)
        with pytest.raises(Conflict, match="retried already"):
            desk.outbox.dead_letters.retry(gone.letter, desk.clock.now_us)
        with pytest.raises(InputFault, match="is not there"):
            desk.outbox.dead_letters.retry(99, desk.clock.now_us)
        desk.deliver()
        assert desk.letters() == [("ambiguous", "ann"), ("gone", "ann")]  # its campaign is of the peer's word "gone"


def test_what_happened_to_a_push_can_be_read_again():
    with shop() as desk:
        decision = desk.ask("busy-once")
        desk.deliver()
        desk.clock.forward(DAY / 100)
        desk.deliver()
        attempts = attempts_of(desk.outbox.database, "ann", decision.decision_id)
        assert [(one["try"], one["status"], one["code"]) for one in attempts] == [
            (1, "busy", "503"),
            (2, "accepted", "200"),
        ]
        (push,) = of_user(desk.outbox.database, "ann")["pushes"]
        assert (push["state"], push["message"]) == ("accepted", "campaign busy-once 1")


def test_erasure_leaves_no_byte_of_a_user_in_the_outbox(tmp_path):
    canary, path = "canary-7d1f", tmp_path / "shop.db"
    with shop(path) as desk:
        desk.user(canary, devices=2)
        desk.user("bob")
        for word in ("accept", "cut", "busy", "gone"):
            desk.ask(word, canary, category="order_update")
            desk.ask(word, "bob", category="order_update")
        desk.deliver()
        before = of_user(desk.outbox.database, canary)
        assert {name: len(rows) > 0 for name, rows in before.items()} == {
            "addresses": False,
            "feed": False,
            "pushes": True,
            "attempts": True,
            "provider_events": False,
        }
        desk.outbox.addresses.add(canary, *LANE, {"token": f"{canary}-new"}, desk.clock.now_us)
        desk.ask("accept", canary, item="shoe")
        desk.deliver()
        assert any(canary.encode() in file.read_bytes() for file in tmp_path.glob("*.delivery*"))
        counts = forget(desk.outbox.database, canary)
        assert counts["pushes"] == 5
        assert not any(canary.encode() in file.read_bytes() for file in tmp_path.glob("*.delivery*"))
        assert not any(of_user(desk.outbox.database, canary).values())
        assert len(of_user(desk.outbox.database, "bob")["pushes"]) == 4
        desk.clock.forward(DAY / 24)
        desk.deliver()  # what is left goes on


def test_what_is_done_is_forgotten_after_a_while_and_what_is_open_is_kept():
    with shop() as desk:
        desk.ask("accept")
        desk.ask("refuse")
        desk.deliver()
        desk.ask("busy", category="order_update")
        desk.deliver()
        assert desk.outbox.prune(desk.clock.now_us) == 0
        assert desk.outbox.prune(desk.clock.now_us + 1) == 2
        assert desk.outbox.counts() == {
            "waiting": 1,
            "attempting": 0,
            "accepted": 0,
            "withheld": 0,
            "dead": 0,
            "dead_letters": 0,
        }


def test_a_send_that_nobody_can_read_is_a_dead_letter_and_holds_nobody_up(tmp_path):
    path = tmp_path / "shop.db"
    with shop(path) as desk:
        damaged, good = desk.ask("accept"), desk.ask("accept", item="hat")
        position = int(damaged.decision_id.split("-")[1], 16)
        with sqlite3.connect(path) as connection:
            connection.execute("UPDATE log SET body = '{}' WHERE position = ?", (position,))
        connection.close()
        desk.deliver()
        assert desk.state(good) == "accepted"
        assert [(letter.kind, letter.position) for letter in desk.outbox.dead_letters.listed()] == [
            ("unreadable", position)
        ]


def test_the_sends_of_a_log_can_be_read_from_anywhere(tmp_path):
    with shop(tmp_path / "shop.db") as desk:
        decisions = [desk.ask("accept", item=str(n)) for n in range(5)]
        first = desk.engine.sends()
        rest = desk.engine.sends(first.sends[2].position)
        assert [send.decision_id for send in first.sends] == [decision.decision_id for decision in decisions]
        assert rest.sends == first.sends[3:]
        assert rest.position == desk.engine.position
        assert first.sends[0].sent_at_s == NOON.timestamp()

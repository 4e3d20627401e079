from hypothesis import given, settings
from hypothesis import strategies as st
from learn_desk import LEARNING, ORDERS, PROMOTION, START_S, ZONES, candidate, moment_of, new_user, request

from andante.engine.learn import on_sent
from andante.engine.slots import NO_SLOT, find
from andante.vocabulary.state import SENT_TRANSACTIONAL, SLOTS


def book(users, sends):
    for number, (at_s, transactional) in enumerate(sends, 1):
        users.now_s[0] = at_s
        pushed = candidate(category=ORDERS if transactional else PROMOTION)
        on_sent(users[0], pushed, request(number, at_s), LEARNING[0], ZONES, moment_of(users, at_s))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 5000), st.booleans()), max_size=90))
def test_a_capped_send_is_remembered_or_said_to_be_forgotten(steps):
    users, sends, at_s = new_user(), [], START_S
    for wait_s, transactional in steps:
        at_s += wait_s
        sends.append((at_s, transactional))
    book(users, sends)
    held = {int(number) for number in users.sent_number[0] if number}
    for number, (sent_s, transactional) in enumerate(sends, 1):
        assert transactional or number in held or sent_s <= users.forgotten_s[0]
    if sum(not transactional for _, transactional in sends) <= SLOTS - any(t for _, t in sends):
        assert users.forgotten_s[0] == 0
    assert len(held) == min(len(sends), SLOTS)


def test_the_oldest_transactional_send_makes_room_first():
    users = new_user()
    book(users, [(START_S + place, place in {5, 9}) for place in range(SLOTS)])
    book(users, [(START_S + 100, False)])
    assert users.forgotten_s[0] == 0
    assert sum(1 for scope in users.sent_scope[0] if scope & SENT_TRANSACTIONAL) == 1
    assert find(users[0], 6) == NO_SLOT
    assert find(users[0], 10) != NO_SLOT


def test_then_the_oldest_capped_one_which_is_said():
    users = new_user()
    book(users, [(START_S + place, False) for place in range(SLOTS + 2)])
    assert users.forgotten_s[0] == START_S + 1
    assert find(users[0], 1) == find(users[0], 2) == NO_SLOT
    assert find(users[0], 3) != NO_SLOT


def test_a_free_slot_is_never_found():
    assert find(new_user()[0], 0) == NO_SLOT

"""Names get codes in the order in which they are first seen, once and for all."""

from threading import Barrier, Thread

import pytest
from hypothesis import given
from hypothesis import strategies as st

from andante.live.names import CATEGORY, CHANNEL, ZONE, Names
from andante.vocabulary.fault import InputFault
from andante.vocabulary.state import CATEGORIES_MAX, CHANNELS_MAX

TEXT = st.text(min_size=1, max_size=4).filter(str.strip)


@given(seen=st.lists(TEXT, max_size=80).filter(lambda seen: len(set(seen)) <= CATEGORIES_MAX))
def test_codes_follow_the_order_of_first_sight_and_lead_back_to_the_name(seen):
    names = Names()
    codes = [names.category(name) for name in seen]
    assert list(names.categories) == list(dict.fromkeys(seen))
    assert [names.categories[code] for code in codes] == seen


def test_kinds_of_names_are_numbered_apart():
    names = Names()
    assert (names.channel("push"), names.category("push"), names.zone("UTC")) == (0, 0, 0)
    assert (names.channels, names.categories, names.zones) == (("push",), ("push",), ("UTC",))


@pytest.mark.parametrize(
    ("kind", "most", "said"),
    [("channel", CHANNELS_MAX, "the 9th channel"), ("category", CATEGORIES_MAX, "the 65th category")],
)
def test_a_full_table_is_a_fault_that_counts_and_the_known_names_stay(kind, most, said):
    names = Names()
    code = getattr(names, kind)
    assert [code(f"name {i}") for i in range(most)] == list(range(most))
    for _ in range(2):
        with pytest.raises(InputFault, match=said) as caught:
            code("xyzzy")
        assert caught.value.value == "xyzzy"
        assert "use one of name 0, name 1" in caught.value.action
    with pytest.raises(InputFault, match=r"did you mean name 7\?"):
        code("nam 7")
    assert code("name 7") == 7
    assert len(names.pending()) == most


@pytest.mark.parametrize("name", ["", " ", "\t\n"])
def test_a_blank_is_no_name(name):
    names = Names()
    for code in (names.channel, names.category, names.zone):
        with pytest.raises(InputFault, match="is no"):
            code(name)
    assert names.pending() == []


def test_a_zone_that_does_not_exist_is_a_fault_and_gets_no_code():
    names = Names()
    with pytest.raises(InputFault, match=r"\(Mars/Phobos\) is not in the time zone database"):
        names.zone("Mars/Phobos")
    with pytest.raises(InputFault, match=r"did you mean Europe/Berlin\?"):
        names.zone("europe/berlin")
    assert names.zones == ()
    assert names.zone("Europe/Berlin") == 0


def test_a_name_is_pending_until_it_is_in_the_log():
    names = Names()
    names.channel("push")
    taken = names.pending()
    names.category("promotion")
    names.logged(taken)
    assert taken == [(CHANNEL, 0, "push")]
    assert names.pending() == [(CATEGORY, 0, "promotion")]


def test_a_name_stays_pending_when_its_commit_failed():
    names = Names()
    names.zone("UTC")
    assert names.pending() == names.pending() == [(ZONE, 0, "UTC")]


def test_names_come_back_from_the_log_in_whatever_order_its_rows_are_read():
    names = Names()
    for name in ("push", "email", "sms"):
        names.channel(name)
    names.category("promotion")
    names.zone("Asia/Shanghai")
    again = Names(reversed(names.pending()))
    assert (again.channels, again.categories, again.zones) == (names.channels, names.categories, names.zones)
    assert again.channel("email") == 1
    assert again.pending() == []


@pytest.mark.parametrize(
    "rows",
    [
        [("channel", 1, "push")],
        [("channel", 0, "push"), ("channel", 0, "email")],
        [("channel", 0, "push"), ("channel", 1, "push")],
        [("channel", i, f"c{i}") for i in range(9)],
    ],
)
def test_a_log_with_a_gap_or_a_twin_among_its_codes_is_refused(rows):
    with pytest.raises(InputFault, match="the log's channel"):
        Names(rows)


def test_finding_adds_nothing():
    names = Names()
    names.channel("push")
    assert (names.find(CHANNEL, "push"), names.find(CHANNEL, "sms"), names.find(CATEGORY, "push")) == (0, None, None)
    assert (names.nearest(CHANNEL, "psuh"), names.nearest(CHANNEL, "email")) == ("push", None)
    assert names.pending() == [(CHANNEL, 0, "push")]


def test_a_name_that_another_thread_met_first_has_the_code_of_that_one(monkeypatch):
    names, first = Names(), []

    def overtaken(name):
        if not first:  # while the name is being checked, another thread gets through with it
            first.append(name)
            first.append(names.zone(name))
        return True

    monkeypatch.setattr("andante.live.names.known", overtaken)
    assert names.zone("UTC") == 0
    assert first == ["UTC", 0]
    assert names.zones == ("UTC",)
    assert names.pending() == [(ZONE, 0, "UTC")]


def test_threads_that_meet_the_same_names_agree_on_their_codes():
    names, count = Names(), 8
    start = Barrier(count)
    seen: list[dict[str, int]] = [{} for _ in range(count)]
    unannounced: list[str] = []

    def meet(place):
        start.wait()
        for i in range(CATEGORIES_MAX):
            name = f"name {(i * (2 * place + 1)) % CATEGORIES_MAX}"
            seen[place][name] = code = names.category(name)
            if (CATEGORY, code, name) not in names.pending() or names.categories[code] != name:
                unannounced.append(name)

    threads = [Thread(target=meet, args=(place,)) for place in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(codes == seen[0] for codes in seen)
    assert sorted(seen[0].values()) == list(range(CATEGORIES_MAX))
    assert unannounced == []
    assert len(names.pending()) == CATEGORIES_MAX

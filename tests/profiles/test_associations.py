"""Association rules count exactly what a patient clerk would count."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import combinations

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from andante.profiles import associations as module
from andante.profiles.associations import BASKETS_MIN, Rule, associations
from andante.vocabulary.event import EVENT_COLUMNS

START = datetime(2024, 3, 1)  # noqa: DTZ001  the table of events holds naive UTC


def shop(baskets, *, one_user=False, kind="purchase"):
    """Open a table of events in which basket k is bought by user k (or by one user, a minute apart)."""
    connection = duckdb.connect()
    connection.execute("CREATE TABLE events (" + ", ".join(f'"{n}" {t}' for n, t in EVENT_COLUMNS.items()) + ")")
    rows = [
        (None, "u" if one_user else f"u{k}", kind, START + timedelta(minutes=k), None, category, None, 1.0)
        for k, basket in enumerate(baskets)
        for category in basket
    ]
    if rows:
        connection.executemany("INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows)
    return connection


def by_hand(baskets, least, min_lift):
    """Count every rule with one or two antecedents over all baskets that hold a category."""
    sets = [set(basket) - {None} for basket in baskets]
    sets = [basket for basket in sets if basket]
    held = Counter(frozenset(c) for b in sets for size in (1, 2, 3) for c in combinations(sorted(b), size))
    rules = {}
    for items, both in held.items():
        if both < least or len(items) < 2:
            continue
        for after in items:
            before = items - {after}
            confidence = both / held[before]
            simpler = [held[frozenset({one, after})] / held[frozenset({one})] for one in before if len(before) > 1]
            lift = both * len(sets) / (held[before] * held[frozenset({after})])
            if lift >= min_lift and all(confidence > other for other in simpler):
                rules[tuple(sorted(before)), after] = (both / len(sets), confidence, lift, both)
    return rules


BASKETS = st.lists(st.lists(st.sampled_from(["a", "b", "c", "d", None]), max_size=5), max_size=40)


@given(baskets=BASKETS, min_support=st.sampled_from([0.01, 0.1, 0.2, 1 / 3]))
@settings(deadline=None, max_examples=60)
def test_support_confidence_and_lift_are_those_counted_by_hand(baskets, min_support):
    found = associations(shop(baskets), min_support=min_support, min_lift=1.05, most=1000)
    sets = sum(any(category for category in basket) for basket in baskets)
    least = next(n for n in range(BASKETS_MIN, sets + BASKETS_MIN + 1) if n >= min_support * sets - 1e-9)
    expected = by_hand(baskets, least, 1.05)
    assert {(rule.antecedent, rule.consequent) for rule in found} == set(expected)
    for rule in found:
        figures = (rule.support, rule.confidence, rule.lift, rule.baskets)
        assert figures == pytest.approx(expected[rule.antecedent, rule.consequent])


BREAKFAST = [["milk", "bread"]] * 6 + [["milk"]] * 2 + [["soap"]] * 8


def test_a_rule_reads_as_figures_a_person_can_check():
    assert associations(shop(BREAKFAST))[0] == Rule(("bread",), "milk", 6 / 16, 1.0, 2.0, 6)


def test_the_order_of_rows_changes_nothing():
    baskets = [["a", "b", "c"], ["a", "b"], ["b", "c"], ["d"], ["a", "d"]] * 7
    one = associations(shop(baskets), min_lift=0.0)
    two = associations(shop([basket[::-1] for basket in baskets[::-1]]), min_lift=0.0)
    assert one == two
    assert one == sorted(one, key=lambda rule: -rule.lift)


def test_only_the_strongest_rules_are_returned():
    everything = associations(shop(BREAKFAST), min_lift=0.0)
    assert len(everything) > 1
    assert associations(shop(BREAKFAST), min_lift=0.0, most=1) == everything[:1]


@pytest.mark.parametrize("baskets", [[], [[None]] * 20, [["a"], ["b"]] * 20, [["a", None]] * 20])
def test_without_categories_or_a_basket_of_two_there_are_no_rules(baskets):
    assert associations(shop(baskets)) == []


def test_what_was_only_viewed_is_in_no_basket():
    assert associations(shop(BREAKFAST, kind="view")) == []


def test_a_line_bought_twice_counts_once():
    assert associations(shop([[*basket, *basket] for basket in BREAKFAST])) == associations(shop(BREAKFAST))


def test_baskets_of_one_user_at_different_instants_are_apart():
    assert associations(shop(BREAKFAST, one_user=True)) == associations(shop(BREAKFAST))


def test_nothing_on_or_after_the_cut_off_is_read():
    cutoff = START + timedelta(minutes=6)
    later = [["milk", "bread"]] * 6 + [["milk", "soap"]] * 40
    padded = shop([*later, *[["soap"]] * 3])
    rules = associations(padded, before=cutoff, min_lift=0.0)
    assert {(rule.antecedent, rule.consequent) for rule in rules} == {
        (("bread",), "milk"),
        (("milk",), "bread"),
    }
    assert rules == associations(padded, before=cutoff.replace(tzinfo=UTC), min_lift=0.0)


def test_many_baskets_are_sampled_by_the_seed():
    baskets = ([["a", "b"]] * 3 + [["a"]] + [["b"]] + [["c"]] * 3) * 100
    every = associations(shop(baskets))
    one, again, other = (associations(shop(baskets), baskets_max=200, seed=seed) for seed in (1, 1, 2))
    assert one == again != other
    for sample in (one, other):
        assert sample[0].baskets / sample[0].support == pytest.approx(200)
        assert sample[0].lift == pytest.approx(every[0].lift, rel=0.25)


def test_what_a_user_bought_over_time_is_not_together():
    connection = shop([["a"], ["b"]] * 6 + [["c"]] * 12)
    connection.execute("UPDATE events SET user_id = 'u' || (minute(\"at\") // 2)")  # a then b, by the same user
    assert associations(connection) == []


def test_only_the_commonest_categories_are_looked_at(monkeypatch):
    monkeypatch.setattr(module, "CATEGORIES_MAX", 2)
    baskets = [["a", "b"]] * 9 + [["c", "d"]] * 8 + [["e"]] * 10
    assert associations(shop(baskets)) == []  # e, and a before b by name
    monkeypatch.setattr(module, "CATEGORIES_MAX", 4)
    assert {rule.consequent for rule in associations(shop(baskets))} == {"a", "b"}

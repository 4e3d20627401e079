"""A scenario moves the features as the deed itself would: compared with features computed after it was really done."""

from datetime import date

import pytest

from andante.profiles.features import features
from andante.profiles.ledger import DAYS, ORDERS, fold
from andante.profiles.scenarios import scenarios

CUTOFF = date(2026, 2, 23)
RHYTHM = ("share_", "query_similarity_")  # a deed at no stated hour leaves these as they are


def _features(backend, user):
    found = features(backend, CUTOFF).to_pyarrow().to_pylist()
    row = next(row for row in found if row["user_id"] == user)
    return {name: float("nan") if v is None else v for name, v in row.items() if name != "user_id"}


def _add(backend, rows):
    """Fold events of one user at noon before the cut-off: (type, category, value)."""
    backend.raw_sql("CREATE OR REPLACE TABLE more AS FROM events LIMIT 0")
    for kind, value in rows:
        backend.con.execute(
            "INSERT INTO more VALUES (NULL, 'u', ?, '2026-02-22 12:00', NULL, NULL, NULL, ?)", [kind, value]
        )
    for ledger in (DAYS, ORDERS):
        fold(backend, ledger, "more")


@pytest.fixture
def shop_of_one(backend):
    """A user with three active days, one of them with an order of two lines, and quiet since 20 February."""
    backend.raw_sql(
        'CREATE TABLE events (event_id VARCHAR, user_id VARCHAR, type VARCHAR, "at" TIMESTAMP,'
        " item_id VARCHAR, category VARCHAR, query VARCHAR, value DOUBLE)"
    )
    for kind, at, value in (
        ("view", "2026-01-10 10:00", None),
        ("purchase", "2026-02-01 18:00", 3.0),
        ("purchase", "2026-02-01 18:00", 5.0),
        ("view", "2026-02-20 20:00", None),
    ):
        backend.con.execute("INSERT INTO events VALUES (NULL, 'u', ?, ?, NULL, NULL, NULL, ?)", [kind, at, value])
    for ledger in (DAYS, ORDERS):
        fold(backend, ledger, "events")
    return backend


@pytest.mark.parametrize(
    ("deed", "events"),
    [("visit_today", [("view", None)] * 3), ("purchase_today", [("purchase", 4.0), ("purchase", 4.0)])],
)
def test_a_deed_moves_every_feature_that_it_would_really_move(shop_of_one, deed, events):
    before = _features(shop_of_one, "u")
    told = scenarios(before, browses=True, pushed=False)[deed]
    _add(shop_of_one, events)
    done = _features(shop_of_one, "u")
    for name in done:
        if name.startswith(RHYTHM):
            continue
        if name == "recency_purchase_days" and deed == "purchase_today":
            assert told[name] == pytest.approx(done[name], abs=0.51)  # whole days there, half a day here
        else:
            assert told[name] == pytest.approx(done[name], nan_ok=True), name


def test_a_log_without_views_offers_no_visit():
    values = dict.fromkeys(
        ("tenure_days", "active_days", "purchases", "events", "spend", "lines", "sessions", "recency_days"), 2.0
    )
    assert "visit_today" not in scenarios(values, browses=False, pushed=False)
    assert "answers_next_push" not in scenarios(values, browses=False, pushed=False)


def test_pushes_move_the_answer_rate_towards_what_happened():
    values = {"pushes": 6.0, "pushes_30d": 2.0, "responses": 1.0, "response_rate": 0.2, "recency_push_days": 3.0}
    whole = values | dict.fromkeys(("tenure_days", "active_days", "purchases", "events", "spend", "lines"), 2.0)
    whole |= {"sessions": 2.0, "recency_days": 1.0}
    told = scenarios(whole, browses=False, pushed=True)
    assert told["answers_next_push"]["response_rate"] == pytest.approx((0.2 * 10 + 1) / 11)
    assert told["ignores_three_pushes"]["response_rate"] == pytest.approx(0.2 * 10 / 13)
    assert told["ignores_three_pushes"]["pushes"] == 9

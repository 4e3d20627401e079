"""The panel pairs what was known at a cut-off with what came next, and never lets the two touch."""

from datetime import date, timedelta

import numpy as np
import pytest

from andante.profiles.ledger import DAYS, ORDERS, fold
from andante.profiles.panel import calendar, frame, panels
from andante.vocabulary.fault import NotEnoughData


def _daily(backend, days, users=("u",)):
    """Fold a log in which each user views something at noon on each of the days (numbers from 2026-01-01)."""
    backend.raw_sql(
        'CREATE OR REPLACE TABLE events (event_id VARCHAR, user_id VARCHAR, type VARCHAR, "at" TIMESTAMP,'
        " item_id VARCHAR, category VARCHAR, query VARCHAR, value DOUBLE)"
    )
    start = date(2026, 1, 1)
    for user in users:
        for day in days:
            at = f"{start + timedelta(days=day)} 12:00"
            backend.con.execute("INSERT INTO events VALUES (NULL, ?, 'view', ?, NULL, NULL, NULL, NULL)", [user, at])
    fold(backend, DAYS, "events")
    fold(backend, ORDERS, "events")


def test_cutoffs_lie_a_horizon_apart_and_end_a_horizon_before_the_last_full_day(backend):
    _daily(backend, range(40))
    days = calendar(backend, 7)
    assert days.end == date(2026, 2, 9)
    assert days.today == date(2026, 2, 10)
    assert days.cutoffs[-1] == days.end - timedelta(days=7)
    assert set(np.diff([c.toordinal() for c in days.cutoffs])) == {7}
    assert days.cutoffs[0] >= days.start + timedelta(days=7)


@pytest.mark.parametrize(("days", "horizon"), [(9, 2), (5, 1), (40, 7), (21, 5)])
def test_a_short_log_gets_a_shorter_horizon(backend, days, horizon):
    _daily(backend, range(days))
    assert calendar(backend, 7).horizon_days == horizon


def test_a_log_of_three_days_is_too_short_and_says_so(backend):
    _daily(backend, range(3))
    with pytest.raises(NotEnoughData, match="shorter than the 4 days"):
        calendar(backend, 7)


def test_the_label_counts_active_days_from_the_cutoff_on(backend):
    _daily(backend, [*range(20), 21, 23, 30, 39])
    days = calendar(backend, 7)
    activity = panels(backend, days)["activity"]
    cutoff = np.datetime64(days.cutoffs[-1])
    start = days.cutoffs[-1].toordinal() - date(2026, 1, 1).toordinal()
    expected = sum(start <= day < start + 7 for day in [*range(20), 21, 23, 30, 39])
    assert activity.y[activity.cutoffs == cutoff].tolist() == [expected]


def test_the_response_panel_has_a_row_for_every_push_whose_time_to_answer_is_over(folded):
    days = calendar(folded, 7)
    found = panels(folded, days, response_days=3)["response"]
    first, last = days.cutoffs[0], min(days.cutoffs[-1] + timedelta(days=7), days.end - timedelta(days=3))
    sent, answered = folded.con.execute(
        "SELECT count(*), count(*) FILTER (responded_at <= sent_at + INTERVAL 3 DAY) FROM push_ledger "
        "WHERE sent_at >= ? AND sent_at < ? AND user_id IN "
        "(SELECT user_id FROM day_ledger GROUP BY 1 "
        "HAVING min(day) < time_bucket(INTERVAL 7 DAY, sent_at::DATE, ?::DATE))",
        [first, last, first],
    ).fetchone()
    assert len(found) == sent
    assert found.y.sum() == answered


def test_frames_are_sorted_by_user_and_hold_nan_for_unknown(folded):
    found = frame(folded, date(2026, 2, 23))
    assert found.users.tolist() == sorted(found.users.tolist())
    never = found.X[:, found.names.index("purchases")] == 0
    assert np.isnan(found.X[never, found.names.index("recency_purchase_days")]).all()
    assert never.any()

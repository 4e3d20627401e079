"""The same features by pandas, as a careful user of pandas would compute them: the peer and the referee of our own.

It shares no code with :mod:`andante.profiles`. It is judged by the same definitions: `tests/benchmarks`
asserts that both give the same numbers, so that the benchmark compares the same work.
"""

import math
from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd

DAY_S, SLOT_S = 86_400, 1_800
COLUMNS = ["user_id", "type", "at", "category", "query", "value"]
WORDS = (
    r"[A-Za-z0-9\u00c0-\u024f\u0370-\u05ff\u0620-\u06ff\u0900-\u097f\uac00-\ud7af]+"
    r"|[\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff]"
)
BUCKETED = 1 << 10  # weights are rounded to 1/1024, as ours are


def features(path: str, cutoff: date) -> pd.DataFrame:
    """Return the features of every user seen before the cut-off: one row a user, sorted, NaN for unknown."""
    events = _read(path)
    end = np.datetime64(cutoff)
    events = events[events["at"] < end]
    codes, users = pd.factorize(events["user_id"], sort=True)
    instants = events["at"].astype("datetime64[us]").astype("int64").to_numpy()
    kind = events["type"].to_numpy()
    frame = pd.DataFrame(
        {
            "user": codes.astype(np.int32),
            "instant": instants,
            "second": instants // 1_000_000,
            "value": events["value"].to_numpy(),
        }
    )
    out = pd.DataFrame(index=np.arange(len(users)))
    stop = int(end.astype("datetime64[s]").astype(np.int64))
    _counts(out, frame, kind, stop)
    _days(out, frame, stop)
    _rhythm(out, frame)
    _derived(out, stop, cutoff)
    similarity = _similarity(events, codes, kind, cutoff)
    out = out.join(similarity)
    out.insert(0, "user_id", users)
    return out


def _read(path: str) -> pd.DataFrame:
    """Read the columns that features need."""
    if path.endswith(".parquet"):
        return pd.read_parquet(path, columns=COLUMNS)
    frame = pd.read_csv(path, usecols=COLUMNS, dtype={"user_id": "str", "type": "category", "value": "float64"})
    frame["at"] = pd.to_datetime(frame["at"], utc=True, format="ISO8601").dt.tz_localize(None)
    return frame


def _counts(out: pd.DataFrame, frame: pd.DataFrame, kind: Any, stop: int) -> None:
    """Count events by type and window, orders and money."""
    inside = {w: (frame["second"] >= stop - w * DAY_S).to_numpy() for w in (1, 7, 30, 90)}
    users = len(out)

    def count(mask: Any) -> Any:
        return np.bincount(frame["user"].to_numpy()[mask], minlength=users)

    for name, code in (("views", "view"), ("searches", "search"), ("carts", "cart")):
        for w in (1, 7, 30):
            out[f"{name}_{w}d"] = count((kind == code) & inside[w])
    bought = frame[kind == "purchase"]
    orders = bought.drop_duplicates(["user", "instant"])
    for w in (1, 7, 30, 90):
        late = orders[orders["second"] >= stop - w * DAY_S]
        out[f"purchases_{w}d"] = np.bincount(late["user"], minlength=users)
    social = np.isin(kind, ["favorite", "like", "comment", "share"])
    out["socials_30d"] = count(social & inside[30])
    cents = (bought["value"].fillna(0) * 10_000).round()
    late = (bought["second"] >= stop - 30 * DAY_S).to_numpy()
    out["spend_30d"] = np.bincount(bought["user"][late], cents[late], minlength=users) / 10_000
    out["events"] = count(np.ones(len(frame), bool))
    out["views"] = count(kind == "view")
    out["purchases"] = np.bincount(orders["user"], minlength=users)
    out["lines"] = np.bincount(bought["user"], minlength=users)
    out["spend"] = np.bincount(bought["user"], cents, minlength=users) / 10_000
    last = orders.groupby("user")["second"].max() // DAY_S
    out["recency_purchase_days"] = (stop // DAY_S - last).astype(float)


def _days(out: pd.DataFrame, frame: pd.DataFrame, stop: int) -> None:
    """Count active days, and sessions as runs of active half-hours within a day."""
    slots = pd.DataFrame({"user": frame["user"], "slot": frame["second"] // SLOT_S}).drop_duplicates()
    slots = slots.sort_values(["user", "slot"])
    slots["day"] = slots["slot"] // (DAY_S // SLOT_S)
    follows = (slots["slot"].diff() == 1) & (slots["user"].diff() == 0) & (slots["day"].diff() == 0)
    starts = slots[~follows.to_numpy()]
    days = slots.drop_duplicates(["user", "day"])
    today = stop // DAY_S
    for name, rows, windows in (("active_days", days, (7, 30, 90)), ("sessions", starts, (7, 30))):
        out[name] = np.bincount(rows["user"], minlength=len(out))
        for w in windows:
            out[f"{name}_{w}d"] = np.bincount(rows["user"][rows["day"] >= today - w], minlength=len(out))
    out["tenure_days"] = (today - days.groupby("user")["day"].min()).astype(float)


def _rhythm(out: pd.DataFrame, frame: pd.DataFrame) -> None:
    """Find what share of active half-hours falls into each part of the day and the weekend."""
    slots = pd.DataFrame({"user": frame["user"], "slot": frame["second"] // SLOT_S}).drop_duplicates()
    hour = (slots["slot"] % 48) // 2
    weekday = (slots["slot"] // 48 + 3) % 7  # 1970-01-01 was a Thursday
    whole = np.bincount(slots["user"], minlength=len(out))
    parts = {"night": hour < 6, "morning": (hour >= 6) & (hour < 12), "evening": hour >= 18, "weekend": weekday >= 5}
    for name, mask in parts.items():
        out[f"share_{name}"] = np.bincount(slots["user"][mask], minlength=len(out)) / whole
    out["recency_days"] = frame.groupby("user")["instant"].max() / 1e6


def _derived(out: pd.DataFrame, stop: int, cutoff: date) -> None:
    """Turn sums into rates."""
    out["recency_days"] = (stop - out["recency_days"]) / DAY_S
    orders = out["purchases"].where(out["purchases"] > 0)
    out["spend_per_purchase"] = out["spend"] / orders
    out["lines_per_purchase"] = out["lines"] / orders
    out["gap_days"] = out["tenure_days"] / out["active_days"]
    out["purchases_a_week"] = 7 * out["purchases"] / out["tenure_days"]
    out["overdue"] = out["recency_days"] / out["gap_days"]
    season = 2 * math.pi * cutoff.timetuple().tm_yday / 365.25
    out["season_sin"], out["season_cos"] = math.sin(season), math.cos(season)


def _similarity(events: pd.DataFrame, codes: Any, kind: Any, cutoff: date) -> pd.DataFrame:
    """Compare each user's recent words with older ones and with those of what was bought: cosine of TF-IDF."""
    asked = events["query"].notna().to_numpy()
    bought = (kind == "purchase") & events["category"].notna().to_numpy()
    words = pd.concat(
        [
            _words(events["query"][asked], codes[asked], events["at"][asked], "query"),
            _words(events["category"][bought], codes[bought], events["at"][bought], "bought"),
        ]
    )
    recent = words["at"] >= np.datetime64(cutoff - timedelta(days=30))
    side = np.where(words["side"] == "bought", "bought", np.where(recent, "recent", "older"))
    counts = words.groupby(["user", "word", side], observed=True).size().unstack(fill_value=0)  # noqa: PD010  a count, already made
    counts = counts.reindex(columns=["recent", "older", "bought"], fill_value=0).reset_index()
    users = counts["user"].nunique()
    spread = counts["word"].map(counts["word"].value_counts())
    idf = np.rint((np.log((users + 1) / (spread + 1)) + 1) * BUCKETED)
    weighed = {name: counts[name] * idf for name in ("recent", "older", "bought")}
    weighed["query"] = weighed["recent"] + weighed["older"]

    def dot(one: str, other: str) -> Any:
        return (weighed[one] * weighed[other]).groupby(counts["user"]).sum()

    def cosine(one: str, other: str) -> Any:
        length = np.sqrt(dot(one, one)) * np.sqrt(dot(other, other))
        return dot(one, other) / length.where(length > 0)

    return pd.DataFrame(
        {
            "query_similarity_self": cosine("recent", "older"),
            "query_similarity_bought": cosine("query", "bought"),
        }
    )


def _words(texts: Any, users: Any, at: Any, side: str) -> pd.DataFrame:
    """Split texts into words, one row a word."""
    lists = texts.str.lower().str.findall(WORDS)
    frame = pd.DataFrame({"user": users, "word": lists.to_numpy(), "at": at.to_numpy()})
    frame = frame.explode("word").dropna(subset=["word"])
    frame["side"] = side
    return frame

"""The log as plain SQL reads it: views with the surface's names, with words for codes and ISO text for times.

The same description of a column gives its SQL and, through ``export.py``, its type in a Parquet file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from andante.vocabulary.flow import NO_CHOICE, Kind
from andante.vocabulary.reason import RULES, Action, Reason

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from enum import IntEnum

TEXT, TIME, REAL, WHOLE = "text", "time", "real", "whole"


class Column(NamedTuple):
    """What a column holds, and the SQL that makes it."""

    type: str  # TEXT, TIME (ISO text in UTC), REAL or WHOLE
    sql: str


class View(NamedTuple):
    """A query with a name; one row of the log makes one row of it, or several."""

    columns: Mapping[str, Column]
    source: str

    def sql(self, name: str) -> str:
        """Return the statement that creates it."""
        columns = ",\n  ".join(f'{column.sql} AS "{title}"' for title, column in self.columns.items())
        return f"CREATE VIEW {name} AS\nSELECT\n  {columns}\nFROM {self.source}"


def _instant(us: str) -> str:
    """Return SQL for microseconds as ISO text; right before 1970 too."""
    fraction = f"(({us} % 1000000 + 1000000) % 1000000)"
    return f"strftime('%Y-%m-%dT%H:%M:%S', ({us} - {fraction}) / 1000000, 'unixepoch') || printf('.%06dZ', {fraction})"


def _second(at_s: str) -> str:
    """Return SQL for seconds as ISO text; NULL for no time (0) and for never."""
    return f"CASE WHEN {at_s} > 0 THEN strftime('%Y-%m-%dT%H:%M:%SZ', {at_s}, 'unixepoch') END"


def _word(code: str, words: Iterable[IntEnum]) -> str:
    """Return SQL for a code as its word."""
    cases = " ".join(f"WHEN {int(word)} THEN '{word.name.lower()}'" for word in words)
    return f"CASE {code} {cases} ELSE 'unknown' END"


def _words(bits: str, words: Iterable[IntEnum]) -> str:
    """Return SQL for a set of bits as their words, apart by commas; empty where there is none."""
    parts = " || ".join(f"CASE WHEN {bits} & {1 << word} THEN ',{word.name.lower()}' ELSE '' END" for word in words)
    return f"substr({parts}, 2)"


def _json(path: str, of: str = "body") -> str:
    return f"json_extract({of}, '$.{path}')"


def _decision_id(position: str) -> str:
    return f"(SELECT value FROM meta WHERE key = 'log_name') || printf('-%x-%x', {position}, log.user)"


_LOG = "log LEFT JOIN users ON users.number = log.user WHERE log.kind"

_HEAD = {
    "position": Column(WHOLE, "log.position"),
    "user_id": Column(TEXT, "users.user_id"),
    "at": Column(TIME, _instant("log.at_us")),
}

_CHOSEN = _json("decision.chosen")
_PARAMETERS = _json("parameters")

_CANDIDATE = f"""(SELECT *, CASE WHEN {_CHOSEN} > {NO_CHOICE}
    THEN json_extract(body, '$.candidates[' || {_CHOSEN} || ']') END AS candidate FROM log) AS log
  LEFT JOIN users ON users.number = log.user WHERE log.kind"""

_IDS = {"decision_id": Column(TEXT, _decision_id("log.position")), **_HEAD}

_PUSH = {
    name: Column(TEXT, _json(name, "candidate"))
    for name in ("candidate_id", "category", "channel", "campaign_id", "item_id")
}

DECISIONS = View(
    {
        **_IDS,
        "kind": Column(TEXT, _word("log.kind", (Kind.REQUEST, Kind.RELEASE))),
        "action": Column(TEXT, _word("log.action", Action)),
        "reason": Column(TEXT, _word(_json("decision.reason"), Reason)),
        **_PUSH,
        "candidates": Column(WHOLE, "json_array_length(body, '$.candidates')"),
        "send_at": Column(TIME, _second(_json("decision.send_at_s"))),
        "propensity": Column(REAL, _json("decision.propensity")),
        "plan_per_week": Column(REAL, _json("decision.plan_per_week")),
        "reservation": Column(REAL, _json("decision.reservation")),
        "credit": Column(REAL, _json("decision.credit")),
        "fatigue": Column(REAL, _json("decision.fatigue")),
        "habituation": Column(REAL, _json("decision.habituation")),
        "explored": Column(WHOLE, _json("decision.explored")),
        "policy_version": Column(TEXT, f"(SELECT value FROM meta WHERE key = 'policy:' || {_PARAMETERS})"),
    },
    f"{_CANDIDATE} IN ({Kind.REQUEST:d}, {Kind.RELEASE:d})",
)

VERDICTS = View(
    {
        **_IDS,
        "place": Column(WHOLE, "verdict.key"),
        **{
            name: Column(TEXT, f"json_extract(body, '$.candidates[' || verdict.key || '].{name}')")
            for name in ("candidate_id", "category", "channel")
        },
        "reason": Column(TEXT, _word(_json("reason", "verdict.value"), Reason)),
        "refused_by": Column(TEXT, _words(_json("refused", "verdict.value"), RULES)),
        "allowed_at": Column(TIME, _second(_json("until_s", "verdict.value"))),
        "index": Column(REAL, _json("index", "verdict.value")),
        "propensity": Column(REAL, _json("propensity", "verdict.value")),
        "open": Column(REAL, _json("open", "verdict.value")),
    },
    "log JOIN json_each(log.body, '$.verdicts') AS verdict LEFT JOIN users ON users.number = log.user"
    f" WHERE log.kind IN ({Kind.REQUEST:d}, {Kind.RELEASE:d})",
)

SENDS = View(
    {
        "decision_id": _IDS["decision_id"],
        "position": _IDS["position"],
        "user_id": _IDS["user_id"],
        **_PUSH,
        "send_at": Column(TIME, _second(_json("decision.send_at_s"))),
        "propensity": Column(REAL, _json("decision.propensity")),
        "candidate": Column(TEXT, "candidate"),
    },
    f"{_CANDIDATE} IN ({Kind.REQUEST:d}, {Kind.RELEASE:d}) AND log.action = {Action.SEND:d}",
)

OUTCOMES = View(
    {
        "decision_id": Column(TEXT, _decision_id(_json("decision"))),
        **_HEAD,
        "type": Column(TEXT, _json("type")),
        "value": Column(REAL, _json("value")),
        "rating": Column(REAL, _json("rating")),
    },
    f"{_LOG} = {Kind.OUTCOME:d}",
)

EVENTS = View(
    {
        **_HEAD,
        **{name: Column(TEXT, _json(name)) for name in ("type", "event_id", "item_id", "category", "query")},
        "value": Column(REAL, _json("value")),
    },
    f"{_LOG} = {Kind.EVENT:d}",
)

PREFERENCE_CHANGES = View(
    {
        **_HEAD,
        "key": Column(TEXT, "CASE wish.path WHEN '$' THEN '' ELSE substr(wish.path, 3) || '.' END || wish.key"),
        "value": Column(
            TEXT, "CASE wish.type WHEN 'true' THEN 'true' WHEN 'false' THEN 'false' ELSE json_quote(wish.value) END"
        ),
    },
    # One row a preference: consent and categories hold many, quiet hours are one.
    "log JOIN json_tree(log.body) AS wish LEFT JOIN users ON users.number = log.user"
    f" WHERE log.kind = {Kind.PREFERENCES:d} AND CASE WHEN wish.path = '$'"
    " THEN wish.key NOT IN ('consent', 'categories', 'at') ELSE wish.path IN ('$.consent', '$.categories') END",
)

PLANS = View(
    {
        **_HEAD,
        "plan_per_week": Column(REAL, _json("per_week")),
        "interest": Column(REAL, _json("interest")),
        "theta": Column(REAL, _json("theta")),
    },
    f"{_LOG} = {Kind.PLAN:d}",
)

VIEWS: dict[str, View] = {
    "decisions": DECISIONS,
    "verdicts": VERDICTS,
    "sends": SENDS,
    "outcomes": OUTCOMES,
    "events": EVENTS,
    "preference_changes": PREFERENCE_CHANGES,
    "plans": PLANS,
}

"""Preferences at the desk: what users want of us, key by key, the latest word on each.

Words arrive out of order, so the ledger of standing preferences says what was last said of each key, and when: an
older word changes nothing.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from andante.live.admission import Entry, admit_standing
from andante.live.policies import meet_channels
from andante.stores.contract import Row
from andante.vocabulary.flow import Kind
from andante.vocabulary.reason import Action

_CONSENTS = ("consent.", "categories.", "profiling")
_NO = "false"

Word = tuple[str, int]
"""What was said of a preference, as JSON, and when, in microseconds."""

if TYPE_CHECKING:
    from andante.live.admission import AdmittedPreferences
    from andante.live.desk import Draft


def take_preferences(draft: Draft, admitted: AdmittedPreferences) -> dict[str, bool]:
    """Step what a user wants, and log it; return which keys were news."""
    meet_channels(draft, admitted.at_us)
    return _take(draft, int(draft.users([admitted.user_id])[0]), admitted.entries, admitted.at_us)


def withdraw(draft: Draft, user: int, decision: int, at_us: int, *, category: bool) -> None:
    """Withdraw the consent to the channel of a send, and to its category too where asked."""
    row = next(iter(draft.rows_at(decision)), None)
    if row is None or row.user != user or row.action != Action.SEND:
        return
    body = json.loads(row.body)
    sent = body["candidates"][body["decision"]["chosen"]]
    entries = [(f"consent.{sent['channel']}", "false")]
    if category:
        entries.append((f"categories.{sent['category']}", "false"))
    _take(draft, user, tuple(entries), at_us)


def _take(draft: Draft, user: int, entries: tuple[Entry, ...], at_us: int) -> dict[str, bool]:
    standing = _standing(draft, user, entries)
    news = {key: _is_news(key, value, at_us, standing.get(key)) for key, value in entries}
    admitted = admit_standing(
        draft.desk.population.ids[user],
        [entry for entry in entries if news[entry[0]]],
        draft.desk.names,
        at_us=at_us,
    )
    if admitted.entries:
        number = draft.numbers(1)
        admitted.record["number"], admitted.record["user"] = number, user
        draft.fold(admitted.record)
        draft.rows.append(Row(number, Kind.PREFERENCES, user, at_us, None, admitted.body))
        for key, value in admitted.entries:
            # A withdrawal that was stamped before what it takes back stands as of that: only a newer word gives again.
            draft.preferences[user, key] = value, max(at_us, standing.get(key, ("", 0))[1])
    return news


def _is_news(key: str, value: str, at_us: int, standing: Word | None) -> bool:
    """Tell whether a word on a preference changes what stands: the latest by time does, and a withdrawal always."""
    is_consent = key.startswith(_CONSENTS)
    if standing is None or (value == _NO and is_consent):
        return True
    said, said_us = standing
    gives_again = said == _NO and value != _NO and is_consent
    return at_us > said_us if gives_again else at_us >= said_us


def _standing(draft: Draft, user: int, entries: tuple[Entry, ...]) -> dict[str, Word]:
    """Return what was last said of each key, and when."""
    written = {key: (one.value, one.at_us) for key, one in draft.desk.store.preferences(user).items()}
    drafted = {key: draft.preferences[user, key] for key, _ in entries if (user, key) in draft.preferences}
    return written | drafted

"""Tokens: what a push carries so that a page may say what came of it, or a shopper may leave, without any key.

A token says which decision it is about and is signed; it cannot be changed, and one for outcomes ends after a while.
It holds no more than it needs, since URLs are seen by many.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote

from itsdangerous import BadSignature, SignatureExpired, URLSafeSerializer, URLSafeTimedSerializer

from andante.service.problem import Problem

if TYPE_CHECKING:
    from datetime import timedelta

TOKEN_MAX = 2048
"""The longest token that is looked at."""

_OUTCOME, _UNSUBSCRIBE = "andante.outcome.1", "andante.unsubscribe.1"


class Leaving(NamedTuple):
    """Who leaves which channel, and by which push."""

    user_id: str
    channel: str
    decision_id: str


class Tokens:
    """Makes and reads tokens."""

    def __init__(self, secret: str, life: timedelta, public_url: str | None = None) -> None:
        """Store the secret, how long an outcome may be reported, and where links lead."""
        self._outcomes = URLSafeTimedSerializer(secret, salt=_OUTCOME)
        self._leaving = URLSafeSerializer(secret, salt=_UNSUBSCRIBE)
        self._life_s = int(life.total_seconds())
        self._public_url = public_url

    def outcome(self, decision_id: str) -> str:
        """Return a token with which a page may report what came of a decision, each type of outcome once."""
        return str(self._outcomes.dumps(decision_id))

    def decision_of(self, token: str) -> str:
        """Return the decision of an outcome's token. Raises Problem 401 where it was not made here, or is over."""
        try:
            said = self._outcomes.loads(_short(token), max_age=self._life_s)
        except SignatureExpired:
            raise Problem(401, "the token is over", action="report outcomes while it lasts") from None
        except BadSignature:
            raise _forged() from None
        if not isinstance(said, str):
            raise _forged()
        return said

    def unsubscribe(self, leaving: Leaving) -> str:
        """Return a token with which a shopper leaves a channel. It does not end: nobody's refusal comes too late."""
        return str(self._leaving.dumps(list(leaving)))

    def leaving_of(self, token: str) -> Leaving:
        """Return who leaves what. Raises Problem 404 where the token was not made here."""
        try:
            said = self._leaving.loads(_short(token))
        except (BadSignature, Problem):
            raise Problem(404, "this link was not made here, or is damaged", action="open it as it was sent") from None
        if not isinstance(said, list) or len(said) != len(Leaving._fields):
            raise Problem(404, "this link is of another version")
        return Leaving(*map(str, said))

    def outcome_url(self, decision_id: str) -> str | None:
        """Return where a page may report what came of a decision; None where nobody outside can reach us."""
        if self._public_url is None:
            return None
        return f"{self._public_url}/v1/outcomes?token={quote(self.outcome(decision_id))}"

    def unsubscribe_url(self, leaving: Leaving) -> str | None:
        """Return the link with which a shopper leaves a channel; None where nobody outside can reach us."""
        return None if self._public_url is None else f"{self._public_url}/u/{quote(self.unsubscribe(leaving))}"


def _short(token: str) -> str:
    if len(token) > TOKEN_MAX:
        raise _forged()
    return token


def _forged() -> Problem:
    return Problem(401, "the token was not made here, or is damaged", action="use the token that the push carried")

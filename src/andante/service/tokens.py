"""Tokens: what a push carries so that a page may say what came of it, or a shopper may leave, without any key.

A token says which decision it is about and is signed; it cannot be changed, and one for outcomes ends after a while.
It holds no more than it needs, since URLs are seen by many.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from urllib.parse import quote

from itsdangerous import BadSignature, SignatureExpired, Signer, URLSafeSerializer, URLSafeTimedSerializer

from andante.service.problem import Problem

TOKEN_MAX = 2048
"""The longest token that is looked at."""

PREFERENCES = "/p/"
"""Where the pages of shoppers begin."""

PREFERENCE_LINK_LIFE = timedelta(days=30)

_OUTCOME, _UNSUBSCRIBE = "andante.outcome.1", "andante.unsubscribe.1"
_PREFERENCES, _FORM = "andante.preferences.1", "andante.preferences.form.1"
_NUMBERS = 2**63  # what a store can look for
_SHA256 = {"digest_method": hashlib.sha256}


class Leaving(NamedTuple):
    """Who leaves which channel, and by which push."""

    user_id: str
    channel: str
    decision_id: str


class Person(NamedTuple):
    """A user of one log, by number: whoever comes with the same id after an erasure has another number."""

    log: str
    number: int


def person_of(decision_id: str) -> Person:
    """Return whom a decision is about: its id holds the log and the user's number.

    >>> person_of("3fa2c1-1b-7")
    Person(log='3fa2c1', number=7)
    """
    log, _, number = decision_id.split("-")
    return Person(log, int(number, 16))


class Link(NamedTuple):
    """A link to a shopper's own page, and when it ends."""

    url: str
    expires_at: datetime


class Tokens:
    """Makes and reads tokens."""

    def __init__(
        self,
        secret: str,
        life: timedelta,
        public_url: str | None = None,
        *,
        preference_link_life: timedelta = PREFERENCE_LINK_LIFE,
    ) -> None:
        """Store the secret, how long outcomes may be reported and preference links open, and where links lead."""
        self._preferences = URLSafeTimedSerializer(secret, salt=_PREFERENCES, signer_kwargs=_SHA256)
        self._forms = Signer(secret, salt=_FORM, digest_method=hashlib.sha256)
        self._preference_link_life = preference_link_life
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

    def preferences(self, person: Person) -> str:
        """Return a token that opens a shopper's own page for a while. It names nobody: a number stands in it."""
        return str(self._preferences.dumps(list(person)))

    def preferences_of(self, token: str) -> Person:
        """Return whose page a token opens. Raises Problem 404, the same for forged, damaged and old ones."""
        try:
            said = self._preferences.loads(_short(token), max_age=int(self._preference_link_life.total_seconds()))
        except (BadSignature, Problem):
            raise no_such_link() from None
        match said:
            case [str(log), int(number)] if 0 <= number < _NUMBERS:
                return Person(log, number)
        raise no_such_link()

    def preference_link(self, person: Person) -> Link:
        """Return a new link to a shopper's own page; without ``service.public_url`` it begins with its path."""
        now = datetime.now(UTC).replace(microsecond=0)
        url = f"{self._public_url or ''}{PREFERENCES}{self.preferences(person)}"
        return Link(url, now + self._preference_link_life)

    def preferences_url(self, person: Person) -> str | None:
        """Return the link to a shopper's own page; None where nobody outside can reach us."""
        return None if self._public_url is None else self.preference_link(person).url

    def form(self, link: str, action: str) -> str:
        """Return what the form of an action brings back: it proves that it stood on the page of this link."""
        return self._forms.get_signature(f"{action} {link}").decode()

    def refuse_forged(self, link: str, action: str, given: str) -> None:
        """Raise Problem 403 for a form that did not stand on the page of this link, or was for another action."""
        if not self._forms.verify_signature(f"{action} {link}", given):
            raise Problem(403, "this form is not of this page", action="load the page again, and send it again")


def no_such_link() -> Problem:
    """Return the problem of a link that opens nothing. It does not say why: nobody learns who is known here."""
    return Problem(404, "this link opens nothing", action="open the link of a newer message")


def _short(token: str) -> str:
    if len(token) > TOKEN_MAX:
        raise _forged()
    return token


def _forged() -> Problem:
    return Problem(401, "the token was not made here, or is damaged", action="use the token that the push carried")

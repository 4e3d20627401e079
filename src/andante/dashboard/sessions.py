"""Sessions: which operator sits at a browser, by a signed cookie that pages of other sites cannot use.

An operator signs in with an API key of the scope ``admin``, and acts under the key's name. A server without keys is
for this machine alone: there an operator gives a name, which is as true as they are.
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

from itsdangerous import BadSignature, Signer, URLSafeTimedSerializer

from andante.service.problem import Problem

if TYPE_CHECKING:
    from datetime import timedelta

    from starlette.requests import Request
    from starlette.responses import Response

    from andante.service.keys import Keyring

COOKIE = "andante_operator"
SCOPE = "admin"
_SESSION, _FORM = "andante.operator.1", "andante.operator.form.1"
_NAME = re.compile(r"[^\W_][\w .@'-]{0,63}")


class Sessions:
    """Signs operators in, and knows them again."""

    def __init__(self, keyring: Keyring, secret: str, life: timedelta, *, secure: bool) -> None:
        """Store the keys, the secret that cookies are signed with, and how long one lasts."""
        self._keyring, self._secure = keyring, secure
        self._life_s = int(life.total_seconds())
        self._cookies = URLSafeTimedSerializer(secret, salt=_SESSION)
        self._forms = Signer(secret, salt=_FORM, digest_method=hashlib.sha256)

    @property
    def locked(self) -> bool:
        """Tell whether even looking needs a key."""
        return self._keyring.locks

    def sign_in(self, request: Request, answer: Response, given: str) -> str:
        """Sign somebody in by a key, or on a server without keys by a name; return under which name they act.

        Raises Problem 401 or 403 for a key that is unknown or not for operators, 400 for no name.
        """
        if self.locked:
            headers = {b"authorization": b"Bearer " + given.strip().encode()}
            name, proof = self._keyring.admit(headers, SCOPE).name, hashlib.sha256(given.strip().encode()).hexdigest()
        else:
            self.refuse_strangers(request)
            name, proof = given.strip(), ""
            if not _NAME.fullmatch(name):
                raise Problem(400, "that is no name", action="write 1 to 64 letters, digits, spaces or any of . @ ' -")
        cookie = str(self._cookies.dumps([name, proof]))
        answer.set_cookie(
            COOKIE, cookie, max_age=self._life_s, path="/", secure=self._secure, httponly=True, samesite="strict"
        )
        return name

    def sign_out(self, answer: Response) -> None:
        """Forget who sits there."""
        answer.delete_cookie(COOKIE, path="/", secure=self._secure, httponly=True, samesite="strict")

    def who(self, request: Request) -> str | None:
        """Return who sits there; None for nobody. Raises Problem 403 for a page of another origin."""
        self.refuse_strangers(request)
        try:
            said = self._cookies.loads(request.cookies.get(COOKIE, ""), max_age=self._life_s)
        except BadSignature:
            return None
        if not isinstance(said, list) or len(said) != 2 or not all(isinstance(one, str) for one in said):  # noqa: PLR2004
            return None
        name, proof = said
        if self.locked != bool(proof) or (proof and not self._keyring.still_holds(proof, name, SCOPE)):
            return None
        return str(name)

    def form_token(self, request: Request) -> str:
        """Return what a form must bring back: it proves that the form came from a page of this session."""
        return self._forms.get_signature(request.cookies.get(COOKIE, "")).decode()

    def refuse_forged(self, request: Request, token: str) -> None:
        """Raise Problem 403 for a form that did not come from a page of this session."""
        if not self._forms.verify_signature(request.cookies.get(COOKIE, ""), token):
            raise Problem(403, "this form is not of your session", action="load the page again, and send it again")

    def refuse_strangers(self, request: Request) -> None:
        """Raise Problem 403 for a page of another origin, or, without keys, for another machine's name."""
        host, origin = request.headers.get("host", ""), request.headers.get("origin")
        if not self.locked:
            self._keyring.refuse_strangers({b"host": host.encode("latin-1")})
        if origin is not None and origin not in {f"http://{host}", f"https://{host}"}:
            raise Problem(403, "pages of another origin may not act here")
        if request.headers.get("sec-fetch-site") == "cross-site" and request.method != "GET":
            raise Problem(403, "pages of another site may not act here")

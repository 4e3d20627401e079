"""VAPID (RFC 8292): the key by which push services know who sends, and what it signs.

The tokens are JSON Web Tokens, so PyJWT signs them, as it does for FCM and APNs; the library of Mozilla, py-vapid,
verifies them in the tests.
"""

from __future__ import annotations

import base64
import binascii
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from andante.vocabulary.fault import SettingsFault

if TYPE_CHECKING:
    from pathlib import Path

TOKEN_S: Final = 6 * 3600
"""A token is signed anew after so long, and holds for up to twice as long: RFC 8292 allows 24 hours."""

AUDIENCES_MAX: Final = 256
"""Push services whose tokens are kept; there are a handful, but a subscription may name any host."""

_SCALAR_BYTES = 32


class VapidKey:
    """A key on the curve P-256. ``public`` is what a page subscribes with: its ``applicationServerKey``."""

    def __init__(self, private: ec.EllipticCurvePrivateKey, subject: str) -> None:
        """Store the key, and how a push service reaches us: ``mailto:`` or ``https:``."""
        self._private, self._subject = private, subject
        point = private.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        self.public = base64.urlsafe_b64encode(point).decode().rstrip("=")
        self._token = lru_cache(AUDIENCES_MAX)(self._signed)

    def authorization(self, audience: str, now_s: float) -> str:
        """Return the header for a push service, given its origin (``https://host``)."""
        return f"vapid t={self._token(audience, int(now_s) // TOKEN_S)}, k={self.public}"

    def _signed(self, audience: str, period: int) -> str:
        claims = {"aud": audience, "exp": (period + 2) * TOKEN_S, "sub": self._subject}
        return jwt.encode(claims, self._private, algorithm="ES256")


def new_key() -> str:
    """Return a new private key as PEM (PKCS #8)."""
    private = ec.generate_private_key(ec.SECP256R1())
    return private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode("ascii")


def read_key(text: str, subject: str, file: Path | None = None) -> VapidKey:
    """Return the key in a text: PEM, or the 43 characters of base64url that other tools print.

    Raises SettingsFault, which never shows the text.
    """
    try:
        private = load_pem_private_key(text.encode(), None) if text.startswith("-----") else _of_scalar(text)
    except (ValueError, TypeError, binascii.Error):
        private = None
    if not isinstance(private, ec.EllipticCurvePrivateKey) or not isinstance(private.curve, ec.SECP256R1):
        raise SettingsFault("key_file", file, "holds no private key on P-256", "leave it out, and one is made")
    return VapidKey(private, subject)


def _of_scalar(text: str) -> ec.EllipticCurvePrivateKey:
    scalar = base64.b64decode(f"{text}===", altchars=b"-_", validate=False)
    if len(scalar) != _SCALAR_BYTES:
        raise ValueError(len(scalar))
    return ec.derive_private_key(int.from_bytes(scalar), ec.SECP256R1())

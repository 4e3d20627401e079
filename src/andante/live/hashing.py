"""Ids and texts as numbers: a user's key, the content of a push, a campaign.

The record and the parameters hold numbers alone, never text. BLAKE2b is the same on every machine and in every version
of Python; each use has its own personalisation, so that equal texts of two kinds are two numbers.
"""

from hashlib import blake2b

NO_CONTENT = 0
"""What stands where a push has neither campaign nor item, or a slot is empty. No text hashes to it."""


def user_key(user_id: str) -> int:
    """Return the 64 bits that chance is drawn from for a user: the same in every log and on every machine.

    >>> user_key("ann") == user_key("ann") != user_key("bob")
    True
    """
    return int.from_bytes(blake2b(_bytes(user_id), digest_size=8, person=b"user").digest(), "little")


def content_hash(text: str) -> int:
    """Return 32 bits that stand for a text, never 0. Two texts share them with a probability of 2^-32.

    >>> 0 < content_hash("spring") < 2**32
    True
    """
    return int.from_bytes(blake2b(_bytes(text), digest_size=4, person=b"content").digest(), "little") or 1


def content_of(campaign_id: str | None, item_id: str | None) -> int:
    """Return what makes a push a duplicate of another: its campaign and item, or 0 where it has neither.

    >>> content_of(None, None), content_of("ab", "c") == content_of("a", "bc")
    (0, False)
    """
    if campaign_id is None and item_id is None:
        return NO_CONTENT
    campaign = "-" if campaign_id is None else f"{len(campaign_id)}:{campaign_id}"  # the length keeps the two apart
    return content_hash(campaign if item_id is None else f"{campaign}/{item_id}")


def _bytes(text: str) -> bytes:
    """Return a text as bytes. A lone surrogate, which no UTF-8 can carry but a Python caller can pass, is kept."""
    return text.encode("utf-8", "surrogatepass")

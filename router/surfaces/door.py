"""The door: who may come in, by API key.

Keys are hashed when the process starts and never kept. What a client shows is hashed too and
compared with every key in constant time, so neither a key's length nor how many keys there are
can be read from the clock. Without keys the door is open (the server then binds to loopback).
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping, Sequence

from router.core.faults import Fault, Kind

_BEARER = "bearer "


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode(errors="surrogateescape")).digest()


class Door:
    """Admits requests that show one of ``keys`` as ``Authorization: Bearer`` or ``x-api-key``."""

    def __init__(self, keys: Sequence[str] = ()) -> None:
        if not all(keys):
            raise ValueError("an API key must not be empty")
        self._digests = tuple(_digest(key) for key in keys)

    @property
    def open(self) -> bool:
        """Whether everybody may come in."""
        return not self._digests

    def _knows(self, shown: str) -> bool:
        """Compare with every key, whichever it is."""
        digest, known = _digest(shown), False
        for kept in self._digests:
            known |= hmac.compare_digest(digest, kept)
        return known

    def admit(self, headers: Mapping[str, str]) -> Fault | None:
        """Return what keeps this request out, or ``None``. Header names in any case."""
        if not self._digests:
            return None
        bearer, other = headers.get("Authorization", ""), headers.get("x-api-key", "")
        token = bearer[len(_BEARER) :].strip() if bearer[:7].lower() == _BEARER else ""
        if (token and self._knows(token)) or (other and self._knows(other)):
            return None
        what = "is not known here" if token or other else "is missing"
        return Fault(
            Kind.UNAUTHENTICATED,
            f"The API key {what}: send it as 'Authorization: Bearer <key>' or 'x-api-key: <key>'.",
        )

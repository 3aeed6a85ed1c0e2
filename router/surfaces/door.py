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
    """Hash a key by Python's own code: OpenSSL's, used by nothing else, was cold every time."""
    return hashlib.blake2s(key.encode(errors="surrogateescape")).digest()


def _owner(key: str) -> str:
    digest = hashlib.sha256(key.encode(errors="surrogateescape")).digest()
    return hashlib.blake2s(digest, digest_size=8, person=b"owner").hexdigest()


class Door:
    """Admits requests that show one of ``keys`` as ``Authorization: Bearer`` or ``x-api-key``."""

    def __init__(self, keys: Sequence[str] = ()) -> None:
        if not all(keys):
            raise ValueError("an API key must not be empty")
        self._owners = tuple((_digest(key), _owner(key)) for key in keys)

    @property
    def open(self) -> bool:
        """Whether everybody may come in."""
        return not self._owners

    def _whose(self, shown: str) -> str | None:
        """Compare with every key, whichever it is."""
        digest, owner = _digest(shown), None
        for kept, name in self._owners:
            if hmac.compare_digest(digest, kept):
                owner = name
        return owner

    def admit(self, headers: Mapping[str, str]) -> str:
        """Name the key that a request shows, by a hash; empty where everybody may come in.

        Header names in any case. Raises ``Fault(UNAUTHENTICATED)``.
        """
        if not self._owners:
            return ""
        shown = _shown(headers)
        for key in shown:
            owner = self._whose(key) if key else None
            if owner is not None:
                return owner
        what = "is not known here" if any(shown) else "is missing"
        raise Fault(
            Kind.UNAUTHENTICATED,
            f"The API key {what}: send it as 'Authorization: Bearer <key>' or 'x-api-key: <key>'.",
        )


def _shown(headers: Mapping[str, str]) -> tuple[str, str]:
    bearer = headers.get("Authorization", "")
    token = bearer[len(_BEARER) :].strip() if bearer[: len(_BEARER)].lower() == _BEARER else ""
    return token, headers.get("x-api-key", "")

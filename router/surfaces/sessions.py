"""Which conversation a request is a turn of, so that it can stay where its prompt is cached.

Clients name it in several ways; the first one that says something counts. What they wrote is a
name of theirs, it may be long and it may be personal: only a hash of it goes further inside.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Final

import msgspec

SESSION_HEADERS: Final = ("x-session-id", "session_id")
SESSION_KEYS: Final = ("session_id", "prompt_cache_key")
LAST_HEADER: Final = "x-claude-code-session-id"
"""Claude Code sends it with every request, so whoever also says something else means that."""

_NOTHING: Final = (b"", b"null")
_HASH_BYTES: Final = 12
"""96 bits: among the 20,000 conversations remembered no two will ever be taken for one."""


def session_of(headers: Mapping[str, str], fields: Mapping[str, msgspec.Raw]) -> str:
    """Return a short name of the conversation, the same for every turn; empty if nobody says.

    ``headers`` have lower-case names, ``fields`` are a body's raw values. A header and a key with
    the same words name the same conversation.
    """
    for name in SESSION_HEADERS:
        if name in headers and headers[name].strip():
            return _hashed(_bytes(headers[name]))
    for key in SESSION_KEYS:
        said = bytes(fields[key]).strip().strip(b'"') if key in fields else b""
        if said not in _NOTHING:
            return _hashed(said)
    last = _bytes(headers.get(LAST_HEADER, ""))
    return _hashed(last) if last else ""


def _bytes(header: str) -> bytes:
    """A header as it came: it may hold what is no UTF-8."""
    return header.strip().encode(errors="surrogateescape")


def _hashed(said: bytes) -> str:
    return hashlib.blake2s(said, digest_size=_HASH_BYTES).hexdigest()

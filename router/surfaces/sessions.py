"""Which conversation a request is a turn of, so that it can stay where its prompt is cached.

Clients name it in several ways; the first one that says something counts. What they wrote is a
name of theirs, it may be long and it may be personal: only a hash of it goes further inside. Where
nobody says so, the beginning of a conversation is its name, as soon as it is long enough for
anybody to keep it in a cache.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from router.core.ask import PromptSize

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


CACHED_BYTES: Final = 4096
"""No cache keeps a prompt of less than about 1,024 tokens (OpenAI's and Anthropic's least)."""
_EDGE_BYTES: Final = 1024
"""Of a part of the beginning its two ends and its length count: where the middle alone differs,
one conversation is taken for another, which costs a wrong guess about a cache."""


def is_cacheable(prompt: PromptSize) -> bool:
    """Whether a turn with this ``prompt`` is long enough to be worth recognising."""
    return prompt.ascii_bytes + prompt.other_bytes >= CACHED_BYTES


def begun_with(beginning: Sequence[msgspec.Raw]) -> str:
    """Name a conversation that nobody named, by its system prompt and its first turn."""
    if not beginning:
        return ""
    hashed = hashlib.blake2b(digest_size=_HASH_BYTES, person=b"beginning")
    for part in beginning:
        view = memoryview(part)
        hashed.update(len(view).to_bytes(8))
        hashed.update(view if len(view) <= 2 * _EDGE_BYTES else view[:_EDGE_BYTES])
        if len(view) > 2 * _EDGE_BYTES:
            hashed.update(view[-_EDGE_BYTES:])
    return hashed.hexdigest()


def _bytes(header: str) -> bytes:
    """A header as it came: it may hold what is no UTF-8."""
    return header.strip().encode(errors="surrogateescape")


def _hashed(said: bytes) -> str:
    return hashlib.blake2s(said, digest_size=_HASH_BYTES).hexdigest()

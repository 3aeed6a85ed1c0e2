"""What translated answers left in a conversation, taken out where its own dialect is spoken.

A client that was served by translation sends back what it got: thinking that nobody signed, and
items with names that no provider gave. The provider whose dialect it really is would refuse the
whole request for them. It loses nothing that it could have used: signed thinking and its own items
stay, and so does everything that was said.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

import msgspec
from msgspec import Raw

from router.core.surface import Surface

MARK: Final = "told"
"""Stands in the names that translated items of Responses get: ``rs_told_...``."""

_UNSIGNED: Final = (b'"signature":""', b'"signature": ""')
_TOLD: Final = f"_{MARK}_".encode()
_decode_list = msgspec.json.Decoder(list[dict[str, Any]])
_encode = msgspec.json.Encoder().encode


def own_messages(messages: Raw) -> Raw:
    """Return Anthropic's ``messages`` without thinking that bears an empty signature."""
    raw = bytes(messages)
    if not any(mark in raw for mark in _UNSIGNED):
        return messages
    kept = []
    for message in _decode_list.decode(messages):
        content = message.get("content")
        if isinstance(content, list):
            signed = [block for block in content if not _is_unsigned(block)]
            if not signed and content:
                continue  # nothing but such thinking: an empty turn would be refused
            message["content"] = signed
        kept.append(message)
    return Raw(_encode(kept))


def own_items(items: Raw) -> Raw:
    """Return a Responses ``input`` without reasoning, and without names, that we made up."""
    raw = bytes(items)
    if _TOLD not in raw or not raw.startswith(b"["):
        return items
    kept = []
    for item in _decode_list.decode(items):
        if _is_told(item.get("id")):
            if item.get("type") == "reasoning":
                continue
            del item["id"]
        kept.append(item)
    return Raw(_encode(kept))


OWN: Final[Mapping[Surface, tuple[str, Callable[[Raw], Raw]]]] = MappingProxyType(
    {Surface.MESSAGES: ("messages", own_messages), Surface.RESPONSES: ("input", own_items)}
)
"""The field that holds the conversation, and what to make of it."""


def _is_unsigned(block: Any) -> bool:
    return (
        isinstance(block, dict) and block.get("type") == "thinking" and not block.get("signature")
    )


def _is_told(name: Any) -> bool:
    return isinstance(name, str) and f"_{MARK}_" in name

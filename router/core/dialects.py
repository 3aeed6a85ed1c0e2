"""Which surfaces can be told to an endpoint that speaks another, and what of a request can.

Chat is the common tongue: what an endpoint does not speak itself is said to it in chat, or, where
it speaks Anthropic's messages alone, in those.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from types import MappingProxyType

from router.core.surface import Surface

EXPRESSIBLE: Mapping[tuple[Surface, Surface], frozenset[str]] = MappingProxyType({})
"""(in front, behind) -> the top-level fields of a body that can be said there, or left out without
a loss."""

_BEHIND = (Surface.CHAT, Surface.MESSAGES)


def way(surface: Surface, speaks: Collection[Surface]) -> Surface | None:
    """Return the surface in which an endpoint is told, or ``None`` where there is no way."""
    if surface in speaks:
        return surface
    return next((b for b in _BEHIND if b in speaks and (surface, b) in EXPRESSIBLE), None)

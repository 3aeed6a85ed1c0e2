"""What comes back from an endpoint: pieces of an answer, and the tokens it was billed for."""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple

from router.core.catalogue import Tier


class Content(IntEnum):
    """What a piece brought, in rising order of what a person was waiting for."""

    NOTHING = 0
    REASONING = 1
    ANSWER = 2


class Usage(NamedTuple):
    """Five disjoint token counts of one attempt: each token is billed once, at its kind's price.

    ``reported_cost_nano_usd`` is what the provider said it charged, where it says so.
    ``estimated`` marks counts nobody reported. ``cache_write_1h`` are those of ``cache_write`` that
    are kept for an hour; ``tier`` is the tier of service it was served at, where the answer says.
    ``audio_input`` are those of ``fresh_input`` that were heard, ``audio_output`` those of ``text``
    that were spoken, ``searches`` what the provider looked up in the web, which is paid apart.
    """

    fresh_input: int = 0
    cache_read: int = 0
    cache_write: int = 0
    text: int = 0
    reasoning: int = 0
    reported_cost_nano_usd: int | None = None
    estimated: bool = False
    cache_write_1h: int = 0
    tier: Tier | None = None
    audio_input: int = 0
    audio_output: int = 0
    searches: int = 0

    @property
    def input(self) -> int:
        """All prompt tokens, however they were billed."""
        return self.fresh_input + self.cache_read + self.cache_write

    @property
    def output(self) -> int:
        """Billed output tokens: text and reasoning."""
        return self.text + self.reasoning


class Piece(NamedTuple):
    """What one read from upstream brought.

    ``data`` are the bytes for the client (possibly none); ``content`` the best content in it;
    ``chars`` the visible characters (text, tool arguments and reasoning), ``reasoning_chars``
    those of them that are reasoning. ``error`` is a provider's own error inside the stream.
    """

    data: bytes
    content: Content = Content.NOTHING
    chars: int = 0
    reasoning_chars: int = 0
    usage: Usage | None = None
    finish: str | None = None
    error: str | None = None
    ended: bool = False

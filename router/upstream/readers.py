"""Who reads the answers of which surface."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final, NamedTuple, Protocol

from router.core.answer import Piece
from router.core.catalogue import Endpoint
from router.core.surface import Surface
from router.upstream import (
    count_tokens,
    embeddings,
    messages,
    openai,
    responses,
    unstreamed,
    unstreamed_messages,
    unstreamed_responses,
)
from router.upstream.reading import Reading


class _Opens(Protocol):
    def __call__(self, endpoint: Endpoint, *, hide_usage: bool) -> Reading: ...


class _Turns(Protocol):
    def __call__(self, piece: Piece, *, hide_usage: bool) -> Piece: ...


class Reader(NamedTuple):
    """How one surface's answers are read.

    ``stream`` opens one, ``read_whole`` reads one that came whole, ``as_stream`` turns the latter's
    piece into what a client who asked for a stream waits for. A surface that knows no streams has
    neither.
    """

    read_whole: Callable[[bytes, Endpoint], Piece]
    stream: _Opens | None = None
    as_stream: _Turns | None = None


_CHAT = Reader(openai.read_whole, openai.Stream, unstreamed.as_stream)
_RESPONSES = Reader(responses.read_whole, responses.Stream, unstreamed_responses.as_stream)
_MESSAGES = Reader(messages.read_whole, messages.Stream, unstreamed_messages.as_stream)

READERS: Final[Mapping[Surface, Reader]] = MappingProxyType(
    {
        Surface.CHAT: _CHAT,
        Surface.COMPLETIONS: _CHAT,
        Surface.RESPONSES: _RESPONSES,
        Surface.EMBEDDINGS: Reader(embeddings.read_whole),
        Surface.MESSAGES: _MESSAGES,
        Surface.COUNT_TOKENS: Reader(count_tokens.read_whole),
    }
)
"""The older completions are chat's chunks with a ``text`` in each choice: end mark, usage chunk,
errors and finish reasons are chat's, and so is the reading."""

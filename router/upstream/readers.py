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


class Streamed(NamedTuple):
    """How the streams of a surface are read: ``open`` one; ``told`` turns the piece of an answer
    that came whole all the same into what the client waits for.
    """

    open: _Opens
    told: _Turns


_CHAT = Streamed(openai.Stream, unstreamed.as_stream)

STREAMED: Final[Mapping[Surface, Streamed]] = MappingProxyType(
    {
        Surface.CHAT: _CHAT,
        Surface.COMPLETIONS: _CHAT,
        Surface.RESPONSES: Streamed(responses.Stream, unstreamed_responses.as_stream),
        Surface.MESSAGES: Streamed(messages.Stream, unstreamed_messages.as_stream),
    }
)
"""The older completions are chat's chunks with a ``text`` in each choice: end mark, usage chunk,
errors and finish reasons are chat's, and so is the reading."""

WHOLE: Final[Mapping[Surface, Callable[[bytes, Endpoint], Piece]]] = MappingProxyType(
    {
        Surface.CHAT: openai.read_whole,
        Surface.COMPLETIONS: openai.read_whole,
        Surface.RESPONSES: responses.read_whole,
        Surface.EMBEDDINGS: embeddings.read_whole,
        Surface.MESSAGES: messages.read_whole,
        Surface.COUNT_TOKENS: count_tokens.read_whole,
    }
)

"""Reading Anthropic's count of a prompt's tokens, which is given free of charge."""

from __future__ import annotations

import msgspec
from msgspec import Raw

from router.core.answer import Content, Piece, Usage
from router.core.catalogue import Endpoint
from router.upstream.chunk import is_given
from router.upstream.reading import decoded, error_fault, garbage


class _Count(msgspec.Struct, gc=False):
    input_tokens: int | None = None
    error: Raw = Raw()


_decode = msgspec.json.Decoder(_Count).decode


def read_whole(body: bytes, endpoint: Endpoint) -> Piece:
    """Read an answer: one piece, ended, that used nothing. Raises ``Fault``."""
    count = decoded(_decode, body, endpoint, "count of tokens")
    if is_given(count.error):
        raise error_fault(endpoint, body)
    if count.input_tokens is None:
        raise garbage(endpoint, "JSON that is no count of tokens")
    return Piece(body, Content.ANSWER, usage=Usage(), ended=True)

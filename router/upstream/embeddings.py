"""Reading embeddings as they pass by: always whole, and all of their tokens are the input's."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Raw

from router.core.answer import Content, Piece, Usage
from router.core.catalogue import Endpoint
from router.upstream.chunk import is_given
from router.upstream.reading import decoded, error_fault, garbage
from router.upstream.unreadable import UNREADABLE
from router.upstream.usage import read_usage


class _Embeddings(msgspec.Struct, gc=False):
    data: list[Raw] | None = None
    usage: Raw = Raw()
    error: Raw = Raw()


class _Total(msgspec.Struct, gc=False):
    """What Voyage tells, and nothing else."""

    total_tokens: Annotated[int, msgspec.Meta(ge=0, le=10**15)]


_decode = msgspec.json.Decoder(_Embeddings).decode
_decode_total = msgspec.json.Decoder(_Total).decode


def read_whole(body: bytes, endpoint: Endpoint) -> Piece:
    """Read an answer: one piece, ended. Raises ``Fault``, also for an error sent as 200."""
    answer = decoded(_decode, body, endpoint, "list of embeddings")
    if is_given(answer.error):
        raise error_fault(endpoint, body)
    if answer.data is None:
        raise garbage(endpoint, "JSON that is no list of embeddings")
    content = Content.ANSWER if answer.data else Content.NOTHING
    return Piece(body, content, usage=_counted(answer.usage), ended=True)


def _counted(raw: Raw) -> Usage | None:
    if not is_given(raw):
        return None
    usage = read_usage(raw)
    if usage is not None:
        return usage
    try:
        return Usage(fresh_input=_decode_total(raw).total_tokens)
    except UNREADABLE:
        return None

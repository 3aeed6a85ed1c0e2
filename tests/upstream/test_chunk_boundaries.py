"""Where the network cuts a stream changes nothing: not a byte for the client, not a count."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.core.answer import Content, Piece
from router.core.faults import Fault
from router.core.surface import Surface
from router.upstream.readers import STREAMED
from router.upstream.reading import Reading
from tests.upstream.asking import an_endpoint, best_content, client_bytes, usage_of
from tests.upstream.corpus import ALL, NAMES
from tests.upstream.recorded import BIG_LINE, STREAMS, Recorded

ENDPOINT = an_endpoint()
every_stream = pytest.mark.parametrize(("surface", "name"), NAMES)


def a_stream(surface: Surface) -> Reading:
    return STREAMED[surface].open(ENDPOINT, hide_usage=True)


def read(reads: list[bytes], surface: Surface = Surface.CHAT) -> list[Piece]:
    """Feed a stream as the relay does."""
    stream = a_stream(surface)
    pieces = []
    for one in [*filter(None, reads), b""]:
        pieces.append(stream.feed(one) if one else stream.close())
        if stream.ended:
            break
    return pieces


def check(pieces: list[Piece], wanted: Recorded) -> None:
    assert client_bytes(pieces) == wanted.given
    assert usage_of(pieces) == wanted.usage
    assert best_content(pieces) is wanted.content
    assert sum(p.chars for p in pieces) == wanted.chars
    assert sum(p.reasoning_chars for p in pieces) == wanted.reasoning_chars
    assert next(p.finish for p in reversed(pieces) if p.finish) == wanted.finish
    assert [p.ended for p in pieces] == [False] * (len(pieces) - 1) + [True]


@every_stream
def test_a_stream_that_comes_at_once_is_read(surface: Surface, name: str) -> None:
    check(read([ALL[surface][name].sent], surface), ALL[surface][name])


@every_stream
def test_a_cut_at_any_byte_changes_nothing(surface: Surface, name: str) -> None:
    sent = ALL[surface][name].sent
    for cut in range(1, len(sent)):
        check(read([sent[:cut], sent[cut:]], surface), ALL[surface][name])


@every_stream
def test_single_bytes_change_nothing(surface: Surface, name: str) -> None:
    sent = ALL[surface][name].sent
    check(read([sent[i : i + 1] for i in range(len(sent))], surface), ALL[surface][name])


@given(st.sampled_from(NAMES), st.data())
def test_any_cuts_change_nothing(which: tuple[Surface, str], data: st.DataObject) -> None:
    surface, name = which
    sent = ALL[surface][name].sent
    cuts = data.draw(st.lists(st.integers(0, len(sent)), max_size=20).map(sorted))
    ends = zip([0, *cuts], [*cuts, len(sent)], strict=True)
    check(read([sent[a:b] for a, b in ends], surface), ALL[surface][name])


@given(st.sampled_from(NAMES), st.data())
def test_a_mangled_stream_is_read_or_is_the_providers_fault(
    which: tuple[Surface, str], data: st.DataObject
) -> None:
    surface, name = which
    sent = bytearray(ALL[surface][name].sent)
    places = st.integers(0, len(sent) - 1)
    for place in data.draw(st.lists(places, min_size=1, max_size=6)):
        cut = data.draw(st.integers(0, 3))
        sent[place : place + cut] = data.draw(st.binary(max_size=3))
    with suppress(Fault):
        pieces = read([bytes(sent)], surface)
        assert all(0 <= piece.reasoning_chars <= piece.chars for piece in pieces)


@pytest.mark.parametrize("size", [1000, 4096, 65536])
def test_a_line_longer_than_any_read_is_put_together(size: int) -> None:
    sent = BIG_LINE.sent
    check(read([sent[i : i + size] for i in range(0, len(sent), size)]), BIG_LINE)


def test_a_role_chunk_a_comment_and_an_empty_delta_are_nothing() -> None:
    stream = a_stream(Surface.CHAT)
    for name in ("openai", "azure", "openrouter"):
        first = STREAMS[name].sent.partition(b"\n\n")[0] + b"\n\n"
        assert stream.feed(first).content is Content.NOTHING

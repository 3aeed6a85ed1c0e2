import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.core.faults import Fault, Kind
from router.upstream.sse import MAX_EVENT_BYTES, Event, Splitter

LINES = st.sampled_from(
    [b"data: a", b"data:b", b"data", b": note", b"event: x", b"id: 1", b"data: \xc3\xa9", b""]
)
ENDS = st.sampled_from([b"\n", b"\r\n", b"\r"])


def by_the_book(stream: bytes) -> list[bytes]:
    """The data of every dispatched event, by the standard's own steps, slowly."""
    found, data = [], []
    lines = re.split(rb"\r\n|\n|\r", stream)
    for line in lines[:-1]:
        if line:
            name, _, value = line.partition(b":")
            if name == b"data":
                data.append(value.removeprefix(b" "))
        elif data:
            found.append(b"\n".join(data))
            data = []
    return found


def split(reads: list[bytes]) -> list[Event]:
    splitter = Splitter("test")
    events = [event for read in reads for event in splitter.feed(read)]
    rest = splitter.rest()
    return events if rest is None else [*events, rest]


def pieces(stream: bytes, cuts: list[int]) -> list[bytes]:
    ends = sorted(cut % (len(stream) + 1) for cut in cuts)
    return [stream[a:b] for a, b in zip([0, *ends], [*ends, len(stream)], strict=True)]


@given(st.lists(st.tuples(LINES, ENDS), max_size=30), st.lists(st.integers(0, 10_000), max_size=9))
def test_events_are_those_of_the_standard_and_no_byte_is_lost(
    lines: list[tuple[bytes, bytes]], cuts: list[int]
) -> None:
    stream = b"".join(line + end for line, end in lines) + b"data: end\n\n"
    events = split(pieces(stream, cuts))
    assert b"".join(raw for raw, _ in events) == stream
    assert [data for _, data in events if data] == [d for d in by_the_book(stream) if d]


def test_whole_events_in_one_read_are_given_at_once() -> None:
    splitter = Splitter("test")
    assert splitter.feed(b"data: 1\n\n") == [(b"data: 1\n\n", b"1")]
    assert splitter.feed(b"data: 2\n\ndata: 3\n\n") == [
        (b"data: 2\n\n", b"2"),
        (b"data: 3\n\n", b"3"),
    ]


def test_an_event_over_the_limit_is_garbage() -> None:
    splitter = Splitter("test")
    for _ in range(MAX_EVENT_BYTES // 65536):
        splitter.feed(b"x" * 65536)
    with pytest.raises(Fault) as told:
        splitter.feed(b"x")
    assert told.value.kind is Kind.GARBAGE


@pytest.mark.parametrize("text", [b"<html>\n\n", b"Internal Server Error\r\n\r\n", b"{}\n\n"])
def test_text_that_is_no_event_stream_is_garbage(text: bytes) -> None:
    with pytest.raises(Fault) as told:
        Splitter("test").feed(text)
    assert told.value.kind is Kind.GARBAGE

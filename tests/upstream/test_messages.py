"""Anthropic's messages, read: what counts as content, what is passed, how a stream may fail."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.core.answer import Content, Piece, Usage
from router.core.faults import Fault, Kind
from router.upstream.messages import Stream, read_whole
from tests.upstream.asking import an_endpoint, usage_of
from tests.upstream.recorded_messages import COUNTED, PING, STOP, block, event, start, stop, text

ENDPOINT = an_endpoint()
HELLO = event("content_block_delta", index=0, delta=text("Hello")[0])
OVERLOADED = event("error", error={"type": "overloaded_error", "message": "Overloaded"})


def read(*events: bytes) -> list[Piece]:
    stream = Stream(ENDPOINT)
    return [stream.feed(one) for one in events]


def a_block(**fields: Any) -> bytes:
    return event("content_block_start", index=0, content_block=fields)


@pytest.mark.parametrize(
    "nothing",
    [
        start(),
        PING,
        b": comment\n\n",
        a_block(type="text", text=""),
        a_block(type="thinking", thinking="", signature=""),
        a_block(type="redacted_thinking", data="EmwKAhgB"),
        a_block(type="web_search_tool_result", tool_use_id="t", content=[{"title": "Sky"}]),
        event("content_block_delta", index=0, delta={"type": "text_delta", "text": ""}),
        event("content_block_delta", index=0, delta={"type": "signature_delta", "signature": "E"}),
        event("content_block_delta", index=0, delta={"type": "input_json_delta"}),
        event("content_block_stop", index=0),
    ],
)
def test_what_shows_nothing_that_was_generated_is_no_content(nothing: bytes) -> None:
    (piece,) = read(nothing)
    assert piece == Piece(nothing)


def test_the_name_of_a_tool_is_the_first_content_of_a_call() -> None:
    (piece,) = read(a_block(type="tool_use", id="t", name="weather", input={}))
    assert (piece.content, piece.chars) == (Content.ANSWER, 7)


def test_usage_is_whole_at_the_end_and_not_told_before() -> None:
    pieces = read(start(), HELLO, stop(), STOP)
    assert [piece.usage for piece in pieces] == [None, None, COUNTED, None]


def test_an_error_before_content_is_raised_in_the_providers_own_words() -> None:
    stream = Stream(ENDPOINT)
    stream.feed(start() + PING)
    with pytest.raises(Fault) as told:
        stream.feed(OVERLOADED)
    assert told.value.kind is Kind.SERVER_ERROR
    assert told.value.upstream is not None
    assert told.value.upstream.status == 529
    assert json.loads(told.value.upstream.body)["error"]["type"] == "overloaded_error"


def test_an_error_after_content_is_kept_from_the_client_and_left_to_be_raised() -> None:
    stream = Stream(ENDPOINT)
    piece = stream.feed(start() + HELLO + OVERLOADED + PING)
    assert piece.data == start() + HELLO
    assert piece.error == "r1@here: the provider failed (529)"
    assert stream.fault is not None
    assert stream.fault.kind is Kind.SERVER_ERROR


@pytest.mark.parametrize(
    ("kind", "becomes", "status"),
    [
        ("invalid_request_error", Kind.REJECTED, 400),
        ("authentication_error", Kind.CREDENTIALS, None),
        ("billing_error", Kind.CREDENTIALS, None),
        ("permission_error", Kind.CREDENTIALS, None),
        ("request_too_large", Kind.REJECTED, 413),
        ("rate_limit_error", Kind.RATE_LIMITED, 429),
        ("timeout_error", Kind.SERVER_ERROR, 504),
        ("api_error", Kind.SERVER_ERROR, 502),
        ("overloaded_error", Kind.SERVER_ERROR, 529),
        ("something_new", Kind.SERVER_ERROR, 502),
    ],
)
def test_every_error_type_is_the_fault_its_status_would_have_been(
    kind: str, becomes: Kind, status: int | None
) -> None:
    with pytest.raises(Fault) as told:
        read(event("error", error={"type": kind, "message": "No."}))
    assert told.value.kind is becomes
    assert (told.value.upstream and told.value.upstream.status) == status


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        start() + HELLO,
        start() + block(0, *text("Hello"), type="text", text=""),
        start() + HELLO + b"data: [DONE]\n\n",
        start() + HELLO + stop()[:-20],
    ],
)
def test_a_stream_that_stops_before_its_stop_reason_was_cut_short(sent: bytes) -> None:
    stream = Stream(ENDPOINT)
    if sent:
        stream.feed(sent)
    with pytest.raises(Fault) as told:
        stream.close()
    assert told.value.kind is Kind.BROKEN


def test_what_is_no_json_is_garbage() -> None:
    with pytest.raises(Fault) as told:
        read(start(), b"event: ping\ndata: pong\n\n")
    assert told.value.kind is Kind.GARBAGE


A_MESSAGE: dict[str, Any] = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "content": [
        {"type": "thinking", "thinking": "Hm", "signature": "Eq"},
        {"type": "redacted_thinking", "data": "EmwKAhgB"},
        {"type": "text", "text": "Hello"},
        {"type": "tool_use", "id": "t", "name": "f", "input": {"a": 1}},
    ],
    "stop_reason": "tool_use",
    "usage": {"input_tokens": 20, "output_tokens": 9, "cache_read_input_tokens": 4},
}


def test_a_whole_message_is_one_piece() -> None:
    body = json.dumps(A_MESSAGE).encode()
    assert read_whole(body, ENDPOINT) == Piece(
        body, Content.ANSWER, 15, 2, Usage(20, 4, text=9), "tool_use", ended=True
    )


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b'{"type":"error","error":{"type":"overloaded_error"}}', Kind.SERVER_ERROR),
        (b'{"type":"message","content":[', Kind.BROKEN),
        (b'{"type":"message"}', Kind.GARBAGE),
        (b'{"choices":[]}', Kind.GARBAGE),
        (b"[]", Kind.GARBAGE),
        (b"<html>", Kind.GARBAGE),
        (b"\xff", Kind.GARBAGE),
    ],
)
def test_what_is_no_whole_message_is_a_fault(body: bytes, kind: Kind) -> None:
    with pytest.raises(Fault) as told:
        read_whole(body, ENDPOINT)
    assert told.value.kind is kind


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(0, 9) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=6,
)
FIELDS = st.sampled_from(
    ["delta", "content_block", "message", "usage", "index", "text", "thinking", "content"]
)
KINDS = st.sampled_from(
    ["message_start", "content_block_start", "content_block_delta", "message_delta", "ping", "new"]
)


@given(KINDS, st.dictionaries(FIELDS, JSON | st.dictionaries(FIELDS, JSON)))
def test_json_of_any_shape_passes(kind: str, fields: dict[str, Any]) -> None:
    sent = event(kind, **fields)
    (piece,) = read(sent)
    assert piece.data == sent
    assert 0 <= piece.reasoning_chars <= piece.chars
    assert bool(piece.chars) <= bool(piece.content)


COUNT = st.integers(0, 10**9)


@given(COUNT, COUNT, COUNT, COUNT)
def test_the_three_inputs_of_anthropic_are_added_up_and_never_twice(
    fresh: int, read_: int, written: int, output: int
) -> None:
    counts = {
        "input_tokens": fresh,
        "cache_read_input_tokens": read_,
        "cache_creation_input_tokens": written,
    }
    ends: list[tuple[dict[str, Any], dict[str, Any]]] = [
        (counts, {}),
        (counts, counts),
        ({"input_tokens": 0}, counts),
    ]
    for begun, ended in ends:
        usage = usage_of(read(start(**begun), stop(**ended, output_tokens=output)))
        assert usage == Usage(fresh, read_, written, output)

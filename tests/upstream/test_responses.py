"""OpenAI's Responses, read: what counts as content, what is passed, how a stream may fail."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.core.answer import Content, Piece
from router.core.faults import Fault, Kind
from router.upstream.responses import Stream, read_whole
from tests.upstream.asking import an_endpoint, usage_of
from tests.upstream.recorded_responses import (
    COUNTED,
    CREATED,
    HELLO,
    MESSAGE,
    UNDER_WAY,
    completed,
    delta,
    event,
    numbered,
    response,
)

ENDPOINT = an_endpoint()
LIMITED = {"code": "rate_limit_exceeded", "message": "Slow down."}
FAILED = ("response.failed", {"response": response("failed", error=LIMITED)})
ERROR = ("error", {"code": "rate_limit_exceeded", "message": "Slow down.", "param": None})
NESTED = ("error", {"error": {"type": "tokens", **LIMITED}})


def read(*events: tuple[str, dict[str, Any]]) -> list[Piece]:
    stream = Stream(ENDPOINT)
    return [stream.feed(event(name, **fields)) for name, fields in events]


@pytest.mark.parametrize("nothing", [CREATED, UNDER_WAY, HELLO[0], HELLO[1], *HELLO[4:]])
def test_what_announces_or_repeats_is_no_content(nothing: tuple[str, dict[str, Any]]) -> None:
    (piece,) = read(nothing)
    assert piece == Piece(event(nothing[0], **nothing[1]))


def test_what_deltas_told_is_not_counted_again_at_the_end() -> None:
    pieces = read(delta("output_text", "Hello"), completed(MESSAGE))
    assert [piece.chars for piece in pieces] == [5, 0]
    assert usage_of(pieces) == COUNTED


@pytest.mark.parametrize("error", [FAILED, ERROR, NESTED])
def test_an_error_before_content_is_raised_in_the_providers_own_words(
    error: tuple[str, dict[str, Any]],
) -> None:
    stream = Stream(ENDPOINT)
    stream.feed(numbered(CREATED, UNDER_WAY))
    with pytest.raises(Fault) as told:
        stream.feed(event(error[0], **error[1]))
    assert told.value.kind is Kind.RATE_LIMITED
    assert told.value.upstream is not None
    body = json.loads(told.value.upstream.body)
    assert (body["error"]["code"], body["error"]["message"]) == tuple(LIMITED.values())


@pytest.mark.parametrize("error", [FAILED, ERROR, NESTED])
def test_an_error_after_content_is_kept_from_the_client_and_left_to_be_raised(
    error: tuple[str, dict[str, Any]],
) -> None:
    stream = Stream(ENDPOINT)
    said = numbered(CREATED, *HELLO)
    piece = stream.feed(said + event(error[0], **error[1]) + event("keepalive"))
    assert piece.data == said
    assert piece.usage == (COUNTED if error is FAILED else None)
    assert stream.fault is not None
    assert stream.fault.kind is Kind.RATE_LIMITED


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("server_error", Kind.SERVER_ERROR),
        ("invalid_prompt", Kind.REJECTED),
        ("invalid_image_url", Kind.REJECTED),
        ("context_length_exceeded", Kind.CONTEXT_EXCEEDED),
        ("insufficient_quota", Kind.CREDENTIALS),
    ],
)
def test_every_code_of_a_failed_response_is_the_fault_its_status_would_have_been(
    code: str, kind: Kind
) -> None:
    error = {"code": code, "message": "No."}
    with pytest.raises(Fault) as told:
        read(("response.failed", {"response": response("failed", error=error)}))
    assert told.value.kind is kind
    with pytest.raises(Fault) as told:
        read_whole(json.dumps(response("failed", error=error)).encode(), ENDPOINT)
    assert told.value.kind is kind


@pytest.mark.parametrize("lacking", [b"", b"data: [DONE]\n\n", numbered(completed())[:-30]])
def test_a_stream_that_stops_before_its_end_was_cut_short(lacking: bytes) -> None:
    stream = Stream(ENDPOINT)
    stream.feed(numbered(CREATED, *HELLO) + lacking)
    with pytest.raises(Fault) as told:
        stream.close()
    assert told.value.kind is Kind.BROKEN


def test_what_is_no_json_is_garbage() -> None:
    with pytest.raises(Fault) as told:
        Stream(ENDPOINT).feed(b"event: response.created\ndata: {no}\n\n")
    assert told.value.kind is Kind.GARBAGE


def test_a_whole_response_is_one_piece() -> None:
    thought = {"type": "reasoning", "content": [{"type": "reasoning_text", "text": "Hm"}]}
    call = {"type": "function_call", "name": "f", "arguments": "{}"}
    body = json.dumps(response("completed", thought, MESSAGE, call)).encode()
    assert read_whole(body, ENDPOINT) == Piece(
        body, Content.ANSWER, 10, 2, COUNTED, "completed", ended=True
    )


def test_a_whole_response_that_was_cut_off_says_why() -> None:
    cut = response("incomplete", MESSAGE, incomplete_details={"reason": "content_filter"})
    assert read_whole(json.dumps(cut).encode(), ENDPOINT).finish == "content_filter"


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b'{"error":{"code":"server_error"}}', Kind.SERVER_ERROR),
        (b'{"output":[', Kind.BROKEN),
        (b'{"object":"response"}', Kind.GARBAGE),
        (b"[]", Kind.GARBAGE),
        (b"<html>", Kind.GARBAGE),
    ],
)
def test_what_is_no_whole_response_is_a_fault(body: bytes, kind: Kind) -> None:
    with pytest.raises(Fault) as told:
        read_whole(body, ENDPOINT)
    assert told.value.kind is kind


VALUES = st.none() | st.integers() | st.text(max_size=5) | st.lists(st.text(max_size=3), max_size=2)
FIELDS = st.sampled_from(["delta", "item", "response", "text", "output", "content", "name"])
NAMES = st.sampled_from(
    [
        "response.created",
        "response.output_item.added",
        "response.output_text.delta",
        "response.reasoning_text.delta",
        "response.completed",
        "keepalive",
    ]
)


@given(NAMES, st.dictionaries(FIELDS, VALUES | st.dictionaries(FIELDS, VALUES)))
def test_json_of_any_shape_passes(name: str, fields: dict[str, Any]) -> None:
    (piece,) = read((name, fields))
    assert piece.data == event(name, **fields)
    assert piece.ended == (name == "response.completed")
    assert 0 <= piece.reasoning_chars <= piece.chars

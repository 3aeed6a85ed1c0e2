"""A chat completion reaches an Anthropic client as a message, streamed and whole."""

from typing import Any

import anthropic
import pytest

from router.core.faults import Fault, Kind
from tests.upstream.translate.saying import (
    MESSAGES_TO_CHAT,
    NOW_S,
    Json,
    as_message,
    as_message_stream,
    assembled_message,
    chunk,
    completion,
    data_of,
    plain,
    served,
)

ROLE = chunk({"role": "assistant", "content": ""})
STOP = chunk({}, "stop")
USAGE = {
    "prompt_tokens": 17,
    "completion_tokens": 9,
    "total_tokens": 26,
    "prompt_tokens_details": {"cached_tokens": 5, "cache_write_tokens": 2},
    "completion_tokens_details": {"reasoning_tokens": 4},
}
COUNTED = {
    "input_tokens": 10,
    "cache_read_input_tokens": 5,
    "cache_creation_input_tokens": 2,
    "output_tokens": 9,
    "output_tokens_details": {"thinking_tokens": 4},
}


def called(index: int | None, arguments: Any, call_id: str | None = None, name: str = "") -> Json:
    call: Json = {"function": {"arguments": arguments}}
    if index is not None:
        call["index"] = index
    if call_id:
        call |= {"id": call_id, "type": "function"}
    if name:
        call["function"]["name"] = name
    return chunk({"tool_calls": [call]})


def heard(*chunks: Json, finish: str = "stop") -> Json:
    return assembled_message(as_message_stream([ROLE, *chunks, chunk({}, finish)]))


def test_the_events_of_a_text_come_in_anthropics_order() -> None:
    parts = [chunk({"content": "Good "}), chunk({"content": "day"})]
    events = list(data_of(as_message_stream([ROLE, *parts, STOP])))
    assert [e["type"] for e in events] == [
        "message_start",
        "ping",
        "content_block_start",
        "content_block_delta",
        "content_block_delta",
        "content_block_stop",
        "message_delta",
        "message_stop",
    ]
    assert events[0]["message"]["id"] == "chatcmpl-7"
    assert events[0]["message"]["model"] == "gpt"


def test_every_event_is_named_by_its_type() -> None:
    for event in as_message_stream([ROLE, STOP]).split(b"\n\n")[:-1]:
        name, data = event.split(b"\n")
        assert b'"type":"' + name.removeprefix(b"event: ") + b'"' in data


@pytest.mark.parametrize(
    "thought",
    [
        {"reasoning_content": "Hm"},
        {"reasoning": "Hm"},
        {"reasoning_details": [{"type": "reasoning.text", "text": "Hm"}]},
        {"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "Hm"}]}]},
    ],
)
def test_reasoning_becomes_thinking_that_nobody_signed(thought: Json) -> None:
    assert heard(chunk(thought), chunk({"content": "Yes"}))["content"] == [
        {"type": "thinking", "thinking": "Hm", "signature": ""},
        {"type": "text", "text": "Yes"},
    ]


WANTED = [
    {"type": "tool_use", "id": "a", "name": "f", "input": {"x": 1}},
    {"type": "tool_use", "id": "b", "name": "g", "input": {}},
]


@pytest.mark.parametrize(
    "chunks",
    [
        [called(0, "", "a", "f"), called(0, '{"x":'), called(0, "1}"), called(1, "", "b", "g")],
        [called(0, '{"x":1}', "a", "f"), called(1, "{}", "b", "g")],
        [called(0, '{"x":1}', "a", "f"), called(0, "{}", "b", "g")],  # Google numbers all of them 0
        [called(None, '{"x":1}', "a", "f"), called(None, "{}", "b", "g")],
        [called(0, {"x": 1}, "a", "f"), called(1, {}, "b", "g")],  # Ollama sends objects
    ],
)
def test_parallel_calls_become_a_block_each(chunks: list[Json]) -> None:
    message = heard(*chunks, finish="tool_calls")
    assert message["content"] == WANTED
    assert message["stop_reason"] == "tool_use"


def test_a_call_without_an_identifier_gets_one() -> None:
    [use] = heard(called(0, "{}", None, "f"), finish="tool_calls")["content"]
    assert use["id"] == "call_0"


def test_going_back_to_an_earlier_call_cannot_be_told() -> None:
    chunks = [ROLE, called(0, "{", "a", "f"), called(1, "{}", "b", "g"), called(0, "}")]
    with pytest.raises(Fault) as caught:
        as_message_stream(chunks)
    assert caught.value.kind is Kind.GARBAGE


def test_usage_is_told_at_the_end_in_anthropics_way() -> None:
    told = chunk(usage=USAGE)
    events = list(data_of(as_message_stream([ROLE, chunk({"content": "A"}), STOP, told])))
    assert events[0]["message"]["usage"]["input_tokens"] == 0
    assert events[-2]["usage"] == COUNTED


def test_azures_first_chunk_without_choices_begins_nothing() -> None:
    empty = {"id": "", "model": "", "created": 0, "choices": [], "prompt_filter_results": []}
    events = list(data_of(as_message_stream([empty, ROLE, STOP])))
    assert events[0]["message"]["id"] == "chatcmpl-7"


def test_a_comment_stays_one() -> None:
    speaker = MESSAGES_TO_CHAT.stream(b"{}", NOW_S)
    assert speaker.feed(b": keep-alive\n\n") == b": keep-alive\n\n"


def test_a_stream_without_done_is_ended_all_the_same() -> None:
    speaker = MESSAGES_TO_CHAT.stream(b"{}", NOW_S)
    said = b"".join(map(speaker.feed, plain([ROLE, STOP])[:-1]))
    assert b"message_stop" not in said
    assert speaker.close().endswith(b'data: {"type":"message_stop"}\n\n')
    assert speaker.close() == b""


@pytest.mark.parametrize(
    ("finish", "stop"),
    [
        ("stop", "end_turn"),
        ("length", "max_tokens"),
        ("tool_calls", "tool_use"),
        ("function_call", "tool_use"),
        ("content_filter", "refusal"),
        ("eos", "end_turn"),
    ],
)
def test_the_reason_of_the_end_is_translated(finish: str, stop: str) -> None:
    assert heard(chunk({"content": "A"}), finish=finish)["stop_reason"] == stop
    assert as_message(completion({"content": "A"}, finish))["stop_reason"] == stop


def test_tools_were_used_also_where_an_endpoint_says_stop() -> None:
    assert heard(called(0, "{}", "a", "f"))["stop_reason"] == "tool_use"


def test_a_refusal_is_said_and_named() -> None:
    for message in (
        heard(chunk({"refusal": "No"})),
        as_message(completion({"content": None, "refusal": "No"})),
    ):
        assert message["content"] == [{"type": "text", "text": "No"}]
        assert message["stop_reason"] == "refusal"


def test_a_whole_completion_is_a_message() -> None:
    calls = [
        {"id": "a", "type": "function", "function": {"name": "f", "arguments": '{"x": 0.10}'}},
        {"id": "b", "type": "function", "function": {"name": "g", "arguments": ""}},
    ]
    message = {"content": "So", "reasoning_content": "Hm", "tool_calls": calls}
    assert as_message(completion(message, "tool_calls", usage=USAGE)) == {
        "id": "chatcmpl-7",
        "type": "message",
        "role": "assistant",
        "model": "gpt",
        "content": [
            {"type": "thinking", "thinking": "Hm", "signature": ""},
            {"type": "text", "text": "So"},
            {"type": "tool_use", "id": "a", "name": "f", "input": {"x": 0.1}},
            {"type": "tool_use", "id": "b", "name": "g", "input": {}},
        ],
        "stop_reason": "tool_use",
        "stop_sequence": None,
        "usage": COUNTED,
    }


def test_arguments_that_are_no_object_can_be_seen() -> None:
    calls = [{"id": "a", "type": "function", "function": {"name": "f", "arguments": '{"x'}}]
    [use] = as_message(completion({"tool_calls": calls}, "length"))["content"]
    assert use["input"] == {"INVALID_JSON": '{"x'}


def test_the_anthropic_client_reads_a_streamed_call() -> None:
    chunks = [
        ROLE,
        chunk({"reasoning_content": "Hm"}),
        chunk({"content": "So"}),
        called(0, "", "a", "f"),
        called(0, '{"x": 1}'),
        chunk({}, "tool_calls"),
        chunk(usage=USAGE),
    ]
    with (
        served(lambda _: as_message_stream(chunks)) as address,
        anthropic.Anthropic(api_key="k", base_url=address) as client,
        client.messages.stream(
            model="m", max_tokens=9, messages=[{"role": "user", "content": "Hi"}]
        ) as stream,
    ):
        message = stream.get_final_message()
    assert [block.type for block in message.content] == ["thinking", "text", "tool_use"]
    assert message.content[2].input == {"x": 1}  # type: ignore[union-attr]
    assert message.stop_reason == "tool_use"
    assert (message.usage.input_tokens, message.usage.output_tokens) == (10, 9)
    assert message.usage.cache_read_input_tokens == 5

"""A message of Anthropic's reaches a chat client as a completion, streamed and whole."""

import json

import openai
import pytest

from tests.upstream.translate.saying import (
    CHAT_TO_MESSAGES,
    NOW_S,
    Json,
    a_message,
    as_chat_stream,
    as_completion,
    assembled_chat,
    data_of,
    message_events,
    served,
)

TEXT = {"type": "text", "text": 'Good "day"\nfür dich'}
THOUGHT = {"type": "thinking", "thinking": "Let me see", "signature": "c2ln"}
CALL = {"type": "tool_use", "id": "toolu_1", "name": "weather", "input": {"city": "Ulm"}}
BARE = {"type": "tool_use", "id": "toolu_2", "name": "now", "input": {}}
USAGE = {
    "input_tokens": 10,
    "cache_read_input_tokens": 5,
    "cache_creation_input_tokens": 2,
    "output_tokens": 9,
    "output_tokens_details": {"thinking_tokens": 4},
    "service_tier": "priority",
}
COUNTED = {
    "prompt_tokens": 17,
    "completion_tokens": 9,
    "total_tokens": 26,
    "prompt_tokens_details": {"cached_tokens": 5, "cache_write_tokens": 2},
    "completion_tokens_details": {"reasoning_tokens": 4},
}
WANTS_USAGE = {"stream_options": {"include_usage": True}}


def test_a_stream_begins_with_the_role_and_ends_with_the_reason_and_done() -> None:
    said = as_chat_stream(message_events(TEXT))
    first, *middle, last = data_of(said)
    assert first["choices"][0]["delta"] == {"role": "assistant", "content": ""}
    assert "".join(c["choices"][0]["delta"]["content"] for c in middle) == TEXT["text"]
    assert last["choices"][0]["finish_reason"] == "stop"
    assert said.endswith(b"data: [DONE]\n\n")
    heads = {(c["id"], c["object"], c["created"], c["model"]) for c in data_of(said)}
    assert heads == {("msg_7", "chat.completion.chunk", NOW_S, "claude")}


def test_thinking_is_shown_as_reasoning_and_its_signature_is_not() -> None:
    said = as_chat_stream(message_events(THOUGHT, TEXT))
    message = assembled_chat(said)["message"]
    assert message["reasoning_content"] == "Let me see"
    assert message["content"] == TEXT["text"]
    assert b"c2ln" not in said


def test_parallel_calls_are_numbered_among_themselves() -> None:
    said = as_chat_stream(message_events(TEXT, CALL, BARE, stop="tool_use"))
    assembled = assembled_chat(said)
    assert assembled["message"]["tool_calls"] == [
        {"id": "toolu_1", "name": "weather", "arguments": '{"city": "Ulm"}'},
        {"id": "toolu_2", "name": "now", "arguments": "{}"},
    ]
    assert assembled["finish_reason"] == "tool_calls"


def test_usage_is_told_in_a_chunk_of_its_own_to_those_who_asked() -> None:
    events = message_events(TEXT)
    events[0]["message"]["usage"] = {**USAGE, "output_tokens": 1}
    events[-2]["usage"] = {"output_tokens": 9}
    said = list(data_of(as_chat_stream(events, **WANTS_USAGE)))
    assert said[-1] == {**said[-1], "choices": [], "usage": COUNTED, "service_tier": "priority"}
    assert {c["usage"] for c in said[:-1]} == {None}
    assert all("usage" not in c for c in data_of(as_chat_stream(events)))


def test_a_ping_becomes_a_comment_and_a_comment_stays_one() -> None:
    speaker = CHAT_TO_MESSAGES.stream(b"{}", NOW_S)
    assert speaker.feed(b'event: ping\ndata: {"type": "ping"}\n\n') == b": ping\n\n"
    assert speaker.feed(b": still here\n\n") == b": still here\n\n"


def test_a_stream_without_its_last_event_is_ended_all_the_same() -> None:
    said = as_chat_stream(message_events(TEXT)[:-1])
    assert said.endswith(b"data: [DONE]\n\n")
    assert said.count(b"[DONE]") == 1


@pytest.mark.parametrize(
    ("stop", "finish"),
    [
        ("end_turn", "stop"),
        ("stop_sequence", "stop"),
        ("pause_turn", "stop"),
        ("max_tokens", "length"),
        ("model_context_window_exceeded", "length"),
        ("tool_use", "tool_calls"),
        ("refusal", "content_filter"),
        ("something_new", "stop"),
    ],
)
def test_the_reason_of_the_end_is_translated(stop: str, finish: str) -> None:
    assert (
        assembled_chat(as_chat_stream(message_events(TEXT, stop=stop)))["finish_reason"] == finish
    )
    assert as_completion(a_message(TEXT, stop=stop))["choices"][0]["finish_reason"] == finish


def test_why_an_answer_was_refused_is_said() -> None:
    details = {"type": "refusal", "category": "bio", "explanation": "Not that."}
    events = message_events(stop="refusal")
    events[-2]["delta"]["stop_details"] = details
    assert assembled_chat(as_chat_stream(events))["message"]["refusal"] == "Not that."
    whole = as_completion(a_message(stop="refusal", stop_details=details))
    assert whole["choices"][0]["message"]["refusal"] == "Not that."


def test_a_whole_message_is_a_completion() -> None:
    said = as_completion(a_message(THOUGHT, TEXT, CALL, BARE, stop="tool_use", usage=USAGE))
    assert said == {
        "id": "msg_7",
        "object": "chat.completion",
        "created": NOW_S,
        "model": "claude",
        "service_tier": "priority",
        "choices": [
            {
                "index": 0,
                "finish_reason": "tool_calls",
                "logprobs": None,
                "message": {
                    "role": "assistant",
                    "content": TEXT["text"],
                    "refusal": None,
                    "reasoning_content": "Let me see",
                    "tool_calls": [
                        {
                            "id": "toolu_1",
                            "type": "function",
                            "function": {"name": "weather", "arguments": '{"city":"Ulm"}'},
                        },
                        {
                            "id": "toolu_2",
                            "type": "function",
                            "function": {"name": "now", "arguments": "{}"},
                        },
                    ],
                },
            }
        ],
        "usage": COUNTED,
    }


def test_what_has_no_counts_is_told_without() -> None:
    assert "usage" not in as_completion(a_message(TEXT, usage=None))


@pytest.mark.parametrize(
    "odd",
    [
        {"type": "new_event"},
        {"type": "content_block_delta", "index": 0, "delta": None},
        {"type": "content_block_delta", "index": 0, "delta": "x"},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "citations_delta"}},
        {"type": "content_block_start", "index": 9, "content_block": {"type": "new_block"}},
    ],
)
def test_events_nobody_knows_say_nothing(odd: Json) -> None:
    events = message_events(TEXT)
    assert as_chat_stream([*events[:3], odd, *events[3:]]) == as_chat_stream(events)


def test_the_openai_client_reads_a_streamed_call() -> None:
    events = message_events(TEXT, CALL, stop="tool_use")
    with (
        served(lambda body: as_chat_stream(events, **json.loads(body))) as address,
        openai.OpenAI(api_key="k", base_url=f"{address}/v1") as client,
        client.chat.completions.stream(
            model="m",
            messages=[{"role": "user", "content": "Hi"}],
            stream_options={"include_usage": True},
        ) as stream,
    ):
        done = stream.get_final_completion()
    calls = done.choices[0].message.tool_calls
    assert calls
    [call] = calls
    assert json.loads(call.function.arguments) == CALL["input"]
    assert done.choices[0].message.content == TEXT["text"]
    assert done.usage is not None
    assert (done.usage.prompt_tokens, done.usage.completion_tokens) == (3, 4)

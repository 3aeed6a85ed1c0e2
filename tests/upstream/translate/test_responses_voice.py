"""A chat completion, or a message of Anthropic's, reaches a client of responses."""

import openai
import pytest

from tests.upstream.translate.saying import (
    NOW_S,
    RESPONSES_TO_MESSAGES,
    Json,
    a_message,
    as_response,
    as_response_stream,
    chunk,
    completion,
    data_of,
    message_events,
    named,
    plain,
    served,
)

USAGE = {
    "prompt_tokens": 17,
    "completion_tokens": 9,
    "prompt_tokens_details": {"cached_tokens": 5, "cache_write_tokens": 2},
    "completion_tokens_details": {"reasoning_tokens": 4},
}
COUNTED = {
    "input_tokens": 17,
    "input_tokens_details": {"cached_tokens": 5, "cache_write_tokens": 2},
    "output_tokens": 9,
    "output_tokens_details": {"reasoning_tokens": 4},
    "total_tokens": 26,
}
CALL = {
    "index": 0,
    "id": "c1",
    "type": "function",
    "function": {"name": "weather", "arguments": '{"city":'},
}
MORE = {"index": 0, "function": {"arguments": '"Ulm"}'}}
CHUNKS = [
    chunk({"role": "assistant", "content": ""}),
    chunk({"reasoning_content": "H"}),
    chunk({"reasoning_content": "m"}),
    chunk({"content": "So, "}),
    chunk({"content": "now"}),
    chunk({"tool_calls": [CALL]}),
    chunk({"tool_calls": [MORE]}),
    chunk({}, "tool_calls"),
    chunk(usage=USAGE),
]
WHOLE = completion(
    {
        "content": "So, now",
        "reasoning_content": "Hm",
        "tool_calls": [
            {
                "id": "c1",
                "type": "function",
                "function": {"name": "weather", "arguments": '{"city":"Ulm"}'},
            }
        ],
    },
    "tool_calls",
    usage=USAGE,
)
TEXT = {"type": "output_text", "text": "So, now", "annotations": [], "logprobs": []}
OUTPUT = [
    {"id": "rs_told_7_0", "type": "reasoning", "summary": [{"type": "summary_text", "text": "Hm"}]},
    {
        "id": "msg_told_7_1",
        "type": "message",
        "role": "assistant",
        "status": "completed",
        "content": [TEXT],
    },
    {
        "id": "fc_told_7_2",
        "type": "function_call",
        "call_id": "c1",
        "name": "weather",
        "arguments": '{"city":"Ulm"}',
        "status": "completed",
    },
]


def kinds(stream: bytes) -> list[str]:
    return [event["type"].removeprefix("response.") for event in data_of(stream)]


def test_every_item_is_begun_told_and_done_before_the_next() -> None:
    assert kinds(as_response_stream(plain(CHUNKS))) == [
        "created",
        "in_progress",
        "output_item.added",
        "reasoning_summary_part.added",
        "reasoning_summary_text.delta",
        "reasoning_summary_text.delta",
        "reasoning_summary_text.done",
        "reasoning_summary_part.done",
        "output_item.done",
        "output_item.added",
        "content_part.added",
        "output_text.delta",
        "output_text.delta",
        "output_text.done",
        "content_part.done",
        "output_item.done",
        "output_item.added",
        "function_call_arguments.delta",
        "function_call_arguments.delta",
        "function_call_arguments.done",
        "output_item.done",
        "completed",
    ]


def test_the_last_event_holds_the_whole_response() -> None:
    *_, last = data_of(as_response_stream(plain(CHUNKS), temperature=0.5, metadata={"a": "b"}))
    response = last["response"]
    assert response["id"] == "resp_7"
    assert response["status"] == "completed"
    assert response["output"] == OUTPUT
    assert response["usage"] == COUNTED
    assert response["model"] == "gpt"
    assert response["created_at"] == 5
    assert response["temperature"] == 0.5
    assert response["metadata"] == {"a": "b"}
    assert response["store"] is False


def test_a_whole_completion_is_the_same_response() -> None:
    asked: Json = {
        "tools": [{"type": "function", "name": "weather"}],
        "reasoning": {"effort": "low"},
    }
    *_, last = data_of(as_response_stream(plain(CHUNKS), **asked))
    assert as_response(WHOLE, **asked) == last["response"]


@pytest.mark.parametrize(
    ("finish", "reason"), [("length", "max_output_tokens"), ("content_filter", "content_filter")]
)
def test_an_answer_that_was_cut_off_is_incomplete(finish: str, reason: str) -> None:
    chunks = [chunk({"content": "So"}), chunk({}, finish)]
    *_, done, last = data_of(as_response_stream(plain(chunks)))
    assert (done["type"], done["item"]["status"]) == ("response.output_item.done", "incomplete")
    assert last["type"] == "response.incomplete"
    whole = as_response(completion({"content": "So"}, finish))
    for response in (last["response"], whole):
        assert response["status"] == "incomplete"
        assert response["incomplete_details"] == {"reason": reason}
        assert response["output"][-1]["status"] == "incomplete"


def test_a_refusal_is_a_part_of_its_own() -> None:
    stream = as_response_stream(plain([chunk({"refusal": "No"}), chunk({}, "stop")]))
    assert "refusal.delta" in kinds(stream)
    assert "refusal.done" in kinds(stream)
    *_, last = data_of(stream)
    wanted = [{"type": "refusal", "refusal": "No"}]
    assert last["response"]["output"][0]["content"] == wanted
    assert as_response(completion({"refusal": "No"}))["output"][0]["content"] == wanted


def test_an_answer_of_nothing_is_complete() -> None:
    *_, last = data_of(as_response_stream(plain([])))
    assert last["type"] == "response.completed"
    assert last["response"]["output"] == []
    assert last["response"]["created_at"] == NOW_S


def test_whole_calls_under_one_number_stay_apart() -> None:
    function = {"name": "f", "arguments": "{}"}
    calls = [{"type": "function", "function": function} for _ in range(2)]
    output = as_response(completion({"tool_calls": calls}, "tool_calls"))["output"]
    assert [item["call_id"] for item in output] == ["call_0", "call_1"]


THOUGHT = {"type": "thinking", "thinking": "Hm", "signature": "c2ln"}
USE = {"type": "tool_use", "id": "c1", "name": "weather", "input": {"city": "Ulm"}}


def test_a_message_of_anthropics_becomes_a_response_by_way_of_chat() -> None:
    content: list[Json] = [THOUGHT, {"type": "text", "text": "So, now"}, USE]
    events = named(message_events(*content, stop="tool_use"))
    *_, last = data_of(as_response_stream(events, RESPONSES_TO_MESSAGES))
    whole = as_response(a_message(*content, stop="tool_use"), RESPONSES_TO_MESSAGES)
    for response in (last["response"], whole):
        assert [item["type"] for item in response["output"]] == [
            "reasoning",
            "message",
            "function_call",
        ]
        assert response["output"][:2] == OUTPUT[:2]
        assert response["usage"]["input_tokens"] == 3
        assert response["usage"]["output_tokens"] == 4


def test_the_openai_client_reads_a_streamed_response() -> None:
    with (
        served(lambda _: as_response_stream(plain(CHUNKS))) as address,
        openai.OpenAI(api_key="k", base_url=f"{address}/v1") as client,
        client.responses.stream(model="m", input="Hi") as stream,
    ):
        texts = [e.delta for e in stream if e.type == "response.output_text.delta"]
        done = stream.get_final_response()
    assert texts == ["So, ", "now"]
    assert done.output_text == "So, now"
    assert done.usage is not None
    assert done.usage.total_tokens == 26

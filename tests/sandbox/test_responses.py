"""The market's Responses, read by OpenAI's own client and byte by byte."""

import json
from typing import Any

import openai
import pytest

from router.sandbox.fleet import EndpointId, Reasoning
from router.sandbox.process import Market
from tests.sandbox.caller import R1, call, entry_of
from tests.sandbox.test_openai import CHAT_ROWS, O3, OFFICIAL, SHORT, client

pytestmark = pytest.mark.asyncio(loop_scope="session")

PATH = "/responses"
TOOL: Any = {
    "type": "function",
    "name": "weather",
    "parameters": {
        "type": "object",
        "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
    },
    "strict": True,
}
FORMAT: Any = {
    "type": "json_schema",
    "name": "s",
    "schema": {"type": "object", "properties": {"ok": {"type": "boolean"}}},
}


def kinds(events: list[dict[str, Any]]) -> list[str]:
    """The types of the events in order, repetitions once."""
    names = [event["type"].removeprefix("response.") for event in events]
    return [name for n, name in enumerate(names) if n == 0 or names[n - 1] != name]


@pytest.mark.parametrize("endpoint", CHAT_ROWS)
async def test_the_real_client_reads_a_stream_of_every_row(market: Market, endpoint: str) -> None:
    row = market.rows[EndpointId(endpoint)]
    text = thought = ""
    async with (
        client(market, endpoint) as ai,
        ai.responses.stream(model="any", input="hello there", extra_headers=SHORT) as stream,
    ):
        async for event in stream:
            if event.type == "response.output_text.delta":
                text += event.delta
            elif event.type == "response.reasoning_text.delta":
                thought += event.delta
        final = await stream.get_final_response()
    assert (final.status, final.model) == ("completed", row.model)
    assert len(text.split()) == 20
    assert final.output_text == text
    assert len(thought.split()) == (30 if row.reasoning is Reasoning.VISIBLE else 0)
    assert [item.type for item in final.output] == ["reasoning", "message"]
    assert final.usage is not None
    assert (final.usage.input_tokens, final.usage.output_tokens) == (7, 50)
    assert final.usage.output_tokens_details.reasoning_tokens == 30


@pytest.mark.parametrize("endpoint", [R1, O3])
async def test_a_whole_answer_is_the_last_event_of_its_stream(
    market: Market, endpoint: str
) -> None:
    whole = (await call(market, endpoint, path=PATH, headers=SHORT)).json
    streamed = await call(market, endpoint, path=PATH, headers=SHORT, stream=True)
    last = streamed.events[-1]["response"]
    assert set(whole) == set(last)
    assert [item["type"] for item in whole["output"]] == [item["type"] for item in last["output"]]
    assert whole["usage"] == last["usage"]


async def test_the_events_come_numbered_and_in_the_true_order(market: Market) -> None:
    reply = await call(market, R1, path=PATH, stream=True, headers=SHORT)
    assert [event["sequence_number"] for event in reply.events] == list(range(len(reply.events)))
    assert kinds(reply.events) == [
        "created", "in_progress", "output_item.added", "content_part.added",
        "reasoning_text.delta", "reasoning_text.done", "content_part.done", "output_item.done",
        "output_item.added", "content_part.added", "output_text.delta", "output_text.done",
        "content_part.done", "output_item.done", "completed",
    ]  # fmt: skip
    assert b"[DONE]" not in reply.raw
    silent = await call(market, O3, path=PATH, stream=True, headers=SHORT)
    assert kinds(silent.events)[2:5] == [
        "output_item.added", "output_item.done", "output_item.added",
    ]  # fmt: skip
    assert silent.events[2]["item"]["summary"] == []


@pytest.mark.parametrize("choice", ["required", {"type": "function", "name": "weather"}])
async def test_a_tool_is_called(market: Market, choice: Any) -> None:
    async with client(market, R1) as ai:
        async with ai.responses.stream(
            model="any", input="hello", tools=[TOOL], tool_choice=choice, extra_headers=SHORT
        ) as stream:
            streamed = await stream.get_final_response()
        whole = await ai.responses.create(
            model="any", input="hello", tools=[TOOL], tool_choice=choice, extra_headers=SHORT
        )
    for response in (streamed, whole):
        called = response.output[-1]
        assert called.type == "function_call"
        assert called.name == "weather"
        assert json.loads(called.arguments) == {"city": "as planned", "days": 1}
        assert response.tools[0].type == "function"


@pytest.mark.parametrize("stream", [True, False])
async def test_a_structured_answer_fits_its_schema(market: Market, *, stream: bool) -> None:
    reply = await call(market, R1, path=PATH, stream=stream, text={"format": FORMAT})
    body = reply.events[-1]["response"] if stream else reply.json
    assert json.loads(body["output"][-1]["content"][0]["text"]) == {"ok": True}
    assert body["text"]["format"]["name"] == "s"


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize(("limit", "items"), [(40, 2), (20, 1)])
async def test_a_limit_cuts_the_answer_and_says_so(
    market: Market, limit: int, items: int, *, stream: bool
) -> None:
    reply = await call(market, R1, path=PATH, stream=stream, max_output_tokens=limit, headers=SHORT)
    body = reply.events[-1]["response"] if stream else reply.json
    assert body["status"] == "incomplete"
    assert body["incomplete_details"] == {"reason": "max_output_tokens"}
    assert body["usage"]["output_tokens"] == body["max_output_tokens"] == limit
    assert len(body["output"]) == items


@pytest.mark.parametrize("stream", [True, False])
async def test_what_the_answer_reports_is_what_is_billed(market: Market, *, stream: bool) -> None:
    reply = await call(market, R1, path=PATH, stream=stream, headers=SHORT)
    entry = await entry_of(market, reply.id)
    usage = (reply.events[-1]["response"] if stream else reply.json)["usage"]
    assert (entry.prompt_tokens, entry.reasoning_tokens, entry.text_tokens) == (7, 30, 20)
    assert (usage["input_tokens"], usage["output_tokens"]) == (7, 50)
    assert entry.cost_nano_usd == 7 * 2000 + 50 * 4000
    assert (entry.end, entry.stream) == ("complete", stream)


async def test_the_same_conversation_has_the_same_tokens_as_in_chat(market: Market) -> None:
    told: Any = [
        {"role": "user", "content": [{"type": "input_text", "text": "hello there"}]},
        {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "c", "output": "ten degrees"},
    ]
    alone = (await call(market, R1, path=PATH, input=told[:1], headers=SHORT)).json
    assert alone["usage"]["input_tokens"] == 7
    all_of_it = (await call(market, R1, path=PATH, input=told, instructions="Be brief.")).json
    assert all_of_it["usage"]["input_tokens"] > 7 + 4 + 3
    assert all_of_it["instructions"] == "Be brief."


async def test_the_next_turn_is_read_from_the_cache(market: Market) -> None:
    first = [{"role": "user", "content": "brook " * 3000}]
    more = [{"role": "user", "content": "And now?"}]
    await call(market, OFFICIAL, path=PATH, input=first, headers=SHORT)
    reply = await call(market, OFFICIAL, path=PATH, input=first + more, headers=SHORT)
    entry = await entry_of(market, reply.id)
    assert entry.cached_tokens > 4000
    assert reply.json["usage"]["input_tokens_details"]["cached_tokens"] == entry.cached_tokens


@pytest.mark.parametrize(
    ("body", "param"),
    [
        (b"{", None),
        ({"model": "m"}, "input"),
        ({"model": "m", "input": []}, "input"),
        ({"model": "m", "input": [{"no": "type"}]}, "input"),
        ({"input": "x"}, "model"),
        ({"model": "m", "input": "x", "max_output_tokens": 15}, "max_output_tokens"),
        ({"model": "m", "input": "x", "previous_response_id": "resp_1"}, "previous_response_id"),
        ({"model": "m", "input": "x", "stream": "yes"}, "stream"),
    ],
)
async def test_a_bad_body_is_a_400_in_the_true_shape(
    market: Market, body: object, param: str | None
) -> None:
    reply = await call(market, R1, path=PATH, body=body)
    assert reply.status == 400
    assert set(reply.json["error"]) == {"message", "type", "param", "code"}
    assert reply.json["error"]["param"] == param


async def test_a_prompt_beyond_the_window_is_refused_as_the_real_one_does(market: Market) -> None:
    reply = await call(market, OFFICIAL, path=PATH, input="x" * 4 * 65536)
    assert (reply.status, reply.json["error"]["code"]) == (400, "context_length_exceeded")


async def test_an_error_in_the_stream_reaches_the_real_client(market: Market) -> None:
    order = {"x-sandbox-fault": "error_mid:3", **SHORT}
    async with client(market, R1) as ai:
        stream = await ai.responses.create(
            model="any", input="hello", stream=True, extra_headers=order
        )
        with pytest.raises(openai.APIError, match="had an error"):
            async for _ in stream:
                pass


@pytest.mark.parametrize("fault", ["crlf", "split", "no_usage", "empty", "die_mid:3"])
async def test_faults_strike_here_as_in_chat(market: Market, fault: str) -> None:
    order = {"x-sandbox-fault": fault, **SHORT}
    reply = await call(market, R1, path=PATH, stream=True, headers=order)
    entry = await entry_of(market, reply.id)
    if fault == "die_mid:3":
        assert (entry.end, entry.reasoning_tokens) == ("fault:die_mid", 3)
        return
    last = reply.events[-1]["response"]
    assert last["status"] == "completed"
    assert (last["usage"] is None) == (fault == "no_usage")
    assert (last["output"] == []) == (fault == "empty")


async def test_who_waits_long_is_kept_alive_with_an_event(market: Market) -> None:
    slow = {"x-sandbox-ttft-s": "30", "x-sandbox-answer-tokens": "5"}
    reply = await call(market, OFFICIAL, path=PATH, stream=True, headers=slow)
    assert "keepalive" in kinds(reply.events)

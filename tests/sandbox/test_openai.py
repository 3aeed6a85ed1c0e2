import json
from typing import Any

import openai
import pytest

from router.sandbox.fleet import EndpointId, Reasoning, load_fleet
from router.sandbox.process import Market
from tests.sandbox.caller import HELLO, R1, call

pytestmark = pytest.mark.asyncio(loop_scope="session")

OFFICIAL, AZURE, RESELLER = "deepseek-r1@deepseek", "deepseek-r1@azure", "deepseek-r1@openrouter"
O3 = "o3@openai"
SHORT = {"x-sandbox-answer-tokens": "50"}
ASKED = {"include_usage": True}
TOOL = {
    "type": "function",
    "function": {
        "name": "weather",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
        },
    },
}
CHAT_ROWS = [
    row.id for row in load_fleet().values() if row.dialect == "openai" and not row.dimensions
]


def client(market: Market, endpoint: str, key: str = "k") -> openai.AsyncOpenAI:
    return openai.AsyncOpenAI(api_key=key, base_url=market.base_url(endpoint), max_retries=0)


@pytest.mark.parametrize("endpoint", CHAT_ROWS)
async def test_the_real_client_reads_a_stream_of_every_row(market: Market, endpoint: str) -> None:
    row = market.rows[EndpointId(endpoint)]
    roles, text, thought, usage, finish = [], "", "", None, None
    async with client(market, endpoint) as ai:
        stream = await ai.chat.completions.create(
            model="any",
            messages=[{"role": "user", "content": "hello there"}],
            stream=True,
            stream_options={"include_usage": True},
            extra_headers=SHORT,
        )
        async for chunk in stream:
            usage = chunk.usage or usage
            for choice in chunk.choices:
                delta: Any = choice.delta
                roles += [delta.role] if delta.role else []
                text += delta.content or ""
                seen = getattr(delta, "reasoning_content", None)
                thought += seen or getattr(delta, "reasoning", None) or ""
                finish = choice.finish_reason or finish
    assert roles == ["assistant"]
    assert finish == "stop"
    assert usage is not None
    assert usage.completion_tokens == 50
    assert usage.completion_tokens_details is not None
    assert usage.completion_tokens_details.reasoning_tokens == 30
    assert len(text.split()) == 20
    assert len(thought.split()) == (30 if row.reasoning is Reasoning.VISIBLE else 0)


async def test_the_real_client_reads_a_whole_answer(market: Market) -> None:
    async with client(market, R1) as ai:
        answer = await ai.chat.completions.create(
            model="any", messages=[{"role": "user", "content": "hello there"}], extra_headers=SHORT
        )
    message: Any = answer.choices[0].message
    assert answer.model == "deepseek-ai/DeepSeek-R1"
    assert answer.usage is not None
    assert answer.usage.prompt_tokens == 3 + 4
    assert len(message.content.split()) == 20
    assert len(message.reasoning_content.split()) == 30


async def test_a_limit_cuts_the_answer_and_says_so(market: Market) -> None:
    reply = await call(market, stream=True, max_tokens=35, headers=SHORT, stream_options=ASKED)
    assert reply.events[-1]["usage"]["completion_tokens"] == 35
    assert reply.events[-2]["choices"][0]["finish_reason"] == "length"
    whole = await call(market, max_completion_tokens=10, headers=SHORT)
    assert whole.json["choices"][0]["finish_reason"] == "length"
    assert whole.json["choices"][0]["message"]["content"] == ""


async def test_usage_comes_in_a_chunk_of_its_own_and_only_when_asked(market: Market) -> None:
    asked = await call(market, stream=True, stream_options=ASKED, headers=SHORT)
    silent = await call(market, stream=True, headers=SHORT)
    assert asked.events[-1]["choices"] == []
    assert asked.raw.endswith(b"data: [DONE]\n\n")
    assert [event["usage"] for event in asked.events[:-1]] == [None] * (len(asked.events) - 1)
    assert not any("usage" in event for event in silent.events)
    assert silent.raw.endswith(b"data: [DONE]\n\n")


async def test_the_first_content_chunk_is_one_token_after_an_empty_role_chunk(
    market: Market,
) -> None:
    reply = await call(market, stream=True, headers=SHORT)
    first, second = (event["choices"][0]["delta"] for event in reply.events[:2])
    assert first == {"role": "assistant", "content": "", "reasoning_content": None}
    assert len(second["reasoning_content"].split()) == 1


async def test_deepseek_tells_cache_hits_and_misses(market: Market) -> None:
    usage = (await call(market, OFFICIAL, headers=SHORT)).json["usage"]
    assert (usage["prompt_cache_hit_tokens"], usage["prompt_cache_miss_tokens"]) == (0, 7)


async def test_azure_sends_its_filter_verdict_before_anything(market: Market) -> None:
    first = (await call(market, AZURE, stream=True, headers=SHORT)).events[0]
    assert first["choices"] == []
    assert "prompt_filter_results" in first


async def test_the_reseller_comments_while_waiting_and_reports_its_charge(market: Market) -> None:
    reply = await call(market, RESELLER, stream=True, stream_options=ASKED, headers=SHORT)
    assert b": OPENROUTER PROCESSING\n\n" in reply.raw
    usage = reply.events[-1]["usage"]
    assert usage["cost"] == pytest.approx((7 * 0.80 + 50 * 2.80) / 1e6)


async def test_hidden_reasoning_is_billed_and_never_seen(market: Market) -> None:
    reply = await call(market, O3, stream=True, stream_options=ASKED, headers=SHORT)
    assert b"reasoning_content" not in reply.raw
    assert reply.events[-1]["usage"]["completion_tokens_details"] == {"reasoning_tokens": 30}


async def test_a_required_tool_is_called_in_pieces(market: Market) -> None:
    reply = await call(market, stream=True, tools=[TOOL], tool_choice="required", headers=SHORT)
    calls = [
        tool
        for event in reply.events
        for choice in event["choices"]
        for tool in choice["delta"].get("tool_calls", [])
    ]
    assert calls[0]["function"] == {"name": "weather", "arguments": ""}
    arguments = "".join(one["function"]["arguments"] for one in calls)
    assert json.loads(arguments) == {"city": "as planned", "days": 1}
    assert reply.events[-1]["choices"][0]["finish_reason"] == "tool_calls"


async def test_a_named_tool_is_called_in_a_whole_answer(market: Market) -> None:
    choice = {"type": "function", "function": {"name": "weather"}}
    reply = await call(market, tools=[TOOL], tool_choice=choice)
    (called,) = reply.json["choices"][0]["message"]["tool_calls"]
    assert json.loads(called["function"]["arguments"])["days"] == 1


@pytest.mark.parametrize("stream", [True, False])
async def test_a_structured_answer_fits_its_schema(market: Market, *, stream: bool) -> None:
    schema = {"type": "object", "properties": {"ok": {"type": "boolean"}}}
    shape = {"type": "json_schema", "json_schema": {"name": "s", "schema": schema}}
    reply = await call(market, stream=stream, response_format=shape)
    text = reply.text if stream else reply.json["choices"][0]["message"]["content"]
    assert json.loads(text) == {"ok": True}


@pytest.mark.parametrize(
    ("body", "param"),
    [
        (b"{", None),
        (b"\xff\xfe", None),
        ({"model": "m"}, "messages"),
        ({"messages": HELLO}, "model"),
        ({"model": "m", "messages": []}, "messages"),
        ({"model": "m", "messages": "hello"}, "messages"),
        ({"model": "m", "messages": HELLO, "max_tokens": 0}, "max_tokens"),
        ({"model": "m", "messages": HELLO, "max_tokens": "9"}, "max_tokens"),
        ({"model": "m", "messages": HELLO, "stream": "yes"}, "stream"),
        ({"model": "m", "messages": HELLO, "n": 2}, "n"),
        ({"model": "m", "messages": HELLO, "logprobs": True}, "logprobs"),
        ({"model": "m", "messages": HELLO, "modalities": ["text", "audio"]}, "modalities"),
        ({"model": "m", "messages": HELLO, "function_call": {"name": "f"}}, "function_call"),
    ],
)
async def test_a_bad_body_is_a_400_in_the_true_shape(
    market: Market, body: object, param: str | None
) -> None:
    reply = await call(market, body=body)
    error = reply.json["error"]
    assert reply.status == 400
    assert set(error) == {"message", "type", "param", "code"}
    assert (error["type"], error["param"]) == ("invalid_request_error", param)


async def test_a_prompt_beyond_the_window_is_refused_as_the_real_one_does(market: Market) -> None:
    long = [{"role": "user", "content": "x" * 4 * 65536}]
    reply = await call(market, OFFICIAL, messages=long)
    assert (reply.status, reply.json["error"]["code"]) == (400, "context_length_exceeded")
    fits = await call(market, "deepseek-r1@lambda", messages=long, headers=SHORT)
    assert fits.status == 200


async def test_without_a_key_it_is_a_401(market: Market) -> None:
    reply = await call(market, headers={"authorization": ""})
    assert (reply.status, reply.json["error"]["code"]) == (401, "invalid_api_key")
    assert (await call(market, headers={"authorization": "", "api-key": "k"})).status == 200


async def test_unknown_paths_are_a_404_with_an_error_object(market: Market) -> None:
    for endpoint in ("nobody@nowhere", "claude-sonnet-4@anthropic/v1/x"):
        reply = await call(market, endpoint)
        assert reply.status == 404
        assert reply.json["error"]["type"] == "invalid_request_error"


async def test_models_are_listed(market: Market) -> None:
    async with client(market, O3) as ai:
        assert [model.id async for model in ai.models.list()] == ["o3-2025-04-16"]

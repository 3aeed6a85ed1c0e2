import json
from typing import Any

import anthropic
import pytest

from router.sandbox.process import Market
from tests.sandbox.caller import CLAUDE, HELLO, call

pytestmark = pytest.mark.asyncio(loop_scope="session")

SHORT = {"x-sandbox-answer-tokens": "50"}
TOOL: Any = {
    "name": "weather",
    "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}},
}
PROMPT: Any = [{"role": "user", "content": "hello there"}]


def client(market: Market) -> anthropic.AsyncAnthropic:
    return anthropic.AsyncAnthropic(api_key="k", base_url=market.base_url(CLAUDE), max_retries=0)


async def test_the_real_client_reads_a_stream(market: Market) -> None:
    async with (
        client(market) as ai,
        ai.messages.stream(
            model="any", max_tokens=900, messages=PROMPT, extra_headers=SHORT
        ) as stream,
    ):
        message = await stream.get_final_message()
    (block,) = message.content
    assert block.type == "text"
    assert len(block.text.split()) == 50
    assert (message.usage.input_tokens, message.usage.output_tokens) == (7, 50)
    assert message.stop_reason == "end_turn"


async def test_the_real_client_reads_a_whole_answer(market: Market) -> None:
    async with client(market) as ai:
        message = await ai.messages.create(
            model="any", max_tokens=20, messages=PROMPT, extra_headers=SHORT
        )
    (block,) = message.content
    assert block.type == "text"
    assert len(block.text.split()) == 20
    assert message.stop_reason == "max_tokens"
    assert message.model == "claude-sonnet-4-20250514"


async def test_the_events_come_in_the_true_order(market: Market) -> None:
    reply = await call(market, CLAUDE, stream=True, max_tokens=900, headers=SHORT)
    kinds = [event["type"] for event in reply.events]
    assert kinds[:3] == ["message_start", "content_block_start", "ping"]
    assert kinds[-3:] == ["content_block_stop", "message_delta", "message_stop"]
    assert set(kinds[3:-3]) == {"content_block_delta"}
    assert reply.events[0]["message"]["usage"]["input_tokens"] == 7
    assert reply.events[-2]["usage"]["output_tokens"] == 50


@pytest.mark.parametrize("choice", [{"type": "any"}, {"type": "tool", "name": "weather"}])
async def test_a_tool_is_called(market: Market, choice: Any) -> None:
    async with client(market) as ai:
        async with ai.messages.stream(
            model="any", max_tokens=900, messages=PROMPT, tools=[TOOL], tool_choice=choice
        ) as stream:
            streamed = await stream.get_final_message()
        whole = await ai.messages.create(
            model="any", max_tokens=900, messages=PROMPT, tools=[TOOL], tool_choice=choice
        )
    for message in (streamed, whole):
        (block,) = message.content
        assert block.type == "tool_use"
        assert (block.name, block.input) == ("weather", {"city": "as planned"})
        assert message.stop_reason == "tool_use"


async def test_a_schema_is_kept(market: Market) -> None:
    schema = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}
    config: Any = {"format": {"type": "json_schema", "schema": schema}}
    async with client(market) as ai:
        asked: Any = {"model": "any", "max_tokens": 900, "messages": PROMPT}
        async with ai.messages.stream(**asked, output_config=config) as stream:
            streamed = await stream.get_final_message()
        whole = await ai.messages.create(**asked, output_config=config)
    for message in (streamed, whole):
        block: Any = message.content[0]
        assert block.type == "text"
        assert {*json.loads(block.text)} == {"name"}
        assert message.stop_reason == "end_turn"


async def test_tokens_are_counted_as_they_are_billed(market: Market) -> None:
    async with client(market) as ai:
        counted = await ai.messages.count_tokens(
            model="any", messages=PROMPT, system="be brief", tools=[TOOL]
        )
        message = await ai.messages.create(
            model="any", max_tokens=5, messages=PROMPT, system="be brief", tools=[TOOL]
        )
    assert counted.input_tokens == message.usage.input_tokens > 7


@pytest.mark.parametrize(
    ("body", "word"),
    [
        (b"{", "JSON"),
        ({"model": "m", "messages": HELLO}, "max_tokens"),
        ({"model": "m", "max_tokens": 5}, "messages"),
        ({"model": "m", "max_tokens": 5, "messages": []}, "messages"),
        ({"model": "m", "max_tokens": 0, "messages": HELLO}, "max_tokens"),
        ({"model": "m", "max_tokens": 200_000, "messages": HELLO}, "context limit"),
    ],
)
async def test_a_bad_body_is_a_400_in_the_true_shape(
    market: Market, body: object, word: str
) -> None:
    reply = await call(market, CLAUDE, body=body)
    assert reply.status == 400
    assert reply.json["type"] == "error"
    assert reply.json["error"]["type"] == "invalid_request_error"
    assert word in reply.json["error"]["message"]
    assert reply.json["request_id"] == reply.headers["request-id"]


async def test_overload_is_the_error_the_real_client_knows(market: Market) -> None:
    async with client(market) as ai:
        with pytest.raises(anthropic.APIStatusError) as told:
            await ai.messages.create(
                model="any",
                max_tokens=5,
                messages=PROMPT,
                extra_headers={"x-sandbox-fault": "http_529"},
            )
    assert told.value.status_code == 529
    assert told.value.response.json()["error"]["type"] == "overloaded_error"


async def test_an_error_in_the_stream_reaches_the_real_client(market: Market) -> None:
    async with client(market) as ai:
        with pytest.raises(anthropic.APIStatusError):
            async with ai.messages.stream(
                model="any",
                max_tokens=900,
                messages=PROMPT,
                extra_headers={"x-sandbox-fault": "error_mid:3", **SHORT},
            ) as stream:
                await stream.get_final_message()


async def test_without_a_key_it_is_a_401(market: Market) -> None:
    reply = await call(market, CLAUDE, max_tokens=5, headers={"authorization": ""})
    assert (reply.status, reply.json["error"]["type"]) == (401, "authentication_error")
    keyed = await call(
        market, CLAUDE, max_tokens=5, headers={"authorization": "", "x-api-key": "k"}
    )
    assert keyed.status == 200

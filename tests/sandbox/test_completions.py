"""The market's older completions, read by OpenAI's own client and byte by byte."""

from typing import Any

import pytest

from router.sandbox.process import Market
from tests.sandbox.caller import R1, call, entry_of
from tests.sandbox.test_openai import ASKED, OFFICIAL, SHORT, client

pytestmark = pytest.mark.asyncio(loop_scope="session")

PATH = "/completions"


async def test_the_real_client_reads_a_stream(market: Market) -> None:
    text, finish, usage = "", None, None
    async with client(market, R1) as ai:
        stream = await ai.completions.create(
            model="any",
            prompt="hello there",
            max_tokens=900,
            stream=True,
            stream_options={"include_usage": True},
            extra_headers=SHORT,
        )
        async for chunk in stream:
            usage = chunk.usage or usage
            for choice in chunk.choices:
                text += choice.text
                finish = choice.finish_reason or finish
    assert (len(text.split()), finish) == (50, "stop")
    assert usage is not None
    assert (usage.prompt_tokens, usage.completion_tokens) == (3, 50)


async def test_the_real_client_reads_a_whole_answer(market: Market) -> None:
    async with client(market, R1) as ai:
        answer = await ai.completions.create(
            model="any", prompt=["hello there"], max_tokens=900, extra_headers=SHORT
        )
    assert len(answer.choices[0].text.split()) == 50
    assert answer.usage is not None
    assert answer.usage.total_tokens == 53


async def test_usage_comes_only_when_asked(market: Market) -> None:
    asked = await call(market, path=PATH, stream=True, stream_options=ASKED, headers=SHORT)
    silent = await call(market, path=PATH, stream=True, headers=SHORT)
    assert asked.events[-1]["choices"] == []
    assert [event["usage"] for event in asked.events[:-1]] == [None] * (len(asked.events) - 1)
    assert not any("usage" in event for event in silent.events)
    assert silent.raw.endswith(b"data: [DONE]\n\n")


async def test_who_sets_no_limit_gets_sixteen_tokens(market: Market) -> None:
    reply = await call(market, path=PATH, headers=SHORT)
    assert reply.json["usage"]["completion_tokens"] == 16
    assert reply.json["choices"][0]["finish_reason"] == "length"


@pytest.mark.parametrize("stream", [True, False])
async def test_what_is_sent_is_what_is_billed(market: Market, *, stream: bool) -> None:
    reply = await call(market, path=PATH, stream=stream, max_tokens=40, headers=SHORT)
    entry = await entry_of(market, reply.id)
    assert (entry.prompt_tokens, entry.reasoning_tokens + entry.text_tokens) == (3, 40)
    assert entry.cost_nano_usd == 3 * 2000 + 40 * 4000


async def test_the_same_prompt_is_read_from_the_cache(market: Market) -> None:
    prompt = "delta " * 3000
    await call(market, OFFICIAL, path=PATH, prompt=prompt, headers=SHORT)
    reply = await call(market, OFFICIAL, path=PATH, prompt=prompt, headers=SHORT)
    assert (await entry_of(market, reply.id)).cached_tokens > 4000


@pytest.mark.parametrize(
    ("body", "param"),
    [
        (b"{", None),
        ({"model": "m"}, "prompt"),
        ({"model": "m", "prompt": []}, "prompt"),
        ({"model": "m", "prompt": ["a", "b"]}, "prompt"),
        ({"model": "m", "prompt": {"a": 1}}, "prompt"),
        ({"model": "m", "prompt": [[1], [2]]}, "prompt"),
        ({"model": "m", "prompt": "x", "max_tokens": 0}, "max_tokens"),
        ({"model": "m", "prompt": "x", "n": 2}, "n"),
        ({"model": "m", "prompt": "x", "best_of": 2}, "best_of"),
        ({"model": "m", "prompt": "x", "logprobs": 0}, "logprobs"),
        ({"model": "m", "prompt": "x", "echo": True}, "echo"),
        ({"model": "m", "prompt": "x", "suffix": "y"}, "suffix"),
    ],
)
async def test_a_bad_body_is_a_400_in_the_true_shape(
    market: Market, body: object, param: str | None
) -> None:
    reply = await call(market, path=PATH, body=body)
    assert (reply.status, reply.json["error"]["param"]) == (400, param)


async def test_a_prompt_may_be_a_list_of_tokens(market: Market) -> None:
    for prompt in ([1, 2, 3, 4, 5], [[1, 2, 3, 4, 5]]):
        reply = await call(market, path=PATH, prompt=prompt, headers=SHORT)
        assert reply.json["usage"]["prompt_tokens"] == 5


@pytest.mark.parametrize("fault", ["error_mid:3", "http_429:7", "half_chunk"])
async def test_faults_strike_here_as_in_chat(market: Market, fault: str) -> None:
    order: dict[str, Any] = {"x-sandbox-fault": fault, **SHORT}
    reply = await call(market, path=PATH, stream=True, max_tokens=90, headers=order)
    assert (await entry_of(market, reply.id)).end == f"fault:{fault.partition(':')[0]}"
    if fault == "error_mid:3":
        assert reply.events[-1]["error"]["type"] == "server_error"

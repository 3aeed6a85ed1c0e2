"""An application that changes nothing but its base URL: the real client, as it is installed."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import openai
import pytest
import pytest_asyncio
from openai.types.chat import ChatCompletionChunk, ChatCompletionMessageParam

from router.core.faults import Kind
from tests.acceptance.proxy import Proxy, proxy

pytestmark = pytest.mark.asyncio(loop_scope="module")

MODEL = "deepseek-r1"
HELLO: list[ChatCompletionMessageParam] = [{"role": "user", "content": "What is a merit order?"}]
HURRY = {"X-SLA-TTFT-Ms": "2500"}
TOOLS: Any = [
    {
        "type": "function",
        "function": {
            "name": "dispatch",
            "parameters": {
                "type": "object",
                "properties": {"plant": {"type": "string"}, "mw": {"type": "integer"}},
                "required": ["plant", "mw"],
            },
        },
    }
]
SCHEMA: Any = {
    "type": "json_schema",
    "json_schema": {
        "name": "order",
        "strict": True,
        "schema": {"type": "object", "properties": {"plants": {"type": "array"}}},
    },
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house() -> AsyncIterator[Proxy]:
    async with proxy(
        speed=50, adapters=False, environ={"APP_KEY": "right"}, server={"api_keys": ["APP_KEY"]}
    ) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def fresh() -> AsyncIterator[Proxy]:
    """One that has measured nothing: what it expects is what was declared."""
    async with proxy(speed=10, adapters=False) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def client(house: Proxy) -> AsyncIterator[openai.AsyncOpenAI]:
    async with openai.AsyncOpenAI(
        base_url=f"{house.url}/v1", api_key="right", max_retries=2, timeout=20
    ) as connected:
        yield connected


async def test_a_whole_answer_declares_its_budget_in_headers(client: openai.AsyncOpenAI) -> None:
    raw = await client.chat.completions.with_raw_response.create(
        model=MODEL, messages=HELLO, extra_headers=HURRY
    )
    answer = raw.parse()
    assert answer.choices[0].message.content
    assert answer.choices[0].finish_reason == "stop"
    assert answer.usage is not None
    assert answer.usage.completion_tokens > 0
    for name in ("Endpoint", "Provider", "Model", "Decision-Id", "Predicted-TTFT-Ms", "Status",
                 "Predicted-E2E-Ms", "Predicted-Cost-USD", "Attempts", "Overhead-Ms", "E2E-Ms",
                 "Cost-USD", "Verdict"):  # fmt: skip
        assert raw.headers[f"X-SLA-{name}"]
        # Nothing was measured yet, so anybody may be tried who is not hopeless.
        assert raw.headers["X-SLA-Endpoint"] not in {
            "deepseek-r1@deepseek", "deepseek-r1@lambda", "deepseek-r1@nebius"
        }  # fmt: skip


async def test_a_whole_answer_declares_its_budget_in_the_body(client: openai.AsyncOpenAI) -> None:
    answer = await client.chat.completions.create(
        model=MODEL,
        messages=HELLO,
        extra_body={"sla": {"ttft_ms": 2500, "percentile": "p90", "explain": True}},
    )
    told = answer.to_dict()["meritorder"]
    assert isinstance(told, dict)
    assert told["decision"]["bounds"] == {"ttft_ms": 2500.0}
    assert told["decision"]["percentile"] == 90.0


async def chunks(client: openai.AsyncOpenAI, **more: Any) -> list[ChatCompletionChunk]:
    stream = await client.chat.completions.create(
        model=MODEL, messages=HELLO, stream=True, extra_headers=HURRY, **more
    )
    return [chunk async for chunk in stream]


async def test_a_stream_comes_whole_and_hides_the_usage_nobody_asked_for(
    client: openai.AsyncOpenAI,
) -> None:
    heard = await chunks(client)
    assert "".join(c.choices[0].delta.content or "" for c in heard)
    # DeepSeek's word for visible thinking, or OpenRouter's: bytes pass as they came.
    words = ("reasoning_content", "reasoning")
    assert any(getattr(c.choices[0].delta, word, None) for c in heard for word in words)
    assert heard[-1].choices[0].finish_reason == "stop"
    assert all(chunk.usage is None for chunk in heard)
    assert all(chunk.choices for chunk in heard)


async def test_a_stream_shows_the_usage_that_was_asked_for(client: openai.AsyncOpenAI) -> None:
    heard = await chunks(client, stream_options={"include_usage": True})
    assert heard[-1].usage is not None
    assert heard[-1].usage.completion_tokens > 0
    assert heard[-1].choices == []


async def test_a_stream_declares_its_budget_in_the_body(client: openai.AsyncOpenAI) -> None:
    heard = await chunks(client, extra_body={"sla": {"min_tps": 40, "explain": True}})
    told = heard[-1].to_dict()["meritorder"]
    assert isinstance(told, dict)
    assert told["decision"]["bounds"] == {"min_tps": 40.0, "ttft_ms": 2500.0}
    assert told["verdict"] in {"kept", "missed"}


async def test_tools_are_called_whole_and_streamed(client: openai.AsyncOpenAI) -> None:
    asked: dict[str, Any] = {"tools": TOOLS, "tool_choice": "required"}
    answer = await client.chat.completions.create(
        model=MODEL, messages=HELLO, extra_headers=HURRY, **asked
    )
    calls = answer.choices[0].message.tool_calls
    assert calls is not None
    assert calls[0].type == "function"
    assert calls[0].function.name == "dispatch"
    assert json.loads(calls[0].function.arguments) == {"plant": "as planned", "mw": 1}
    heard = await chunks(client, **asked)
    said = [call for c in heard for call in c.choices[0].delta.tool_calls or ()]
    assert said[0].function is not None
    assert said[0].function.name == "dispatch"
    arguments = "".join(c.function.arguments or "" for c in said if c.function is not None)
    assert json.loads(arguments) == {"plant": "as planned", "mw": 1}


async def test_structured_output_goes_to_who_can_give_it(client: openai.AsyncOpenAI) -> None:
    raw = await client.chat.completions.with_raw_response.create(
        model=MODEL, messages=HELLO, response_format=SCHEMA
    )
    content = raw.parse().choices[0].message.content
    assert content is not None
    assert set(json.loads(content)) == {"plants"}
    # The maker and lambda are as cheap, and cannot.
    assert raw.headers["X-SLA-Endpoint"] == "deepseek-r1@nebius"


async def test_the_models_are_listed(client: openai.AsyncOpenAI) -> None:
    names = {model.id async for model in client.models.list()}
    assert names == {
        "deepseek-r1", "reasoning", "claude-sonnet-4", "o3", "gemini-2.5-pro",
        "text-embedding-3-small",
    }  # fmt: skip
    assert (await client.models.retrieve("deepseek-r1")).owned_by == "meritorder"
    with pytest.raises(openai.NotFoundError):
        await client.models.retrieve("deepseek-r2")


@pytest.mark.parametrize(
    ("raised", "code", "more"),
    [
        (openai.BadRequestError, Kind.BAD_SLA, {"extra_headers": {"X-SLA-TTFT-Ms": "soon"}}),
        (openai.BadRequestError, Kind.BAD_BODY, {"max_tokens": 0}),
        (openai.NotFoundError, Kind.NO_MODEL, {"model": "deepseek-r2"}),
        (
            openai.UnprocessableEntityError,
            Kind.INFEASIBLE,
            {"extra_headers": {"X-SLA-TTFT-Ms": "5", "X-SLA-Mode": "strict"}},
        ),
        (
            openai.RateLimitError,
            "rate_limit_exceeded",
            {"extra_headers": {"x-sandbox-fault": "http_429:0"}, "timeout": 60},
        ),
        (
            openai.InternalServerError,
            None,
            {"extra_headers": {"x-sandbox-fault": "http_500"}},
        ),
    ],
)
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
async def test_errors_are_raised_as_what_they_are(
    house: Proxy,
    client: openai.AsyncOpenAI,
    *,
    raised: type[openai.APIStatusError],
    code: str | None,
    more: dict[str, Any],
    stream: bool,
) -> None:
    await house.virtual(30)
    patient = client.with_options(max_retries=0)
    with pytest.raises(raised) as caught:
        await patient.chat.completions.create(
            **{"model": MODEL, "messages": HELLO, "stream": stream, **more}
        )
    assert caught.value.code == code
    assert caught.value.body


async def test_a_wrong_key_is_an_authentication_error(client: openai.AsyncOpenAI) -> None:
    with pytest.raises(openai.AuthenticationError) as caught:
        await client.with_options(api_key="wrong").chat.completions.create(
            model=MODEL, messages=HELLO
        )
    assert caught.value.code == Kind.UNAUTHENTICATED


async def test_what_nobody_can_keep_is_refused_once_with_what_would_have_worked(
    fresh: Proxy,
) -> None:
    client = openai.AsyncOpenAI(base_url=f"{fresh.url}/v1", api_key="any", timeout=20)
    async with client:
        await refused_with_what_would_have_worked(fresh, client)


async def refused_with_what_would_have_worked(house: Proxy, client: openai.AsyncOpenAI) -> None:
    with pytest.raises(openai.UnprocessableEntityError) as caught:
        await client.chat.completions.create(
            model=MODEL,
            messages=HELLO,
            extra_headers={"X-SLA-TTFT-Ms": "5", "X-SLA-Mode": "strict"},
        )
    assert len(house.told.records) == 1  # the client may retry twice, and does not
    error: Any = caught.value.body
    told = error["availability"]
    assert told["retryable"] is False
    assert told["excluded_by"] == ["ttft_ms"]
    assert len(told["candidates"]) == 7
    for candidate in told["candidates"]:
        (failed,) = candidate["failed"]
        assert failed["bound"] == "ttft_ms"
        assert failed["limit"] == 5
        assert failed["predicted"] > 5
    nearest = told["nearest"]
    assert nearest["endpoint"] in {"deepseek-r1@friendli", "deepseek-r1@parasail"}
    # What it says would have worked does.
    answer = await client.chat.completions.create(
        model=MODEL,
        messages=HELLO,
        max_tokens=20,
        extra_headers={
            "X-SLA-TTFT-Ms": str(nearest["relax"]["ttft_ms"] * 2),
            "X-SLA-Mode": "strict",
        },
    )
    assert answer.choices

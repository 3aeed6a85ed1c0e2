"""Python's `openai`: the client most applications have."""

import asyncio
import json
from collections.abc import AsyncIterator

import pytest_asyncio
from asking import EMBEDDING, MESSAGES, MODEL, QUICK, SHORT, WEATHER
from openai import AsyncOpenAI, OpenAI
from pydantic import BaseModel
from serving import Proxy


class Plant(BaseModel):
    name: str
    megawatts: int


@pytest_asyncio.fixture
async def aclient(proxy: Proxy) -> AsyncIterator[AsyncOpenAI]:
    async with AsyncOpenAI(base_url=proxy.url, api_key="none") as made:
        yield made


def test_a_whole_answer_has_text_usage_and_an_end(client: OpenAI) -> None:
    answer = client.chat.completions.create(model=MODEL, messages=MESSAGES, extra_headers=SHORT)
    assert answer.object == "chat.completion"
    assert answer.choices[0].message.content
    assert answer.choices[0].finish_reason == "stop"
    assert answer.usage is not None
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens


def test_a_request_without_any_bound_is_served(client: OpenAI) -> None:
    raw = client.chat.completions.with_raw_response.create(
        model=MODEL, messages=MESSAGES, max_tokens=20
    )
    assert raw.headers["X-SLA-Status"] == "unbounded"
    assert raw.parse().usage.completion_tokens == 20


def test_a_stream_gives_text_and_hides_the_usage_nobody_asked_for(client: OpenAI) -> None:
    with client.chat.completions.create(
        model=MODEL, messages=MESSAGES, stream=True, extra_headers=SHORT
    ) as stream:
        chunks = list(stream)
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks).strip()
    assert chunks[-1].choices[0].finish_reason == "stop"
    assert not [chunk for chunk in chunks if chunk.usage is not None]


def test_a_stream_ends_with_usage_when_it_was_asked_for(client: OpenAI) -> None:
    chunks = list(
        client.chat.completions.create(
            model=MODEL, messages=MESSAGES, stream=True, max_tokens=30, extra_headers=SHORT,
            stream_options={"include_usage": True},
        )
    )  # fmt: skip
    assert chunks[-1].choices == []
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.completion_tokens == 30
    assert not [chunk for chunk in chunks[:-1] if chunk.usage is not None]


def test_the_stream_helper_adds_the_pieces_up(client: OpenAI) -> None:
    with client.chat.completions.stream(
        model=MODEL, messages=MESSAGES, extra_headers=SHORT
    ) as stream:
        said = "".join(event.delta for event in stream if event.type == "content.delta")
        final = stream.get_final_completion()
    assert final.choices[0].message.content == said


def test_a_tool_is_called_whole_and_streamed(client: OpenAI) -> None:
    forced = {"type": "function", "function": {"name": "weather"}}
    whole = client.chat.completions.create(
        model=MODEL, messages=MESSAGES, tools=[WEATHER], tool_choice=forced, extra_headers=SHORT
    )
    call = whole.choices[0].message.tool_calls[0]
    assert call.function.name == "weather"
    assert {*json.loads(call.function.arguments)} == {"city", "days"}
    assert whole.choices[0].finish_reason == "tool_calls"
    with client.chat.completions.stream(
        model=MODEL, messages=MESSAGES, tools=[WEATHER], tool_choice=forced, extra_headers=SHORT
    ) as stream:
        stream.until_done()
        streamed = stream.get_final_completion().choices[0].message.tool_calls[0]
    assert streamed.function.name == "weather"
    assert {*json.loads(streamed.function.arguments)} == {"city", "days"}


def test_a_tools_result_is_taken_back_into_the_conversation(client: OpenAI) -> None:
    first = client.chat.completions.create(
        model=MODEL, messages=MESSAGES, tools=[WEATHER], tool_choice="required", extra_headers=SHORT
    ).choices[0].message  # fmt: skip
    result = {"role": "tool", "tool_call_id": first.tool_calls[0].id, "content": "Rain."}
    answer = client.chat.completions.create(
        model=MODEL, messages=[*MESSAGES, first, result], tools=[WEATHER], extra_headers=SHORT
    )
    assert answer.choices[0].message.content


def test_a_schema_goes_only_to_endpoints_that_keep_one(client: OpenAI) -> None:
    raw = client.chat.completions.with_raw_response.create(
        model=MODEL, messages=MESSAGES,
        response_format={
            "type": "json_schema",
            "json_schema": {
                "name": "plant", "strict": True,
                "schema": {
                    "type": "object", "properties": {"name": {"type": "string"}},
                    "required": ["name"], "additionalProperties": False,
                },
            },
        },
    )  # fmt: skip
    assert {*json.loads(raw.parse().choices[0].message.content)} == {"name"}
    assert raw.headers["X-SLA-Provider"] in {"parasail", "friendli", "nebius"}


def test_the_parse_helper_returns_the_callers_own_type(client: OpenAI) -> None:
    answer = client.chat.completions.parse(
        model=MODEL, messages=MESSAGES, response_format=Plant, extra_headers=SHORT
    )
    assert isinstance(answer.choices[0].message.parsed, Plant)


def test_a_budget_in_headers_and_one_in_the_body_are_the_same(client: OpenAI) -> None:
    create = client.chat.completions.with_raw_response.create
    by_header = create(
        model=MODEL, messages=MESSAGES, max_tokens=10,
        extra_headers={"X-SLA-Min-Context": "150000"},
    )  # fmt: skip
    by_body = create(
        model=MODEL, messages=MESSAGES, max_tokens=10,
        extra_body={"sla": {"min_context": 150_000}},
    )  # fmt: skip
    for raw in (by_header, by_body):
        assert raw.headers["X-SLA-Provider"] in {"lambda", "nebius"}


def test_a_model_of_another_dialect_answers_in_openais(proxy: Proxy) -> None:
    # Behind litellm, which loads after the proxy is ready: until then the client tries again.
    with OpenAI(base_url=proxy.url, api_key="none", max_retries=10) as patient:
        create = patient.chat.completions.create
        whole = create(model="claude-sonnet-4", messages=MESSAGES)
        chunks = list(create(model="claude-sonnet-4", messages=MESSAGES, stream=True))
    assert whole.choices[0].message.content
    assert whole.usage is not None
    assert whole.usage.completion_tokens > 0
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
    assert not [chunk for chunk in chunks if chunk.usage is not None]


def test_raw_headers_tell_who_answers_what_was_expected_and_what_came(client: OpenAI) -> None:
    raw = client.chat.completions.with_raw_response.create(
        model=MODEL, messages=MESSAGES, max_tokens=10, extra_headers=SHORT
    )
    answer = raw.parse()
    assert raw.headers["X-SLA-Endpoint"].startswith("deepseek-r1@")
    assert raw.headers["X-SLA-Attempts"] == "1"
    assert float(raw.headers["X-SLA-Predicted-Cost-USD"]) > 0
    assert float(raw.headers["X-SLA-Cost-USD"]) > 0
    assert answer._request_id == raw.headers["X-Request-Id"]


def test_the_decision_comes_inside_the_answer_when_it_is_asked_for(client: OpenAI) -> None:
    extra = {**SHORT, "X-SLA-Explain": "true"}
    whole = client.chat.completions.create(
        model=MODEL, messages=MESSAGES, max_tokens=10, extra_headers=extra
    )
    assert whole.model_extra is not None
    assert whole.model_extra["meritorder"]["decision"]
    last = list(
        client.chat.completions.create(
            model=MODEL, messages=MESSAGES, max_tokens=10, extra_headers=extra, stream=True
        )
    )[-1]
    assert last.model_extra is not None
    assert last.model_extra["meritorder"]["verdict"]


def test_models_are_listed_and_looked_up(client: OpenAI) -> None:
    names = [model.id for model in client.models.list()]
    chatting = {"deepseek-r1", "reasoning", "claude-sonnet-4", "o3", "gemini-2.5-pro"}
    assert chatting | {EMBEDDING} == {*names}
    assert client.models.retrieve("deepseek-r1").object == "model"


async def test_the_async_client_takes_whole_answers_and_streams_at_once(
    aclient: AsyncOpenAI,
) -> None:
    async def streamed() -> str:
        stream = await aclient.chat.completions.create(
            model=MODEL, messages=MESSAGES, stream=True, extra_headers=SHORT
        )
        return "".join([chunk.choices[0].delta.content or "" async for chunk in stream])

    async def whole() -> str | None:
        answer = await aclient.chat.completions.create(
            model=MODEL, messages=MESSAGES, extra_headers=SHORT
        )
        return answer.choices[0].message.content

    said = await asyncio.gather(*[one() for _ in range(8) for one in (streamed, whole)])
    assert all(said)


async def test_an_async_stream_that_is_left_stops_the_spending(
    troubled: Proxy,
) -> None:
    # Ten times slower than usual: half an answer takes seconds, and leaving does not.
    slow = {**QUICK, "x-sandbox-fault": "slow_speed:10"}
    async with AsyncOpenAI(base_url=troubled.url, api_key="none") as aclient:
        raw = await aclient.chat.completions.with_raw_response.create(
            model=MODEL, messages=MESSAGES, stream=True, extra_headers=slow
        )
        async with raw.parse() as stream:
            async for _ in stream:
                break
    line = troubled.told(raw.headers["X-Request-Id"])
    assert line["fault"] == "client_closed_request"
    assert line["cost_usd"] < line["predicted_cost_usd"] / 2

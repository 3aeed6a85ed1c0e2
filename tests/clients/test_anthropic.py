"""Python's `anthropic`, at endpoints that speak Anthropic's dialect and OpenAI's."""

import asyncio
from collections.abc import Iterator

import anthropic
import pytest
from anthropic import Anthropic, AsyncAnthropic
from asking import ASKING_WEATHER, MESSAGES, PICTURE, SHORT, WEATHER_ANTHROPIC, Plant
from conftest import Place
from serving import Proxy


@pytest.fixture
def client(place: Place) -> Iterator[Anthropic]:
    with Anthropic(base_url=place.proxy.root, api_key="none", default_headers=SHORT) as made:
        yield made


def test_a_whole_message_has_text_usage_and_an_end(client: Anthropic, place: Place) -> None:
    answer = client.messages.create(model=place.model, max_tokens=4000, messages=MESSAGES)
    assert answer.type == "message"
    assert answer.role == "assistant"
    assert "".join(block.text for block in answer.content if block.type == "text").strip()
    assert answer.stop_reason == "end_turn"
    assert answer.usage.input_tokens > 0
    assert answer.usage.output_tokens > 0


def test_a_stream_begins_ends_and_opens_one_block_at_a_time(
    client: Anthropic, place: Place
) -> None:
    events = list(
        client.messages.create(
            model=place.model, max_tokens=4000, messages=MESSAGES, stream=True,
            system="Be brief.",
        )
    )  # fmt: skip
    kinds = [event.type for event in events]
    assert kinds[0] == "message_start"
    assert kinds[-2:] == ["message_delta", "message_stop"]
    opened = [event.index for event in events if event.type == "content_block_start"]
    closed = [event.index for event in events if event.type == "content_block_stop"]
    assert opened == closed == [*range(len(opened))]
    last = events[-2]
    assert last.type == "message_delta"
    assert last.delta.stop_reason == "end_turn"
    assert last.usage.output_tokens > 0


def test_the_stream_helper_adds_the_pieces_up(client: Anthropic, place: Place) -> None:
    with client.messages.stream(model=place.model, max_tokens=4000, messages=MESSAGES) as stream:
        said = "".join(stream.text_stream)
        final = stream.get_final_message()
    assert said.strip()
    assert "".join(block.text for block in final.content if block.type == "text") == said
    assert final.usage.output_tokens > 0


def test_tools_are_called_whole_and_streamed(client: Anthropic, place: Place) -> None:
    asked = {
        "model": place.model, "max_tokens": 4000, "messages": ASKING_WEATHER,
        "tools": [WEATHER_ANTHROPIC], "tool_choice": {"type": "any"},
    }  # fmt: skip
    whole = client.messages.create(**asked)
    with client.messages.stream(**asked) as stream:
        streamed = stream.get_final_message()
    for answer in (whole, streamed):
        assert answer.stop_reason == "tool_use"
        calls = [block for block in answer.content if block.type == "tool_use"]
        assert len(calls) == (2 if place.scripted else 1)
        for call in calls:
            assert call.name == "weather"
            assert {*call.input} == {"city", "days"}


def test_the_results_of_tools_are_taken_back(client: Anthropic, place: Place) -> None:
    asked = {"model": place.model, "max_tokens": 4000, "tools": [WEATHER_ANTHROPIC]}
    first = client.messages.create(
        messages=ASKING_WEATHER, tool_choice={"type": "any"}, **asked
    ).content  # fmt: skip
    results = [
        {"type": "tool_result", "tool_use_id": block.id, "content": "Rain."}
        for block in first
        if block.type == "tool_use"
    ]
    turns = [{"role": "assistant", "content": first}, {"role": "user", "content": results}]
    answer = client.messages.create(messages=[*ASKING_WEATHER, *turns], **asked)
    assert [block.type for block in answer.content if block.type != "thinking"] == ["text"]


def test_the_parse_helper_returns_the_callers_own_type(client: Anthropic, place: Place) -> None:
    answer = client.messages.parse(
        model=place.model, max_tokens=4000, output_format=Plant,
        messages=[{"role": "user", "content": "Tell of a power plant."}],
    )  # fmt: skip
    assert isinstance(answer.parsed_output, Plant)


@pytest.mark.parametrize("model", ["claude-sonnet-4", "o3"])
def test_pictures_are_shown_to_models_that_see(proxy: Proxy, model: str) -> None:
    picture = {"type": "base64", "media_type": "image/png", "data": PICTURE}
    content = [{"type": "image", "source": picture}, {"type": "text", "text": "What is it?"}]
    with Anthropic(base_url=proxy.root, api_key="none", default_headers=SHORT) as client:
        answer = client.messages.create(
            model=model, max_tokens=4000, messages=[{"role": "user", "content": content}]
        )
        assert answer.stop_reason == "end_turn"
        with pytest.raises(anthropic.UnprocessableEntityError, match="capability"):
            client.messages.create(
                model="deepseek-r1", max_tokens=400, messages=[{"role": "user", "content": content}]
            )


def test_tokens_are_counted(client: Anthropic, place: Place) -> None:
    short = client.messages.count_tokens(model=place.model, messages=MESSAGES)
    long = client.messages.count_tokens(
        model=place.model, messages=MESSAGES, system="Be brief. " * 400, tools=[WEATHER_ANTHROPIC]
    )
    assert 0 < short.input_tokens < 100
    assert long.input_tokens > short.input_tokens + 400


def test_models_are_listed_in_anthropics_shape(client: Anthropic, place: Place) -> None:
    listed = {model.id: model for model in client.models.list()}
    assert listed[place.model].type == "model"
    assert listed[place.model].display_name
    assert client.models.retrieve(place.model).id == place.model


async def test_the_async_client_takes_whole_answers_and_streams_at_once(place: Place) -> None:
    async with AsyncAnthropic(
        base_url=place.proxy.root, api_key="none", default_headers=SHORT
    ) as aclient:

        async def streamed() -> str:
            async with aclient.messages.stream(
                model=place.model, max_tokens=4000, messages=MESSAGES
            ) as stream:
                return await stream.get_final_text()

        async def whole() -> int:
            answer = await aclient.messages.create(
                model=place.model, max_tokens=4000, messages=MESSAGES
            )
            return answer.usage.output_tokens

        said = await asyncio.gather(*[one() for _ in range(4) for one in (streamed, whole)])
    assert all(said)


def test_the_limit_of_an_answer_is_kept_and_told(proxy: Proxy) -> None:
    with Anthropic(base_url=proxy.root, api_key="none", default_headers=SHORT) as client:
        for model in ("claude-sonnet-4", "deepseek-r1"):
            answer = client.messages.create(model=model, max_tokens=20, messages=MESSAGES)
            assert answer.stop_reason == "max_tokens"
            assert answer.usage.output_tokens == 20


def test_a_native_endpoint_bills_the_tokens_it_had_counted(proxy: Proxy) -> None:
    with Anthropic(base_url=proxy.root, api_key="none") as client:
        counted = client.messages.count_tokens(model="claude-sonnet-4", messages=MESSAGES)
        answer = client.messages.create(model="claude-sonnet-4", max_tokens=20, messages=MESSAGES)
    assert answer.usage.input_tokens == counted.input_tokens


def test_raw_headers_tell_who_answers_and_what_it_cost(proxy: Proxy) -> None:
    with Anthropic(base_url=proxy.root, auth_token="none") as client:
        raw = client.messages.with_raw_response.create(
            model="claude-sonnet-4", max_tokens=20, messages=MESSAGES
        )
    assert raw.headers["X-SLA-Endpoint"] == "claude-sonnet-4@anthropic"
    assert float(raw.headers["X-SLA-Cost-USD"]) > 0
    assert raw.parse()._request_id


def test_the_decision_comes_with_the_last_event_when_it_is_asked_for(proxy: Proxy) -> None:
    explain = {"X-SLA-Explain": "true", **SHORT}
    with Anthropic(base_url=proxy.root, api_key="none", default_headers=explain) as client:
        for model in ("claude-sonnet-4", "deepseek-r1"):
            last = list(
                client.messages.create(model=model, max_tokens=20, messages=MESSAGES, stream=True)
            )[-1]
            assert last.type == "message_stop"
            assert last.model_extra is not None
            assert last.model_extra["meritorder"]["decision"]


async def test_an_async_stream_that_is_left_stops_the_spending(troubled: Proxy) -> None:
    slow = {"x-sandbox-fault": "slow_speed:10"}
    async with AsyncAnthropic(base_url=troubled.root, api_key="none") as aclient:
        raw = await aclient.messages.with_raw_response.create(
            model="claude-sonnet-4", max_tokens=4000, messages=MESSAGES, stream=True,
            extra_headers=slow,
        )  # fmt: skip
        async with await raw.parse() as stream:
            async for event in stream:
                if event.type == "content_block_delta":
                    break
    line = troubled.told(raw.headers["X-Request-Id"])
    assert line["fault"] == "client_closed_request"
    assert line["cost_usd"] < line["predicted_cost_usd"] / 2

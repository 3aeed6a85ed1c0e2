"""Python's `openai`, every surface, at endpoints that speak OpenAI's dialect and Anthropic's."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from asking import (
    ASKING_WEATHER,
    EMBEDDING,
    MESSAGES,
    PICTURE,
    QUESTION,
    SHORT,
    WEATHER,
    WEATHER_FLAT,
    WEATHER_QUESTION,
    Plant,
)
from conftest import Place
from openai import OpenAI


@pytest.fixture
def client(place: Place) -> Iterator[OpenAI]:
    with OpenAI(base_url=place.proxy.url, api_key="none", default_headers=SHORT) as made:
        yield made


def test_chat_answers_whole(client: OpenAI, place: Place) -> None:
    answer = client.chat.completions.create(model=place.model, messages=MESSAGES)
    assert answer.object == "chat.completion"
    assert answer.choices[0].message.content
    assert answer.choices[0].finish_reason == "stop"
    assert answer.usage is not None
    assert answer.usage.completion_tokens > 0
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens


def test_chat_streams_with_usage_only_when_it_was_asked_for(client: OpenAI, place: Place) -> None:
    silent = list(client.chat.completions.create(model=place.model, messages=MESSAGES, stream=True))
    assert "".join(chunk.choices[0].delta.content or "" for chunk in silent).strip()
    assert silent[-1].choices[0].finish_reason == "stop"
    assert not [chunk for chunk in silent if chunk.usage is not None]
    told = list(
        client.chat.completions.create(
            model=place.model, messages=MESSAGES, stream=True,
            stream_options={"include_usage": True},
        )
    )  # fmt: skip
    assert told[-1].choices == []
    assert told[-1].usage is not None
    assert told[-1].usage.completion_tokens > 0


def test_chat_calls_tools_whole_and_streamed(client: OpenAI, place: Place) -> None:
    asked = {
        "model": place.model, "messages": ASKING_WEATHER, "tools": [WEATHER],
        "tool_choice": "required",
    }  # fmt: skip
    whole = client.chat.completions.create(**asked).choices[0]
    with client.chat.completions.stream(**asked) as stream:
        streamed = stream.until_done().get_final_completion().choices[0]
    for choice in (whole, streamed):
        assert choice.finish_reason == "tool_calls"
        calls = choice.message.tool_calls
        assert {call.function.name for call in calls} == {"weather"}
        for call in calls:
            assert {*json.loads(call.function.arguments)} == {"city", "days"}
        assert len(calls) == (2 if place.scripted else 1)
        assert len({call.id for call in calls}) == len(calls)


def test_chat_takes_the_results_of_tools_back(client: OpenAI, place: Place) -> None:
    create = client.chat.completions.create
    first = create(
        model=place.model, messages=ASKING_WEATHER, tools=[WEATHER], tool_choice="required"
    ).choices[0].message  # fmt: skip
    results = [
        {"role": "tool", "tool_call_id": call.id, "content": "Rain."} for call in first.tool_calls
    ]
    answer = create(model=place.model, messages=[*ASKING_WEATHER, first, *results], tools=[WEATHER])
    assert answer.choices[0].message.content
    assert not answer.choices[0].message.tool_calls


def test_responses_answer_whole(client: OpenAI, place: Place) -> None:
    answer = client.responses.create(model=place.model, input=QUESTION, instructions="Be brief.")
    assert answer.object == "response"
    assert answer.status == "completed"
    assert answer.output_text
    assert answer.usage is not None
    assert answer.usage.output_tokens > 0
    assert answer.usage.total_tokens == answer.usage.input_tokens + answer.usage.output_tokens


def test_responses_stream_events_that_add_up_to_the_answer(client: OpenAI, place: Place) -> None:
    with client.responses.stream(model=place.model, input=QUESTION) as stream:
        events = list(stream)
        final = stream.get_final_response()
    kinds = [event.type for event in events]
    assert kinds[0] == "response.created"
    assert kinds[-1] == "response.completed"
    numbers = [event.sequence_number for event in events if event.sequence_number is not None]
    assert numbers == sorted(numbers)
    said = "".join(event.delta for event in events if event.type == "response.output_text.delta")
    assert said
    assert final.output_text == said
    assert final.usage is not None
    assert final.usage.output_tokens > 0


def test_responses_call_tools_and_take_their_results_back(client: OpenAI, place: Place) -> None:
    asked = {"model": place.model, "tools": [WEATHER_FLAT], "tool_choice": "required"}
    whole = client.responses.create(input=WEATHER_QUESTION, **asked)
    with client.responses.stream(input=WEATHER_QUESTION, **asked) as stream:
        streamed = stream.until_done().get_final_response()
    for answer in (whole, streamed):
        calls = [item for item in answer.output if item.type == "function_call"]
        assert len(calls) == (2 if place.scripted else 1)
        for call in calls:
            assert call.name == "weather"
            assert {*json.loads(call.arguments)} == {"city", "days"}
    calls = [item for item in whole.output if item.type == "function_call"]
    results = [
        {"type": "function_call_output", "call_id": call.call_id, "output": "Rain."}
        for call in calls
    ]
    told = client.responses.create(
        model=place.model, tools=[WEATHER_FLAT],
        input=[*ASKING_WEATHER, *calls, *results],
    )  # fmt: skip
    assert told.output_text


def test_the_parse_helpers_return_the_callers_own_type(client: OpenAI, place: Place) -> None:
    chat = client.chat.completions.parse(
        model=place.model, response_format=Plant,
        messages=[{"role": "user", "content": "Tell of a power plant."}],
    )  # fmt: skip
    assert isinstance(chat.choices[0].message.parsed, Plant)
    response = client.responses.parse(
        model=place.model, text_format=Plant, input="Tell of a power plant."
    )
    assert isinstance(response.output_parsed, Plant)


def test_pictures_are_shown_to_models_that_see(client: OpenAI, place: Place) -> None:
    if place.scripted or place.behind == "openai":
        pytest.skip("of the market's models reached so, Claude alone sees")
    url = f"data:image/png;base64,{PICTURE}"
    chat: Any = [
        {"type": "image_url", "image_url": {"url": url}}, {"type": "text", "text": "What is it?"}
    ]  # fmt: skip
    answer = client.chat.completions.create(
        model=place.model, messages=[{"role": "user", "content": chat}]
    )
    assert answer.choices[0].message.content
    given: Any = [
        {"type": "input_image", "image_url": url}, {"type": "input_text", "text": "What is it?"}
    ]  # fmt: skip
    response = client.responses.create(
        model=place.model, input=[{"role": "user", "content": given}]
    )
    assert response.output_text


def test_embeddings_are_vectors_of_the_texts(client: OpenAI, place: Place) -> None:
    if place.behind == "anthropic":
        pytest.skip("Anthropic sells none")
    answer = client.embeddings.create(model=EMBEDDING, input=["one text", "another"])
    assert [one.index for one in answer.data] == [0, 1]
    assert answer.data[0].embedding != answer.data[1].embedding
    assert len(answer.data[0].embedding) == len(answer.data[1].embedding) == 1536


def test_models_are_listed_in_openais_shape(client: OpenAI, place: Place) -> None:
    listed = {model.id: model for model in client.models.list()}
    assert listed[place.model].object == "model"

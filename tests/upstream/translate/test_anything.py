"""Whatever a client or an endpoint sends, a translation answers or raises a fault that says why."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from router.core.dialects import EXPRESSIBLE
from router.core.faults import Fault, Kind, Whose
from router.core.surface import Surface
from router.upstream.translate import TRANSLATIONS
from tests.upstream.asking import an_endpoint
from tests.upstream.translate.saying import (
    NOW_S,
    PDF_URL,
    PNG,
    PNG_URL,
    Json,
    a_message,
    chunk,
    completion,
    data_of,
    message_events,
)

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 2**40) | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(st.sampled_from(["type", "text", "content", "id"]), inner, max_size=2)
    ),
    max_leaves=4,
)

FUNCTION = {"name": "f", "arguments": '{"x":1}'}
SCHEMA = {"type": "object", "properties": {"x": {"type": "string"}}, "anyOf": [{"type": "null"}]}

BODIES: dict[Surface, Json] = {
    Surface.CHAT: {
        "model": "m",
        "messages": [
            {"role": "system", "content": "S", "cache_control": {"type": "ephemeral"}},
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "T"},
                    {"type": "image_url", "image_url": {"url": PNG_URL}},
                    {"type": "file", "file": {"file_data": PDF_URL, "filename": "a"}},
                ],
            },
            {
                "role": "assistant",
                "content": None,
                "tool_calls": [{"id": "c", "type": "function", "function": FUNCTION}],
            },
            {"role": "tool", "tool_call_id": "c", "content": "R"},
        ],
        "tools": [{"type": "function", "function": {"name": "f", "parameters": SCHEMA}}],
        "tool_choice": {
            "type": "allowed_tools",
            "allowed_tools": {"mode": "auto", "tools": [{"function": {"name": "f"}}]},
        },
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "n", "schema": SCHEMA, "description": "d"},
        },
        "stop": ["A"],
        "user": "u",
        "temperature": 1,
        "max_tokens": 5,
        "reasoning_effort": "low",
        "service_tier": "auto",
        "parallel_tool_calls": False,
        "stream_options": {"include_usage": True},
        "n": 1,
    },
    Surface.MESSAGES: {
        "model": "m",
        "max_tokens": 2000,
        "system": [{"type": "text", "text": "S"}],
        "messages": [
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "T"},
                    {
                        "type": "image",
                        "source": {"type": "base64", "media_type": "image/png", "data": PNG},
                    },
                    {
                        "type": "document",
                        "title": "t",
                        "context": "c",
                        "source": {"type": "content", "content": [{"type": "text", "text": "D"}]},
                    },
                ],
            },
            {
                "role": "assistant",
                "content": [
                    {"type": "thinking", "thinking": "H", "signature": ""},
                    {"type": "text", "text": "T"},
                    {"type": "tool_use", "id": "c", "name": "f", "input": {"x": 1}},
                ],
            },
            {
                "role": "user",
                "content": [
                    {
                        "type": "tool_result",
                        "tool_use_id": "c",
                        "is_error": True,
                        "content": [{"type": "text", "text": "R"}],
                    }
                ],
            },
        ],
        "tools": [{"name": "f", "input_schema": SCHEMA}],
        "tool_choice": {"type": "tool", "name": "f", "disable_parallel_tool_use": True},
        "thinking": {"type": "enabled", "budget_tokens": 1024},
        "output_config": {"effort": "low", "format": {"type": "json_schema", "schema": SCHEMA}},
        "metadata": {"user_id": "u"},
        "stop_sequences": ["A"],
        "service_tier": "auto",
        "context_management": {"edits": [{"type": "clear_thinking_20251015"}]},
    },
    Surface.RESPONSES: {
        "model": "m",
        "instructions": "I",
        "input": [
            {
                "role": "user",
                "content": [
                    {"type": "input_text", "text": "T"},
                    {"type": "input_image", "image_url": PNG_URL},
                ],
            },
            {"type": "reasoning", "id": "r", "summary": [{"type": "summary_text", "text": "H"}]},
            {
                "type": "message",
                "role": "assistant",
                "content": [{"type": "output_text", "text": "T"}],
            },
            {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"},
            {
                "type": "function_call_output",
                "call_id": "c",
                "output": [{"type": "input_text", "text": "R"}],
            },
        ],
        "tools": [{"type": "function", "name": "f", "parameters": SCHEMA, "strict": True}],
        "tool_choice": {"type": "allowed_tools", "mode": "auto", "tools": [{"name": "f"}]},
        "text": {"format": {"type": "json_schema", "name": "n", "schema": SCHEMA}},
        "reasoning": {"effort": "low", "summary": "auto"},
        "max_output_tokens": 5,
        "include": ["reasoning.encrypted_content"],
        "metadata": {"a": "b"},
        "user": "u",
    },
}

USAGE = {"prompt_tokens": 3, "completion_tokens": 4, "prompt_tokens_details": {"cached_tokens": 1}}
CALLS = [{"index": 0, "id": "c", "type": "function", "function": FUNCTION}]
SAID = {"content": "T", "reasoning_content": "H", "refusal": "N", "tool_calls": CALLS}
BLOCKS: list[Json] = [
    {"type": "thinking", "thinking": "H", "signature": "s"},
    {"type": "text", "text": "T"},
    {"type": "tool_use", "id": "c", "name": "f", "input": {"x": 1}},
]
EVENTS: dict[Surface, list[Json]] = {
    Surface.CHAT: [chunk(SAID), chunk({}, "stop"), chunk(usage=USAGE)],
    Surface.MESSAGES: message_events(*BLOCKS),
}
WHOLES: dict[Surface, Json] = {
    Surface.CHAT: completion(SAID, usage=USAGE),
    Surface.MESSAGES: a_message(*BLOCKS),
}


@st.composite
def bent(draw: st.DrawFn, value: Any) -> Any:
    """A copy in which something, somewhere, is something else, or missing, or beside a stranger."""
    value = json.loads(json.dumps(value))
    at = value
    while True:
        keys = list(at) if isinstance(at, dict) else list(range(len(at)))
        if not keys:
            return value
        key = draw(st.sampled_from(keys))
        held = at[key]
        if isinstance(held, dict | list) and held and draw(st.integers(0, 3)):
            at = held
            continue
        match draw(st.sampled_from(["change", "change", "remove", "add"])):
            case "remove":
                del at[key]
            case "add" if isinstance(at, dict):
                at[draw(st.text(max_size=4))] = draw(JSON)
            case _:
                at[key] = draw(JSON)
        return value


def dumped(value: Any) -> bytes:
    return json.dumps(value).replace("NaN", "0").replace("Infinity", "9").encode()


@pytest.mark.parametrize("way", TRANSLATIONS, ids="->".join)
@given(data=st.data())
@settings(max_examples=100)
def test_any_body_is_translated_or_refused_with_a_reason(
    way: tuple[Surface, Surface], data: st.DataObject
) -> None:
    body = dumped(data.draw(bent(BODIES[way[0]])))
    try:
        told = TRANSLATIONS[way].request(body, an_endpoint())
    except Fault as fault:
        said = fault.spec.whose is Whose.CLIENT, bool(fault.param)
        assert said == (True, True)
    else:
        assert isinstance(json.loads(told)["messages"], list)


@pytest.mark.parametrize("way", TRANSLATIONS, ids="<-".join)
@given(data=st.data())
@settings(max_examples=100)
def test_any_stream_is_told(way: tuple[Surface, Surface], data: st.DataObject) -> None:
    speaker = TRANSLATIONS[way].stream(dumped(data.draw(bent(BODIES[way[0]]))), NOW_S)
    try:
        for event in data.draw(bent(EVENTS[way[1]])):
            list(data_of(speaker.feed(b"data: " + dumped(event) + b"\n\n")))
        speaker.close()
    except Fault as fault:
        assert "call of a tool" in fault.message  # noqa: PT017 - most draws raise nothing


@pytest.mark.parametrize("way", TRANSLATIONS, ids="<-".join)
@given(data=st.data())
@settings(max_examples=100)
def test_any_whole_answer_is_told(way: tuple[Surface, Surface], data: st.DataObject) -> None:
    body = dumped(data.draw(bent(BODIES[way[0]])))
    answer = dumped(data.draw(bent(WHOLES[way[1]])))
    try:
        json.loads(TRANSLATIONS[way].whole(body, answer, NOW_S))
    except Fault as fault:
        assert fault.kind is Kind.GARBAGE  # noqa: PT017 - most draws raise nothing


@pytest.mark.parametrize("way", TRANSLATIONS, ids="->".join)
def test_what_can_be_said_between_two_surfaces_is_listed(way: tuple[Surface, Surface]) -> None:
    assert set(TRANSLATIONS) == set(EXPRESSIBLE)
    assert set(BODIES[way[0]]) <= EXPRESSIBLE[way]


@pytest.mark.parametrize("way", TRANSLATIONS, ids="->".join)
@pytest.mark.parametrize("body", [b"", b"[]", b"nul", b'{"a":', b"[" * 5000, b"\xff"])
def test_what_is_no_object_is_refused(way: tuple[Surface, Surface], body: bytes) -> None:
    with pytest.raises(Fault, match="JSON object"):
        TRANSLATIONS[way].request(body, an_endpoint())

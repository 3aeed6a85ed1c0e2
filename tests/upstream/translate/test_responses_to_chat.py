"""A request for a response reaches chat and Messages endpoints, or is refused by name."""

from typing import Any

import pytest

from router.core.faults import Fault, Kind
from tests.upstream.asking import an_endpoint
from tests.upstream.translate.saying import (
    PDF_URL,
    PNG,
    PNG_URL,
    Json,
    response_to_chat,
    response_to_messages,
)

OPENAI = an_endpoint(provider="openai")
USER = {"role": "user", "content": "Hi"}
CALL = {"type": "function_call", "call_id": "c1", "name": "weather", "arguments": "{}"}
OUTPUT = {"type": "function_call_output", "call_id": "c1", "output": "Rain"}
THOUGHT = {
    "type": "reasoning",
    "id": "rs_1",
    "summary": [{"type": "summary_text", "text": "Hm"}],
}
WEATHER = {
    "type": "function",
    "name": "weather",
    "description": "Say the weather.",
    "parameters": {"type": "object", "properties": {}},
    "strict": True,
}


def said(*items: Json, **fields: Any) -> list[Json]:
    told: list[Json] = response_to_chat(input=list(items), **fields)["messages"]
    return told


def test_instructions_come_before_the_input() -> None:
    told = response_to_chat(instructions="Be brief")["messages"]
    assert told == [{"role": "system", "content": "Be brief"}, USER]


def test_messages_of_every_role_are_taken() -> None:
    assert said(
        {"role": "developer", "content": "One"},
        {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Hi"}]},
        {
            "type": "message",
            "id": "msg_1",
            "role": "assistant",
            "status": "completed",
            "content": [
                {"type": "output_text", "text": "Ho", "annotations": []},
                {"type": "refusal", "refusal": "No"},
            ],
        },
        USER,
    ) == [
        {"role": "system", "content": "One"},
        USER,
        {"role": "assistant", "content": "Ho\n\nNo"},
        USER,
    ]


def test_images_files_and_audio_are_shown() -> None:
    audio = {"data": "AAAA", "format": "wav"}
    [turn] = said(
        {
            "role": "user",
            "content": [
                {"type": "input_image", "image_url": PNG_URL, "detail": "high"},
                {"type": "input_file", "file_data": PDF_URL, "filename": "a.pdf"},
                {"type": "input_audio", "input_audio": audio},
            ],
        }
    )
    assert turn["content"] == [
        {"type": "image_url", "image_url": {"url": PNG_URL, "detail": "high"}},
        {"type": "file", "file": {"file_data": PDF_URL, "filename": "a.pdf"}},
        {"type": "input_audio", "input_audio": audio},
    ]


def test_text_and_calls_of_one_answer_become_one_message() -> None:
    answer = {"role": "assistant", "content": "Let me see"}
    second = {**CALL, "call_id": "c2"}
    image = {**OUTPUT, "output": [{"type": "input_image", "image_url": PNG_URL}]}
    told = said(USER, answer, CALL, second, image, {**OUTPUT, "call_id": "c2"}, USER)
    function = {"name": "weather", "arguments": "{}"}
    assert told[1:] == [
        {
            "role": "assistant",
            "content": "Let me see",
            "tool_calls": [
                {"id": name, "type": "function", "function": function} for name in ("c1", "c2")
            ],
        },
        {"role": "tool", "tool_call_id": "c1", "content": "What it returned follows."},
        {"role": "tool", "tool_call_id": "c2", "content": "Rain"},
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "Returned by the tool call c1:"},
                {"type": "image_url", "image_url": {"url": PNG_URL}},
            ],
        },
        USER,
    ]


def test_reasoning_goes_back_while_its_tool_loop_is_open() -> None:
    assert said(USER, THOUGHT, CALL, OUTPUT)[1]["reasoning_content"] == "Hm"
    assert "reasoning_content" not in said(USER, THOUGHT, CALL, OUTPUT, USER)[1]


def test_encrypted_reasoning_of_a_finished_turn_is_left_out() -> None:
    sealed = {**THOUGHT, "encrypted_content": "xxx"}
    told = said(USER, sealed, {"role": "assistant", "content": "Ho"}, USER)
    assert [m["role"] for m in told] == ["user", "assistant", "user"]


def test_a_tool_is_offered_with_its_schema() -> None:
    told = response_to_chat(tools=[WEATHER], parallel_tool_calls=False, tool_choice="required")
    function = {name: value for name, value in WEATHER.items() if name != "type"}
    assert told["tools"] == [{"type": "function", "function": function}]
    assert told["tool_choice"] == "required"
    assert told["parallel_tool_calls"] is False


def test_calls_side_by_side_are_what_every_endpoint_allows_unasked() -> None:
    told = response_to_chat(tools=[WEATHER], parallel_tool_calls=True)
    assert "parallel_tool_calls" not in told


def test_the_choice_among_tools_is_kept() -> None:
    other = {**WEATHER, "name": "other"}
    named = response_to_chat(tools=[WEATHER], tool_choice={"type": "function", "name": "weather"})
    assert named["tool_choice"] == {"type": "function", "function": {"name": "weather"}}
    allowed = {"type": "allowed_tools", "mode": "auto", "tools": [{"name": "other"}]}
    told = response_to_chat(tools=[WEATHER, other], tool_choice=allowed)
    assert [tool["function"]["name"] for tool in told["tools"]] == ["other"]
    assert told["tool_choice"] == "auto"


FORM = {"name": "n", "schema": {"type": "object"}, "strict": False}


@pytest.mark.parametrize(
    ("field", "value", "told"),
    [
        ("max_output_tokens", 5, {"max_tokens": 5}),
        ("temperature", 0.5, {"temperature": 0.5}),
        ("top_p", 0.5, {"top_p": 0.5}),
        ("stream", True, {"stream": True}),
        ("user", "u", {"user": "u"}),
        ("service_tier", "flex", {"service_tier": "flex"}),
        ("reasoning", {"effort": "high", "summary": "auto"}, {"reasoning_effort": "high"}),
        ("text", {"format": {"type": "text"}, "verbosity": "medium"}, {}),
        (
            "text",
            {"format": {"type": "json_schema", **FORM}},
            {"response_format": {"type": "json_schema", "json_schema": FORM}},
        ),
        (
            "text",
            {"format": {"type": "json_object"}},
            {"response_format": {"type": "json_object"}},
        ),
        ("store", True, {}),
        ("metadata", {"a": "b"}, {}),
        ("include", ["reasoning.encrypted_content"], {}),
        ("max_tool_calls", 3, {}),
        ("truncation", "disabled", {}),
        ("previous_response_id", None, {}),
        ("prompt_cache_key", "k", {}),
        ("stream_options", {"include_obfuscation": False}, {}),
    ],
)
def test_a_small_field_finds_its_counterpart(field: str, value: Any, told: Json) -> None:
    assert response_to_chat(**{field: value}) == {**response_to_chat(), **told}


@pytest.mark.parametrize(
    ("field", "value", "told"),
    [
        ("max_output_tokens", 5, {"max_completion_tokens": 5}),
        ("prompt_cache_key", "k", {"prompt_cache_key": "k"}),
        ("safety_identifier", "s", {"safety_identifier": "s"}),
        ("text", {"verbosity": "low"}, {"verbosity": "low"}),
    ],
)
def test_openais_models_are_told_what_only_they_know(field: str, value: Any, told: Json) -> None:
    assert response_to_chat(OPENAI, **{field: value}) == {**response_to_chat(OPENAI), **told}


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"previous_response_id": "resp_1"}, "previous_response_id"),
        ({"conversation": "conv_1"}, "conversation"),
        ({"background": True}, "background"),
        ({"prompt": {"id": "p"}}, "prompt"),
        ({"truncation": "auto"}, "truncation"),
        ({"top_logprobs": 3}, "top_logprobs"),
        ({"context_management": [{"type": "compaction"}]}, "context_management"),
        ({"include": ["message.output_text.logprobs"]}, "message.output_text.logprobs"),
        ({"tools": [{"type": "web_search"}]}, "tools.web_search"),
        ({"tools": [{"type": "custom", "name": "x"}]}, "tools.custom"),
        ({"input": [{"id": "msg_1"}]}, "item_reference"),
        ({"input": [{"type": "computer_call"}]}, "computer_call"),
        (
            {"input": [USER, {**THOUGHT, "encrypted_content": "x"}, CALL, OUTPUT]},
            "encrypted_content",
        ),
        ({"text": {"verbosity": "low"}}, "text.verbosity"),
        ({"reasoning": {"mode": "pro"}}, "reasoning.mode"),
        ({"tools": [{**WEATHER, "defer_loading": True}]}, "tools[0].defer_loading"),
        (
            {"input": [{"role": "user", "content": [{"type": "input_file", "file_id": "f"}]}]},
            "file_id",
        ),
        (
            {"input": [{**CALL, "caller": {"type": "program", "caller_id": "x"}}]},
            "input[0].caller",
        ),
    ],
)
def test_what_a_chat_endpoint_cannot_be_told_is_refused_by_name(fields: Json, param: str) -> None:
    with pytest.raises(Fault) as caught:
        response_to_chat(**fields)
    assert (caught.value.kind, caught.value.param) == (Kind.UNTOLD, param)


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"input": None}, "input"),
        ({"input": []}, "input"),
        ({"input": [3]}, "input[0]"),
        ({"input": [{"role": "robot", "content": "x"}]}, "input[0].role"),
        ({"input": [{"role": "user", "content": 3}]}, "input[0].content"),
        ({"instructions": 3}, "instructions"),
        ({"text": 3}, "text"),
        ({"max_output_tokens": "many"}, "max_output_tokens"),
        ({"tools": [WEATHER], "tool_choice": "perhaps"}, "tool_choice"),
    ],
)
def test_what_is_wrong_in_any_dialect_is_named(fields: Json, param: str) -> None:
    with pytest.raises(Fault) as caught:
        response_to_chat(**fields)
    assert (caught.value.kind, caught.value.param) == (Kind.BAD_BODY, param)


def test_a_messages_endpoint_is_reached_by_way_of_chat() -> None:
    image = {"type": "input_image", "image_url": PNG_URL, "detail": "auto"}
    told = response_to_messages(
        instructions="Be brief",
        input=[{"role": "user", "content": [image]}, THOUGHT, CALL, OUTPUT],
        tools=[WEATHER],
        max_output_tokens=50,
        reasoning={"effort": "low"},
        text={"format": {"type": "json_schema", **FORM}},
        user="u",
        prompt_cache_key="k",
    )
    source = {"type": "base64", "media_type": "image/png", "data": PNG}
    assert told == {
        "model": "m",
        "max_tokens": 50,
        "system": [{"type": "text", "text": "Be brief"}],
        "messages": [
            {"role": "user", "content": [{"type": "image", "source": source}]},
            {
                "role": "assistant",
                "content": [{"type": "tool_use", "id": "c1", "name": "weather", "input": {}}],
            },
            {
                "role": "user",
                "content": [{"type": "tool_result", "tool_use_id": "c1", "content": "Rain"}],
            },
        ],
        "tools": [
            {
                "name": "weather",
                "description": "Say the weather.",
                "input_schema": WEATHER["parameters"],
                "strict": True,
            }
        ],
        "metadata": {"user_id": "u"},
        "thinking": {"type": "adaptive", "display": "summarized"},
        "output_config": {
            "effort": "low",
            "format": {
                "type": "json_schema",
                "schema": {"type": "object", "additionalProperties": False},
            },
        },
    }


def test_what_chat_can_say_and_messages_cannot_is_refused_by_name() -> None:
    with pytest.raises(Fault, match="response_format"):
        response_to_messages(text={"format": {"type": "json_object"}})

"""A chat request reaches an Anthropic endpoint with all it says, or is refused by name."""

from typing import Any

import pytest

from router.core.faults import Fault, Kind
from tests.upstream.asking import an_endpoint
from tests.upstream.translate.saying import PDF, PDF_URL, PNG, PNG_URL, Json, to_messages

WEATHER = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "Say the weather.",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
    },
}
USER = {"role": "user", "content": "Hi"}
LOOKUP = {"id": "call_1", "type": "function", "function": {"name": "weather", "arguments": "{}"}}


def refusal(**fields: Any) -> Fault:
    with pytest.raises(Fault) as caught:
        to_messages(**fields)
    return caught.value


def turns(*messages: Json) -> list[Json]:
    told: list[Json] = to_messages(messages=list(messages))["messages"]
    return told


def test_system_and_developer_messages_become_the_system_prompt_in_their_order() -> None:
    told = to_messages(
        messages=[
            {"role": "system", "content": "One"},
            {"role": "developer", "content": [{"type": "text", "text": "Two"}]},
            USER,
            {"role": "system", "content": "Three"},
        ]
    )
    assert [block["text"] for block in told["system"]] == ["One", "Two", "Three"]
    assert told["messages"] == [{"role": "user", "content": [{"type": "text", "text": "Hi"}]}]


def test_marks_of_what_to_cache_are_kept() -> None:
    mark = {"type": "ephemeral", "ttl": "1h"}
    told = to_messages(
        messages=[
            {"role": "system", "content": "Long", "cache_control": mark},
            {"role": "user", "content": [{"type": "text", "text": "A", "cache_control": mark}]},
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "B", "prompt_cache_breakpoint": {"mode": "explicit"}}
                ],
            },
        ],
        tools=[{**WEATHER, "cache_control": mark}],
        cache_control={"type": "ephemeral"},
    )
    assert told["system"][0]["cache_control"] == mark
    marks = [block["cache_control"] for block in told["messages"][0]["content"]]
    assert marks == [mark, {"type": "ephemeral"}]
    assert told["tools"][0]["cache_control"] == mark
    assert told["cache_control"] == {"type": "ephemeral"}


def test_turns_of_one_role_become_one_and_empty_ones_none() -> None:
    said = turns(USER, {"role": "user", "content": "There"}, {"role": "assistant", "content": ""})
    assert [(t["role"], [b["text"] for b in t["content"]]) for t in said] == [
        ("user", ["Hi", "There"])
    ]


@pytest.mark.parametrize("blank", ["\n\n", [{"type": "text", "text": " "}], None, []])
def test_blank_text_beside_calls_of_tools_is_none(blank: Any) -> None:
    result = {"role": "tool", "tool_call_id": "call_1", "content": "sunny"}
    said = turns(USER, {"role": "assistant", "content": blank, "tool_calls": [LOOKUP]}, result)
    assert [block["type"] for block in said[1]["content"]] == ["tool_use"]


@pytest.mark.parametrize(
    ("url", "source"),
    [
        (PNG_URL, {"type": "base64", "media_type": "image/png", "data": PNG}),
        ("https://x.example/a.png", {"type": "url", "url": "https://x.example/a.png"}),
    ],
)
def test_an_image_is_shown_by_data_or_by_url(url: str, source: Json) -> None:
    image = {"type": "image_url", "image_url": {"url": url, "detail": "high"}}
    [turn] = turns({"role": "user", "content": [image]})
    assert turn["content"] == [{"type": "image", "source": source}]


def test_a_pdf_becomes_a_document_with_its_name() -> None:
    file = {"type": "file", "file": {"file_data": PDF_URL, "filename": "a.pdf"}}
    [turn] = turns({"role": "user", "content": [file]})
    source = {"type": "base64", "media_type": "application/pdf", "data": PDF}
    assert turn["content"] == [{"type": "document", "source": source, "title": "a.pdf"}]


def test_parallel_calls_and_all_their_results_stand_in_two_turns() -> None:
    calls = [{**LOOKUP, "id": "call:1"}, {**LOOKUP, "id": "call:2"}]
    said = turns(
        USER,
        {"role": "assistant", "content": "Let me see", "tool_calls": calls},
        {"role": "tool", "tool_call_id": "call:1", "content": "Rain"},
        {
            "role": "tool",
            "tool_call_id": "call:2",
            "content": [
                {"type": "text", "text": "Sun"},
                {"type": "image_url", "image_url": {"url": PNG_URL}},
            ],
        },
        {"role": "user", "content": "Well?"},
    )
    assert [t["role"] for t in said] == ["user", "assistant", "user"]
    text, *uses = said[1]["content"]
    assert text == {"type": "text", "text": "Let me see"}
    assert uses == [
        {"type": "tool_use", "id": name, "name": "weather", "input": {}}
        for name in ("call_1", "call_2")
    ]
    first, second, last = said[2]["content"]
    assert first == {"type": "tool_result", "tool_use_id": "call_1", "content": "Rain"}
    assert [part["type"] for part in second["content"]] == ["text", "image"]
    assert last == {"type": "text", "text": "Well?"}


def test_arguments_keep_their_digits() -> None:
    call = {**LOOKUP, "function": {"name": "f", "arguments": '{"x": 0.10, "big": 1e400}'}}
    body = to_messages(messages=[USER, {"role": "assistant", "tool_calls": [call]}])
    assert body["messages"][1]["content"][0]["input"] == {"x": 0.1, "big": float("inf")}


def test_a_tool_is_offered_with_its_schema() -> None:
    strict = {"type": "function", "function": {"name": "f", "strict": True}}
    told = to_messages(tools=[WEATHER, strict])
    assert told["tools"] == [
        {
            "name": "weather",
            "description": "Say the weather.",
            "input_schema": WEATHER["function"]["parameters"],  # type: ignore[index]
        },
        {"name": "f", "input_schema": {"type": "object", "properties": {}}, "strict": True},
    ]
    assert "tool_choice" not in told


@pytest.mark.parametrize(
    ("fields", "choice"),
    [
        ({"tool_choice": "auto"}, {"type": "auto"}),
        ({"tool_choice": "none"}, {"type": "none"}),
        ({"tool_choice": "required"}, {"type": "any"}),
        (
            {"tool_choice": {"type": "function", "function": {"name": "weather"}}},
            {"type": "tool", "name": "weather"},
        ),
        ({"parallel_tool_calls": False}, {"type": "auto", "disable_parallel_tool_use": True}),
        (
            {"parallel_tool_calls": False, "tool_choice": "required"},
            {"type": "any", "disable_parallel_tool_use": True},
        ),
        ({"parallel_tool_calls": False, "tool_choice": "none"}, {"type": "none"}),
        ({"parallel_tool_calls": True, "tool_choice": "auto"}, {"type": "auto"}),
    ],
)
def test_the_choice_of_a_tool_is_kept(fields: Json, choice: Json) -> None:
    assert to_messages(tools=[WEATHER], **fields)["tool_choice"] == choice


def test_only_allowed_tools_are_offered() -> None:
    other = {"type": "function", "function": {"name": "other"}}
    allowed = {"mode": "required", "tools": [{"type": "function", "function": {"name": "other"}}]}
    told = to_messages(
        tools=[WEATHER, other], tool_choice={"type": "allowed_tools", "allowed_tools": allowed}
    )
    assert [tool["name"] for tool in told["tools"]] == ["other"]
    assert told["tool_choice"] == {"type": "any"}


def test_a_schema_for_the_answer_is_closed_as_anthropic_demands() -> None:
    inner = {"type": "object", "properties": {"x": {"type": "number"}}}
    schema = {"type": "object", "properties": {"list": {"type": "array", "items": inner}}}
    told = to_messages(
        response_format={
            "type": "json_schema",
            "json_schema": {"name": "n", "description": "Points", "schema": schema},
        }
    )
    assert told["output_config"] == {
        "format": {
            "type": "json_schema",
            "schema": {
                "type": "object",
                "description": "Points",
                "properties": {
                    "list": {"type": "array", "items": {**inner, "additionalProperties": False}}
                },
                "additionalProperties": False,
            },
        }
    }


@pytest.mark.parametrize(
    ("max_output", "fields", "limit"),
    [
        (8000, {}, 8000),
        (None, {}, 32000),
        (8000, {"max_tokens": 10}, 10),
        (8000, {"max_completion_tokens": 20}, 20),
        (8000, {"max_completion_tokens": 20, "max_tokens": 10}, 10),
        (8000, {"max_tokens": 9000}, 8000),
        (None, {"max_tokens": 90000}, 90000),
    ],
)
def test_the_limit_is_the_clients_or_what_the_endpoint_can_give(
    max_output: int | None, fields: Json, limit: int
) -> None:
    told = to_messages(an_endpoint(max_output=max_output), **fields)
    assert told["max_tokens"] == limit


@pytest.mark.parametrize(
    ("field", "value", "told"),
    [
        ("stop", "END", {"stop_sequences": ["END"]}),
        ("stop", ["A", "B"], {"stop_sequences": ["A", "B"]}),
        ("temperature", 0.3, {"temperature": 0.3}),
        ("top_p", 0.9, {"top_p": 0.9}),
        ("top_k", 5, {"top_k": 5}),
        ("user", "u1", {"metadata": {"user_id": "u1"}}),
        ("safety_identifier", "u2", {"metadata": {"user_id": "u2"}}),
        ("service_tier", "default", {"service_tier": "standard_only"}),
        ("service_tier", "auto", {"service_tier": "auto"}),
        ("stream", True, {"stream": True}),
        ("thinking", {"type": "adaptive"}, {"thinking": {"type": "adaptive"}}),
    ],
)
def test_a_small_field_finds_its_counterpart(field: str, value: Any, told: Json) -> None:
    plain = to_messages()
    assert to_messages(**{field: value}) == {**plain, **told}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("n", 1),
        ("logprobs", False),
        ("seed", None),
        ("frequency_penalty", 0.0),
        ("logit_bias", {}),
        ("store", False),
        ("modalities", ["text"]),
        ("prompt_cache_key", "k"),
        ("metadata", {"a": "b"}),
        ("stream_options", {"include_usage": True}),
        ("response_format", {"type": "text"}),
        ("parallel_tool_calls", True),
    ],
)
def test_what_changes_nothing_is_left_out(field: str, value: Any) -> None:
    assert to_messages(**{field: value}) == to_messages()


@pytest.mark.parametrize(
    ("effort", "thinking", "config"),
    [
        ("none", {"type": "disabled"}, None),
        ("minimal", {"type": "adaptive", "display": "summarized"}, {"effort": "low"}),
        ("high", {"type": "adaptive", "display": "summarized"}, {"effort": "high"}),
        ("max", {"type": "adaptive", "display": "summarized"}, {"effort": "max"}),
    ],
)
def test_effort_makes_a_model_think_adaptively(
    effort: str, thinking: Json, config: Json | None
) -> None:
    told = to_messages(reasoning_effort=effort)
    assert told["thinking"] == thinking
    assert told.get("output_config") == config


OLDER = an_endpoint(
    unsupported_params=frozenset({"thinking.adaptive", "output_config.effort"}), max_output=64000
)


@pytest.mark.parametrize(
    ("effort", "limit", "thinking"),
    [
        ("low", 10000, {"type": "enabled", "budget_tokens": 2000}),
        ("medium", 10000, {"type": "enabled", "budget_tokens": 5000}),
        ("high", None, {"type": "enabled", "budget_tokens": 32000}),
        ("low", 2000, {"type": "enabled", "budget_tokens": 1024}),
        ("low", 1000, None),
        ("none", 1000, None),
    ],
)
def test_effort_is_a_budget_for_a_model_that_knows_no_other_way(
    effort: str, limit: int | None, thinking: Json | None
) -> None:
    told = to_messages(OLDER, reasoning_effort=effort, max_tokens=limit)
    assert told.get("thinking") == thinking
    assert "output_config" not in told


def test_a_tool_loop_that_is_open_gets_no_budget() -> None:
    loop = [
        USER,
        {"role": "assistant", "tool_calls": [LOOKUP]},
        {"role": "tool", "tool_call_id": "call_1", "content": "Rain"},
    ]
    assert "thinking" not in to_messages(OLDER, messages=loop, reasoning_effort="high")
    assert "thinking" in to_messages(messages=loop, reasoning_effort="high")


def test_a_call_that_is_forced_comes_without_thinking() -> None:
    told = to_messages(tools=[WEATHER], tool_choice="required", reasoning_effort="high")
    assert "thinking" not in told
    assert told["output_config"] == {"effort": "high"}


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"n": 2}, "n"),
        ({"seed": 1}, "seed"),
        ({"logprobs": True}, "logprobs"),
        ({"logit_bias": {"1": 2}}, "logit_bias"),
        ({"frequency_penalty": 0.5}, "frequency_penalty"),
        ({"temperature": 1.5}, "temperature"),
        ({"temperature": 0.5, "reasoning_effort": "high"}, "temperature"),
        ({"service_tier": "flex"}, "service_tier"),
        ({"store": True}, "store"),
        ({"modalities": ["text", "audio"]}, "modalities"),
        ({"web_search_options": {}}, "web_search_options"),
        ({"response_format": {"type": "json_object"}}, "response_format"),
        ({"tools": [{"type": "custom", "custom": {"name": "x"}}]}, "tools.custom"),
        ({"stop": [" "]}, "stop[0]"),
        ({"thinking": {"type": "adaptive"}, "reasoning_effort": "low"}, "reasoning_effort"),
        ({"messages": [{"role": "system", "content": "x"}]}, "messages"),
        ({"messages": [{**USER, "name": "Ann"}]}, "messages.name"),
        (
            {"messages": [{"role": "user", "content": [{"type": "input_audio"}]}]},
            "input_audio",
        ),
        (
            {
                "messages": [
                    {
                        "role": "user",
                        "content": [{"type": "file", "file": {"file_id": "file-1"}}],
                    }
                ]
            },
            "file_id",
        ),
        ({"messages": [{"role": "function", "content": "x"}]}, "messages.function"),
        (
            {
                "messages": [
                    USER,
                    {
                        "role": "assistant",
                        "tool_calls": [{**LOOKUP, "function": {"name": "f", "arguments": "{"}}],
                    },
                ]
            },
            "messages[1].tool_calls[0].function.arguments",
        ),
    ],
)
def test_what_anthropic_cannot_be_told_is_refused_by_name(fields: Json, param: str) -> None:
    fault = refusal(**fields)
    assert (fault.kind, fault.param) == (Kind.UNTOLD, param)
    assert param in fault.message


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"messages": "Hi"}, "messages"),
        ({"messages": [3]}, "messages[0]"),
        ({"messages": [{"role": "user", "content": 3}]}, "messages[0].content"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"max_tokens": True}, "max_tokens"),
        ({"stop": 3}, "stop"),
        ({"reasoning_effort": "hard"}, "reasoning_effort"),
        ({"tools": [WEATHER], "tool_choice": "perhaps"}, "tool_choice"),
        ({"tools": [{"type": "function"}]}, "tools[0].function"),
        ({"response_format": {"type": "yaml"}}, "response_format.type"),
        (
            {
                "messages": [
                    {
                        "role": "user",
                        "content": [{"type": "image_url", "image_url": {"url": "a.png"}}],
                    }
                ]
            },
            "messages[0].content[0].image_url.url",
        ),
    ],
)
def test_what_is_wrong_in_any_dialect_is_named(fields: Json, param: str) -> None:
    fault = refusal(**fields)
    assert (fault.kind, fault.param) == (Kind.BAD_BODY, param)


def test_a_refusal_never_repeats_what_was_said() -> None:
    secret = {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "sesame"}}]}
    assert "sesame" not in refusal(messages=[secret]).message

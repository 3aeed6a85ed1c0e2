"""A Messages request reaches a chat endpoint with all it says, or is refused by name."""

from typing import Any

import pytest

from router.core.catalogue import Capability
from router.core.faults import Fault, Kind
from tests.upstream.asking import an_endpoint
from tests.upstream.translate.saying import PDF, PDF_URL, PNG, PNG_URL, Json, to_chat

OPENAI = an_endpoint(provider="openai")
USER = {"role": "user", "content": "Hi"}
WEATHER = {
    "name": "weather",
    "description": "Say the weather.",
    "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}},
}
TIGHT = {
    "type": "object",
    "properties": {"x": {"type": "number"}},
    "required": ["x"],
    "additionalProperties": False,
}
LOOSE = {**TIGHT, "required": []}
USE = {"type": "tool_use", "id": "toolu_1", "name": "weather", "input": {"city": "Ulm"}}
IMAGE = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}}
MARK = {"cache_control": {"type": "ephemeral"}}


def said(*messages: Json, **fields: Any) -> list[Json]:
    told: list[Json] = to_chat(messages=list(messages), **fields)["messages"]
    return told


def result(content: Any, **fields: Any) -> Json:
    return {"type": "tool_result", "tool_use_id": "toolu_1", "content": content, **fields}


def test_the_system_prompt_comes_first_and_in_its_order() -> None:
    system = [{"type": "text", "text": "One", **MARK}, {"type": "text", "text": "Two"}]
    assert said(USER, system=system)[0] == {"role": "system", "content": "One\n\nTwo"}
    assert said(USER, system="One")[0] == {"role": "system", "content": "One"}


def test_a_system_message_in_a_conversation_stays_where_it_is() -> None:
    told = said(
        USER, {"role": "assistant", "content": "Ho"}, USER, {"role": "system", "content": "X"}
    )
    assert [m["role"] for m in told] == ["user", "assistant", "user", "system"]


def test_text_alone_is_a_string_and_an_image_makes_parts() -> None:
    text = {"type": "text", "text": "Look", **MARK}
    assert said({"role": "user", "content": [text]}) == [{"role": "user", "content": "Look"}]
    web = {"type": "image", "source": {"type": "url", "url": "https://x.example/a.png"}}
    assert said({"role": "user", "content": [text, IMAGE, web]}) == [
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "Look"},
                {"type": "image_url", "image_url": {"url": PNG_URL}},
                {"type": "image_url", "image_url": {"url": "https://x.example/a.png"}},
            ],
        }
    ]


@pytest.mark.parametrize(
    ("source", "parts"),
    [
        (
            {"type": "base64", "media_type": "application/pdf", "data": PDF},
            [
                {"type": "text", "text": "About"},
                {"type": "file", "file": {"filename": "T", "file_data": PDF_URL}},
            ],
        ),
        (
            {"type": "text", "media_type": "text/plain", "data": "Words"},
            "T\n\nAbout\n\nWords",
        ),
        ({"type": "content", "content": "Words"}, "T\n\nAbout\n\nWords"),
        (
            {"type": "content", "content": [IMAGE]},
            [
                {"type": "text", "text": "T\n\nAbout"},
                {"type": "image_url", "image_url": {"url": PNG_URL}},
            ],
        ),
    ],
)
def test_a_document_is_shown_with_its_title_and_context(source: Json, parts: Any) -> None:
    document = {"type": "document", "source": source, "title": "T", "context": "About"}
    assert said({"role": "user", "content": [document]}) == [{"role": "user", "content": parts}]


def test_results_of_tools_come_before_what_else_the_user_says() -> None:
    other = {**USE, "id": "toolu_2"}
    told = said(
        USER,
        {"role": "assistant", "content": [{"type": "text", "text": "So"}, USE, other]},
        {
            "role": "user",
            "content": [
                result("Rain"),
                {"type": "text", "text": "Go on"},
                {**result([{"type": "text", "text": "Sun"}]), "tool_use_id": "toolu_2"},
            ],
        },
    )
    assert told[1:] == [
        {
            "role": "assistant",
            "content": "So",
            "tool_calls": [
                {
                    "id": name,
                    "type": "function",
                    "function": {"name": "weather", "arguments": '{"city":"Ulm"}'},
                }
                for name in ("toolu_1", "toolu_2")
            ],
        },
        {"role": "tool", "tool_call_id": "toolu_1", "content": "Rain"},
        {"role": "tool", "tool_call_id": "toolu_2", "content": "Sun"},
        {"role": "user", "content": "Go on"},
    ]


def test_a_result_that_is_an_error_says_so() -> None:
    for content, heard in (("No", "Error: No"), ("Error: No", "Error: No"), (None, "Error: ")):
        turn = {"role": "user", "content": [result(content, is_error=True)]}
        assert said(turn)[0]["content"] == heard


def test_an_image_that_a_tool_returned_follows_and_says_whose_it_is() -> None:
    told = said({"role": "user", "content": [result([{"type": "text", "text": "See"}, IMAGE])]})
    assert told == [
        {"role": "tool", "tool_call_id": "toolu_1", "content": "See"},
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "Returned by the tool call toolu_1:"},
                {"type": "image_url", "image_url": {"url": PNG_URL}},
            ],
        },
    ]


THOUGHT = {"type": "thinking", "thinking": "Hm", "signature": ""}
SIGNED = {"type": "thinking", "thinking": "Hm", "signature": "c2ln"}
REDACTED = {"type": "redacted_thinking", "data": "xxx"}


def loop(*thinking: Json) -> list[Json]:
    answer = {"role": "user", "content": [result("Rain")]}
    return [USER, {"role": "assistant", "content": [*thinking, USE]}, answer]


def test_unsigned_thinking_of_an_open_tool_loop_is_given_back() -> None:
    assert said(*loop(THOUGHT))[1]["reasoning_content"] == "Hm"


@pytest.mark.parametrize("thinking", [SIGNED, REDACTED])
def test_signed_thinking_of_an_open_tool_loop_is_refused_by_name(thinking: Json) -> None:
    with pytest.raises(Fault) as caught:
        said(*loop(thinking))
    assert (caught.value.kind, caught.value.param) == (Kind.UNTOLD, "signature")


def test_thinking_of_a_finished_turn_is_left_out() -> None:
    told = said(*loop(SIGNED, THOUGHT), {"role": "assistant", "content": "Done"}, USER)
    assert "reasoning_content" not in told[1]
    assert [m["role"] for m in told] == ["user", "assistant", "tool", "assistant", "user"]


def test_a_tool_is_offered_with_its_schema() -> None:
    told = to_chat(tools=[{**WEATHER, **MARK, "type": "custom"}])
    assert told["tools"] == [
        {
            "type": "function",
            "function": {
                "name": "weather",
                "description": "Say the weather.",
                "parameters": WEATHER["input_schema"],
            },
        }
    ]


def test_a_tool_is_strict_where_openai_can_be() -> None:
    for schema, strict in ((TIGHT, {"strict": True}), (LOOSE, {})):
        [tool] = to_chat(tools=[{"name": "f", "input_schema": schema, "strict": True}])["tools"]
        assert tool["function"] == {"name": "f", "parameters": schema, **strict}


@pytest.mark.parametrize(
    ("choice", "told"),
    [
        ({"type": "auto"}, "auto"),
        ({"type": "any"}, "required"),
        ({"type": "none"}, "none"),
        (
            {"type": "tool", "name": "weather"},
            {"type": "function", "function": {"name": "weather"}},
        ),
    ],
)
def test_the_choice_of_a_tool_is_kept(choice: Json, told: Any) -> None:
    body = to_chat(tools=[WEATHER], tool_choice=choice)
    assert body["tool_choice"] == told
    assert "parallel_tool_calls" not in body
    alone = {**choice, "disable_parallel_tool_use": True}
    assert to_chat(tools=[WEATHER], tool_choice=alone)["parallel_tool_calls"] is False


def test_a_schema_for_the_answer_is_strict_where_openai_can_be() -> None:
    for schema, strict in ((TIGHT, True), (LOOSE, False)):
        form = {"type": "json_schema", "schema": schema}
        told = {"name": "answer", "schema": schema, "strict": strict}
        wanted = {"type": "json_schema", "json_schema": told}
        assert to_chat(output_config={"format": form})["response_format"] == wanted
        assert to_chat(output_format=form)["response_format"] == wanted


@pytest.mark.parametrize(
    ("field", "value", "told"),
    [
        ("stop_sequences", ["A", "B"], {"stop": ["A", "B"]}),
        ("temperature", 0.3, {"temperature": 0.3}),
        ("top_p", 0.9, {"top_p": 0.9}),
        ("top_k", 5, {"top_k": 5}),
        ("stream", True, {"stream": True}),
        ("metadata", {"user_id": "u1"}, {"user": "u1"}),
        ("service_tier", "standard_only", {"service_tier": "default"}),
        ("service_tier", "auto", {}),
        ("cache_control", {"type": "ephemeral"}, {}),
        ("speed", "standard", {}),
        ("mcp_servers", [], {}),
        ("context_management", {"edits": [{"type": "clear_thinking_20251015"}]}, {}),
    ],
)
def test_a_small_field_finds_its_counterpart(field: str, value: Any, told: Json) -> None:
    assert to_chat(**{field: value}) == {**to_chat(), **told}


def test_a_long_user_is_told_as_a_short_name_that_stays_the_same() -> None:
    first = to_chat(metadata={"user_id": "u" * 200})["user"]
    assert len(first) <= 64
    assert first == to_chat(metadata={"user_id": "u" * 200})["user"]
    assert first != to_chat(metadata={"user_id": "u" * 201})["user"]


def test_openais_models_get_the_limit_by_its_new_name() -> None:
    assert to_chat()["max_tokens"] == 1000
    told = to_chat(OPENAI)
    assert told["max_completion_tokens"] == 1000
    assert "max_tokens" not in told


@pytest.mark.parametrize(
    ("fields", "openais", "others"),
    [
        ({"thinking": {"type": "enabled", "budget_tokens": 2000}}, "low", "low"),
        ({"thinking": {"type": "enabled", "budget_tokens": 5000}}, "medium", "medium"),
        ({"thinking": {"type": "enabled", "budget_tokens": 9999}}, "high", "high"),
        ({"thinking": {"type": "adaptive"}}, None, None),
        ({"thinking": {"type": "disabled"}}, None, None),
        (
            {"thinking": {"type": "adaptive"}, "output_config": {"effort": "max"}},
            "max",
            "high",
        ),
        ({"output_config": {"effort": "low"}}, "low", "low"),
    ],
)
def test_thinking_becomes_effort(fields: Json, openais: str | None, others: str | None) -> None:
    assert to_chat(OPENAI, max_tokens=10000, **fields).get("reasoning_effort") == openais
    assert to_chat(max_tokens=10000, **fields).get("reasoning_effort") == others


def test_an_endpoint_that_takes_no_effort_is_told_none() -> None:
    without = an_endpoint(capabilities=frozenset(Capability) - {Capability.REASONING_EFFORT})
    assert "reasoning_effort" not in to_chat(without, output_config={"effort": "high"})


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"tools": [{"type": "web_search_20250305", "name": "w"}]}, "tools.web_search_20250305"),
        ({"container": "c1"}, "container"),
        ({"mcp_servers": [{"type": "url", "url": "x", "name": "n"}]}, "mcp_servers"),
        ({"inference_geo": "eu"}, "inference_geo"),
        ({"speed": "fast"}, "speed"),
        (
            {"context_management": {"edits": [{"type": "clear_tool_uses_20250919"}]}},
            "context_management",
        ),
        (
            {"messages": [{"role": "user", "content": [{"type": "search_result"}]}]},
            "search_result",
        ),
        (
            {"messages": [{"role": "user", "content": [result([{"type": "tool_reference"}])]}]},
            "tool_reference",
        ),
        (
            {
                "messages": [
                    {
                        "role": "user",
                        "content": [{"type": "image", "source": {"type": "file", "file_id": "f"}}],
                    }
                ]
            },
            "image.source.file",
        ),
        (
            {
                "messages": [
                    {
                        "role": "user",
                        "content": [{"type": "document", "citations": {"enabled": True}}],
                    }
                ]
            },
            "citations",
        ),
        (
            {
                "messages": [
                    {
                        "role": "user",
                        "content": [
                            {
                                "type": "document",
                                "source": {"type": "url", "url": "https://x.example/a.pdf"},
                            }
                        ],
                    }
                ]
            },
            "document.source.url",
        ),
        (
            {"tools": [{**WEATHER, "defer_loading": True}]},
            "tools.defer_loading",
        ),
    ],
)
def test_what_a_chat_endpoint_cannot_be_told_is_refused_by_name(fields: Json, param: str) -> None:
    with pytest.raises(Fault) as caught:
        to_chat(**fields)
    assert (caught.value.kind, caught.value.param) == (Kind.UNTOLD, param)


def test_openais_models_take_no_top_k() -> None:
    with pytest.raises(Fault, match="top_k"):
        to_chat(OPENAI, top_k=5)


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"messages": "Hi"}, "messages"),
        ({"max_tokens": None}, "max_tokens"),
        ({"system": 3}, "system"),
        ({"metadata": 3}, "metadata"),
        ({"output_config": {"effort": "hard"}}, "output_config.effort"),
        ({"thinking": {"type": "deep"}}, "thinking.type"),
        ({"thinking": {"type": "enabled"}}, "thinking.budget_tokens"),
        ({"tools": [WEATHER], "tool_choice": {"type": "perhaps"}}, "tool_choice.type"),
        ({"tools": [{"name": "x"}]}, "tools[0].input_schema"),
        ({"service_tier": "flex"}, "service_tier"),
    ],
)
def test_what_is_wrong_in_any_dialect_is_named(fields: Json, param: str) -> None:
    with pytest.raises(Fault) as caught:
        to_chat(**fields)
    assert (caught.value.kind, caught.value.param) == (Kind.BAD_BODY, param)

"""What only an endpoint that speaks a surface itself can take is named, and nothing else is."""

from typing import Any

import pytest

from router.core.dialects import EXPRESSIBLE, natively_only, open_loop, way
from router.core.surface import Surface

Json = dict[str, Any]

USER = {"role": "user", "content": "Hi"}
USE = {"type": "tool_use", "id": "t", "name": "f", "input": {}}
RESULT = {"type": "tool_result", "tool_use_id": "t", "content": "R"}
SIGNED = {"type": "thinking", "thinking": "H", "signature": "s"}
UNSIGNED = {"type": "thinking", "thinking": "H", "signature": ""}
REDACTED = {"type": "redacted_thinking", "data": "x"}


def says(role: str, *blocks: Json) -> Json:
    return {"role": role, "content": list(blocks)}


def asked(*blocks: Json) -> Json:
    return {"messages": [says("user", *blocks)]}


@pytest.mark.parametrize(
    ("surface", "fields"),
    [
        (Surface.CHAT, {"n": 1, "logprobs": None, "seed": None, "temperature": 1.0}),
        (Surface.CHAT, {"tools": [{"type": "function", "function": {"name": "f"}}]}),
        (Surface.CHAT, {"response_format": {"type": "json_schema"}}),
        (Surface.CHAT, {"messages": [{"role": "tool", "name": "f", "content": "R"}]}),
        (Surface.CHAT, asked({"type": "file", "file": {"file_data": "d"}})),
        (Surface.MESSAGES, {"tools": [{"name": "f", "allowed_callers": ["direct"]}]}),
        (Surface.MESSAGES, {"messages": [USER], "tools": [{"name": "f"}, {"type": "custom"}]}),
        (Surface.MESSAGES, {"context_management": {"edits": [{"type": "clear_thinking_2"}]}}),
        (Surface.MESSAGES, asked({"type": "text", "text": "x"}, RESULT)),
        (Surface.RESPONSES, {"input": "Hi", "background": False, "truncation": "disabled"}),
        (Surface.RESPONSES, {"input": [USER, {"type": "reasoning", "summary": []}]}),
        (Surface.RESPONSES, {"include": ["reasoning.encrypted_content"]}),
        (Surface.RESPONSES, {"client_metadata": {"session_id": "s"}}),
    ],
)
def test_what_can_be_said_in_another_dialect_is_no_reason(surface: Surface, fields: Json) -> None:
    assert natively_only(surface, fields) == ""


@pytest.mark.parametrize(
    ("surface", "fields", "named"),
    [
        (Surface.CHAT, {"n": 2}, "n"),
        (Surface.CHAT, {"seed": 0}, "seed"),
        (Surface.CHAT, {"temperature": 1.2}, "temperature"),
        (Surface.CHAT, {"response_format": {"type": "json_object"}}, "response_format"),
        (Surface.CHAT, {"tools": [{"type": "custom"}]}, "tools.custom"),
        (Surface.CHAT, {"messages": [{**USER, "name": "Ann"}]}, "messages.name"),
        (Surface.CHAT, {"messages": [{"role": "function"}]}, "messages.function"),
        (Surface.CHAT, asked({"type": "input_audio"}), "input_audio"),
        (Surface.CHAT, asked({"type": "file", "file": {"file_id": "f"}}), "file_id"),
        (Surface.MESSAGES, {"container": "c"}, "container"),
        (Surface.MESSAGES, {"tools": [{"input_examples": [{}]}]}, "tools.input_examples"),
        (
            Surface.MESSAGES,
            asked({"type": "document", "source": {"type": "url"}}),
            "document.source.url",
        ),
        (Surface.MESSAGES, {"mcp_servers": [{}]}, "mcp_servers"),
        (Surface.MESSAGES, {"tools": [{"type": "bash_20250124"}]}, "tools.bash_20250124"),
        (Surface.MESSAGES, asked({"type": "server_tool_use"}), "server_tool_use"),
        (
            Surface.MESSAGES,
            asked({**RESULT, "content": [{"type": "search_result"}]}),
            "search_result",
        ),
        (
            Surface.MESSAGES,
            {"context_management": {"edits": [{"type": "compact_20260112"}]}},
            "context_management",
        ),
        (Surface.RESPONSES, {"previous_response_id": "r"}, "previous_response_id"),
        (Surface.RESPONSES, {"background": True}, "background"),
        (Surface.RESPONSES, {"prompt": {"id": "p"}}, "prompt"),
        (Surface.RESPONSES, {"tools": [{"type": "file_search"}]}, "tools.file_search"),
        (Surface.RESPONSES, {"input": [{"type": "item_reference", "id": "x"}]}, "item_reference"),
        (Surface.RESPONSES, {"input": [{"id": "x"}]}, "item_reference"),
        (
            Surface.RESPONSES,
            {"input": [says("user", {"type": "input_file", "file_url": "u"})]},
            "file_url",
        ),
        (Surface.EMBEDDINGS, {}, "embeddings"),
        (Surface.COMPLETIONS, {}, "completions"),
    ],
)
def test_what_cannot_is_named(surface: Surface, fields: Json, named: str) -> None:
    assert natively_only(surface, fields) == named


@pytest.mark.parametrize("thinking", [SIGNED, REDACTED])
def test_signed_thinking_binds_while_its_tool_loop_is_open(thinking: Json) -> None:
    loop = [USER, says("assistant", thinking, USE), says("user", RESULT)]
    assert natively_only(Surface.MESSAGES, {"messages": loop}) == "signature"
    longer = [*loop, says("assistant", USE), says("user", RESULT)]
    assert natively_only(Surface.MESSAGES, {"messages": longer}) == "signature"
    finished = [*loop, says("assistant", {"type": "text", "text": "Done"}), USER]
    assert natively_only(Surface.MESSAGES, {"messages": finished}) == ""


def test_thinking_that_nobody_signed_binds_nothing() -> None:
    loop = [USER, says("assistant", UNSIGNED, USE), says("user", RESULT)]
    assert natively_only(Surface.MESSAGES, {"messages": loop}) == ""


def test_encrypted_reasoning_binds_while_its_turn_is_open() -> None:
    sealed = {"type": "reasoning", "summary": [], "encrypted_content": "x"}
    call = {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"}
    output = {"type": "function_call_output", "call_id": "c", "output": "R"}
    loop = [USER, sealed, call, output]
    assert natively_only(Surface.RESPONSES, {"input": loop}) == "encrypted_content"
    assert natively_only(Surface.RESPONSES, {"input": [*loop, USER]}) == ""


def test_the_turn_under_way_begins_after_what_the_user_said_last() -> None:
    loop = [USER, says("assistant", USE), says("user", RESULT, {"type": "text", "text": "and"})]
    assert open_loop([]) == 0
    assert open_loop([USER]) == 1
    assert open_loop(loop) == 1
    assert open_loop([USER, *loop]) == 2
    assert open_loop([*loop, says("assistant", USE)]) == 4
    assert open_loop(loop[1:]) == 0


@pytest.mark.parametrize(
    "fields",
    [
        {"messages": 3, "tools": 3},
        {"messages": [3, {"role": 3}, {"content": 3}, {"content": [3]}]},
        {"tools": [3, {"type": 3}], "context_management": {"edits": 3}},
        {"input": 3, "include": 3},
        {"input": [3, {"type": 3}]},
    ],
)
@pytest.mark.parametrize("surface", list(Surface))
def test_what_is_malformed_is_no_matter_of_dialects(surface: Surface, fields: Json) -> None:
    assert isinstance(natively_only(surface, fields), str)


def test_an_endpoint_is_told_in_its_own_words_then_in_chat_then_in_messages() -> None:
    both = {Surface.CHAT, Surface.MESSAGES}
    assert way(Surface.MESSAGES, both) is Surface.MESSAGES
    assert way(Surface.RESPONSES, both) is Surface.CHAT
    assert way(Surface.RESPONSES, {Surface.MESSAGES}) is Surface.MESSAGES
    assert way(Surface.EMBEDDINGS, both) is None


@pytest.mark.parametrize("fields", EXPRESSIBLE.values())
def test_what_a_body_says_to_us_never_rejects_an_endpoint(fields: frozenset[str]) -> None:
    assert {"sla", "provider", "model", "stream"} <= fields

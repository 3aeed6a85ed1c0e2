"""What is right: requests for every surface, and answers of every kind of endpoint."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from router.core.surface import Surface
from tests.upstream.corpus import ALL

_SCHEMA = {"type": "object", "properties": {"at": {"type": "string"}}}
_IMAGE = "data:image/png;base64,iVBORw0KGgo="
_CHAT_TOOL = {"type": "function", "function": {"name": "look", "parameters": _SCHEMA}}
_CALLED = {"id": "c1", "type": "function", "function": {"name": "look", "arguments": '{"at":"a"}'}}
_PNG = {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo="}

REQUESTS: Mapping[Surface, tuple[dict[str, Any], ...]] = {
    Surface.CHAT: (
        {"messages": [{"role": "user", "content": "Hi"}]},
        {
            "messages": [
                {"role": "system", "content": "Be brief."},
                {
                    "role": "user",
                    "content": [
                        {"type": "text", "text": "What?"},
                        {"type": "image_url", "image_url": {"url": _IMAGE}},
                    ],
                },
                {"role": "assistant", "content": None, "tool_calls": [_CALLED]},
                {"role": "tool", "tool_call_id": "c1", "content": "blue"},
            ],
            "tools": [_CHAT_TOOL],
            "tool_choice": "auto",
            "max_tokens": 50,
            "temperature": 0.5,
            "stop": ["x"],
            "stream_options": {"include_usage": True},
        },
        {
            "messages": [{"role": "user", "content": "Hi"}],
            "response_format": {
                "type": "json_schema",
                "json_schema": {"name": "x", "schema": _SCHEMA},
            },
            "sla": {"ttft_ms": 60_000, "percentile": 90, "explain": True},
            "provider": {"sort": "price", "ignore": ["nobody"]},
            "user": "u",
            "reasoning_effort": "low",
        },
    ),
    Surface.RESPONSES: (
        {"input": "Hi"},
        {
            "instructions": "Be brief.",
            "input": [
                {"role": "user", "content": [{"type": "input_text", "text": "What?"}]},
                {
                    "type": "function_call",
                    "call_id": "c1",
                    "name": "look",
                    "arguments": '{"at":"a"}',
                },
                {"type": "function_call_output", "call_id": "c1", "output": "blue"},
                {"role": "assistant", "content": [{"type": "output_text", "text": "So."}]},
                {"role": "user", "content": [{"type": "input_image", "image_url": _IMAGE}]},
            ],
            "tools": [{"type": "function", "name": "look", "parameters": _SCHEMA}],
            "max_output_tokens": 60,
            "reasoning": {"effort": "low", "summary": "auto"},
            "text": {"format": {"type": "json_schema", "name": "x", "schema": _SCHEMA}},
            "metadata": {"a": "b"},
            "store": False,
        },
    ),
    Surface.COMPLETIONS: (
        {"prompt": "Once"},
        {"prompt": ["a", "b"], "max_tokens": 9, "stream_options": {"include_usage": True}},
    ),
    Surface.EMBEDDINGS: (
        {"input": "Hi"},
        {"input": [[1, 2], [3]], "dimensions": 8, "encoding_format": "base64"},
    ),
    Surface.MESSAGES: (
        {"max_tokens": 50, "messages": [{"role": "user", "content": "Hi"}]},
        {
            "max_tokens": 4096,
            "system": [{"type": "text", "text": "S", "cache_control": {"type": "ephemeral"}}],
            "messages": [
                {
                    "role": "user",
                    "content": [
                        {"type": "text", "text": "What?"},
                        {"type": "image", "source": _PNG},
                    ],
                },
                {
                    "role": "assistant",
                    "content": [
                        {"type": "tool_use", "id": "t1", "name": "look", "input": {"at": "a"}}
                    ],
                },
                {
                    "role": "user",
                    "content": [
                        {
                            "type": "tool_result",
                            "tool_use_id": "t1",
                            "content": [{"type": "text", "text": "blue"}],
                        }
                    ],
                },
            ],
            "tools": [{"name": "look", "input_schema": _SCHEMA}],
            "tool_choice": {"type": "auto", "disable_parallel_tool_use": True},
            "thinking": {"type": "enabled", "budget_tokens": 1024},
            "stop_sequences": ["x"],
            "metadata": {"user_id": "u"},
            "sla": {"e2e_ms": 60_000, "explain": True},
        },
    ),
    Surface.COUNT_TOKENS: ({"messages": [{"role": "user", "content": "Hi"}]},),
}

_USAGE = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}
_CHOICE = {
    "index": 0,
    "message": {"role": "assistant", "content": "Hello", "tool_calls": [_CALLED]},
    "finish_reason": "tool_calls",
}
WHOLE: Mapping[Surface, dict[str, Any]] = {
    Surface.CHAT: {
        "id": "c1",
        "object": "chat.completion",
        "created": 1,
        "model": "m",
        "choices": [_CHOICE],
        "usage": _USAGE,
    },
    Surface.COMPLETIONS: {
        "id": "c1",
        "object": "text_completion",
        "created": 1,
        "model": "m",
        "choices": [{"index": 0, "text": "Hello", "finish_reason": "stop", "logprobs": None}],
        "usage": _USAGE,
    },
    Surface.RESPONSES: {
        "id": "resp_1",
        "object": "response",
        "created_at": 1,
        "status": "completed",
        "model": "m",
        "output": [
            {
                "type": "message",
                "id": "m1",
                "role": "assistant",
                "status": "completed",
                "content": [{"type": "output_text", "text": "Hello", "annotations": []}],
            }
        ],
        "usage": {"input_tokens": 3, "output_tokens": 2, "total_tokens": 5},
    },
    Surface.EMBEDDINGS: {
        "object": "list",
        "data": [{"object": "embedding", "index": 0, "embedding": [0.1, 0.2]}],
        "model": "m",
        "usage": {"prompt_tokens": 3, "total_tokens": 3},
    },
    Surface.MESSAGES: {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "m",
        "content": [
            {"type": "thinking", "thinking": "hm", "signature": "c2ln"},
            {"type": "text", "text": "Hello"},
            {"type": "tool_use", "id": "t1", "name": "look", "input": {"at": "a"}},
        ],
        "stop_reason": "tool_use",
        "stop_sequence": None,
        "usage": {"input_tokens": 3, "output_tokens": 2},
    },
    Surface.COUNT_TOKENS: {"input_tokens": 3},
}
STREAMS: Mapping[Surface, tuple[bytes, ...]] = {
    surface: tuple(each.sent for each in streams.values() if len(each.sent) < 20_000)
    for surface, streams in ALL.items()
}


def whole(surface: Surface) -> bytes:
    return json.dumps(WHOLE[surface]).encode()

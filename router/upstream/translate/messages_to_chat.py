"""A Messages request, as a chat endpoint takes it.

Thinking becomes effort: what share of ``max_tokens`` it may take says how much, or the effort that
is given beside adaptive thinking. It is a wish: an endpoint that takes no effort, or knows fewer
steps of it than Anthropic, thinks as it does.
"""

from __future__ import annotations

import hashlib
from typing import Any, Final

import msgspec

from router.core.catalogue import Capability, Endpoint
from router.core.surface import Surface
from router.upstream.translate.field import (
    Fields,
    carry,
    mapping,
    number,
    objects,
    only,
    read,
    refused,
    text,
    wrong,
)
from router.upstream.translate.messages_turns import chat_of
from router.upstream.translate.schema import is_strict

OPENAIS: Final = frozenset({"openai", "azure"})
"""Providers whose models take the newer names and steps, and nothing that OpenAI does not have."""
_MOST_USER_CHARS: Final = 64
"""OpenAI refuses a longer ``user``; Claude Code's identifiers are longer."""
_STEPS: Final = ((0.35, "low"), (0.65, "medium"))
"""Effort by the share of the answer that may be thought, between OpenRouter's .2, .5 and .8."""
_EFFORTS: Final = ("low", "medium", "high", "xhigh", "max")
_TIERS: Final = {"auto": None, "standard_only": "default"}
_TOOL: Final = (
    "type", "name", "description", "input_schema", "strict", "cache_control",
    "eager_input_streaming",
    "allowed_callers",
)  # fmt: skip
_encode = msgspec.json.Encoder().encode


def request(body: bytes, endpoint: Endpoint) -> bytes:
    """Return the body for a chat endpoint. Raises ``Fault``."""
    fields = read(body, Surface.MESSAGES)
    openais = endpoint.provider in OPENAIS
    told: Fields = {
        "model": fields.get("model"),
        "messages": chat_of(fields.get("system"), objects(fields.get("messages"), "messages")),
    }
    limit = number(fields.get("max_tokens"), "max_tokens")
    if limit is None:
        raise wrong("max_tokens", "a whole number from 1")
    told["max_completion_tokens" if openais else "max_tokens"] = limit
    carry(fields, told, "stream", "temperature", "top_p")
    if openais:
        carry(fields, told, "prompt_cache_key")
    if fields.get("top_k") is not None:
        if openais:
            raise refused("top_k", "OpenAI's models do not take it")
        told["top_k"] = fields["top_k"]
    if fields.get("stop_sequences"):
        told["stop"] = fields["stop_sequences"]
    told |= _tools(fields)
    if user := mapping(fields.get("metadata") or {}, "metadata").get("user_id"):
        told["user"] = _user(text(user, "metadata.user_id"))
    if tier := _tier(fields.get("service_tier")):
        told["service_tier"] = tier
    config = mapping(fields.get("output_config") or {}, "output_config")
    only(config, ("effort", "format"), "output_config")
    if shape := config.get("format") or fields.get("output_format"):
        told["response_format"] = _format(shape)
    if effort := _effort(fields.get("thinking"), config.get("effort"), limit):
        takes = Capability.REASONING_EFFORT in endpoint.capabilities
        if takes and "reasoning_effort" not in endpoint.unsupported_params:
            told["reasoning_effort"] = effort if openais else _within_three(effort)
    return _encode(told)


def _tools(fields: Fields) -> Fields:
    if not fields.get("tools"):
        return {}
    told: Fields = {
        "tools": [
            _tool(tool, f"tools[{index}]")
            for index, tool in enumerate(objects(fields["tools"], "tools"))
        ]
    }
    choice = mapping(fields.get("tool_choice") or {}, "tool_choice")
    only(choice, ("type", "name", "disable_parallel_tool_use"), "tool_choice")
    match choice.get("type"):
        case None:
            pass
        case "auto" | "none" as kind:
            told["tool_choice"] = kind
        case "any":
            told["tool_choice"] = "required"
        case "tool":
            name = text(choice.get("name"), "tool_choice.name")
            told["tool_choice"] = {"type": "function", "function": {"name": name}}
        case _:
            raise wrong("tool_choice.type", "auto, any, tool or none")
    if choice.get("disable_parallel_tool_use"):
        told["parallel_tool_calls"] = False
    return told


def _tool(tool: Fields, path: str) -> Fields:
    only(tool, _TOOL, path)
    function: Fields = {"name": text(tool.get("name"), f"{path}.name")}
    carry(tool, function, "description")
    function["parameters"] = mapping(tool.get("input_schema"), f"{path}.input_schema")
    if tool.get("strict") and is_strict(function["parameters"]):
        function["strict"] = True
    return {"type": "function", "function": function}


def _user(user_id: str) -> str:
    if len(user_id) <= _MOST_USER_CHARS:
        return user_id
    return hashlib.blake2s(user_id.encode("utf-8", "replace")).hexdigest()


def _tier(tier: Any) -> str | None:
    if tier is None:
        return None
    if not isinstance(tier, str) or tier not in _TIERS:
        raise wrong("service_tier", "auto or standard_only")
    return _TIERS[tier]


def _format(shape: Any) -> Fields:
    path = "output_config.format"
    held = mapping(shape, path)
    only(held, ("type", "schema"), path)
    if held.get("type") != "json_schema":
        raise wrong(f"{path}.type", "json_schema")
    schema = mapping(held.get("schema"), f"{path}.schema")
    inner = {"name": "answer", "schema": schema, "strict": is_strict(schema)}
    return {"type": "json_schema", "json_schema": inner}


def _effort(thinking: Any, effort: Any, limit: int) -> str | None:
    """Return the effort that is asked for; ``None`` where thinking is left to the model."""
    if effort is not None and effort not in _EFFORTS:
        raise wrong("output_config.effort", ", ".join(_EFFORTS))
    match mapping(thinking or {}, "thinking").get("type"):
        case "enabled":
            path = "thinking.budget_tokens"
            budget = number(thinking.get("budget_tokens"), path)
            if budget is None:
                raise wrong(path, "a whole number from 1024")
            share = budget / limit
            return effort or next((step for most, step in _STEPS if share < most), "high")
        case None | "disabled" | "adaptive" | "between_tools":
            return str(effort) if effort else None
        case _:
            raise wrong("thinking.type", "enabled, disabled, adaptive or between_tools")


def _within_three(effort: str) -> str:
    return "high" if effort in ("xhigh", "max") else effort

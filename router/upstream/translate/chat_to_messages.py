"""A chat request, as a Messages endpoint takes it.

Anthropic demands ``max_tokens``. A client that names none gets what the endpoint can give at most,
one that names more than that gets the same: a limit beyond the endpoint's is none.

Effort is said in three ways. Models that think adaptively are told the effort and asked to show
their thinking; others get a budget, a share of ``max_tokens``; where a call of a tool is forced, or
a tool loop is open that began without signed thinking, Anthropic takes no budget (nor, where it is
forced, any thinking), and effort alone is said. An endpoint that lacks one of these ways names it
among its unsupported parameters: ``thinking.adaptive``, ``output_config.effort``.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from router.core.catalogue import Endpoint
from router.core.surface import Surface
from router.upstream.translate.chat_tools import tools_of
from router.upstream.translate.chat_turns import turns_of
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
from router.upstream.translate.schema import closed

MAX_OUTPUT: Final = 32_000
"""Tokens that every Claude since version 4 can answer with (Opus 4: 32,000; others 64,000 up)."""

ADAPTIVE: Final = "thinking.adaptive"
EFFORT: Final = "output_config.effort"

_SHARES: Final = {
    "minimal": 0.1,
    "low": 0.2,
    "medium": 0.5,
    "high": 0.8,
    "xhigh": 0.95,
    "max": 0.95,
}
"""Share of the answer that may be thought, by effort; OpenRouter's figures.
https://openrouter.ai/docs/use-cases/reasoning-tokens"""
_LEAST_BUDGET: Final = 1024
_MOST_BUDGET: Final = 32_000
"""Bounds of a budget: Anthropic takes none below, and advises against more."""

_TIERS: Final = {"auto": "auto", "default": "standard_only"}
_encode = msgspec.json.Encoder().encode


def request(body: bytes, endpoint: Endpoint) -> bytes:
    """Return the body for a Messages endpoint. Raises ``Fault``."""
    fields = read(body, Surface.CHAT)
    system, turns = turns_of(objects(fields.get("messages"), "messages"))
    told: Fields = {"model": fields.get("model"), "max_tokens": _limit(fields, endpoint)}
    if system:
        told["system"] = system
    told["messages"] = turns
    carry(fields, told, "stream", "temperature", "top_p", "top_k", "thinking", "cache_control")
    told |= tools_of(fields)
    if fields.get("stop"):
        told["stop_sequences"] = _stops(fields["stop"])
    if user := fields.get("safety_identifier") or fields.get("user"):
        told["metadata"] = {"user_id": text(user, "user")}
    if tier := fields.get("service_tier"):
        told["service_tier"] = _TIERS[tier]
    shape = _format(fields.get("response_format"))
    config = {"format": shape} if shape else {}
    if (effort := fields.get("reasoning_effort")) is not None:
        _think(told, config, _effort(effort), endpoint)
    if config:
        told["output_config"] = config
    return _encode(told)


def _limit(fields: Fields, endpoint: Endpoint) -> int:
    names = ("max_tokens", "max_completion_tokens")
    asked = [limit for name in names if (limit := number(fields.get(name), name)) is not None]
    most = endpoint.max_output or (MAX_OUTPUT if not asked else max(asked))
    return min([*asked, most])


def _stops(stop: Any) -> list[str]:
    stops = [stop] if isinstance(stop, str) else stop
    if not isinstance(stops, list):
        raise wrong("stop", "a string or a list of strings")
    for index, each in enumerate(stops):
        if not text(each, f"stop[{index}]").strip():
            raise refused(f"stop[{index}]", "a Messages endpoint stops at no blank text")
    return stops


def _format(response_format: Any) -> Fields | None:
    if response_format is None:
        return None
    form = mapping(response_format, "response_format")
    match form.get("type"):
        case "text":
            return None
        case "json_schema":
            path = "response_format.json_schema"
            held = mapping(form.get("json_schema"), path)
            only(held, ("name", "description", "schema", "strict"), path)
            schema = closed(mapping(held.get("schema"), f"{path}.schema"), f"{path}.schema")
            if held.get("description"):
                schema.setdefault("description", held["description"])
            return {"type": "json_schema", "schema": schema}
        case _:
            raise wrong("response_format.type", "text or json_schema")


def _effort(effort: Any) -> str:
    if effort == "none" or (isinstance(effort, str) and effort in _SHARES):
        return str(effort)
    raise wrong("reasoning_effort", f"none, {', '.join(_SHARES)}")


def _think(told: Fields, config: Fields, effort: str, endpoint: Endpoint) -> None:
    """Say the effort in the ways that the endpoint and the request leave."""
    if "thinking" in told:
        raise refused("reasoning_effort", "thinking is given too, and says the same")
    if effort == "none":
        if ADAPTIVE in endpoint.unsupported_params:
            return  # such a model thinks only where it is asked to
        told["thinking"] = {"type": "disabled"}
        return
    if EFFORT not in endpoint.unsupported_params:
        config["effort"] = "low" if effort == "minimal" else effort
    if told.get("tool_choice", {}).get("type") in ("any", "tool"):
        return
    if ADAPTIVE not in endpoint.unsupported_params:
        told["thinking"] = {"type": "adaptive", "display": "summarized"}
    elif budget := _budget(told, effort):
        told["thinking"] = {"type": "enabled", "budget_tokens": budget}
    if "thinking" in told and told.get("temperature", 1) != 1:
        raise refused("temperature", "a Messages endpoint takes none but 1 where it is to think")


def _budget(told: Fields, effort: str) -> int | None:
    if any(block["type"] == "tool_result" for block in told["messages"][-1]["content"]):
        return None
    most = told["max_tokens"]
    budget = min(max(_LEAST_BUDGET, int(_SHARES[effort] * most)), _MOST_BUDGET)
    return budget if budget < most else None

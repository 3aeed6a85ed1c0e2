"""The response object: what was asked for, told back, with what came of it."""

from __future__ import annotations

from typing import Any, Final

from router.core.answer import Usage
from router.upstream.translate.counts import response_counts, tier_word
from router.upstream.translate.field import Fields, dicts

_ECHOED: Final = (
    "instructions", "max_output_tokens", "max_tool_calls", "prompt_cache_key",
    "safety_identifier", "temperature", "top_p", "user",
)  # fmt: skip
INCOMPLETE: Final = {"length": "max_output_tokens", "content_filter": "content_filter"}
"""Why a response is incomplete, by the finish reason of a chat."""
_NO_PARAMETERS: Final = {"parameters": None, "strict": None}


def begun(asked: Fields, response_id: str, created_s: int, model: Any) -> Fields:
    """Return a response that has just begun."""
    shape = asked.get("text")
    return {
        "id": response_id,
        "object": "response",
        "created_at": created_s,
        "status": "in_progress",
        "background": False,
        "error": None,
        "incomplete_details": None,
        **{name: asked.get(name) for name in _ECHOED},
        "metadata": asked.get("metadata") or {},
        "model": model,
        "output": [],
        "parallel_tool_calls": asked.get("parallel_tool_calls") is not False,
        "previous_response_id": None,
        "reasoning": asked.get("reasoning") or {"effort": None, "summary": None},
        "service_tier": asked.get("service_tier") or "auto",
        "store": False,
        "text": {"format": {"type": "text"}, **(shape if isinstance(shape, dict) else {})},
        "tool_choice": asked.get("tool_choice") or "auto",
        "tools": [{**_NO_PARAMETERS, **tool} for tool in dicts(asked.get("tools"))],
        "top_logprobs": 0,
        "truncation": "disabled",
        "usage": None,
    }


def ended(
    response: Fields, output: list[Fields], finish: str | None, usage: Usage | None
) -> Fields:
    """Return the response as it ended: completed, or incomplete for a reason."""
    reason = INCOMPLETE.get(finish or "")
    return {
        **response,
        "status": "incomplete" if reason else "completed",
        "incomplete_details": {"reason": reason} if reason else None,
        "output": output,
        "service_tier": tier_word(usage) or response["service_tier"],
        "usage": response_counts(usage) if usage is not None else None,
    }

"""Token counts, as each dialect words them; and why an answer ended.

OpenAI counts what a cache held inside the prompt, Anthropic beside it. Where an endpoint counted
nothing, OpenAI's dialects leave the usage out; Anthropic's has none without, so it says 0.
"""

from __future__ import annotations

from typing import Any, Final

from router.core.answer import Usage
from router.core.catalogue import Tier

STOP_REASONS: Final = {
    "stop": "end_turn",
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "function_call": "tool_use",
    "content_filter": "refusal",
}
FINISH_REASONS: Final = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "pause_turn": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "refusal": "content_filter",
}

_NONE: Final = Usage()
_TIERS: Final = {Tier.STANDARD: "default", Tier.PRIORITY: "priority", Tier.FLEX: "flex"}


def chat_counts(usage: Usage) -> dict[str, Any]:
    """Return the usage of a chat completion."""
    return {
        "prompt_tokens": usage.input,
        "completion_tokens": usage.output,
        "total_tokens": usage.input + usage.output,
        "prompt_tokens_details": {
            "cached_tokens": usage.cache_read,
            "cache_write_tokens": usage.cache_write,
        },
        "completion_tokens_details": {"reasoning_tokens": usage.reasoning},
    }


def message_counts(usage: Usage | None) -> dict[str, Any]:
    """Return the usage of a message."""
    usage = usage or _NONE
    return {
        "input_tokens": usage.fresh_input,
        "cache_creation_input_tokens": usage.cache_write,
        "cache_read_input_tokens": usage.cache_read,
        "output_tokens": usage.output,
        "output_tokens_details": {"thinking_tokens": usage.reasoning},
    }


def response_counts(usage: Usage) -> dict[str, Any]:
    """Return the usage of a response."""
    return {
        "input_tokens": usage.input,
        "input_tokens_details": {
            "cached_tokens": usage.cache_read,
            "cache_write_tokens": usage.cache_write,
        },
        "output_tokens": usage.output,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning},
        "total_tokens": usage.input + usage.output,
    }


def tier_word(usage: Usage | None) -> str | None:
    """Return OpenAI's word for the tier that an answer was served at, where it says so."""
    return None if usage is None or usage.tier is None else _TIERS.get(usage.tier)

"""What a provider says it counted, as five disjoint counts.

OpenAI's shape counts things inside each other: cached tokens inside ``prompt_tokens``, reasoning
inside ``completion_tokens``. Providers vary it: DeepSeek names its cache hits at the top,
OpenRouter adds a cost in USD, Groq wraps the object, xAI and Google leave the thinking out of
``completion_tokens`` and only ``total_tokens`` shows it. A number that is absent, null or no
number is not there; nothing here raises.
"""

from __future__ import annotations

from typing import Any

import msgspec

from router.core.answer import Usage

_NANO = 1_000_000_000
_NANO_PER_TICK = 0.1
"""xAI reports ticks of 1e-10 USD."""


def read_usage(raw: msgspec.Raw) -> Usage | None:
    """Return the counts of a usage object, or ``None`` where it counts nothing."""
    try:
        fields = msgspec.json.decode(raw)
    except (msgspec.DecodeError, RecursionError, UnicodeError):
        return None
    return count(fields) if isinstance(fields, dict) else None


def count(fields: dict[str, Any]) -> Usage | None:
    """Return the five counts of a decoded usage object, or ``None`` where it counts nothing."""
    prompt = _first(fields, "prompt_tokens", "input_tokens")
    output = _first(fields, "completion_tokens", "output_tokens")
    total = _int(fields.get("total_tokens"))
    if prompt is None and output is None:
        return None
    prompt = prompt or 0
    output = max(0, (total or 0) - prompt) if output is None else output
    read, written = _cached(fields, prompt)
    reasoning = _reasoning(fields)
    beyond = 0 if total is None else max(0, total - prompt - output)
    if beyond and reasoning in (0, beyond):
        text, reasoning = output, beyond
    elif reasoning > output:
        text = output
    else:
        text = output - reasoning
    return Usage(
        fresh_input=prompt - read - written,
        cache_read=read,
        cache_write=written,
        text=text,
        reasoning=reasoning,
        reported_cost_nano_usd=_cost_nano_usd(fields),
    )


def _cached(fields: dict[str, Any], prompt: int) -> tuple[int, int]:
    details = _object(fields, "prompt_tokens_details", "input_tokens_details")
    read = (
        _int(details.get("cached_tokens"))
        or _first(fields, "prompt_cache_hit_tokens", "cache_read_input_tokens")
        or 0
    )
    written = (
        _first(details, "cache_write_tokens", "cache_creation_tokens")
        or _int(fields.get("cache_creation_input_tokens"))
        or 0
    )
    read = min(read, prompt)
    return read, min(written, prompt - read)


def _reasoning(fields: dict[str, Any]) -> int:
    details = _object(fields, "completion_tokens_details", "output_tokens_details")
    return _int(details.get("reasoning_tokens")) or _int(fields.get("reasoning_tokens")) or 0


def _cost_nano_usd(fields: dict[str, Any]) -> int | None:
    cost = fields.get("cost")
    if isinstance(cost, dict):
        cost = cost.get("total_cost")
    usd = _number(cost)
    if usd is None:
        ticks = _number(fields.get("cost_in_usd_ticks"))
        return None if ticks is None else round(ticks * _NANO_PER_TICK)
    if fields.get("is_byok") is True:
        # OpenRouter's own fee; the tokens were charged to the key we brought.
        usd += _number(_object(fields, "cost_details").get("upstream_inference_cost")) or 0.0
    return round(usd * _NANO)


def _object(fields: dict[str, Any], *names: str) -> dict[str, Any]:
    return next((v for n in names if isinstance(v := fields.get(n), dict)), {})


def _first(fields: dict[str, Any], *names: str) -> int | None:
    return next((v for n in names if (v := _int(fields.get(n))) is not None), None)


def _int(value: object) -> int | None:
    number = _number(value)
    return None if number is None else int(number)


def _number(value: object) -> float | None:
    """Return a number that can count something: real, not negative, within reason."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return value if 0 <= value < 1e15 else None  # noqa: PLR2004 - beyond any bill

"""What a provider says it counted, as five disjoint counts.

OpenAI's shape counts things inside each other: cached tokens inside ``prompt_tokens``, reasoning
inside ``completion_tokens``. Providers vary it: DeepSeek, Moonshot and others name their cache hits
at the top, Alibaba tells written tokens as Anthropic does but inside the prompt, OpenRouter and
DeepInfra add a cost in USD, Groq wraps the object, xAI and Google leave the thinking out of
``completion_tokens`` and only ``total_tokens`` shows it. Anthropic itself has no total and counts
what was read from or written to its cache beside ``input_tokens``; the tokens of a compaction it
made on the way are counted apart, in ``iterations``, and so are its searches of the web. llama.cpp
tells in its timings what its cache held, and in a stream perhaps nothing else.

A number that is absent, null or no number is not there; nothing here raises.
"""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import Raw

from router.core.answer import Usage
from router.core.catalogue import Tier
from router.upstream.unreadable import UNREADABLE

_NANO = 1_000_000_000
_NANO_PER_TICK = 0.1
"""xAI reports ticks of 1e-10 USD."""


_FAST = "fast"
"""What Anthropic calls the speed that costs more."""

_Count = Annotated[int, msgspec.Meta(ge=0, le=10**15)] | None


class _Written(msgspec.Struct, gc=False):
    """How long the written tokens are kept."""

    ephemeral_5m_input_tokens: _Count = None
    ephemeral_1h_input_tokens: _Count = None

    @property
    def all(self) -> int:
        return (self.ephemeral_5m_input_tokens or 0) + (self.ephemeral_1h_input_tokens or 0)


class _Details(msgspec.Struct, gc=False):
    cached_tokens: _Count = None
    cache_write_tokens: _Count = None
    cache_creation_tokens: _Count = None
    cache_creation_input_tokens: _Count = None
    cache_creation: _Written | None = None
    cache_creation_token_details: _Written | None = None
    reasoning_tokens: _Count = None
    thinking_tokens: _Count = None
    audio_tokens: _Count = None


class _Served(msgspec.Struct, gc=False):
    """What Anthropic's own tools did."""

    web_search_requests: _Count = None


class _Counts(msgspec.Struct, gc=False):
    prompt_tokens: _Count = None
    completion_tokens: _Count = None
    total_tokens: _Count = None
    input_tokens: _Count = None
    output_tokens: _Count = None
    cached_tokens: _Count = None
    num_cached_tokens: _Count = None
    prompt_cache_hit_tokens: _Count = None
    cache_read_input_tokens: _Count = None
    cache_creation_input_tokens: _Count = None
    cache_creation: _Written | None = None
    reasoning_tokens: _Count = None
    iterations: Any = None
    prompt_tokens_details: _Details | None = None
    input_tokens_details: _Details | None = None
    completion_tokens_details: _Details | None = None
    output_tokens_details: _Details | None = None
    service_tier: Any = None
    speed: Any = None
    cost: Any = None
    cost_details: Any = None
    cost_in_usd_ticks: Any = None
    estimated_cost: Any = None
    is_byok: Any = None
    server_tool_use: _Served | None = None


class _Timings(msgspec.Struct, gc=False):
    """llama.cpp: prompt tokens it remembered and read, and tokens it made."""

    cache_n: _Count = None
    prompt_n: _Count = None
    predicted_n: _Count = None


_NONE = _Details()
_decode = msgspec.json.Decoder(_Counts).decode
_decode_timings = msgspec.json.Decoder(_Timings).decode


def read_usage(raw: Raw) -> Usage | None:
    """Return the counts of a usage object, or ``None`` where it counts nothing."""
    try:
        return _count(_decode(raw))
    except msgspec.ValidationError:
        return _count(_salvaged(raw))
    except UNREADABLE:
        return None


def with_timings(usage: Usage | None, raw: Raw) -> Usage | None:
    """Return ``usage`` completed by llama.cpp's timings, or what these count where it is absent."""
    try:
        told = _decode_timings(raw)
    except UNREADABLE:
        return usage
    remembered = told.cache_n or 0
    if usage is None:
        if told.prompt_n is None or told.predicted_n is None:
            return None
        return Usage(fresh_input=told.prompt_n, cache_read=remembered, text=told.predicted_n)
    if usage.cache_read or not remembered:
        return usage
    read = min(remembered, usage.fresh_input)
    return usage._replace(fresh_input=usage.fresh_input - read, cache_read=read)


def _salvaged(raw: Raw) -> _Counts:
    """Return what can be read of an object in which something is no count."""
    try:
        fields = msgspec.json.decode(raw)
    except UNREADABLE:  # what was wrong above came before what cannot be read at all
        return _Counts()
    kept: dict[str, Any] = {}
    for name, value in fields.items() if isinstance(fields, dict) else ():
        try:
            msgspec.convert({name: value}, _Counts)
        except msgspec.ValidationError:
            if isinstance(value, dict):
                kept[name] = {k: v for k, v in value.items() if _number(v) is not None}
        else:
            kept[name] = value
    try:
        return msgspec.convert(kept, _Counts)
    except msgspec.ValidationError:
        return _Counts()


def _count(told: _Counts) -> Usage | None:
    prompt = told.input_tokens if told.prompt_tokens is None else told.prompt_tokens
    output = told.output_tokens if told.completion_tokens is None else told.completion_tokens
    if prompt is None and output is None:
        return None
    prompt = prompt or 0
    total = told.total_tokens
    if output is None:
        output = max(0, (total or 0) - prompt)
    before = told.prompt_tokens_details or told.input_tokens_details or _NONE
    after = told.completion_tokens_details or told.output_tokens_details or _NONE
    read = (
        before.cached_tokens
        or told.prompt_cache_hit_tokens
        or told.cache_read_input_tokens
        or told.cached_tokens
        or told.num_cached_tokens
        or 0
    )
    kept = told.cache_creation or before.cache_creation or before.cache_creation_token_details
    an_hour, altogether = (kept.ephemeral_1h_input_tokens or 0, kept.all) if kept else (0, 0)
    written = (
        before.cache_write_tokens
        or before.cache_creation_tokens
        or before.cache_creation_input_tokens
        or told.cache_creation_input_tokens
        or altogether
    )
    if told.prompt_tokens is None and total is None:  # Anthropic's own shape
        prompt += (told.cache_read_input_tokens or 0) + (
            told.cache_creation_input_tokens or altogether
        )
    read = min(read, prompt)
    written = min(written, prompt - read)
    reasoning = after.reasoning_tokens or after.thinking_tokens or told.reasoning_tokens or 0
    beyond = 0 if total is None else max(0, total - prompt - output)
    if beyond and reasoning in (0, beyond):
        text, reasoning = output, beyond
    elif reasoning > output:
        text = output
    else:
        text = output - reasoning
    usage = Usage(
        prompt - read - written,
        read,
        written,
        text,
        reasoning,
        _cost_nano_usd(told),
        cache_write_1h=min(an_hour, written),
        tier=None if told.service_tier is None else Tier.named(told.service_tier),
    )
    if before.audio_tokens or after.audio_tokens:
        usage = usage._replace(
            audio_input=min(before.audio_tokens or 0, usage.fresh_input),
            audio_output=min(after.audio_tokens or 0, text),
        )
    if told.speed == _FAST:
        usage = usage._replace(tier=Tier.FAST_MODE)
    if told.server_tool_use is not None:
        usage = usage._replace(searches=told.server_tool_use.web_search_requests or 0)
    return _with_compactions(usage, told.iterations) if told.iterations else usage


def _with_compactions(usage: Usage, iterations: object) -> Usage:
    """Add what Anthropic spent on compacting the context, which the counts above leave out."""
    for one in iterations if isinstance(iterations, list) else ():
        if not isinstance(one, dict) or one.get("type") != "compaction":
            continue
        more = read_usage(Raw(msgspec.json.encode({**one, "iterations": None})))
        if more is not None:
            usage = usage._replace(
                fresh_input=usage.fresh_input + more.fresh_input,
                cache_read=usage.cache_read + more.cache_read,
                cache_write=usage.cache_write + more.cache_write,
                cache_write_1h=usage.cache_write_1h + more.cache_write_1h,
                text=usage.text + more.text,
                reasoning=usage.reasoning + more.reasoning,
            )
    return usage


def _cost_nano_usd(told: _Counts) -> int | None:
    if told.cost is None and told.cost_in_usd_ticks is None and told.estimated_cost is None:
        return None
    usd = _number(told.cost.get("total_cost") if isinstance(told.cost, dict) else told.cost)
    if usd is None:
        usd = _number(told.estimated_cost)
    if usd is None:
        ticks = _number(told.cost_in_usd_ticks)
        return None if ticks is None else round(ticks * _NANO_PER_TICK)
    if told.is_byok is True and isinstance(told.cost_details, dict):
        # OpenRouter's own fee; the tokens were charged to the key we brought.
        usd += _number(told.cost_details.get("upstream_inference_cost")) or 0.0
    return round(usd * _NANO)


def _number(value: object) -> float | None:
    """Return a number that can count something: real, not negative, within reason."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return value if 0 <= value <= 1e15 else None  # noqa: PLR2004 - beyond any bill

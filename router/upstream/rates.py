"""The prices of one row of LiteLLM's table, with its steps for long prompts and tiers of service.

The row names each price by its kind of token, and what it depends on by suffixes in this order:
``input_cost_per_token``, ``..._above_200k_tokens``, ``..._flex``, ``..._above_200k_tokens_flex``.
Alibaba's models have a list instead, ``tiered_pricing``, whose ranges work the same way: the whole
request costs what its prompt's range says. What a step or a tier leaves out costs what it costs
without it, as litellm reckons.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Final, NamedTuple

from router.core.catalogue import Price, Tier

_TIERS: Final[Mapping[str, Tier]] = {
    "_flex": Tier.FLEX,
    "_priority": Tier.PRIORITY,
    "_batches": Tier.BATCH,
    "_ultrafast": Tier.ULTRAFAST,
}
_STEP: Final = re.compile(r"input_cost_per_token_above_(\d+)k_tokens(_[a-z]+)?")

Row = Mapping[str, object]


class _Rates(NamedTuple):
    """USD per token, as one suffix of the row says them."""

    input: float | None
    output: float | None
    cached_input: float | None
    cache_write: float | None
    cache_write_1h: float | None
    reasoning: float | None
    audio_input: float | None
    audio_output: float | None


def price_of(row: Row, source: str) -> Price | None:
    """Return what ``row`` says, without windows; ``None`` where input or output has no price.

    A price of nothing for both is returned as such: what that means is for the caller to judge.
    """
    ranges = row.get("tiered_pricing")
    if isinstance(ranges, list) and ranges:
        return _by_range([each for each in ranges if isinstance(each, dict)], source)
    base = _price(_rates(row, ""), source=source, fee=_number(row, "input_cost_per_request"))
    if base is None:
        return None
    base = replace(base, search=_search(row))
    tiers = []
    for suffix, tier in _TIERS.items():
        found = _price(_rates(row, suffix), base)
        if found is not None:
            found = replace(found, above=_steps(row, suffix, found) or _steps(row, "", base))
            tiers.append((tier, found))
    above = _steps(row, "", base)
    if (factor := _fast_mode(row)) is not None:
        fast = replace(base, above=above).times(factor)
        tiers.append((Tier.FAST_MODE, replace(fast, search=base.search)))
    return replace(base, above=above, tiers=tuple(tiers))


def _by_range(ranges: list[Row], source: str) -> Price | None:
    """Read prices by ranges of the prompt's length, each a row of its own."""
    steps = []
    for each in ranges:
        bounds = each.get("range")
        if not isinstance(bounds, list) or len(bounds) != 2:  # noqa: PLR2004 - from and to
            return None
        price = _price(_rates(each, ""), source=source)
        if price is None:
            return None
        steps.append((int(bounds[0]), price))
    steps.sort(key=lambda step: step[0])
    (start, first), *rest = steps
    return replace(first, above=tuple(rest)) if start == 0 else None


def _steps(row: Row, suffix: str, base: Price) -> tuple[tuple[int, Price], ...]:
    found = []
    for name in row:
        match = _STEP.fullmatch(name)
        if match is None or (match[2] or "") != suffix:
            continue
        price = _price(_rates(row, f"_above_{match[1]}k_tokens{suffix}"), base)
        if price is not None:
            found.append((int(match[1]) * 1000, price))
    return tuple(sorted(found, key=lambda step: step[0]))


def _rates(row: Row, suffix: str) -> _Rates:
    return _Rates(
        _number(row, f"input_cost_per_token{suffix}"),
        _number(row, f"output_cost_per_token{suffix}"),
        _cached(row, suffix),
        _number(row, f"cache_creation_input_token_cost{suffix}") or None,  # 0: not known
        _number(row, f"cache_creation_input_token_cost_above_1hr{suffix}") or None,
        _number(row, f"output_cost_per_reasoning_token{suffix}"),
        _number(row, f"input_cost_per_audio_token{suffix}"),
        _number(row, f"output_cost_per_audio_token{suffix}"),
    )


def _fast_mode(row: Row) -> float | None:
    """Return what Anthropic's fast mode multiplies all prices of tokens by."""
    own = row.get("provider_specific_entry")
    return _number(own, "fast") if isinstance(own, dict) else None


def _search(row: Row) -> float:
    """Return USD per search, of the usual size of what is read; no provider has tiers of it."""
    sizes = row.get("search_context_cost_per_query")
    usual = _number(sizes, "search_context_size_medium") if isinstance(sizes, dict) else None
    return usual or 0.0


def _cached(row: Row, suffix: str) -> float | None:
    newer = _number(row, f"cache_read_input_token_cost{suffix}")
    return _number(row, f"input_cost_per_token_cache_hit{suffix}") if newer is None else newer


def _price(
    rates: _Rates, base: Price | None = None, *, source: str = "", fee: float | None = None
) -> Price | None:
    """Return a whole price; what ``rates`` leave out is ``base``'s.

    A written cache that has a price only in a step is no written cache: Google's rows have one.
    """
    if rates.input is None or rates.output is None:
        return None
    price = Price(
        per_million(rates.input),
        per_million(rates.output),
        _million(rates.cached_input),
        _million(rates.cache_write),
        fee or 0.0,
        source=source,
        cache_write_1h=_million(rates.cache_write_1h),
        # Thought at the price of all output needs no word of its own.
        reasoning=None if rates.reasoning == rates.output else _million(rates.reasoning),
        audio_input=None if rates.audio_input == rates.input else _million(rates.audio_input),
        audio_output=None if rates.audio_output == rates.output else _million(rates.audio_output),
    )
    if base is None:
        return price
    return replace(
        price,
        cached_input=base.cached_input if price.cached_input is None else price.cached_input,
        cache_write=base.cache_write and (price.cache_write or base.cache_write),
        cache_write_1h=base.cache_write_1h and (price.cache_write_1h or base.cache_write_1h),
        reasoning=base.reasoning and (price.reasoning or base.reasoning),
        audio_input=base.audio_input and (price.audio_input or base.audio_input),
        audio_output=base.audio_output and (price.audio_output or base.audio_output),
        fee=base.fee,
        search=base.search,
        source=base.source,
    )


def per_million(usd_per_token: float) -> float:
    """Turn 5.5e-07 into 0.55, not 0.5499999999999999."""
    return round(usd_per_token * 1e6, 9)


def _million(usd_per_token: float | None) -> float | None:
    return None if usd_per_token is None else per_million(usd_per_token)


def _number(row: Row, name: str) -> float | None:
    value = row.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not value >= 0:
        return None
    return float(value)

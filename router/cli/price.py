"""A price as the commands tell it to programs."""

from __future__ import annotations

from typing import Any

from router.core.catalogue import Price


def price_json(listed: Price | None, now: Price | None) -> dict[str, Any] | None:
    """Tell the prices in force ``now`` (USD per million tokens), and how ``listed`` varies."""
    if listed is None or now is None:
        return None
    return {
        "input": now.input,
        "output": now.output,
        "cached_input": now.cached_input,
        "cache_write": now.cache_write,
        "by_hour": bool(listed.windows),
        "above_tokens": [tokens for tokens, _ in listed.above],
        "tiers": [tier.value for tier, _ in listed.tiers],
        "source": listed.source,
    }

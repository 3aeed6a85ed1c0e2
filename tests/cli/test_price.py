"""A price told to programs."""

from __future__ import annotations

from router.cli.price import price_json
from router.core.catalogue import Price, PriceWindow, Tier

NOON = 12 * 3600.0


def test_what_is_in_force_is_told_and_that_it_varies() -> None:
    tiers = ((Tier.FLEX, Price(0.5, 1)),)
    listed = Price(1, 2, 0.1, 1.25, windows=(PriceWindow(660, 780, 2.0),), tiers=tiers)
    assert price_json(listed, listed.at(NOON)) == {
        "input": 2.0,
        "output": 4.0,
        "cached_input": 0.2,
        "cache_write": 2.5,
        "by_hour": True,
        "above_tokens": [],
        "tiers": ["flex"],
        "source": "config",
    }


def test_no_price_is_null() -> None:
    assert price_json(None, None) is None

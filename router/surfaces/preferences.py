"""OpenRouter's ``provider`` object, as far as it is honoured: who may serve, as hard filters.

What is not built yet is refused by name. A wish that is silently dropped looks granted; so does
one that merely repeats what is done anyway, and those few values pass.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from router.core.ask import NO_PREFERENCES, Preferences
from router.core.faults import Fault, Kind
from router.surfaces import terms

_MAX_PRICE = 1_000_000

_HONOURED: Final = ("only", "ignore", "quantizations", "data_collection", "max_price")
_AS_IT_IS: Final[Mapping[str, tuple[object, ...]]] = {
    "sort": ("price", {"by": "price"}),
    "allow_fallbacks": (True,),
    "require_parameters": (True,),
    "order": ([],),
}
"""Values that ask for what is done anyway."""

_LATER: Final = (
    "order",
    "sort",
    "preferred_max_latency",
    "preferred_min_throughput",
    "allow_fallbacks",
    "require_parameters",
    "zdr",
    "enforce_distillable_text",
)


def parse_preferences(raw: bytes) -> Preferences:
    """Read the raw JSON of ``provider`` (empty: none). Raises ``Fault(BAD_BODY)``."""
    if not raw:
        return NO_PREFERENCES
    said = msgspec.json.decode(raw)
    if said is None:
        return NO_PREFERENCES
    if not isinstance(said, dict):
        raise _bad("provider", "takes an object")
    for key, value in said.items():
        if key not in _HONOURED and value is not None and value not in _AS_IT_IS.get(key, ()):
            raise _refused(key)
    price = said.get("max_price")
    return Preferences(
        only=_names(said, "only"),
        ignore=_names(said, "ignore"),
        quantizations=_names(said, "quantizations"),
        deny_data_collection=_denied(said.get("data_collection")),
        max_price_input=_price(price, "prompt"),
        max_price_output=_price(price, "completion"),
    )


def _bad(at: str, takes: str) -> Fault:
    return Fault(Kind.BAD_BODY, f"{at} {takes}.", param=at)


def _refused(key: str) -> Fault:
    at = f"provider.{key[:64]}"
    if key in _LATER:
        values = " or ".join(repr(v) for v in _AS_IT_IS.get(key, ()) if not isinstance(v, dict))
        known = f" with this value (only {values})" if values else ""
        return _bad(at, f"is not honoured yet{known}, and is refused rather than ignored")
    nearest = terms.nearest(key, (*_HONOURED, *_LATER))
    return _bad(at, f"is not known; the nearest is provider.{nearest}")


def _names(said: Mapping[str, object], key: str) -> frozenset[str]:
    value = said.get(key)
    if value is None:
        return frozenset()
    if not isinstance(value, list) or not all(isinstance(name, str) and name for name in value):
        raise _bad(f"provider.{key}", "takes a list of names")
    if key == "only" and not value:
        raise _bad("provider.only", "is empty, so nobody could serve; name at least one")
    return frozenset(value)


def _denied(value: object) -> bool:
    if value not in (None, "allow", "deny"):
        raise _bad("provider.data_collection", 'takes "allow" or "deny"')
    return value == "deny"


def _price(prices: object, key: str) -> float | None:
    if prices is None:
        return None
    if not isinstance(prices, dict):
        raise _bad("provider.max_price", 'takes an object, such as {"prompt": 1, "completion": 2}')
    for name in prices:
        if name not in ("prompt", "completion"):
            raise _bad(
                f"provider.max_price.{name[:64]}",
                "is not honoured, and is refused rather than ignored; prompt and completion are",
            )
    return _usd_per_million(prices.get(key), f"provider.max_price.{key}")


def _usd_per_million(value: object, at: str) -> float | None:
    """Read a price; OpenRouter's clients send it as a number or as the text of one."""
    if value is None:
        return None
    if isinstance(value, str):
        value = _number(value)
    if (
        isinstance(value, bool)
        or not isinstance(value, int | float)
        or not 0 <= value <= _MAX_PRICE
    ):
        raise _bad(at, "takes a number of USD per million tokens, such as 1.5")
    return float(value)


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None

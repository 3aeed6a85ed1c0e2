"""OpenRouter's ``provider`` object: who may serve, and who is asked first, as it documents them.

What is not built is refused by name: a wish that is silently dropped looks granted. One that
merely allows what is not done here (``require_parameters: false``) passes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from router.core.ask import NO_PREFERENCES, Bound, BoundKind, Preferences, Sort
from router.core.catalogue import Capability
from router.core.faults import Fault, Kind
from router.surfaces import terms

LATENCY: Final = "preferred_max_latency"
THROUGHPUT: Final = "preferred_min_throughput"
PREFERRED: Final[Mapping[BoundKind, str]] = {
    BoundKind.TTFT: f"provider.{LATENCY}",
    BoundKind.TPS: f"provider.{THROUGHPUT}",
}
"""What a soft bound of each kind is called there."""

_MAX_PRICE: Final = 1_000_000
_MOST_NAMES: Final = 100
_PERCENTILES: Final[Mapping[str, float]] = {"p50": 0.5, "p75": 0.75, "p90": 0.9, "p99": 0.99}
_MEDIA: Final = {"image": Capability.IMAGES, "audio": Capability.AUDIO}
_DECIMAL: Final = re.compile(r"[0-9]{1,18}(\.[0-9]{0,18})?([eE][+-]?[0-9]{1,2})?")
_SORTS: Final[Mapping[object, Sort | None]] = {None: None, **{s.value: s for s in Sort}}


def parse_preferences(raw: bytes) -> Preferences:
    """Read the raw JSON of ``provider`` (empty: none). Raises ``Fault(BAD_BODY)``."""
    if not raw:
        return NO_PREFERENCES
    try:
        said = msgspec.json.decode(raw)
    except (msgspec.DecodeError, RecursionError):
        raise _bad("provider", "takes an object that can be read") from None
    if said is None:
        return NO_PREFERENCES
    if not isinstance(said, dict):
        raise _bad("provider", "takes an object")
    found: dict[str, Any] = {}
    for key, value in said.items():
        read = _KEYS.get(key)
        if read is None:
            raise _bad(
                f"provider.{key[:64]}",
                f"is not known; the nearest is provider.{terms.nearest(key, _KEYS)}",
            )
        if value is not None:
            found.update(read(f"provider.{key}", value))
    preferred = (*found.pop(LATENCY, ()), *found.pop(THROUGHPUT, ()))
    return Preferences(**found, preferred=preferred)


def _bad(at: str, takes: str) -> Fault:
    return Fault(Kind.BAD_BODY, f"{at} {takes}.", param=at)


def _listed(at: str, value: object) -> list[str]:
    if (
        not isinstance(value, list)
        or len(value) > _MOST_NAMES
        or not all(isinstance(name, str) and name for name in value)
    ):
        raise _bad(at, f"takes a list of names, {_MOST_NAMES} at most")
    return [name.lower() for name in value]


def _only(at: str, value: object) -> dict[str, object]:
    names = _listed(at, value)
    if not names:
        raise _bad(at, "is empty, so nobody could serve; name at least one")
    return {"only": frozenset(names)}


def _ignore(at: str, value: object) -> dict[str, object]:
    return {"ignore": frozenset(_listed(at, value))}


def _quantizations(at: str, value: object) -> dict[str, object]:
    return {"quantizations": frozenset(_listed(at, value))}


def _order(at: str, value: object) -> dict[str, object]:
    return {"order": tuple(dict.fromkeys(_listed(at, value)))}


def _flag(at: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise _bad(at, "takes true or false")
    return value


def _allow_fallbacks(at: str, value: object) -> dict[str, object]:
    return {"fallbacks": _flag(at, value)}


def _require_parameters(at: str, value: object) -> dict[str, object]:
    """Only endpoints that take every parameter are ever asked: ``false`` is a leave, not a wish."""
    _flag(at, value)
    return {}


def _zdr(at: str, value: object) -> dict[str, object]:
    return {"zero_retention": _flag(at, value)}


def _distillable(at: str, value: object) -> dict[str, object]:
    if _flag(at, value):
        raise _bad(at, "is not honoured (nobody's licence is known), and is refused, not ignored")
    return {}


def _data_collection(at: str, value: object) -> dict[str, object]:
    if value not in ("allow", "deny"):
        raise _bad(at, 'takes "allow" or "deny"')
    return {"deny_data_collection": value == "deny"}


def _sort(at: str, value: object) -> dict[str, object]:
    by, partition = value, None
    if isinstance(value, dict):
        for key in value:
            if key not in ("by", "partition"):
                raise _bad(f"{at}.{key[:64]}", "is not known; by and partition are")
        by, partition = value.get("by"), value.get("partition")
    if isinstance(by, list | dict) or by not in _SORTS:
        raise _bad(at, 'takes "price", "throughput" or "latency", or an object with it as "by"')
    if partition not in (None, "model", "none"):
        raise _bad(f"{at}.partition", 'takes "model" or "none"')
    return {"sort": _SORTS[by], "across_models": partition == "none"}


def _max_price(at: str, value: object) -> dict[str, object]:
    if not isinstance(value, dict):
        raise _bad(at, 'takes an object, such as {"prompt": 1, "completion": 2}')
    found: dict[str, object] = {}
    media = set()
    for key, price in value.items():
        if price is None:
            continue
        limit = _usd(price, f"{at}.{key[:64]}")
        if key in _MEDIA:
            media.add(_MEDIA[key])
        elif key in _CAPS:
            found[_CAPS[key]] = limit
        else:
            known = ", ".join((*_CAPS, *_MEDIA))
            raise _bad(f"{at}.{key[:64]}", f"is not honoured, and is refused; {known} are")
    return {**found, "capped_media": frozenset(media)}


_CAPS: Final = {
    "prompt": "max_price_input",
    "completion": "max_price_output",
    "request": "max_fee",
}


def _usd(value: object, at: str) -> float:
    """Read a price; OpenRouter's clients send it as a number or as the text of one."""
    if isinstance(value, str) and _DECIMAL.fullmatch(value):
        value = float(value)
    if (
        isinstance(value, bool)
        or not isinstance(value, int | float)
        or not 0 <= value <= _MAX_PRICE
    ):
        raise _bad(at, "takes a number of USD (a million tokens, or one request), such as 1.5")
    return float(value)


def _latency(at: str, value: object) -> dict[str, object]:
    return {LATENCY: _soft(at, value, BoundKind.TTFT, "seconds", 1000.0)}


def _throughput(at: str, value: object) -> dict[str, object]:
    return {THROUGHPUT: _soft(at, value, BoundKind.TPS, "tokens per second", 1.0)}


def _soft(at: str, value: object, kind: BoundKind, unit: str, scale: float) -> tuple[Bound, ...]:
    """Read one number, which is meant at the median, or one for each percentile named."""
    said = value if isinstance(value, dict) else {"p50": value}
    found = []
    for name, limit in said.items():
        where = f"{at}.{name[:64]}" if isinstance(value, dict) else at
        if name not in _PERCENTILES:
            raise _bad(where, f"is not known; {', '.join(_PERCENTILES)} are")
        if limit is None:
            continue
        term = terms.TERMS[kind]
        low, high = term.low / scale, term.high / scale
        if (
            isinstance(limit, bool)
            or not isinstance(limit, int | float)
            or not low <= limit <= high
        ):
            raise _bad(
                where,
                f"takes a number of {unit} from {low:g} to {high:,.0f}, or an object with one for"
                f" each of {', '.join(_PERCENTILES)}",
            )
        found.append(Bound(kind, limit * scale, _PERCENTILES[name]))
    return tuple(found)


_KEYS: Final[Mapping[str, Callable[[str, object], dict[str, object]]]] = {
    "order": _order,
    "only": _only,
    "ignore": _ignore,
    "allow_fallbacks": _allow_fallbacks,
    "require_parameters": _require_parameters,
    "data_collection": _data_collection,
    "zdr": _zdr,
    "enforce_distillable_text": _distillable,
    "quantizations": _quantizations,
    "sort": _sort,
    "max_price": _max_price,
    LATENCY: _latency,
    THROUGHPUT: _throughput,
}

"""Numbers as people read them, and bounds as people say them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

_TEN: Final = 10
_SMALL_USD: Final = 0.0001
_NONE: Final = "-"


def seconds(ms: float | None) -> str:
    """Print milliseconds as seconds, two figures or whole ones: 0.45 s, 3.2 s, 27 s."""
    if ms is None:
        return _NONE
    s = ms / 1000
    if s < 1:
        return f"{s:.2f} s"
    return f"{s:.1f} s" if s < _TEN else f"{s:,.0f} s"


def usd(amount: float | None) -> str:
    """Print what an answer costs: 0.00361; what is smaller keeps its digits."""
    if amount is None:
        return _NONE
    if 0 < amount < _SMALL_USD:
        return f"{amount:.9f}".rstrip("0")
    return f"{amount:.5f}"


def per_million(price: float | None) -> str:
    """Print a price list's figure: 0.55, 1.375, 2.00."""
    return _NONE if price is None else f"{price:.3f}".removesuffix("0")


def tokens(number: float | None) -> str:
    """Print a window or a count: 131,072."""
    return _NONE if number is None else f"{number:,.0f}"


def share(p: float | None) -> str:
    """Print a probability; what rounds to certainty is not called certain."""
    if p is None:
        return _NONE
    if 0 < p < 0.01:  # noqa: PLR2004 - one per cent
        return "<1 %"
    return f"{min(p, 0.99 if p < 1 else 1.0):.0%}".replace("%", " %")


def percentile(number: float) -> str:
    """Print p95."""
    return f"p{number:g}"


def figure(value: float) -> str:
    """Print a limit in the bound's own unit, without an exponent: 1250, 25.6, 0.00125."""
    return f"{value:.9f}".rstrip("0").rstrip(".")


def _plain(value: float | None) -> str:
    return _NONE if value is None else f"{value:g}"


def _whole(value: float | None) -> str:
    return _NONE if value is None else f"{value:.0f}"


_LIMITS: Final[Mapping[str, tuple[str, Callable[[float | None], str]]]] = {
    "ttft_ms": ("first token within {}", seconds),
    "ttfat_ms": ("first answer token within {}", seconds),
    "e2e_ms": ("whole answer within {}", seconds),
    "min_tps": ("at least {} tokens/s", _whole),
    "min_context": ("a window of {} tokens", tokens),
    "context": ("a window of {} tokens", tokens),
    "max_answer_tokens": ("at most {} tokens per answer", tokens),
    "max_cost_usd": ("at most {} USD", usd),
}
_SHORT: Final[Mapping[str, str]] = {
    "ttft_ms": "first token",
    "ttfat_ms": "first answer token",
    "e2e_ms": "whole answer",
    "min_tps": "tokens/s",
    "min_context": "window",
    "context": "window",
    "max_answer_tokens": "tokens",
    "max_cost_usd": "USD",
}


def limit(bound: str, value: float) -> str:
    """Say a bound: first token within 1.0 s."""
    words, number = _LIMITS.get(bound, (bound + " {}", _plain))
    return words.format(number(value))


def amount(bound: str, value: float | None) -> str:
    """Print a figure in the bound's unit."""
    _, number = _LIMITS.get(bound, ("", _plain))
    return _NONE if value is None else number(value)


def failed(told: Mapping[str, Any]) -> str:
    """Say why an endpoint is out, from one ``failed`` entry: first token 33 s, limit 1.0 s."""
    bound = str(told["bound"])
    if "limit" not in told or "predicted" not in told:
        return str(told.get("detail") or bound.replace("_", " "))
    name = _SHORT.get(bound)
    if name is None:
        return str(told.get("detail") or bound)
    value, declared = amount(bound, told["predicted"]), amount(bound, told["limit"])
    return f"{name} {value}, {'needs' if bound.endswith('context') else 'limit'} {declared}"


_REASONS: Final[Mapping[str, str]] = {
    "chosen": "chosen",
    "in_plan": "next in line",
    "dearer": "dearer",
    "slower": "cheaper, but keeps the bounds less surely",
}


def reason(entry: Mapping[str, Any]) -> str:
    """Say why one endpoint of a decision is where it is."""
    known = _REASONS.get(entry["reason"])
    if known is not None:
        return known
    told = [failed(each) for each in entry["failed"]]
    return "; ".join(told) or str(entry["detail"] or entry["reason"])


CHARS_PER_TOKEN: Final = 4
"""What English text has, roughly: the proxy's first guess as well."""


def filler(chars: int) -> str:
    """Return text of a given length, to stand for a long prompt."""
    line = "The load rises by the hour and every plant has told its price for the day. "
    return (line * (chars // len(line) + 1))[:chars]

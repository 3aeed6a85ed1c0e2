"""Whether what we book for an answer is what its provider says it charged, and if not, why.

One answer is one equation and has several unknown prices, so a difference is explained by what
would make it come out, the likeliest first: a window or a tier of service that was not the one
reckoned with, then a price nobody said, then each price alone.
"""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum
from typing import Final, NamedTuple

from router.core.answer import Usage
from router.core.books import reckoned_nano_usd
from router.core.catalogue import Price, Tier

CLOSE_SHARE: Final = 0.01
CLOSE_NANO_USD: Final = 100
"""How far a reported cost may lie from ours: a hundredth, since prices in tables are rounded, or
100 nano-USD, since costs are reported rounded too, of a tiny answer to more than that. Guesses."""


class Finding(StrEnum):
    """What came of comparing one answer."""

    AGREES = "agrees"
    DIFFERS = "differs"
    UNREPORTED = "no cost reported"
    UNCOUNTED = "no usage reported"
    UNPRICED = "no known price"


class Suspect(NamedTuple):
    """What would explain a difference: ``said`` is our price, ``would_be`` the provider's.

    USD per million tokens, ``None`` where that is not a matter of one price: ``what`` names a key
    of the configuration (``output``, ``price_windows``, ``tiers.flex``).
    """

    what: str
    said: float | None = None
    would_be: float | None = None


class Checkup(NamedTuple):
    """How one answer compares. Costs in nano-USD."""

    finding: Finding
    booked_nano_usd: int | None = None
    reported_nano_usd: int | None = None
    suspects: tuple[Suspect, ...] = ()

    @property
    def factor(self) -> float | None:
        """How many times what we book was reported."""
        if not self.booked_nano_usd or self.reported_nano_usd is None:
            return None
        return self.reported_nano_usd / self.booked_nano_usd


def check(usage: Usage | None, price: Price | None, *, wall: float) -> Checkup:
    """Compare what was counted and charged with ``price`` at the instant it was asked."""
    if usage is None:
        return Checkup(Finding.UNCOUNTED)
    reported = usage.reported_cost_nano_usd
    if price is None:
        return Checkup(Finding.UNPRICED, None, reported)
    booked = reckoned_nano_usd(usage, price.at(wall))
    if reported is None:
        return Checkup(Finding.UNREPORTED, booked)
    if _close(booked, reported):
        return Checkup(Finding.AGREES, booked, reported)
    suspects = _other_circumstances(usage, price, wall, reported) or _prices(
        usage, price.at(wall), reported - booked
    )
    return Checkup(Finding.DIFFERS, booked, reported, suspects)


def _close(booked: int, reported: int) -> bool:
    return abs(booked - reported) <= max(CLOSE_NANO_USD, CLOSE_SHARE * reported)


def _other_circumstances(
    usage: Usage, price: Price, wall: float, reported: int
) -> tuple[Suspect, ...]:
    """Return what comes out right without the windows, or at another tier of service."""
    found = []
    if price.windows and _close(reckoned_nano_usd(usage, replace(price, windows=())), reported):
        found.append(Suspect("price_windows"))
    pinned = price.at(wall)
    for tier in (Tier.STANDARD, *(tier for tier, _ in price.tiers)):
        if tier is not (usage.tier or Tier.STANDARD):
            elsewhere = reckoned_nano_usd(usage._replace(tier=tier), pinned)
            if _close(elsewhere, reported):
                found.append(Suspect(f"tiers.{tier.value}"))
    return tuple(found)


def _prices(usage: Usage, pinned: Price, missing_nano_usd: int) -> tuple[Suspect, ...]:
    """Return each price that alone would explain it; those that nobody said come first."""
    rate = pinned.rate(usage.input, usage.tier or Tier.STANDARD)
    kinds = (
        ("cached_input", usage.cache_read, rate.cached_input, rate.input),
        ("cache_write", usage.cache_write - usage.cache_write_1h, rate.cache_write, rate.input),
        (
            "cache_write_1h",
            usage.cache_write_1h,
            rate.cache_write_1h,
            rate.input if rate.cache_write is None else rate.cache_write,
        ),
        ("output", usage.output if rate.reasoning is None else usage.text, rate.output, 0.0),
        ("reasoning", usage.reasoning if rate.reasoning is not None else 0, rate.reasoning, 0.0),
        ("input", usage.fresh_input, rate.input, 0.0),
    )
    unsaid: list[Suspect] = []
    said: list[Suspect] = []
    for what, tokens, price, instead in kinds:
        if not tokens:
            continue
        taken = instead if price is None else price
        would_be = taken + missing_nano_usd / tokens / 1000
        if would_be >= 0:
            (unsaid if price is None else said).append(Suspect(what, price, would_be))
    return (*unsaid, *said)

"""``price`` as an operator writes it: what tokens cost, for long prompts and other tiers too."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, Field

from router.config.sections import Strict
from router.core.catalogue import Price, PriceWindow, Tier

_Usd = Annotated[float, Field(ge=0, le=100_000)]


class _Rates(Strict):
    """USD per million tokens."""

    input: _Usd
    output: _Usd
    cached_input: _Usd | None = None
    cache_write: _Usd | None = None
    cache_write_1h: _Usd | None = None
    reasoning: _Usd | None = None
    audio_input: _Usd | None = None
    audio_output: _Usd | None = None

    def rates(self) -> dict[str, Any]:
        """Return what was said of the kinds of tokens."""
        found = {name: getattr(self, name) for name in _Rates.model_fields}
        return {name: usd for name, usd in found.items() if usd is not None}


class AboveRow(_Rates):
    """What a whole request costs whose prompt is longer than ``tokens``."""

    tokens: int = Field(ge=1, le=100_000_000)


def _distinct(steps: tuple[AboveRow, ...]) -> tuple[AboveRow, ...]:
    if len({step.tokens for step in steps}) < len(steps):
        raise ValueError("two steps have the same number of tokens")
    return tuple(sorted(steps, key=lambda step: step.tokens))


_Above = Annotated[
    tuple[AboveRow, ...], Field(strict=False, max_length=16), AfterValidator(_distinct)
]


class TierRow(_Rates):
    """What tokens cost at another tier of service."""

    above: _Above = ()


class TierRows(Strict):
    """Tiers by the name a request gives in ``service_tier``; Anthropic's ``speed``."""

    flex: TierRow | None = None
    priority: TierRow | None = None
    batch: TierRow | None = None
    ultrafast: TierRow | None = None
    fast_mode: TierRow | None = None


class PriceRow(_Rates):
    """USD per million tokens; ``fee`` is USD per request, ``search`` per search of the web."""

    fee: float = Field(0.0, ge=0, le=1000)
    search: float = Field(0.0, ge=0, le=1000)
    above: _Above = ()
    tiers: TierRows = TierRows()

    def core(self, windows: tuple[PriceWindow, ...]) -> Price:
        """Return the price; what a step or a tier leaves out costs what it costs without it."""
        base = {**self.rates(), "fee": self.fee, "search": self.search}
        steps = _steps(self.above, base)
        tiers = []
        for name in TierRows.model_fields:
            row = getattr(self.tiers, name)
            if row is not None:
                rates = {**base, **row.rates()}
                tier = Price(**rates, above=_steps(row.above, rates) or steps)
                tiers.append((Tier(name), tier))
        return Price(**base, windows=windows, above=steps, tiers=tuple(tiers))


def _steps(rows: tuple[AboveRow, ...], base: dict[str, Any]) -> tuple[tuple[int, Price], ...]:
    return tuple((row.tokens, Price(**{**base, **row.rates()})) for row in rows)

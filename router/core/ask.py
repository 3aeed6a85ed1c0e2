"""What a request asks for, once, in our own words: the bounds it declares and what it needs.

Everything here was validated at the edge; inside, an ``Ask`` is taken at its word.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, NamedTuple

from router.core.catalogue import Capability, ModelName, Tier
from router.core.surface import Surface

PERCENTILE: Final = 0.95
"""Of requests that declare none. A plain choice, not measured: more costs more, less says less."""


class BoundKind(StrEnum):
    """A quantity a request may bound. The value is its body key (docs/api.md)."""

    TTFT = "ttft_ms"
    TTFAT = "ttfat_ms"
    E2E = "e2e_ms"
    TPS = "min_tps"
    CONTEXT = "min_context"
    ANSWER_TOKENS = "max_answer_tokens"
    COST = "max_cost_usd"

    @property
    def is_floor(self) -> bool:
        """Whether more is better (speed, window)."""
        return self in _FLOORS


_FLOORS = frozenset((BoundKind.TPS, BoundKind.CONTEXT))
_DECODES = frozenset({BoundKind.TTFAT, BoundKind.E2E, BoundKind.TPS})


class Mode(StrEnum):
    """What to do when no endpoint is expected to keep the bounds."""

    STRICT = "strict"
    BEST_EFFORT = "best-effort"
    WAIT = "wait"


@dataclass(frozen=True, slots=True)
class Bound:
    """One limit, in the unit its kind names (ms, tokens/s, tokens, USD).

    ``percentile`` lies in (0, 1): the share of requests that must keep it. Money and window are
    promises, not hopes: whoever is expected to break one is out (``sift``), whatever the mode.
    """

    kind: BoundKind
    limit: float
    percentile: float = PERCENTILE

    def kept_by(self, fact: float) -> bool:
        """Whether the measured ``fact`` (same unit) keeps the bound."""
        return fact >= self.limit if self.kind.is_floor else fact <= self.limit


@dataclass(frozen=True, slots=True)
class Sla:
    """The bounds of one request, with the policy they came by and what happens when none fits."""

    bounds: tuple[Bound, ...] = ()
    mode: Mode = Mode.BEST_EFFORT
    percentile: float = PERCENTILE
    policy: str = "default"
    _keys: dict[ModelName, str] = field(
        default_factory=dict, init=False, repr=False, compare=False, hash=False
    )

    def bound(self, kind: BoundKind) -> Bound | None:
        """Return the bound of this kind, the tightest percentile first, or ``None``."""
        found = [b for b in self.bounds if b.kind is kind]
        return max(found, key=lambda b: b.percentile) if found else None

    @property
    def decodes(self) -> bool:
        """Whether any bound depends on speed."""
        return any(b.kind in _DECODES for b in self.bounds)

    def class_key(self, model: ModelName) -> str:
        """Name the class attainment is steered for: policy x model x percentile x log grid.

        One step of the grid is a factor of two, so a 300 ms caller and a 10 s caller never
        share a price of a miss.
        """
        known = self._keys.get(model)
        if known is None:
            cells = ",".join(
                f"{b.kind.value}~{round(math.log2(b.limit)) if b.limit > 0 else 0}"
                for b in sorted(self.bounds, key=lambda b: (b.kind, b.percentile, b.limit))
            )
            known = f"{self.policy}|{model}|p{self.percentile * 100:g}|{cells}"
            self._keys[model] = known
        return known


class PromptSize(NamedTuple):
    """What is known of a prompt's length before anyone tokenised it (bytes of the body)."""

    ascii_bytes: int
    other_bytes: int = 0
    attachments: int = 0


class Sort(StrEnum):
    """What endpoints are lined up by: their cost (as everybody is anyway), or one attribute."""

    PRICE = "price"
    THROUGHPUT = "throughput"
    LATENCY = "latency"


@dataclass(frozen=True, slots=True)
class Preferences:
    """Wishes about who may serve, and about who is asked first.

    Names are those of providers or endpoints, in lower case as quantizations are. Hard facts: a
    ``max_price_*`` is USD per million tokens, ``max_fee`` USD per request, and ``capped_media``
    have a price cap although nobody's price for them is known. Without ``fallbacks`` only those
    in ``order`` are asked, or only the best one.

    The rest makes a line (`ranking`): ``preferred`` are soft bounds, and who is expected to miss
    one goes to its end; ``models`` are those to fall back on, behind the one asked for unless
    ``across_models``; ``order`` names who goes first. ``unknown`` are names that nobody has, to be
    told and nothing else.
    """

    only: frozenset[str] = frozenset()
    ignore: frozenset[str] = frozenset()
    quantizations: frozenset[str] = frozenset()
    deny_data_collection: bool = False
    zero_retention: bool = False
    max_price_input: float | None = None
    max_price_output: float | None = None
    max_fee: float | None = None
    capped_media: frozenset[Capability] = frozenset()
    fallbacks: bool = True
    order: tuple[str, ...] = ()
    sort: Sort | None = None
    preferred: tuple[Bound, ...] = ()
    models: tuple[ModelName, ...] = ()
    across_models: bool = False
    unknown: tuple[str, ...] = ()

    @property
    def ranks(self) -> bool:
        """Whether anything but cost and chances says who goes first."""
        sorts = self.sort not in _BY_COST
        return bool(sorts or self.order or self.preferred or self.models)


_BY_COST = (None, Sort.PRICE)
NO_PREFERENCES = Preferences()


class Ask(NamedTuple):
    """One request: what the application wants, and what an endpoint must have to serve it.

    ``params`` are the body's top-level field names; ``max_tokens`` is the client's own limit.
    ``session`` names the conversation this request is a turn of; empty where nobody says so.
    ``compacted`` says that its beginning was just rewritten, so that no cache remembers it.
    ``owner`` names the API key it came with, by a hash; empty where there are none.
    ``tier`` is the tier of service it asks for. ``only_natively`` names what in it only an endpoint
    that speaks ``surface`` itself can be told (``dialects.natively_only``).
    """

    id: str
    model: ModelName
    sla: Sla
    prompt: PromptSize
    stream: bool = False
    wants_usage: bool = False
    max_tokens: int | None = None
    needs: frozenset[Capability] = frozenset()
    params: frozenset[str] = frozenset()
    preferences: Preferences = NO_PREFERENCES
    explain: bool = False
    session: str = ""
    tier: Tier = Tier.STANDARD
    surface: Surface = Surface.CHAT
    only_natively: str = ""
    compacted: bool = False
    owner: str = ""

    @property
    def kind(self) -> str:
        """The class that attainment is steered for and answer lengths are learned in."""
        return self.sla.class_key(self.model)

"""What can be bought: endpoints, what they can do and what their tokens cost at an instant.

An endpoint is one upstream model at one provider and base URL; quantization and region are part
of its identity, so two quantizations of one model are two endpoints with their own statistics.
Prices are USD per million tokens, as every price list prints them. Money is booked in whole
nano-USD, so that two ledgers can be compared for equality.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from types import MappingProxyType
from typing import NewType

from router.core.surface import Surface

EndpointId = NewType("EndpointId", str)
ModelName = NewType("ModelName", str)

MINUTES_PER_DAY = 24 * 60


class Capability(StrEnum):
    """Something a request may need and an endpoint may lack."""

    TOOLS = "tools"
    IMAGES = "images"
    AUDIO = "audio"
    DOCUMENTS = "documents"
    JSON_OBJECT = "json_object"
    JSON_SCHEMA = "json_schema"
    LOGPROBS = "logprobs"
    REASONING_EFFORT = "reasoning_effort"
    SEVERAL_CHOICES = "n"
    SEED = "seed"


class Dialect(StrEnum):
    """How an endpoint is reached: by its own wire format, or by litellm, which knows the rest."""

    OPENAI = "openai"
    ANTHROPIC = "anthropic"
    LITELLM = "litellm"


CHAT_ONLY = frozenset((Surface.CHAT,))


@dataclass(frozen=True, slots=True)
class PriceWindow:
    """A daily stretch in which every price is multiplied by ``factor``.

    Minutes count from 00:00 UTC; ``end_minute`` is exclusive and may lie past midnight
    (``start > end``). ``weekdays`` are ISO numbers, Monday 1; they name the day the window
    *starts* on.
    """

    start_minute: int
    end_minute: int
    factor: float
    weekdays: frozenset[int] = frozenset(range(1, 8))

    def covers(self, wall_s: float) -> bool:
        """Whether the instant ``wall_s`` (unix seconds) lies in this window."""
        at = datetime.fromtimestamp(wall_s, UTC)
        minute, day = at.hour * 60 + at.minute, at.isoweekday()
        if self.start_minute < self.end_minute:
            return self.start_minute <= minute < self.end_minute and day in self.weekdays
        yesterday = (day - 2) % 7 + 1
        return (minute >= self.start_minute and day in self.weekdays) or (
            minute < self.end_minute and yesterday in self.weekdays
        )


class Tier(StrEnum):
    """A tier of service that a request is bought at; its price differs, often its wait too."""

    STANDARD = "standard"
    FLEX = "flex"
    PRIORITY = "priority"
    BATCH = "batch"
    ULTRAFAST = "ultrafast"
    FAST_MODE = "fast_mode"
    """Anthropic's, said by ``speed`` and beside its tiers."""

    @classmethod
    def named(cls, word: object) -> Tier | None:
        """Return the tier that a request or an answer names; ``None`` for words nobody knows."""
        return _TIERS.get(word) if isinstance(word, str) else None


_TIERS: Mapping[str, Tier] = MappingProxyType(
    {tier.value: tier for tier in Tier}
    | dict.fromkeys(("auto", "default", "on_demand", "standard_only", "scale"), Tier.STANDARD)
    | {"fast": Tier.PRIORITY}
)
"""Words of OpenAI, Azure, Anthropic, Google and Groq. ``scale`` is paid for by the month, ``fast``
is what OpenAI calls priority since 2026. https://developers.openai.com/api/docs/guides/fast-mode"""


@dataclass(frozen=True, slots=True)
class Price:
    """USD per million tokens, a fee in USD per request and one per ``search`` of the web.

    ``cache_write`` is for what is kept five minutes, ``cache_write_1h`` for what is kept an hour.
    What is ``None`` costs what a fresh token does (a written one for an hour: what any written one
    does; reasoning: what all output does; audio: what text does). ``above`` are the prices of
    whole requests whose prompt is longer than so many tokens, in rising order; ``tiers`` those of
    other tiers of service, which may have an ``above`` of their own. Both are whole prices, fees
    included, but for the windows: these multiply them all. ``source`` says where the figures come
    from (``config``, or the table and its version).
    """

    input: float
    output: float
    cached_input: float | None = None
    cache_write: float | None = None
    fee: float = 0.0
    windows: tuple[PriceWindow, ...] = ()
    source: str = "config"
    cache_write_1h: float | None = None
    reasoning: float | None = None
    audio_input: float | None = None
    audio_output: float | None = None
    search: float = 0.0
    above: tuple[tuple[int, Price], ...] = ()
    tiers: tuple[tuple[Tier, Price], ...] = ()
    varies: bool = field(init=False, repr=False, compare=False)
    """Whether it depends on when, how much, at which tier or for what kind of output one buys."""

    def __post_init__(self) -> None:
        varies = bool(self.windows or self.above or self.tiers or self.reasoning is not None)
        object.__setattr__(self, "varies", varies)

    def at(self, wall_s: float) -> Price:
        """Return the prices in force at ``wall_s`` (unix seconds); windows multiply."""
        factor = self._factor(wall_s) if self.windows else 1.0
        return self if factor == 1.0 else self.times(factor)

    def rate(self, prompt_tokens: float, tier: Tier = Tier.STANDARD) -> Price:
        """Return the prices of one request, whatever the hour; an unknown tier is the standard."""
        found = self
        if tier is not Tier.STANDARD:
            for each, price in self.tiers:
                if each is tier:
                    found = price
        for tokens, price in reversed(found.above):
            if prompt_tokens > tokens:
                return price
        return found

    def quoted(
        self,
        wall_s: float,
        prompt_tokens: float,
        tier: Tier = Tier.STANDARD,
        thinking: float = 0.0,
    ) -> Price:
        """Return the price at which a request is expected to be billed.

        ``thinking`` is the share of its output that will be reasoning: ``output`` of what is
        returned is the price of the mixture.
        """
        rate = self.rate(prompt_tokens, tier)
        factor = self._factor(wall_s) if self.windows else 1.0
        if factor == 1.0 and rate.reasoning is None:
            return rate
        output = rate.output
        if rate.reasoning is not None:
            output += thinking * (rate.reasoning - output)
        return Price(
            rate.input * factor,
            output * factor,
            _scaled(rate.cached_input, factor),
            _scaled(rate.cache_write, factor),
            rate.fee * factor,
            source=rate.source,
            cache_write_1h=_scaled(rate.cache_write_1h, factor),
        )

    def times(self, factor: float) -> Price:
        """Return all of the prices multiplied, without windows."""
        return Price(
            self.input * factor,
            self.output * factor,
            _scaled(self.cached_input, factor),
            _scaled(self.cache_write, factor),
            self.fee * factor,
            source=self.source,
            cache_write_1h=_scaled(self.cache_write_1h, factor),
            reasoning=_scaled(self.reasoning, factor),
            audio_input=_scaled(self.audio_input, factor),
            audio_output=_scaled(self.audio_output, factor),
            search=self.search * factor,
            above=tuple((tokens, each.times(factor)) for tokens, each in self.above),
            tiers=tuple((tier, each.times(factor)) for tier, each in self.tiers),
        )

    @property
    def cache_saves_usd(self) -> float:
        """What a prompt token read from the cache costs less than a fresh one, in USD."""
        return 0.0 if self.cached_input is None else (self.input - self.cached_input) * 1e-6

    def nano_usd(
        self,
        *,
        fresh: float,
        cache_read: float,
        cache_write: float,
        output: float,
        cache_write_1h: float = 0,
        reasoning: float = 0,
        audio_input: float = 0,
        audio_output: float = 0,
        searches: float = 0,
        tier: Tier = Tier.STANDARD,
    ) -> float:
        """Cost of token counts in nano-USD (1e-9 USD), unrounded.

        ``cache_write_1h`` are those of ``cache_write`` that are kept for an hour, ``reasoning``
        those of ``output`` that are thinking, ``audio_input`` those of ``fresh`` that were heard,
        ``audio_output`` those of ``output`` that were spoken. One USD per million tokens is 1,000
        nano-USD a token.
        """
        rate = self.rate(fresh + cache_read + cache_write, tier) if self.varies else self
        read = rate.input if rate.cached_input is None else rate.cached_input
        write = rate.input if rate.cache_write is None else rate.cache_write
        per_token = (
            fresh * rate.input + cache_read * read + cache_write * write + output * rate.output
        )
        if cache_write_1h and rate.cache_write_1h is not None:
            per_token += cache_write_1h * (rate.cache_write_1h - write)
        if reasoning and rate.reasoning is not None:
            per_token += reasoning * (rate.reasoning - rate.output)
        if audio_input and rate.audio_input is not None:
            per_token += audio_input * (rate.audio_input - rate.input)
        if audio_output and rate.audio_output is not None:
            per_token += audio_output * (rate.audio_output - rate.output)
        return per_token * 1_000 + (rate.fee + searches * rate.search) * 1e9

    def _factor(self, wall_s: float) -> float:
        factor = 1.0
        for window in self.windows:
            if window.covers(wall_s):
                factor *= window.factor
        return factor


def _scaled(price: float | None, factor: float) -> float | None:
    return None if price is None else price * factor


@dataclass(frozen=True, slots=True)
class Prior:
    """What to believe of an endpoint before anything was measured: ``prior`` in the configuration.

    ``hidden_share`` is the share of an answer's tokens that is thought and billed but never shown;
    the time it takes is part of ``ttft_ms``. The default wait and speed are the study's
    (docs/decision.md), the length a guess, not measured.
    """

    ttft_ms: float = 800.0
    ttft_ms_per_1k: float = 80.0
    tps: float = 50.0
    answer_tokens: float = 600.0
    hidden_share: float = 0.0

    @property
    def idle_s(self) -> float | None:
        """Seconds before hidden thinking begins; ``None`` where none is declared."""
        if not self.hidden_share:
            return None
        return max(0.0, self.ttft_ms / 1000 - self.hidden_share * self.answer_tokens / self.tps)


@dataclass(frozen=True, slots=True)
class Limits:
    """Timeouts of one endpoint in seconds; ``None`` takes the adaptive value (``patience``).

    Plain choices, not measured: connecting has room for two lost SYNs (sent again after 1 and 3 s);
    the others are meant to end only what would never end.
    """

    connect_s: float = 5.0
    first_token_s: float | None = None
    gap_s: float = 60.0
    total_s: float = 1800.0


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One thing that can be bought.

    ``context`` is in tokens, prompt and answer together. ``price`` is ``None`` where nobody knows
    it: such an endpoint is never chosen as the cheapest. ``upstream_model`` is the name sent to
    the provider, ``family`` the model whose answers it gives (answer lengths are learned per
    family). ``api_key_env`` names a variable, it never holds a key. ``speaks`` are the surfaces it
    serves itself; others may be translated to it (``dialects``).
    """

    id: EndpointId
    provider: str
    model: str
    upstream_model: str
    family: str
    serves: tuple[ModelName, ...]
    base_url: str
    context: int
    price: Price | None
    max_output: int | None = None
    dialect: Dialect = Dialect.OPENAI
    speaks: frozenset[Surface] = CHAT_ONLY
    api_key_env: str | None = None
    auth_header: str = "authorization"
    capabilities: frozenset[Capability] = frozenset(Capability)
    unsupported_params: frozenset[str] = frozenset()
    quantization: str = "unknown"
    region: str = ""
    data_collection: bool = False
    zero_retention: bool = False
    bills_after_cancel: bool = False
    prior: Prior = field(default_factory=Prior)
    limits: Limits = field(default_factory=Limits)

    @property
    def fingerprint(self) -> str:
        """Name of its shared statistics: another model, URL or quantization starts afresh."""
        parts = (self.id, self.base_url, self.upstream_model, self.quantization, self.region)
        identity = "\0".join(parts)
        return hashlib.blake2s(identity.encode(), digest_size=8).hexdigest()

"""What can be bought: endpoints, what they can do and what their tokens cost at an instant.

An endpoint is one upstream model at one provider and base URL; quantization and region are part
of its identity, so two quantizations of one model are two endpoints with their own statistics.
Prices are USD per million tokens, as every price list prints them. Money is booked in whole
nano-USD, so that two ledgers can be compared for equality.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import NewType

EndpointId = NewType("EndpointId", str)
ModelName = NewType("ModelName", str)

MINUTES_PER_DAY = 24 * 60


class Capability(StrEnum):
    """Something a request may need and an endpoint may lack."""

    TOOLS = "tools"
    PARALLEL_TOOLS = "parallel_tools"
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
    """The wire format an endpoint speaks."""

    OPENAI = "openai"
    LITELLM = "litellm"


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


@dataclass(frozen=True, slots=True)
class Price:
    """USD per million tokens, and a fee in USD per request.

    ``source`` says where the figures come from (``config``, or the table and its version).
    """

    input: float
    output: float
    cached_input: float | None = None
    cache_write: float | None = None
    fee: float = 0.0
    windows: tuple[PriceWindow, ...] = ()
    source: str = "config"

    def at(self, wall_s: float) -> Price:
        """Return the prices in force at ``wall_s`` (unix seconds); windows multiply."""
        factor = 1.0
        for window in self.windows:
            if window.covers(wall_s):
                factor *= window.factor
        if factor == 1.0:
            return self
        return Price(
            input=self.input * factor,
            output=self.output * factor,
            cached_input=None if self.cached_input is None else self.cached_input * factor,
            cache_write=None if self.cache_write is None else self.cache_write * factor,
            fee=self.fee * factor,
            source=self.source,
        )

    @property
    def cache_saves_usd(self) -> float:
        """What a prompt token read from the cache costs less than a fresh one, in USD."""
        return 0.0 if self.cached_input is None else (self.input - self.cached_input) * 1e-6

    def nano_usd(
        self, *, fresh: float, cache_read: float, cache_write: float, output: float
    ) -> float:
        """Cost of token counts in nano-USD (1e-9 USD), unrounded; cached classes default to input.

        One USD per million tokens is 1,000 nano-USD per token.
        """
        read = self.input if self.cached_input is None else self.cached_input
        write = self.input if self.cache_write is None else self.cache_write
        per_token = (
            fresh * self.input + cache_read * read + cache_write * write + output * self.output
        )
        return per_token * 1_000 + self.fee * 1e9


@dataclass(frozen=True, slots=True)
class Prior:
    """What to believe of an endpoint before anything was measured (design section 3.5).

    ``hidden_share`` is the share of an answer's tokens that is thought and billed but never shown;
    the time it takes is part of ``ttft_ms``.
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
    """Timeouts of one endpoint in seconds; ``None`` takes the adaptive or general value."""

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
    family). ``api_key_env`` names a variable, it never holds a key.
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
    api_key_env: str | None = None
    auth_header: str = "authorization"
    capabilities: frozenset[Capability] = frozenset(Capability)
    unsupported_params: frozenset[str] = frozenset()
    quantization: str = "unknown"
    region: str = ""
    data_collection: bool = False
    bills_after_cancel: bool = False
    prior: Prior = field(default_factory=Prior)
    limits: Limits = field(default_factory=Limits)

    @property
    def fingerprint(self) -> str:
        """Name of its shared statistics: another model, URL or quantization starts afresh."""
        parts = (self.id, self.base_url, self.upstream_model, self.quantization, self.region)
        identity = "\0".join(parts)
        return hashlib.blake2s(identity.encode(), digest_size=8).hexdigest()

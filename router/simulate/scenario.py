"""What a scenario file says: a fleet as it truly is, who asks for what, and what will happen.

Read as strictly as the configuration: an unknown key is an error, and all mistakes are told at
once, each with file and key. Times of a run are counted from ``start``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from router.config.endpoint import Name
from router.config.mistake import ConfigError, Mistake, nearest
from router.config.policies import SlaTable
from router.config.price import PriceRow
from router.config.reading import Place, named, read_toml, validated
from router.config.sections import Strict
from router.config.window import Window
from router.core.ask import Bound, BoundKind, Sla
from router.core.catalogue import Endpoint, EndpointId, Limits, ModelName, Prior

Share = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(gt=0)]
Minutes = Annotated[float, Field(ge=0, le=100_000)]


def _utc(at: datetime) -> datetime:
    return at if at.tzinfo is not None else at.replace(tzinfo=UTC)


class Noise(Strict):
    """What makes two waits differ on the same day: the distribution of the log of their ratio.

    ``lognormal``: normal with sd ``spread``. ``bimodal``: the same, and a share ``slow_share`` is
    ``slow_factor`` times as long. ``heavy``: Laplace with sd ``spread``, so that waits have the
    tail of a power law.
    """

    family: Literal["lognormal", "bimodal", "heavy"] = "lognormal"
    spread: float = Field(0.3, gt=0, le=2)
    slow_share: float = Field(0.1, ge=0, lt=1)
    slow_factor: float = Field(3.0, ge=1, le=100)


class Drift(Strict):
    """The slow walk of an endpoint's level: an Ornstein-Uhlenbeck process of its log.

    ``ttft`` and ``tps`` are the standing sd of the log, ``hours`` the time in which a
    displacement is forgotten to 1/e.
    """

    ttft: float = Field(0.15, ge=0, le=2)
    tps: float = Field(0.08, ge=0, le=2)
    hours: Positive = 3.0


class Spells(Strict):
    """Something that comes ``per_day`` times (Poisson) and lasts ``minutes`` (exponential mean)."""

    per_day: float = Field(0.0, ge=0, le=1000)
    minutes: Positive = 10.0


class Degradations(Spells):
    """Waits become ``factor`` times as long and speed falls by its root; the log of the factor of
    a spell is uniform between half and all of it.
    """

    factor: float = Field(3.0, ge=1, le=100)


class RateLimits(Spells):
    """A share of requests gets a 429 with this ``Retry-After``."""

    share: Share = 0.7
    retry_after_s: float | None = Field(10.0, ge=0, le=3600)


class Cache(Strict):
    """The prompt cache: how often a repeated prefix is found, and for how long after its use."""

    hit_rate: Share = 0.9
    minutes: Positive = 5.0


class TruePrior(Strict):
    """What the operator declared, right or wrong."""

    ttft_ms: Positive = 800.0
    ttft_ms_per_1k: float = Field(80.0, ge=0)
    tps: Positive = 50.0
    answer_tokens: float = Field(600.0, ge=1)


class Seller(Strict):
    """One endpoint as it truly is. Prices in USD per million tokens."""

    id: Name
    provider: Name
    family: Name
    serves: Annotated[tuple[Name, ...], Field(strict=False, min_length=1)]
    context: int = Field(131_072, ge=256)
    price: PriceRow
    price_windows: Annotated[tuple[Window, ...], Field(strict=False)] = ()
    ttft_s: Positive
    ttft_s_per_1k: float = Field(0.03, ge=0, le=10)
    tps: Positive
    tps_spread: float = Field(0.12, gt=0, le=1)
    noise: Noise = Noise()
    verbosity: Positive = 1.0
    hides_thinking: bool = False
    failures: Share = 0.005
    hangs: Share = 0.0
    stalls: Share = 0.0
    cache: Cache | None = None
    bills_after_cancel: bool = False
    prior: TruePrior | None = None
    drift: Drift = Drift()
    degradations: Degradations = Degradations()
    outages: Spells = Spells()
    rate_limits: RateLimits = RateLimits()

    def core(self) -> Endpoint:
        """Return what a proxy knows of it: its offer, and the prior if there is one."""
        prior = self.prior
        price = self.price.core(tuple(w.core() for w in self.price_windows))
        return Endpoint(
            id=EndpointId(self.id),
            provider=self.provider,
            model=self.family,
            upstream_model=self.family,
            family=self.family,
            serves=tuple(ModelName(name) for name in self.serves),
            base_url=f"http://{self.provider}.invalid/v1",
            context=self.context,
            price=price,
            bills_after_cancel=self.bills_after_cancel,
            prior=Prior()
            if prior is None
            else Prior(prior.ttft_ms, prior.ttft_ms_per_1k, prior.tps, prior.answer_tokens),
            limits=Limits(),
        )


class ModelTable(Strict):
    """What a model makes of prompts and questions.

    ``prompt_factor``: its tokens per token of the scenario. ``verbosity``: its answer's length
    relative to the class's; ``by_class`` overrides it. ``thinking``: the share of its output that
    is reasoning.
    """

    prompt_factor: Positive = 1.0
    verbosity: Positive = 1.0
    by_class: dict[str, Positive] = Field(default_factory=dict)
    thinking: float = Field(0.0, ge=0, lt=1)


class Size(Strict):
    """A lognormal number of tokens between ``least`` and ``most``."""

    median: Positive
    sigma: float = Field(0.5, gt=0, le=3)
    least: int = Field(8, ge=1)
    most: int = Field(1_000_000, ge=1)

    @property
    def mean(self) -> float:
        """Mean of the lognormal, its limits left aside."""
        return self.median * math.exp(self.sigma**2 / 2)

    def at(self, z: float) -> int:
        """Return the size at a standard normal deviate."""
        return round(min(max(self.median * math.exp(self.sigma * z), self.least), self.most))


class Conversation(Strict):
    """Turns that repeat the prompt and add to it: their mean number (geometric), what each adds,
    and the mean time (exponential, s) between an answer and the next turn.
    """

    turns: float = Field(gt=1, le=200)
    growth: Size
    pause_s: Positive = 20.0


class ClassTable(Strict):
    """Requests alike: what they ask and declare, and their share of all requests."""

    share: Positive
    model: Name
    sla: SlaTable = SlaTable()
    stream: bool = True
    attempts: int = Field(3, ge=1, le=10)
    max_tokens: int | None = Field(None, ge=1)
    prompt: Size
    answer: Size
    conversation: Conversation | None = None

    def core(self, name: str) -> Sla:
        """Return the bounds as the surface would have parsed them."""
        share = self.sla.percentile
        limits = {kind: getattr(self.sla, kind.value) for kind in BoundKind}
        bounds = tuple(Bound(k, float(v), share) for k, v in limits.items() if v is not None)
        return Sla(bounds, self.sla.mode, share, name)


class Load(Strict):
    """Requests per second, over the day between 1 - ``swing`` and 1 + ``swing`` times that, most
    at ``busiest_hour_utc``.
    """

    requests_per_s: float = Field(gt=0, le=1000)
    swing: float = Field(0.0, ge=0, lt=1)
    busiest_hour_utc: float = Field(14.0, ge=0, lt=24)

    def rate(self, wall_s: float) -> float:
        """Return requests per second at ``wall_s`` (unix seconds)."""
        hour = wall_s / 3600 % 24
        wave = math.cos((hour - self.busiest_hour_utc) / 24 * math.tau)
        return self.requests_per_s * (1 + self.swing * wave)


class Event(Strict):
    """Something that happens to one endpoint between two minutes of the run.

    ``slow``: waits times ``ttft_factor``, speed times ``tps_factor``. ``outage``: every request
    fails at once. ``hang``: nobody gets a first token. ``rate-limit``: a ``share`` gets a 429.
    """

    endpoint: Name
    kind: Literal["slow", "outage", "hang", "rate-limit"]
    from_minute: Minutes
    to_minute: Minutes
    ttft_factor: Positive = 1.0
    tps_factor: Positive = 1.0
    share: Share = 1.0
    retry_after_s: float | None = Field(10.0, ge=0, le=3600)


class Scenario(Strict):
    """One file."""

    description: str = ""
    start: Annotated[datetime, AfterValidator(_utc)] = datetime(2025, 10, 9, tzinfo=UTC)
    hours: float = Field(gt=0, le=24 * 14)
    warm_up_hours: float = Field(2.0, ge=0)
    seeds: Annotated[tuple[int, ...], Field(strict=False, min_length=1)] = (1, 2, 3, 4, 5)
    load: Load
    models: dict[str, ModelTable] = Field(default_factory=dict)
    classes: dict[str, ClassTable] = Field(min_length=1)
    endpoints: Annotated[tuple[Seller, ...], Field(strict=False, min_length=1)]
    events: Annotated[tuple[Event, ...], Field(strict=False)] = ()

    @property
    def start_wall(self) -> float:
        """The run's first instant in unix seconds."""
        return self.start.timestamp()

    def model(self, family: str) -> ModelTable:
        """Return what is said of a model family; the ordinary where nothing is."""
        return self.models.get(family) or ModelTable()

    def gaps(self) -> Iterator[tuple[str, str]]:
        """Yield key and advice where names do not meet, or nothing would be measured."""
        served = {name for e in self.endpoints for name in e.serves}
        families = {e.family for e in self.endpoints}
        ids = [e.id for e in self.endpoints]
        if self.warm_up_hours >= self.hours:
            yield "warm_up_hours", f"must be less than hours ({self.hours:g})"
        for name, kind in self.classes.items():
            if kind.model not in served:
                yield f"[classes] {name}.model", f"nobody serves it; {nearest(kind.model, served)}"
        for name, model in self.models.items():
            if name not in families:
                yield f"[models] {name}", f"no endpoint's family; {nearest(name, families)}"
            for kind_name in model.by_class:
                if kind_name not in self.classes:
                    advice = nearest(kind_name, self.classes)
                    yield f"[models] {name}.by_class.{kind_name}", f"no class; {advice}"
        for i, row in enumerate(self.endpoints):
            if row.id in ids[:i]:
                yield f"[[endpoints]] #{i + 1} id", f"'{row.id}' is taken"
        yield from self._event_gaps(ids)

    def _event_gaps(self, ids: list[str]) -> Iterator[tuple[str, str]]:
        for i, event in enumerate(self.events):
            if event.endpoint not in ids:
                advice = nearest(event.endpoint, ids)
                yield f"[[events]] #{i + 1} endpoint", f"no endpoint; {advice}"
            if event.to_minute <= event.from_minute:
                yield f"[[events]] #{i + 1} to_minute", "must be later than from_minute"


def read(path: Path) -> Scenario:
    """Read a scenario. Raises ConfigError with everything that is wrong."""
    mistakes: list[Mistake] = []
    document = read_toml(path, mistakes)
    complain = _complaints(path, document, mistakes)
    scenario = validated(Scenario, document, complain) if document else None
    if scenario is not None:
        mistakes += (Mistake(str(path), place, advice) for place, advice in scenario.gaps())
    if mistakes or scenario is None:
        raise ConfigError(mistakes or [Mistake(str(path), "", "is empty")])
    return scenario


def _complaints(
    path: Path, document: Mapping[str, object], mistakes: list[Mistake]
) -> Callable[[Place, str], None]:
    def complain(place: Place, message: str) -> None:
        mistakes.append(Mistake(str(path), named(place, document), message))

    return complain

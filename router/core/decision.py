"""The ranked plan of one request, with a reason for every endpoint that is not its first.

A decision explains itself: to the response headers, the trace, ``/v1/route/explain`` and the
tests. Nothing is logged while deciding.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from router.core.ask import BoundKind
from router.core.catalogue import Endpoint, EndpointId


class Reason(StrEnum):
    """Why an endpoint is not in the plan, or not at its head. The first group are hard facts."""

    CONTEXT = "context"
    CAPABILITY = "capability"
    PARAMETER = "parameter"
    SURFACE = "surface"
    SIGNATURE = "signature"
    NOT_PREFERRED = "preference"
    DATA_POLICY = "data_policy"
    QUANTIZATION = "quantization"
    PRICE_CAP = "max_price"
    PRICE_UNKNOWN = "price_unknown"
    COST_BOUND = "max_cost_usd"
    COOLING = "cooling"
    RATE_LIMITED = "rate_limited"
    ADAPTER_LOADING = "adapter_loading"
    TRIED = "tried"
    BOUND = "bound"
    DEARER = "dearer"
    SLOWER = "slower"
    DEPRIORITIZED = "deprioritized"
    ORDER = "order"
    SORT = "sort"

    @property
    def passes(self) -> bool:
        """Whether waiting may mend it."""
        return self in (Reason.COOLING, Reason.RATE_LIMITED, Reason.ADAPTER_LOADING)

    @property
    def outranks(self) -> bool:
        """Whether it only says who goes first: such an endpoint would serve if asked."""
        return self in _OUTRANKED


_OUTRANKED = frozenset(
    {Reason.DEARER, Reason.SLOWER, Reason.DEPRIORITIZED, Reason.ORDER, Reason.SORT}
)


class Status(StrEnum):
    """What the plan promises: every bound, its best, or nothing since nothing was asked."""

    OK = "ok"
    BEST_EFFORT = "best-effort"
    UNBOUNDED = "unbounded"


class Expectation(NamedTuple):
    """Forecast of one bound at one endpoint, in the bound's unit.

    ``predicted`` is the value at ``percentile`` (for floors, the value exceeded with that
    probability), ``p_keep`` the probability of keeping ``limit``, ``samples`` how many
    observations stand behind it (0: only a prior).
    """

    kind: BoundKind
    limit: float
    predicted: float
    percentile: float
    p_keep: float
    samples: int

    @property
    def kept(self) -> bool:
        """Whether the bound is expected to hold at its percentile."""
        return self.p_keep >= self.percentile


class Forecast(NamedTuple):
    """What is expected of one endpoint for one request.

    Times in ms at the request's percentile, ``tps`` in tokens/s exceeded at that percentile,
    ``output_tokens`` and ``cost_usd`` are means. ``p_keep`` is the probability that every bound
    holds (1.0 without bounds).
    """

    ttft_ms: float
    e2e_ms: float
    tps: float
    output_tokens: float
    input_tokens: float
    cost_usd: float
    p_keep: float
    expectations: tuple[Expectation, ...] = ()


class Shadow(NamedTuple):
    """What a bound costs: relaxed by a step, ``endpoint`` would serve and save ``saves_usd``."""

    kind: BoundKind
    limit: float
    relaxed: float
    endpoint: EndpointId
    saves_usd: float


class Option(NamedTuple):
    """An endpoint that could serve, as weighed.

    ``cost_usd`` is that of the answer; ``score_usd`` has with it the later turns of a conversation,
    failures beyond the ordinary, and the price of missing, of missing by much where all will.
    """

    endpoint: Endpoint
    score_usd: float
    cost_usd: float
    p_keep: float


@dataclass(frozen=True, slots=True)
class Rejection:
    """An endpoint that is out, and why, in words a person can act on.

    ``expectations`` are the bounds that ruled it out (``Reason.BOUND``); ``limit`` and ``value``
    are the two sides of a broken hard limit; ``retry_after_s`` says when it may be mended.
    """

    endpoint: EndpointId
    reason: Reason
    detail: str = ""
    limit: float | None = None
    value: float | None = None
    retry_after_s: float | None = None
    cost_usd: float | None = None
    expectations: tuple[Expectation, ...] = ()


class Decision(NamedTuple):
    """Which endpoint serves, what is expected of it, and why not the others.

    ``plan`` is ranked, best first; it is empty when the request was refused. ``out`` holds the
    endpoints that hard facts exclude. ``input_tokens`` is the estimated prompt. ``unweighed``
    counts dearer endpoints that could not win and were not looked at. ``lam`` is the price of a
    miss in typical costs; ``None`` where no bound made it count. ``leeway`` is how far (log) it
    could fall before somebody cheaper served: infinite where nobody would, 0 where nobody asked.
    """

    status: Status
    plan: tuple[Option, ...]
    out: tuple[Rejection, ...]
    input_tokens: float
    forecast: Forecast | None = None
    unweighed: int = 0
    lam: float | None = None
    leeway: float = 0.0

    @property
    def chosen(self) -> Endpoint | None:
        """The endpoint at the head of the plan."""
        return self.plan[0].endpoint if self.plan else None


@dataclass(frozen=True, slots=True)
class Explained:
    """A decision told in full: every endpoint with its forecast, and why each is where it is.

    ``rejections`` name hard facts, the bounds that an endpoint is expected to break
    (``Reason.BOUND``), and of those that break none whether they are dearer or slower than the
    chosen one, or behind it because the application wants it so. ``shadows`` tell what each bound
    costs, in the order they were declared.
    """

    decision: Decision
    forecasts: tuple[tuple[Endpoint, Forecast], ...]
    rejections: tuple[Rejection, ...]
    shadows: tuple[Shadow, ...] = ()

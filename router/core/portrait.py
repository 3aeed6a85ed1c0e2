"""What is believed of an endpoint, in figures that a person can check with a bill or a clock.

A portrait is read from what decisions are made of, by the same functions, and never the other way
round: nothing decides from it.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import exp
from typing import Final, NamedTuple

from router.core.ask import Ask, Sla
from router.core.candidate import Candidate, Standing
from router.core.catalogue import Endpoint, ModelName, Price
from router.core.forecast import predictive, wait_quantile
from router.core.lengths import Lengths
from router.core.numbers import normal_quantile
from router.core.stakes import Stakes

PROMPT_K: Final = 1.0
"""Thousands of prompt tokens of the request that a wait is told for."""
OFTEN, RARELY = 0.5, 0.95
"""The percentiles told: what is usual, and what one in twenty exceeds."""


class Length(NamedTuple):
    """Output tokens of an answer; ``doubt_sd`` is the sd (log) of their mean, 0 once well known.

    ``kind`` names the class of requests; ``None`` is what is expected of the model's answers in a
    class that nobody asked in yet.
    """

    kind: str | None
    mean: float
    p50: float
    p95: float
    samples: int
    doubt_sd: float


class Portrait(NamedTuple):
    """One endpoint now. ``ttft_ms`` are for a prompt of 1K tokens; ``tps_p5`` is exceeded by 95 %.

    ``ttft_doubt_sd`` and ``tps_doubt_sd`` say how far (log) the middle itself may be off;
    ``recent`` counts observations of the last seconds. Shares lie in [0, 1]; ``verbosity`` is 1
    for who is as verbose as others with the same model.
    """

    endpoint: Endpoint
    price: Price | None
    standing: Standing | None
    ttft_ms_p50: float
    ttft_ms_p95: float
    ttft_ms_per_1k: float
    ttft_doubt_sd: float
    ttft_samples: int
    tps_p50: float
    tps_p5: float
    tps_doubt_sd: float
    tps_samples: int
    failure_share: float
    cache_hit_share: float
    verbosity: float
    recent: float
    lengths: tuple[Length, ...]


class ClassPortrait(NamedTuple):
    """One class of requests: what it declares, and what a miss costs in typical costs (lam)."""

    kind: str
    model: ModelName
    sla: Sla
    stakes: Stakes


class Survey(NamedTuple):
    """Everything known at ``wall`` (unix seconds): endpoints in the operator's order, and the
    classes of requests that were active last.
    """

    wall: float
    endpoints: tuple[Portrait, ...]
    classes: tuple[ClassPortrait, ...]


def length(kind: str | None, lengths: Lengths) -> Length:
    """Tell how long answers are."""
    return Length(
        kind,
        lengths.mean,
        lengths.quantile(OFTEN),
        lengths.quantile(RARELY),
        lengths.samples,
        lengths.doubt,
    )


def portrait(
    candidate: Candidate, classes: Iterable[tuple[str, Lengths]], *, wall: float
) -> Portrait:
    """Draw an endpoint; ``classes`` are those that it serves, with the lengths of its answers.

    Where there are none, the candidate's own lengths are told as the outlook.
    """
    endpoint, stats = candidate.endpoint, candidate.stats
    belief = predictive(stats)

    def wait_ms(p: float, prompt_k: float) -> float:
        return 1000 * wait_quantile(p, prompt_k, stats, belief)

    usual_ms = wait_ms(OFTEN, PROMPT_K)
    told = tuple(length(kind, lengths) for kind, lengths in classes)
    return Portrait(
        endpoint=endpoint,
        price=None if endpoint.price is None else endpoint.price.at(wall),
        standing=candidate.standing,
        ttft_ms_p50=usual_ms,
        ttft_ms_p95=wait_ms(RARELY, PROMPT_K),
        ttft_ms_per_1k=wait_ms(OFTEN, PROMPT_K + 1) - usual_ms,
        ttft_doubt_sd=stats.level_sd,
        ttft_samples=stats.ttft_samples,
        tps_p50=exp(belief.speed),
        tps_p5=exp(belief.speed - normal_quantile(RARELY) * belief.speed_sd),
        tps_doubt_sd=stats.speed_level_sd,
        tps_samples=stats.speed_samples,
        failure_share=stats.p_fail,
        cache_hit_share=stats.cache_hit,
        verbosity=stats.verbosity,
        recent=stats.recent,
        lengths=told or (length(None, candidate.lengths),),
    )


def class_portrait(ask: Ask, stakes: Stakes) -> ClassPortrait:
    """Tell the class that ``ask`` belongs to."""
    return ClassPortrait(ask.kind, ask.model, ask.sla, stakes)

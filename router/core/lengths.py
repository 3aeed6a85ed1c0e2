"""How long answers are: output tokens per (model family, kind of request), as a distribution.

Models need different numbers of tokens for the same answer, so a dearer token can make a cheaper
answer. Lengths are heavy-tailed, so they are kept as a histogram of log tokens; a kind of request
that never met a model starts from what that model does elsewhere, and a model nobody used from
its declared prior. The forecast integrates over nine points of the distribution, closer together
in the tail, where a percentile is decided.
"""

from __future__ import annotations

from bisect import bisect_left
from functools import lru_cache
from itertools import pairwise
from math import exp, log
from typing import Final, NamedTuple

from router.core.decay import Group
from router.core.measure import Attempt
from router.core.numbers import normal_cdf

CELLS = 48
LOW, HIGH = log(4.0), log(16_000.0)
STEP = (HIGH - LOW) / CELLS
LENGTHS: Final = Group("lengths", 24 * 3600.0, CELLS + 4)
"""48 cells of log tokens, then n, sum of tokens, sum of reasoning, sum of visible tokens."""
EVERYWHERE = "*"
"""The kind of request that stands for all of them."""

CUT_OFF: Final = frozenset({"length", "max_tokens"})
"""Finish reasons of answers that were not allowed to end."""

PRIOR_SD = 0.5
"""Spread (log) of a declared answer length; sigma 0.4 is typical, a little more is doubt."""
PRIOR_N, ELSEWHERE_N = 6.0, 6.0
"""Pseudo-counts behind the declared prior and behind the model's other answers (study: 6)."""

NODES: Final = (
    (0.20, 0.10),
    (0.20, 0.30),
    (0.20, 0.50),
    (0.20, 0.70),
    (0.08, 0.84),
    (0.05, 0.905),
    (0.03, 0.945),
    (0.02, 0.97),
    (0.02, 0.99),
)
"""(weight, quantile) of the points the forecast integrates over."""


class Lengths(NamedTuple):
    """Beliefs about one answer's output tokens. ``cdf[i]`` = P(log tokens <= LOW + i STEP).

    ``nodes`` are (weight, tokens) pairs in rising order; ``visible`` and ``reasoning`` the shares
    of the output that are streamed, and that are streamed as reasoning before the answer.
    """

    mean: float
    cdf: tuple[float, ...]
    nodes: tuple[tuple[float, float], ...]
    visible: float
    reasoning: float
    samples: int

    def p_at_most(self, tokens: float) -> float:
        """P(answer takes at most ``tokens``)."""
        if tokens <= 0:
            return 0.0
        at = (log(tokens) - LOW) / STEP
        if at <= 0:
            return self.cdf[0]
        if at >= CELLS:
            return 1.0
        cell = int(at)
        low = self.cdf[cell]
        return low + (at - cell) * (self.cdf[cell + 1] - low)

    def quantile(self, p: float) -> float:
        """Return the tokens that a share ``p`` of answers does not exceed."""
        cell = min(max(bisect_left(self.cdf, p), 1), CELLS)
        low, high = self.cdf[cell - 1], self.cdf[cell]
        inside = (p - low) / (high - low) if high > low else 1.0
        return exp(LOW + STEP * (cell - 1 + min(max(inside, 0.0), 1.0)))

    def mean_capped(self, max_tokens: int | None) -> float:
        """Mean answer length when the client cuts it at ``max_tokens``."""
        if max_tokens is None or max_tokens >= self.nodes[-1][1]:
            return self.mean
        return sum(w * min(n, max_tokens) for w, n in self.nodes)


def believed(prior_tokens: float, own: list[float], elsewhere: list[float]) -> Lengths:
    """Return beliefs from decayed sums of this kind of request and of all the model's answers."""
    count = elsewhere[CELLS]
    blend = [PRIOR_N * share for share in _prior_cells(prior_tokens)]
    total = PRIOR_N
    if count > 0:
        held = min(count, 4 * ELSEWHERE_N)
        blend = [b + held * e / count for b, e in zip(blend, elsewhere, strict=False)]
        total += held
        blend = [ELSEWHERE_N * b / total for b in blend]
        total = ELSEWHERE_N
    total += own[CELLS]
    below, cdf = 0.0, [0.0]
    for prior, seen in zip(blend, own, strict=False):
        below += prior + seen
        cdf.append(below / total)
    cdf[-1] = 1.0
    shell = Lengths(0.0, tuple(cdf), (), 1.0, 0.0, round(own[CELLS]))
    nodes = tuple((weight, shell.quantile(q)) for weight, q in NODES)
    mean = sum(w * n for w, n in nodes)
    tokens = own[CELLS + 1] + elsewhere[CELLS + 1]
    if own[CELLS] > 0:
        trust = own[CELLS] / (own[CELLS] + ELSEWHERE_N)
        mean += trust * (own[CELLS + 1] / own[CELLS] - mean)
    return Lengths(
        mean=mean,
        cdf=shell.cdf,
        nodes=nodes,
        visible=(own[CELLS + 3] + elsewhere[CELLS + 3]) / tokens if tokens > 0 else 1.0,
        reasoning=(own[CELLS + 2] + elsewhere[CELLS + 2]) / tokens if tokens > 0 else 0.0,
        samples=shell.samples,
    )


def learned(attempt: Attempt) -> list[tuple[int, float]]:
    """Return (index, amount) that a complete answer with reported usage adds; else nothing.

    An answer that its length limit cut off does not say how long it would have been.
    """
    usage = attempt.usage
    if not attempt.complete or usage is None or usage.estimated or usage.output <= 0:
        return []
    if attempt.finish in CUT_OFF:
        return []
    cell = int((log(usage.output) - LOW) / STEP)
    visible = min(attempt.visible_tokens, usage.output)
    streamed_reasoning = max(0.0, visible - usage.text)
    return [
        (min(max(cell, 0), CELLS - 1), 1.0),
        (CELLS, 1.0),
        (CELLS + 1, float(usage.output)),
        (CELLS + 2, streamed_reasoning),
        (CELLS + 3, visible),
    ]


@lru_cache(maxsize=256)
def _prior_cells(tokens: float) -> tuple[float, ...]:
    centre = log(tokens)
    edges = [normal_cdf((LOW + i * STEP - centre) / PRIOR_SD) for i in range(CELLS + 1)]
    edges[0], edges[-1] = 0.0, 1.0
    return tuple(high - low for low, high in pairwise(edges))

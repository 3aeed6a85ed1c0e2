"""How long answers are: output tokens per (model family, class of requests), as a distribution.

Models need different numbers of tokens for the same answer, so a dearer token can make a cheaper
answer. Lengths are heavy-tailed, so they are kept as a histogram of log tokens; a class that never
met a model starts from what is expected of the two (``effects``). The forecast
integrates over a dozen points of the distribution, closer together in the tail, where a percentile
is decided.

What is marked (study) is told in docs/decision.md, "The study behind the constants".
"""

from __future__ import annotations

from bisect import bisect_left
from functools import lru_cache
from itertools import pairwise
from math import exp, hypot, log, sqrt
from typing import Final, NamedTuple

from router.core.decay import Group
from router.core.effects import ANSWER_SD, HIGH, LOW, Outlook, Seen
from router.core.measure import CUT_OFF, Attempt
from router.core.numbers import normal_cdf

CELLS = 48
"""Each a factor of 1.19, half of the usual spread of one answer (study)."""
STEP = (HIGH - LOW) / CELLS
CELL_SD = STEP / sqrt(12)
"""Spread inside a cell: answers all of one length are told no finer (Sheppard's correction)."""
LENGTHS: Final = Group("lengths", 24 * 3600.0, CELLS + 6)
"""48 cells of log tokens, then n, sums of tokens, of streamed reasoning, of visible tokens, of log
tokens and of their squares. A day, so that all hours count: a guess, not measured."""

PRIOR_SD = 0.5
"""Spread (log) of an expected answer length; sigma 0.4 is typical, a little more is doubt."""
PRIOR_N = 6.0
"""Pseudo-counts behind what was expected (study)."""
PRIOR_TOKENS = 100.0
"""Tokens' worth of belief in what a model declares to hide: a short answer's. A guess."""
SURE_AFTER = 60
"""Answers of a pair after which its mean is no longer in doubt (study: drawn while below)."""

NODES: Final = (
    (0.14, 0.07),
    (0.14, 0.21),
    (0.14, 0.35),
    (0.12, 0.48),
    (0.10, 0.59),
    (0.10, 0.69),
    (0.08, 0.78),
    (0.06, 0.85),
    (0.05, 0.905),
    (0.03, 0.945),
    (0.02, 0.97),
    (0.02, 0.99),
)
"""(weight, quantile) of the points the forecast integrates over (study: twelve). Each quantile is
the middle of what its weight covers; weights shrink towards the tail."""


class Lengths(NamedTuple):
    """Beliefs about one answer's output tokens. ``cdf[i]`` = P(log tokens <= LOW + i STEP).

    ``nodes`` are (weight, tokens) pairs in rising order; ``visible`` and ``reasoning`` the shares
    of the output that are streamed, and that are streamed as reasoning before the answer.
    ``spread`` is the sd of log tokens, ``doubt`` the sd of their mean (0 once it is well known);
    ``scale`` is how much longer than ``cdf`` says answers are taken to be (``scaled``).
    """

    mean: float
    cdf: tuple[float, ...]
    nodes: tuple[tuple[float, float], ...]
    visible: float
    reasoning: float
    samples: int
    spread: float
    doubt: float = 0.0
    scale: float = 1.0

    @property
    def middle(self) -> float:
        """The point of integration nearest to the median, in tokens."""
        return self.nodes[3][1]

    def scaled(self, factor: float) -> Lengths:
        """Return the same answers, each ``factor`` times as long."""
        return self._replace(
            mean=self.mean * factor,
            nodes=tuple([(w, n * factor) for w, n in self.nodes]),
            scale=self.scale * factor,
        )

    def p_at_most(self, tokens: float) -> float:
        """P(answer takes at most ``tokens``)."""
        if tokens <= 0:
            return 0.0
        at = (log(tokens / self.scale) - LOW) / STEP
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
        return self.scale * exp(LOW + STEP * (cell - 1 + min(max(inside, 0.0), 1.0)))

    def mean_capped(self, max_tokens: float | None) -> float:
        """Mean answer length when the client cuts it at ``max_tokens``."""
        if max_tokens is None or max_tokens >= self.nodes[-1][1]:
            return self.mean
        return sum(w * min(n, max_tokens) for w, n in self.nodes)


def believed(
    outlook: Outlook, own: list[float], elsewhere: list[float], hidden_share: float = 0.0
) -> Lengths:
    """Return beliefs from what is expected, the class's decayed sums, and its workload's.

    ``hidden_share`` is the share of tokens that the model declares never to show.
    """
    outlook = outlook.of_class(seen(elsewhere))
    count = own[CELLS]
    below, cdf = 0.0, [0.0]
    for prior, answers in zip(_expected_cells(round(outlook.mean_log, 2)), own, strict=False):
        below += prior + answers
        cdf.append(below / (PRIOR_N + count))
    cdf[-1] = 1.0
    shell = Lengths(0.0, tuple(cdf), (), 1.0, 0.0, round(count), PRIOR_SD)
    nodes = tuple((weight, shell.quantile(q)) for weight, q in NODES)
    mean = sum(w * n for w, n in nodes)
    variance = PRIOR_N * PRIOR_SD**2
    if count > 0:
        mean += count / (count + PRIOR_N) * (own[CELLS + 1] / count - mean)
        variance += max(0.0, own[CELLS + 5] - own[CELLS + 4] ** 2 / count)
    tokens = own[CELLS + 1] + elsewhere[CELLS + 1] + PRIOR_TOKENS
    shown = own[CELLS + 3] + elsewhere[CELLS + 3] + PRIOR_TOKENS * (1 - hidden_share)
    sure = 1 / outlook.sd**2 + count / ANSWER_SD**2
    return Lengths(
        mean=mean,
        cdf=shell.cdf,
        nodes=nodes,
        visible=shown / tokens,
        reasoning=(own[CELLS + 2] + elsewhere[CELLS + 2]) / tokens,
        samples=shell.samples,
        spread=hypot(sqrt(variance / (PRIOR_N + count)), CELL_SD),
        doubt=0.0 if count >= SURE_AFTER else 1 / sqrt(sure),
    )


def seen(own: list[float]) -> Seen | None:
    """Return what a workload's sums tell its neighbours; ``None`` below one answer."""
    count = own[CELLS]
    return Seen(count, own[CELLS + 4] / count) if count >= 1 else None


def learned(attempt: Attempt) -> list[tuple[int, float]]:
    """Return (index, amount) that a complete answer with reported usage adds; else nothing.

    An answer that its length limit cut off does not say how long it would have been.
    """
    usage = attempt.usage
    if not attempt.complete or usage is None or usage.estimated:
        return []
    output = usage.output
    if output <= 0 or attempt.finish in CUT_OFF:
        return []
    log_output = log(output)
    cell = int((log_output - LOW) / STEP)
    visible = min(attempt.visible_tokens, output)
    streamed_reasoning = max(0.0, visible - usage.text)
    return [
        (min(max(cell, 0), CELLS - 1), 1.0),
        (CELLS, 1.0),
        (CELLS + 1, float(output)),
        (CELLS + 2, streamed_reasoning),
        (CELLS + 3, visible),
        (CELLS + 4, log_output),
        (CELLS + 5, log_output**2),
    ]


@lru_cache(maxsize=1024)
def _expected_cells(mean_log: float) -> tuple[float, ...]:
    edges = [normal_cdf((LOW + i * STEP - mean_log) / PRIOR_SD) for i in range(CELLS + 1)]
    edges[0], edges[-1] = 0.0, 1.0
    return tuple(PRIOR_N * (high - low) for low, high in pairwise(edges))

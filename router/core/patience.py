"""How long to wait: for the first content of an attempt, and for somebody who can serve.

Limits come from what an endpoint is expected to do, so that slow thinkers are not cut short and
fast ones that hang are left early. Only what a client declared is absolute.
"""

from __future__ import annotations

from typing import Final

from router.core.ask import Ask, BoundKind
from router.core.catalogue import Endpoint
from router.core.decision import Forecast
from router.core.policy import Policy

FIRST_TOKEN_LEAST_S: Final = 5.0
"""Nobody is overdue before this: moving on early pays for the prompt twice, and a forecast of a few
hundred milliseconds is soon broken by a hiccup. A guess, not measured."""
FIRST_TOKEN_FACTOR: Final = 3.0
"""An attempt is overdue at this many times its forecast, which is that of the percentile: three
times the p95 of a lognormal of sd 0.4 lies 4.4 sd out. Not measured; less pays for prompts twice,
more waits longer for what hangs."""
FIRST_TOKEN_MOST_S: Final = 60.0
PRIOR_FACTOR: Final = 6.0
"""Where the limit ends: hangs raise the forecast that it is taken from, so they must not raise the
limit for ever. Six times what the operator declared (twice the factor: half of the truth may be
declared) or a minute; to that, for a whole answer, comes the time to decode it at the declared
speed, ``WHOLE_FACTOR`` times. Guesses, not measured."""
WHOLE_FACTOR: Final = 4.0
"""The same for the end of a whole answer: a little more, since its length is in doubt as well. A
guess, not measured."""


def first_content_s(ask: Ask, endpoint: Endpoint, told: Forecast | None) -> float:
    """Seconds an attempt may take to its first content (a whole answer: to its end)."""
    if endpoint.limits.first_token_s is not None and ask.stream:
        return endpoint.limits.first_token_s
    if told is None:
        return endpoint.limits.total_s
    most = max(FIRST_TOKEN_MOST_S, PRIOR_FACTOR * endpoint.prior.ttft_ms / 1000)
    if ask.stream:
        expected = FIRST_TOKEN_FACTOR * told.ttft_ms / 1000
    else:
        expected = WHOLE_FACTOR * told.e2e_ms / 1000
        most += WHOLE_FACTOR * told.output_tokens / endpoint.prior.tps
    return min(max(FIRST_TOKEN_LEAST_S, expected), most)


def hold_s(ask: Ask, policy: Policy) -> float:
    """Seconds from its arrival that a ``wait`` request may be held."""
    declared = [
        b.limit / 1000
        for b in ask.sla.bounds
        if b.kind in (BoundKind.TTFT, BoundKind.TTFAT, BoundKind.E2E)
    ]
    return min(declared, default=policy.max_wait_s)

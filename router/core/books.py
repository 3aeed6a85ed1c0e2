"""What an attempt cost: reported where it was, estimated where nobody said.

A refusal (any status but 2xx) and a connection that never stood are billed nothing. An answer that
broke off is billed for the prompt and for what was generated until then: visible characters say
how much that is; where nothing visible came (a whole answer, thinking nobody shows), time does.
"""

from __future__ import annotations

from typing import Final

from router.core.answer import Usage
from router.core.catalogue import Price, Tier
from router.core.faults import Kind

OK_BELOW: Final = 300
"""Statuses below are answers (HTTP's 2xx)."""
_CUT_BY_US: Final = frozenset(
    {
        Kind.CANCELLED,
        Kind.OUTRUN,
        Kind.FIRST_TOKEN_TIMEOUT,
        Kind.GAP_TIMEOUT,
        Kind.TOTAL_TIMEOUT,
    }
)
"""Ends that come from our side of the line: the provider was at work, if it had the request."""


def is_billed(fault: Kind | None, status: int | None, *, sent: bool = True) -> bool:
    """Whether an attempt that ended so can have cost anything; ``sent``: if it got so far."""
    if status is None:
        return sent and fault in _CUT_BY_US
    return status < OK_BELOW


def estimated(*, input_tokens: float, text: float, reasoning: float) -> Usage:
    """Return counts nobody reported, marked as such."""
    return Usage(
        fresh_input=round(input_tokens),
        text=max(0, round(text)),
        reasoning=max(0, round(reasoning)),
        estimated=True,
    )


def cost_nano_usd(usage: Usage | None, price: Price, asked: Tier = Tier.STANDARD) -> int:
    """What an attempt costs in whole nano-USD; a cost the provider reported wins.

    ``asked`` is the tier of service the request named; the one an answer names wins.
    """
    if usage is None:
        return 0
    if usage.reported_cost_nano_usd is not None:
        return usage.reported_cost_nano_usd
    return reckoned_nano_usd(usage, price, asked)


def reckoned_nano_usd(usage: Usage, price: Price, asked: Tier = Tier.STANDARD) -> int:
    """What the counts cost at ``price``, in whole nano-USD, whatever the provider reported."""
    return round(
        price.nano_usd(
            fresh=usage.fresh_input,
            cache_read=usage.cache_read,
            cache_write=usage.cache_write,
            output=usage.output,
            cache_write_1h=usage.cache_write_1h,
            reasoning=usage.reasoning,
            audio_input=usage.audio_input,
            audio_output=usage.audio_output,
            searches=usage.searches,
            tier=asked if usage.tier is None else usage.tier,
        )
    )

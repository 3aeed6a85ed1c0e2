"""Saying no: for good (422) or for now (503), with what would have worked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final

from router.core.ask import Ask
from router.core.decision import Explained, Rejection
from router.core.faults import Fault, Kind

_NAMED: Final = 3
"""Reasons that a refusal says in words; a person reads no more of them."""
_SHOWN_CHARS: Final = 200
"""Of a reason: it may name fields of the client's, which may be of any length."""
RETRY_LEAST_S = 1.0
"""What a client is told to wait at least, and where nobody knows: ``Retry-After`` is in whole
seconds, and 0 would mean at once."""


def refusal(ask: Ask, explained: Explained) -> Fault:
    """Say why nobody can serve: for good (422) or for now (503), with what would have worked."""
    decision = explained.decision
    waits = [r.retry_after_s or RETRY_LEAST_S for r in decision.out if r.reason.passes]
    detail = {"availability": explained}
    if waits and not explained.forecasts:
        return Fault(
            Kind.UNAVAILABLE,
            f"Every endpoint that could serve {ask.model!r} is cooling, at its limit or loading.",
            detail=detail,
            retry_after_s=max(RETRY_LEAST_S, min(waits)),
        )
    return Fault(
        Kind.INFEASIBLE,
        f"No endpoint serving {ask.model!r} can meet this request as it stands:"
        f" {_why(explained.rejections)}. error.availability has each endpoint, and as nearest the"
        " bounds that would have worked, if any.",
        detail=detail,
    )


def _why(rejections: Sequence[Rejection]) -> str:
    """Name what rules endpoints out, what rules out most of them first, each with how many."""
    reasons = Counter(
        (r.detail or r.reason.value)[:_SHOWN_CHARS] for r in rejections if not r.reason.outranks
    )
    told = [f"{why} ({n} of {len(rejections)})" for why, n in reasons.most_common(_NAMED)]
    if len(reasons) > _NAMED:
        told.append(f"and {len(reasons) - _NAMED} other reasons")
    return "; ".join(told) or "nobody is expected to keep all bounds at once"


def may_mend(explained: Explained) -> bool:
    """Whether waiting can help: somebody is only blocked for now, or only slower than asked."""
    return bool(explained.forecasts) or any(r.reason.passes for r in explained.decision.out)

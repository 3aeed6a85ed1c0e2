"""Saying no: for good (422) or for now (503), with what would have worked."""

from __future__ import annotations

from router.core.ask import Ask
from router.core.decision import Explained
from router.core.faults import Fault, Kind

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
    names = sorted({f"{r.reason.value}" for r in explained.rejections})
    return Fault(
        Kind.INFEASIBLE,
        f"No endpoint serving {ask.model!r} can meet this request as it stands"
        f" (ruled out by: {', '.join(names) or 'nothing configured'});"
        " error.availability names each endpoint, and nearest.relax what would have worked.",
        detail=detail,
    )


def may_mend(explained: Explained) -> bool:
    """Whether waiting can help: somebody is only blocked for now, or only slower than asked."""
    return bool(explained.forecasts) or any(r.reason.passes for r in explained.decision.out)

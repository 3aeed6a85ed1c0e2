"""Which requests are traced.

The first decision is taken before anything is sent, because the flag that goes upstream must tell
the truth: the client's wish where it has one, else a share of the trace ids, cut as OpenTelemetry's
``TraceIdRatioBased`` cuts it, so that every service picks the same traces. The second comes after
the fact: whatever failed or missed its bounds is kept, whoever wished what. Those spans may hang
in a trace that has no others.
"""

from __future__ import annotations

from typing import Final

from router.core.faults import FAULTS, Kind, Whose
from router.core.measure import Outcome, Verdict
from router.ports import TraceContext

_IDS: Final = 1 << 64


def falls_in(trace_id: str, ratio: float) -> bool:
    """Whether this id is among the share ``ratio`` (0..1) of all ids."""
    return int(trace_id[16:], 16) < ratio * _IDS


def is_error(fault: Kind | None) -> bool:
    """Whether somebody has to do something about it; a client that hung up is no error."""
    return fault is not None and FAULTS[fault].whose is not Whose.NOBODY


def is_worth_keeping(context: TraceContext, outcome: Outcome, verdict: Verdict) -> bool:
    """Whether spans are made of a request: sampled, missed, or failed (in one attempt, too)."""
    return (
        context.sampled is True
        or verdict is Verdict.MISSED
        or is_error(outcome.fault)
        or any(is_error(attempt.fault) for attempt in outcome.attempts)
    )

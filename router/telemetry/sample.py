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
    """Whether a span shows it as an error; a client that hung up is none."""
    return fault is not None and FAULTS[fault].whose is not Whose.NOBODY


def is_worth_keeping(context: TraceContext, outcome: Outcome) -> bool:
    """Whether spans are made of a request: sampled, missed, or failed (in one attempt, too)."""
    if context.sampled is True or outcome.verdict() is Verdict.MISSED or is_error(outcome.fault):
        return True
    for attempt in outcome.attempts:  # noqa: SIM110 - any() costs each request three times as much
        if is_error(attempt.fault):
            return True
    return False

"""What a record comes to: the few things that are told of it, in the log line and the spans.

Forecast and fact are put side by side here. The forecast is the first planning's that had one: it
was made for the whole request, so a failover shows as a forecast that did not come true
(``forecast_for`` is then another endpoint than the one that served).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from router.core.ask import Bound, BoundKind
from router.core.catalogue import EndpointId
from router.core.decision import Decision, Expectation, Forecast
from router.core.faults import FAULTS, Fault, Kind, Whose
from router.core.measure import Outcome, Verdict
from router.ports import Record

_OK = 200


@dataclass(frozen=True, slots=True)
class Summary:
    """A finished request in short.

    ``http_status`` is what the client saw (``None`` when it had gone); ``decision`` the last
    planning; ``serving`` the endpoint whose answer or error the client got.
    """

    serving: EndpointId | None
    decision: Decision | None
    forecast: Forecast | None
    forecast_for: EndpointId | None
    facts: Mapping[BoundKind, float]
    verdict: Verdict
    http_status: int | None


@dataclass(frozen=True, slots=True)
class Judged:
    """One declared bound with what was expected and what came, all in the bound's unit."""

    bound: Bound
    expected: Expectation | None
    fact: float | None
    verdict: Verdict


def summarise(record: Record) -> Summary:
    """Put forecast beside fact."""
    outcome, final = record.outcome, record.outcome.final
    planned = planned_by(record.decisions)
    return Summary(
        serving=final.endpoint if final else None,
        decision=record.decisions[-1] if record.decisions else None,
        forecast=planned.forecast if planned else None,
        forecast_for=planned.plan[0].endpoint.id if planned and planned.plan else None,
        facts=outcome.facts(),
        verdict=outcome.verdict(),
        http_status=http_status(outcome, record.fault),
    )


def judge(outcome: Outcome, summary: Summary) -> tuple[Judged, ...]:
    """Judge every declared bound, the tightest percentile of a kind first."""
    bounds = sorted(outcome.sla.bounds, key=lambda bound: -bound.percentile)
    return tuple(_judged(bound, outcome, summary) for bound in bounds)


def missed(outcome: Outcome) -> list[str]:
    """Name the kinds of bounds that did not hold, each once."""
    if outcome.verdict() is not Verdict.MISSED:
        return []
    facts = outcome.facts()
    bounds = outcome.sla.bounds
    return sorted({b.kind.value for b in bounds if outcome.verdict_of(b, facts) is Verdict.MISSED})


def planned_by(decisions: Sequence[Decision]) -> Decision | None:
    """The first planning that had a forecast."""
    for decision in decisions:
        if decision.forecast is not None:
            return decision
    return None


def http_status(outcome: Outcome, fault: Fault | None) -> int | None:
    """What the client saw; ``None`` when it had gone.

    A stream that broke off had begun with 200; a provider's refusal keeps its own status.
    """
    if outcome.fault is None:
        return _OK
    spec, final = FAULTS[outcome.fault], outcome.final
    if spec.whose is Whose.NOBODY:
        return None
    if final is not None and final.streamed and final.first is not None:
        return _OK
    if fault is not None and fault.upstream is not None and spec.whose is not Whose.OPERATOR:
        return fault.upstream.status
    return spec.status


def _judged(bound: Bound, outcome: Outcome, summary: Summary) -> Judged:
    expected = next(
        (
            e
            for e in (summary.forecast.expectations if summary.forecast else ())
            if e.kind is bound.kind and e.percentile == bound.percentile
        ),
        None,
    )
    cancelled = outcome.fault is Kind.CANCELLED
    verdict = Verdict.UNMEASURED if cancelled else outcome.verdict_of(bound, summary.facts)
    return Judged(bound, expected, summary.facts.get(bound.kind), verdict)

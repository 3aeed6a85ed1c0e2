"""From a finished record to spans: one of the request, one per attempt.

Spans are values made after the answer from what was measured anyway, so nothing is alive while a
request is under way. Stopwatches are put on the wall by one offset, that of the moment the request
was received: spans nest even when the wall clock is set meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from router.core.faults import FAULTS, Kind, Whose
from router.core.measure import Attempt
from router.ports import Record
from router.telemetry import names
from router.telemetry.attributes import Attributes, of_attempt, of_request, span_model
from router.telemetry.sample import is_error
from router.telemetry.summary import Summary, summarise


class SpanKind(Enum):
    """Which side of an exchange a span tells."""

    SERVER = "server"
    CLIENT = "client"


@dataclass(frozen=True, slots=True)
class Event:
    """A moment inside a span, in unix nanoseconds."""

    name: str
    at_ns: int


@dataclass(frozen=True, slots=True)
class Span:
    """One span: ids in lower-case hex, times in unix nanoseconds.

    ``error`` is the kind of what went wrong where the span failed by OpenTelemetry's rules;
    ``remote_parent`` says that the parent lies in another process.
    """

    name: str
    kind: SpanKind
    trace_id: str
    span_id: str
    parent_span_id: str | None
    remote_parent: bool
    tracestate: str
    start_ns: int
    end_ns: int
    attributes: Attributes
    events: tuple[Event, ...] = ()
    error: Kind | None = None


def spans_of(record: Record, summary: Summary | None = None) -> tuple[Span, ...]:
    """Make the spans of one request: the server's first, then one per attempt."""
    return (_server(record, summary or summarise(record)), *_clients(record))


def _server(record: Record, summary: Summary) -> Span:
    """A client's own mistake (4xx) leaves a server span unset, as the HTTP conventions ask."""
    outcome = record.outcome
    ours = outcome.fault is not None and FAULTS[outcome.fault].whose not in (
        Whose.CLIENT,
        Whose.NOBODY,
    )
    start = _ns(record, outcome.received)
    return Span(
        name=f"{names.OPERATIONS[record.ask.surface]} {span_model(record)}",
        kind=SpanKind.SERVER,
        trace_id=record.context.trace_id,
        span_id=record.span_id,
        parent_span_id=record.context.parent_span_id,
        remote_parent=True,
        tracestate=record.context.tracestate,
        start_ns=start,
        end_ns=max(start, _ns(record, outcome.ended)),
        attributes=of_request(record, summary),
        error=outcome.fault if ours else None,
    )


def _clients(record: Record) -> Iterator[Span]:
    for attempt, span_id in zip(record.outcome.attempts, record.attempt_span_ids, strict=False):
        start = _ns(record, attempt.sent)
        yield Span(
            name=f"{names.OPERATIONS[record.ask.surface]} {span_model(record, attempt)}",
            kind=SpanKind.CLIENT,
            trace_id=record.context.trace_id,
            span_id=span_id,
            parent_span_id=record.span_id,
            remote_parent=False,
            tracestate=record.context.tracestate,
            start_ns=start,
            end_ns=max(start, _ns(record, attempt.ended)),
            attributes=of_attempt(record, attempt),
            events=tuple(_events(record, attempt)),
            error=attempt.fault if is_error(attempt.fault) else None,
        )


def _events(record: Record, attempt: Attempt) -> Iterator[Event]:
    if attempt.first is not None:
        yield Event(names.EVENT_FIRST_TOKEN, _ns(record, attempt.first))
    if attempt.first_answer is not None:
        yield Event(names.EVENT_FIRST_ANSWER, _ns(record, attempt.first_answer))


def _ns(record: Record, mono_s: float) -> int:
    """Unix nanoseconds of a monotonic second of this request."""
    return round((record.received_wall + (mono_s - record.outcome.received)) * 1e9)

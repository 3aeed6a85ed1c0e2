"""What an OTLP/HTTP receiver got, decoded with OpenTelemetry's own messages."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span

Attributes = dict[str, Any]


def until(true: Callable[[], bool], limit_s: float = 10.0) -> None:
    """Wait for another thread; fails after ``limit_s`` seconds."""
    deadline, never = time.monotonic() + limit_s, threading.Event()
    while not true():
        assert time.monotonic() < deadline, "it did not happen in time"
        never.wait(0.005)


def _plain(value: AnyValue) -> Any:
    which = value.WhichOneof("value")
    if which == "array_value":
        return [_plain(v) for v in value.array_value.values]
    return getattr(value, which) if which else None


def plain(pairs: Any) -> Attributes:
    """Attributes of a decoded span as a dictionary."""
    listed: list[KeyValue] = list(pairs)
    return {pair.key: _plain(pair.value) for pair in listed}


@dataclass
class Receiver:
    """What came in. ``status`` is what it answers; it hangs while ``released`` is unset."""

    url: str = ""
    status: int = 200
    bodies: list[bytes] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    headers: list[Mapping[str, str]] = field(default_factory=list)
    refused: int = 0
    released: threading.Event = field(default_factory=threading.Event)

    @property
    def requests(self) -> list[ExportTraceServiceRequest]:
        return [ExportTraceServiceRequest.FromString(body) for body in list(self.bodies)]

    @property
    def spans(self) -> list[Span]:
        return [
            span
            for request in self.requests
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]

    def servers(self) -> list[Span]:
        return [span for span in self.spans if span.kind == Span.SpanKind.SPAN_KIND_SERVER]

    def clients(self) -> list[Span]:
        return [span for span in self.spans if span.kind == Span.SpanKind.SPAN_KIND_CLIENT]

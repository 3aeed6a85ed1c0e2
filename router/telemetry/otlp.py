"""The door to OpenTelemetry: our spans in, OTLP over HTTP out. The only file that imports it.

Importing it takes a quarter of a second, so this module is imported by the thread that exports, and
only where an endpoint is configured. The exporter is OpenTelemetry's own, so its environment
variables hold (``OTEL_EXPORTER_OTLP_HEADERS``, ``..._CERTIFICATE``, ``..._TIMEOUT``,
``..._COMPRESSION``, ``OTEL_RESOURCE_ATTRIBUTES``); the tracer is not used, since our spans are
finished before the first object of it would be made.
"""

from __future__ import annotations

import importlib
import logging
import threading
from collections.abc import Sequence
from ipaddress import ip_address
from typing import Any, Final
from urllib.parse import urlsplit

from opentelemetry import trace as api
from opentelemetry.exporter.otlp.proto.http import trace_exporter
from opentelemetry.sdk import trace as sdk
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace.export import SpanExportResult
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from router.telemetry.spans import Span, SpanKind

_KINDS: Final = {SpanKind.SERVER: api.SpanKind.SERVER, SpanKind.CLIENT: api.SpanKind.CLIENT}
_SCOPE: Final = InstrumentationScope("meritorder")
_UNSET: Final = api.Status()
_RECORDED: Final = api.TraceFlags(api.TraceFlags.SAMPLED)


class _Hush(logging.Filter):
    """Keeps the exporter's own messages back (one per batch, with addresses) but for the status.

    The exporter tells the status nowhere else. Its logger is one for the process, so the status is
    kept per thread.
    """

    def __init__(self) -> None:
        super().__init__()
        self._seen = threading.local()

    def filter(self, record: logging.LogRecord) -> bool:
        self._seen.status = next((a for a in record.args or () if isinstance(a, int)), None)
        return False

    def take_status(self) -> int | None:
        """Return the HTTP status of this thread's latest message, once."""
        status: int | None = getattr(self._seen, "status", None)
        self._seen.status = None
        return status


_HUSH: Final = _Hush()


class Sender:
    """Sends batches to one receiver. Blocks, so it belongs into a thread."""

    def __init__(self, url: str, service_name: str) -> None:
        self._resource = Resource.create({"service.name": service_name})
        logging.getLogger(trace_exporter.__name__).addFilter(_HUSH)
        self._exporter = trace_exporter.OTLPSpanExporter(endpoint=url, session=_session(url))

    def send(self, spans: Sequence[Span]) -> str | None:
        """Deliver; ``None`` when the receiver took them, else why not, in words without secrets."""
        _HUSH.take_status()
        result = self._exporter.export([self._readable(span) for span in spans])
        if result is SpanExportResult.SUCCESS:
            return None
        status = _HUSH.take_status()
        return "no answer in time" if status is None else f"HTTP {status}"

    def close(self) -> None:
        """Give up retries under way."""
        self._exporter.shutdown()  # type: ignore[no-untyped-call]

    def _readable(self, span: Span) -> sdk.ReadableSpan:
        state = api.TraceState.from_header([span.tracestate]) if span.tracestate else None
        parent = span.parent_span_id
        return sdk.ReadableSpan(
            name=span.name,
            context=_context(span.trace_id, span.span_id, state, remote=False),
            parent=_context(span.trace_id, parent, state, remote=span.remote_parent)
            if parent
            else None,
            resource=self._resource,
            attributes=span.attributes,
            events=[sdk.Event(event.name, timestamp=event.at_ns) for event in span.events],
            kind=_KINDS[span.kind],
            instrumentation_scope=_SCOPE,
            status=api.Status(api.StatusCode.ERROR, span.error.value) if span.error else _UNSET,
            start_time=span.start_ns,
            end_time=span.end_ns,
        )


def _context(
    trace_id: str, span_id: str, state: api.TraceState | None, *, remote: bool
) -> api.SpanContext:
    return api.SpanContext(int(trace_id, 16), int(span_id, 16), remote, _RECORDED, state)


def _session(url: str) -> Any:
    """A session without the environment's proxy for a receiver on this machine, else the default.

    A corporate HTTP_PROXY would otherwise swallow what is meant for a Jaeger next door.
    """
    host = urlsplit(url).hostname or ""
    try:
        local = ip_address(host).is_loopback
    except ValueError:
        local = host == "localhost"
    if not local:
        return None
    session = importlib.import_module("requests").Session()
    session.trust_env = False
    return session

"""Against a real OTLP/HTTP receiver that decodes the protobuf."""

from __future__ import annotations

import logging
import socket
import threading
import time
from collections.abc import Callable, Iterator
from io import StringIO
from random import Random

import pytest

from router.core.ask import Bound, BoundKind
from router.core.faults import Fault, Kind, UpstreamError
from router.ports import Record, Telemetry, TraceContext
from router.telemetry import names
from router.telemetry.export import HELD, Exporter, traces_url
from router.telemetry.report import Reporter
from router.telemetry.trace import Tracer
from tests.telemetry.receiver import Receiver, plain, until
from tests.telemetry.records import (
    CLIENT_SPAN,
    FRIENDLI,
    SERVER_SPAN,
    TRACE_ID,
    a_decision,
    a_record,
    an_attempt,
)

UNWANTED = TraceContext(TRACE_ID, CLIENT_SPAN, sampled=False)
IMPOSSIBLE = (Bound(BoundKind.TTFT, 1.0),)
Start = Callable[..., Reporter]


@pytest.fixture
def start() -> Iterator[Start]:
    started: list[Reporter] = []

    def reporter(url: str, sample: float = 1.0) -> Reporter:
        made = Reporter(
            otlp_endpoint=url,
            sample=sample,
            service_name="meritorder-test",
            stream=StringIO(),
            pause_s=0.01,
            export_pause_s=0.01,
        )
        started.append(made)
        return made

    yield reporter
    for made in started:
        made.close(0.5)


def test_a_request_arrives_as_two_spans_below_the_clients(receiver: Receiver, start: Start) -> None:
    context = TraceContext(TRACE_ID, CLIENT_SPAN, sampled=True, tracestate="vendor=1")
    telemetry: Telemetry = start(receiver.url)

    telemetry.report(a_record(context=context))
    until(lambda: len(receiver.spans) == 2)

    (server,), (client,) = receiver.servers(), receiver.clients()
    assert receiver.paths == ["/v1/traces"]
    assert server.trace_id.hex() == client.trace_id.hex() == TRACE_ID
    assert server.parent_span_id.hex() == CLIENT_SPAN
    assert server.span_id.hex() == client.parent_span_id.hex() == SERVER_SPAN
    assert client.span_id.hex() == "2" * 16
    assert server.trace_state == "vendor=1"
    assert (server.name, client.name) == ("chat deepseek-r1", "chat parasail-deepseek-r1")
    assert server.start_time_unix_nano <= client.start_time_unix_nano
    assert client.end_time_unix_nano <= server.end_time_unix_nano
    assert [event.name for event in client.events] == [
        names.EVENT_FIRST_TOKEN,
        names.EVENT_FIRST_ANSWER,
    ]
    resource = plain(receiver.requests[0].resource_spans[0].resource.attributes)
    assert resource["service.name"] == "meritorder-test"


def test_forecast_and_fact_arrive_side_by_side(receiver: Receiver, start: Start) -> None:
    start(receiver.url).report(a_record())
    until(lambda: len(receiver.spans) == 2)

    server, client = (
        plain(receiver.servers()[0].attributes),
        plain(receiver.clients()[0].attributes),
    )
    assert server["meritorder.bound.ttft_ms.limit"] == 1000.0
    assert server["meritorder.bound.ttft_ms.predicted"] == 700.0
    assert server["meritorder.bound.ttft_ms.fact"] == pytest.approx(502.0)
    assert server["meritorder.bound.ttft_ms.verdict"] == "kept"
    assert server["meritorder.verdict"] == "kept"
    assert server["meritorder.rejected"][1] == "tiny@lab: context (limit 8192, is 9000)"
    assert server["meritorder.policy"] == "interactive"
    assert client["gen_ai.provider.name"] == "parasail"
    assert client["server.address"] == "api.parasail.io"
    assert client["gen_ai.usage.reasoning.output_tokens"] == 30
    assert client["meritorder.cost_nano_usd"] == 2_500_000


def test_errors_and_misses_arrive_whatever_was_sampled(receiver: Receiver, start: Start) -> None:
    reporter = start(receiver.url, sample=0.0)
    retried = (
        an_attempt(ttft_s=None, fault=Kind.SERVER_ERROR, status=500),
        an_attempt(FRIENDLI, number=2),
    )

    reporter.report(a_record(context=UNWANTED, request_id="fine"))
    reporter.report(a_record(context=UNWANTED, request_id="missed", bounds=IMPOSSIBLE))
    reporter.report(a_record(context=UNWANTED, request_id="retried", attempts=retried, bounds=()))
    reporter.report(
        a_record(
            context=UNWANTED,
            request_id="refused",
            attempts=(),
            decisions=(a_decision(),),
            fault=Fault(Kind.INFEASIBLE, "none"),
        )
    )
    reporter.report(
        a_record(
            context=UNWANTED,
            request_id="left",
            attempts=(an_attempt(fault=Kind.CANCELLED),),
            fault=Fault(Kind.CANCELLED, "gone"),
        )
    )
    assert reporter.close()

    arrived = {plain(span.attributes)[names.DECISION_ID] for span in receiver.servers()}
    assert arrived == {"missed", "retried", "refused"}


def test_the_rest_arrives_by_ratio(receiver: Receiver, start: Start) -> None:
    reporter = start(receiver.url, sample=0.2)
    tracer = Tracer(Random(11), reporter.ratio)

    contexts = [tracer.accept() for _ in range(500)]
    for context in contexts:
        reporter.report(a_record(context=context, attempts=(), bounds=()))
    assert reporter.close()

    arrived = {span.trace_id.hex() for span in receiver.servers()}
    assert arrived == {c.trace_id for c in contexts if c.sampled}
    assert 70 < len(arrived) < 130


def test_nothing_secret_is_in_the_bytes(
    receiver: Receiver, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PARASAIL_API_KEY", "CANARY-key")
    upstream = UpstreamError(
        500, b'{"error": "CANARY-body"}', "application/json", {"set-cookie": "CANARY-header"}
    )
    fault = Fault(
        Kind.SERVER_ERROR,
        "CANARY-message",
        param="CANARY-param",
        detail={"prompt": "CANARY-detail"},
        upstream=upstream,
    )
    attempt = an_attempt(fault=Kind.SERVER_ERROR, status=500)
    reporter = start(receiver.url)

    reporter.report(a_record(attempts=(attempt,), fault=fault))
    assert reporter.close()

    told = b"".join(receiver.bodies)
    assert b"upstream_error" in told
    assert b"CANARY" not in told
    assert b"PARASAIL_API_KEY" not in told


@pytest.mark.parametrize("trouble", ["down", "hanging", "500", "400"])
def test_no_receiver_delays_a_report(trouble: str, receiver: Receiver, start: Start) -> None:
    url = receiver.url
    if trouble == "down":
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            url = f"http://127.0.0.1:{unused.getsockname()[1]}"
    elif trouble == "hanging":
        receiver.released.clear()
    else:
        receiver.status = int(trouble)
    reporter = start(url)
    record = a_record()
    reporter.report(record)  # starts the thread

    began = time.thread_time()
    for _ in range(1000):
        reporter.report(record)
    assert time.thread_time() - began < 0.02


def test_spans_arrive_again_when_the_receiver_is_well(receiver: Receiver, start: Start) -> None:
    receiver.status = 500
    reporter = start(receiver.url)
    reporter.report(a_record(request_id="early"))
    until(lambda: reporter.dropped == 1)

    receiver.status = 200
    reporter.report(a_record(request_id="late"))
    until(lambda: len(receiver.servers()) == 1)

    assert plain(receiver.servers()[0].attributes)[names.DECISION_ID] == "late"
    assert reporter.dropped == 1


def test_spans_arrive_after_a_receiver_that_hung(receiver: Receiver, start: Start) -> None:
    receiver.released.clear()
    reporter = start(receiver.url)
    for _ in range(40):
        reporter.report(a_record())

    receiver.released.set()
    until(lambda: len(receiver.spans) == 80)


def test_closing_waits_no_longer_than_it_may(receiver: Receiver, start: Start) -> None:
    receiver.released.clear()
    reporter = start(receiver.url)
    reporter.report(a_record())

    began = time.monotonic()
    assert not reporter.close(0.3)
    assert time.monotonic() - began < 2.0


def test_closing_sends_what_is_held(receiver: Receiver) -> None:
    reporter = Reporter(
        otlp_endpoint=receiver.url, stream=StringIO(), pause_s=60, export_pause_s=60
    )
    reporter.report(a_record())

    assert reporter.close()
    assert len(receiver.spans) == 2


def test_trouble_is_told_once_and_without_secrets(
    receiver: Receiver, start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    receiver.status = 403
    reporter = start(receiver.url.replace("http://", "http://user:CANARY@"))
    with caplog.at_level(logging.DEBUG):
        for n in range(3):
            reporter.report(a_record())
            until(lambda n=n: reporter.dropped == n + 1)  # type: ignore[misc]

    told = [r.getMessage() for r in caplog.records if r.name.startswith(("meritorder", "opentel"))]
    address = receiver.url.removeprefix("http://")
    assert told == [f"traces do not arrive at {address} (HTTP 403); 1 requests lost so far"]
    assert "CANARY" not in caplog.text


def test_standard_headers_of_the_environment_are_sent(
    receiver: Receiver, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "x-tenant=blue")
    start(receiver.url).report(a_record())
    until(lambda: len(receiver.bodies) == 1)

    assert receiver.headers[0]["x-tenant"] == "blue"


def test_a_proxy_of_the_environment_does_not_swallow_local_traces(
    receiver: Receiver, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    start(receiver.url).report(a_record())

    until(lambda: len(receiver.spans) == 2)


def test_what_a_stuck_receiver_cannot_take_is_dropped_oldest_first_and_counted() -> None:
    entered, release = threading.Event(), threading.Event()

    class Stuck:
        def send(self, spans: object) -> str | None:
            entered.set()
            release.wait(10)
            return None

        def close(self) -> None:
            release.set()

    exporter = Exporter(
        "http://127.0.0.1:1", service_name="m", pause_s=0.0, connect=lambda url, name: Stuck()
    )
    record: Record = a_record(attempts=())
    reporter = Reporter(stream=StringIO(), pause_s=0.0)
    reporter._parts[:] = [exporter]
    reporter.report(record)
    assert entered.wait(10)

    for _ in range(HELD + 100):
        reporter.report(record)
    until(lambda: reporter.dropped == 100)
    release.set()
    assert reporter.close()


@pytest.mark.parametrize(
    ("given", "url"),
    [
        ("http://host:4318", "http://host:4318/v1/traces"),
        ("http://host:4318/", "http://host:4318/v1/traces"),
        ("https://host/v1/traces", "https://host/v1/traces"),
        ("https://host/tenant/otlp", "https://host/tenant/otlp"),
    ],
)
def test_a_host_is_completed_and_a_path_kept(given: str, url: str) -> None:
    assert traces_url(given) == url


@pytest.mark.parametrize("wrong", ["host:4318", "grpc://host:4317", "http://", "/v1/traces"])
def test_an_endpoint_that_is_no_url_is_refused_at_once(wrong: str) -> None:
    with pytest.raises(ValueError, match="otlp_endpoint must be"):
        Reporter(otlp_endpoint=wrong)

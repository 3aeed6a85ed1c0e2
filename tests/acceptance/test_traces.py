"""The trace of a request: from the client's context, through our spans, to the provider."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from aiohttp import web
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.acceptance.echo import ENVIRON, echoing
from tests.acceptance.proxy import proxy
from tests.telemetry.receiver import plain

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
CONTEXT = {"traceparent": f"00-{TRACE}-{PARENT}-01", "tracestate": "vendor=one"}


@dataclass
class Receiver:
    """What a backend that speaks OTLP over HTTP was sent."""

    url: str = ""
    paths: list[str] = field(default_factory=list)
    spans: list[Span] = field(default_factory=list)

    async def take(self, request: web.Request) -> web.Response:
        self.paths.append(request.path)
        sent = ExportTraceServiceRequest.FromString(await request.read())
        for resource in sent.resource_spans:
            for scope in resource.scope_spans:
                self.spans.extend(scope.spans)
        return web.Response(content_type="application/x-protobuf")

    async def trace(self, trace_id: str, count: int) -> list[Span]:
        """The spans of a trace, as soon as they are all there."""
        async with asyncio.timeout(15):
            while len(found := [s for s in self.spans if s.trace_id.hex() == trace_id]) < count:
                await asyncio.sleep(0.02)
        return found


@asynccontextmanager
async def receiving() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    app = web.Application()
    app.router.add_post("/v1/traces", receiver.take)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        receiver.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        yield receiver
    finally:
        await runner.cleanup()


async def test_the_clients_context_reaches_the_receiver_and_the_provider(tmp_path: Path) -> None:
    async with (
        receiving() as receiver,
        echoing() as echo,
        proxy(
            config=echo.written(tmp_path),
            environ=ENVIRON,
            sandbox={},
            telemetry={"otlp_endpoint": receiver.url, "sample": 1.0, "log_level": "error"},
        ) as house,
    ):
        for stream in (False, True):
            receiver.spans.clear()
            reply = await house.ask("echo", stream=stream, headers=CONTEXT)
            assert reply.status == 200, reply.raw
            server, client = sorted(await receiver.trace(TRACE, 2), key=lambda span: span.kind)
            assert server.kind == Span.SpanKind.SPAN_KIND_SERVER
            assert client.kind == Span.SpanKind.SPAN_KIND_CLIENT
            assert server.parent_span_id.hex() == PARENT
            assert client.parent_span_id == server.span_id
            assert server.start_time_unix_nano <= client.start_time_unix_nano
            assert client.end_time_unix_nano <= server.end_time_unix_nano
            # The provider continues the trace under the attempt.
            sent = echo.headers[-1]
            assert sent["traceparent"] == f"00-{TRACE}-{client.span_id.hex()}-01"
            assert sent["x-request-id"] == f"{reply.id}-1"
            told = str(plain(server.attributes) | plain(client.attributes))
            assert "echo@here" in told
            assert "a merit order" not in told
            assert echo.says not in told
            assert ENVIRON["ECHO_KEY"] not in told
    assert set(receiver.paths) == {"/v1/traces"}


async def test_the_clients_tracestate_reaches_the_provider(tmp_path: Path) -> None:
    async with (
        echoing() as echo,
        proxy(config=echo.written(tmp_path), environ=ENVIRON, sandbox={}) as house,
    ):
        await house.ask("echo", headers=CONTEXT)
        assert echo.headers[-1]["tracestate"] == "vendor=one"


async def test_every_attempt_is_a_span_of_its_own() -> None:
    async with (
        receiving() as receiver,
        proxy(
            adapters=False,
            telemetry={"otlp_endpoint": receiver.url, "sample": 1.0, "log_level": "error"},
        ) as house,
    ):
        reply = await house.ask(
            fault="deepseek-r1@deepseek=http_500", headers=CONTEXT, max_tokens=20
        )
        assert reply.status == 200
        spans = await receiver.trace(TRACE, 3)
        failed, served = sorted(
            (s for s in spans if s.kind == Span.SpanKind.SPAN_KIND_CLIENT),
            key=lambda span: span.start_time_unix_nano,
        )
        assert failed.status.code == 2
        assert served.status.code != 2
        entries = await house.entries(reply.id, 2)
        assert [e.end for e in entries] == ["fault:http_500", "complete"]

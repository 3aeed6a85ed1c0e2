import asyncio
import gzip
import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from typing import Any

import msgspec
import pytest
import pytest_asyncio
from aiohttp import TCPConnector

from router.core.answer import Content, Usage
from router.core.catalogue import Endpoint
from router.core.faults import Fault, Kind
from router.core.surface import Surface
from router.upstream.connector import open_connector
from router.upstream.relay import MAX_WHOLE_BYTES, Relay
from tests.upstream.asking import a_call, an_endpoint, answer, client_bytes, usage_of
from tests.upstream.corpus import ALL, NAMES
from tests.upstream.recorded import COUNTED, COUNTS, STREAMS, chunk, event
from tests.upstream.scripted import JSON, response, scripted
from tests.upstream.test_messages import A_MESSAGE

WHOLE: dict[str, Any] = {
    "id": "c1",
    "object": "chat.completion",
    "choices": [
        {
            "index": 0,
            "message": {"role": "assistant", "content": "Hello", "tool_calls": None},
            "finish_reason": "stop",
        }
    ],
    "usage": COUNTS,
}
SHORT = STREAMS["openai"]
ENVIRON = {"THE_KEY": "k-secret"}


@pytest_asyncio.fixture
async def connector() -> AsyncIterator[TCPConnector]:
    async with open_connector() as opened:
        yield opened


def relay(
    connector: TCPConnector,
    *endpoints: Endpoint,
    environ: Mapping[str, str] = ENVIRON,
) -> Relay:
    return Relay(connector, endpoints, environ=environ, wall=lambda: 0.0)


async def told(connector: TCPConnector, base_url: str, **call: Any) -> Fault:
    with pytest.raises(Fault) as raised:
        await answer(relay(connector), an_endpoint(base_url), a_call(**call))
    return raised.value


async def test_a_connection_serves_one_answer_after_another(connector: TCPConnector) -> None:
    async with scripted(*response(SHORT.sent)) as server:
        upstream, endpoint = relay(connector), an_endpoint(server.base_url)
        for _ in range(3):
            pieces = await answer(upstream, endpoint, a_call())
            assert client_bytes(pieces) == SHORT.given
        assert server.connections == 1


async def test_an_end_of_framing_that_never_comes_costs_the_connection_not_the_answer(
    connector: TCPConnector,
) -> None:
    async with scripted(*response(SHORT.sent, ends=False)) as server:
        server.stalls = True
        pieces = await answer(relay(connector), an_endpoint(server.base_url), a_call())
        assert client_bytes(pieces) == SHORT.given
        async with asyncio.timeout(1):
            await server.closed.wait()


async def test_leaving_early_closes_the_connection_at_once(connector: TCPConnector) -> None:
    async with scripted(*response(chunk(content="Hi"), ends=False)) as server:
        server.stalls = True
        async with relay(connector).call(an_endpoint(server.base_url), a_call()) as reply:
            async for piece in reply.pieces():
                assert piece.content is Content.ANSWER
                break
        async with asyncio.timeout(1):
            await server.closed.wait()


async def test_the_request_is_the_clients_with_our_own_headers(
    connector: TCPConnector,
) -> None:
    async with scripted(*response(SHORT.sent)) as server:
        hers = {
            "anthropic-beta": "x",
            "user-agent": "app/1",
            "authorization": "Bearer hers",
            "cookie": "hers",
            "host": "hers",
            "content-length": "1",
            "accept-encoding": "gzip",
        }
        call = msgspec.structs.replace(a_call(), headers=hers, traceparent="00-a-b-01")
        await answer(relay(connector), an_endpoint(server.base_url), call)
        sent = server.headers()
        assert server.requests[0].startswith(b"POST /v1/chat/completions HTTP/1.1\r\n")
        assert json.loads(server.body())["model"] == "deepseek-reasoner"
        assert sent["authorization"] == "Bearer k-secret"
        assert sent["accept-encoding"] == "identity"
        assert sent["x-request-id"] == call.attempt_id
        assert sent["traceparent"] == "00-a-b-01"
        assert (sent["anthropic-beta"], sent["user-agent"]) == ("x", "app/1")
        assert b"hers" not in server.requests[0]


async def test_azure_takes_its_key_and_its_version_in_its_own_way(
    connector: TCPConnector,
) -> None:
    async with scripted(*response(SHORT.sent)) as server:
        azure = an_endpoint(f"{server.base_url}/?api-version=7", auth_header="api-key")
        await answer(relay(connector, azure), azure, a_call())
        assert server.requests[0].startswith(b"POST /v1/chat/completions?api-version=7 ")
        assert server.headers()["api-key"] == "k-secret"
        assert "authorization" not in server.headers()


async def test_a_name_in_the_address_is_told_as_basic_authorization(
    connector: TCPConnector,
) -> None:
    async with scripted(*response(SHORT.sent)) as server:
        named = replace(
            an_endpoint(server.base_url.replace("://", "://me:mine@")), api_key_env=None
        )
        await answer(relay(connector, named), named, a_call())
        assert server.headers()["authorization"] == "Basic bWU6bWluZQ=="
        assert server.headers()["host"] == f"127.0.0.1:{server.port}"


async def test_a_large_body_arrives(connector: TCPConnector) -> None:
    async with scripted(*response(SHORT.sent)) as server:
        text = "\u00e9" * 2_000_000
        call = a_call(messages=[{"role": "user", "content": text}])
        await answer(relay(connector), an_endpoint(server.base_url), call)
        assert json.loads(server.body())["messages"][0]["content"] == text


async def test_a_missing_key_is_said_before_anything_is_sent(
    connector: TCPConnector,
) -> None:
    async with scripted(*response(SHORT.sent)) as server:
        upstream = relay(connector, environ={})
        with pytest.raises(Fault, match="THE_KEY is not set") as raised:
            await answer(upstream, an_endpoint(server.base_url), a_call())
        assert raised.value.kind is Kind.CREDENTIALS
        assert not server.requests
        keyless = an_endpoint(server.base_url, api_key_env=None)
        assert await answer(upstream, keyless, a_call())


@pytest.mark.parametrize("wants_usage", [True, False])
async def test_json_where_a_stream_was_asked_becomes_one(
    connector: TCPConnector, wants_usage: bool
) -> None:
    call = {"index": 0, "id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    without = {k: v for k, v in call.items() if k != "index"}
    message = {"role": "assistant", "content": None, "tool_calls": [without]}
    body = {**WHOLE, "choices": [{**WHOLE["choices"][0], "message": message}]}
    async with scripted(*response(json.dumps(body).encode(), content_type=JSON)) as server:
        [piece] = await answer(
            relay(connector), an_endpoint(server.base_url), a_call(wants_usage=wants_usage)
        )
    first, done, rest = piece.data.split(b"\n\n")
    found = json.loads(first.removeprefix(b"data: "))
    assert (done, rest) == (b"data: [DONE]", b"")
    assert found["object"] == "chat.completion.chunk"
    assert found["choices"][0]["delta"] == {**message, "tool_calls": [call]}
    assert found["choices"][0]["finish_reason"] == "stop"
    assert ("usage" in found) is wants_usage
    assert piece.usage == COUNTED
    assert (piece.content, piece.ended) == (Content.ANSWER, True)


async def test_a_whole_answer_passes_byte_for_byte(connector: TCPConnector) -> None:
    body = json.dumps(WHOLE, indent=1).encode()
    async with scripted(*response(body[:40], body[40:], content_type=JSON)) as server:
        endpoint = an_endpoint(server.base_url)
        [piece] = await answer(relay(connector), endpoint, a_call(stream=False))
    assert piece.data == body
    assert (piece.usage, piece.chars, piece.finish) == (COUNTED, 5, "stop")


@pytest.mark.parametrize("stream", [True, False])
async def test_an_answer_that_was_compressed_anyway_is_read(
    connector: TCPConnector, stream: bool
) -> None:
    body = SHORT.sent if stream else json.dumps(WHOLE).encode()
    parts = response(
        gzip.compress(body),
        headers=["Content-Encoding: gzip"],
        content_type="text/event-stream" if stream else JSON,
    )
    async with scripted(*parts) as server:
        pieces = await answer(relay(connector), an_endpoint(server.base_url), a_call(stream=stream))
    assert client_bytes(pieces) == (SHORT.given if stream else body)


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ({"message": "slow down", "code": 429}, Kind.RATE_LIMITED),
        ({"message": "boom"}, Kind.SERVER_ERROR),
        ({"message": "maximum context length is 10", "code": 400}, Kind.CONTEXT_EXCEEDED),
        ("boom", Kind.SERVER_ERROR),
    ],
)
async def test_an_error_sent_as_a_200_is_a_fault(
    connector: TCPConnector, error: object, kind: Kind, stream: bool
) -> None:
    body = json.dumps({"error": error}).encode()
    async with scripted(*response(body, content_type=JSON)) as server:
        assert (await told(connector, server.base_url, stream=stream)).kind is kind
    async with scripted(*response(chunk(role="assistant") + event({"error": error}))) as server:
        assert (await told(connector, server.base_url)).kind is kind


async def test_an_error_after_content_is_a_piece_and_then_a_fault(
    connector: TCPConnector,
) -> None:
    parts = response(chunk(content="Hi") + event({"error": {"code": 529}, "usage": COUNTS}))
    async with scripted(*parts) as server:
        call, endpoint = a_call(), an_endpoint(server.base_url)
        async with relay(connector).call(endpoint, call) as reply:
            pieces = reply.pieces()
            piece = await anext(pieces)
            assert piece.data == chunk(content="Hi")
            assert piece.error is not None
            assert piece.usage == Usage(fresh_input=20, text=9)
            with pytest.raises(Fault) as raised:
                await anext(pieces)
    assert raised.value.kind is Kind.SERVER_ERROR


@pytest.mark.parametrize(("surface", "name"), NAMES)
async def test_every_surface_is_read_from_its_own_path(
    connector: TCPConnector, surface: Surface, name: str
) -> None:
    recorded = ALL[surface][name]
    call = a_call(surface=surface)
    async with scripted(*response(recorded.sent)) as server:
        endpoint = an_endpoint(server.base_url, speaks=frozenset((surface,)))
        pieces = await answer(relay(connector), endpoint, call)
    assert server.requests[0].startswith(f"POST /v1{surface.path} HTTP/1.1".encode())
    assert client_bytes(pieces) == recorded.given
    assert usage_of(pieces) == recorded.usage


@pytest.mark.parametrize("surface", [Surface.EMBEDDINGS, Surface.COUNT_TOKENS])
async def test_what_is_never_streamed_is_read_whole(
    connector: TCPConnector, surface: Surface
) -> None:
    body = b'{"data": [{"embedding": [0.5]}], "input_tokens": 8}'
    async with scripted(*response(body, content_type=JSON)) as server:
        endpoint = an_endpoint(server.base_url, speaks=frozenset((surface,)))
        (piece,) = await answer(relay(connector), endpoint, a_call(surface=surface, stream=False))
    assert (piece.data, piece.ended) == (body, True)
    assert "stream" not in json.loads(server.body())


async def test_a_message_sent_whole_where_a_stream_was_asked_for_becomes_one(
    connector: TCPConnector,
) -> None:
    call = a_call(surface=Surface.MESSAGES)
    async with scripted(*response(json.dumps(A_MESSAGE).encode(), content_type=JSON)) as server:
        endpoint = an_endpoint(server.base_url, speaks=frozenset((Surface.MESSAGES,)))
        (piece,) = await answer(relay(connector), endpoint, call)
    assert piece.data.startswith(b"event: message_start\n")
    assert piece.data.endswith(b'event: message_stop\ndata: {"type":"message_stop"}\n\n')


@pytest.mark.parametrize("surface", [Surface.CHAT, Surface.MESSAGES])
async def test_a_whole_answer_that_cannot_be_told_as_a_stream_is_garbage(
    connector: TCPConnector, surface: Surface
) -> None:
    body = b'{"choices":[{"message":{"content":"Hi","\xff":1}}],"content":[{"\xff":1}]}'
    async with scripted(*response(body, content_type=JSON)) as server:
        endpoint = an_endpoint(server.base_url, speaks=frozenset((surface,)))
        with pytest.raises(Fault) as raised:
            await answer(relay(connector), endpoint, a_call(surface=surface))
    assert raised.value.kind is Kind.GARBAGE


BROKEN: dict[str, tuple[list[bytes], Kind]] = {
    "nothing": ([], Kind.BROKEN),
    "half a head": ([b"HTTP/1.1 200 OK\r\nContent-"], Kind.BROKEN),
    "no HTTP": ([b"\x00\x01 what?\r\n\r\n"], Kind.GARBAGE),
    "half a stream": (response(chunk(content="Hi"), ends=False), Kind.BROKEN),
    "a stream without an end": (response(chunk(content="Hi")), Kind.BROKEN),
    "one of two choices": (
        response(
            event({"choices": [{"index": 1, "delta": {}}]}) + chunk("stop", content="Hi"),
        ),
        Kind.BROKEN,
    ),
    "half an event": (response(chunk(content="Hi")[:30]), Kind.BROKEN),
    "bad chunk size": ([*response(ends=False), b"zz\r\n"], Kind.GARBAGE),
    "not JSON": (response(b"data: <html>\n\n"), Kind.GARBAGE),
    "not UTF-8": (response(chunk(content="?").replace(b"?", b"\xff")), Kind.GARBAGE),
    "too deep": (response(chunk(content="?").replace(b'"?"', b"[" * 9999)), Kind.GARBAGE),
    "HTML": (response(b"<html>", content_type="text/html"), Kind.GARBAGE),
    "plain text": (response(b"oops\n\n", content_type="text/plain"), Kind.GARBAGE),
    "bad gzip": (response(b"x" * 99, headers=["Content-Encoding: gzip"]), Kind.GARBAGE),
    "a redirect": (response(status="307 Moved", headers=["Location: /x"]), Kind.CREDENTIALS),
    "JSON of something else": (response(b"[]", content_type=JSON), Kind.GARBAGE),
    "no JSON at all": (response(b"nope", content_type=JSON), Kind.GARBAGE),
}


@pytest.mark.parametrize("name", BROKEN)
async def test_what_breaks_is_a_fault_and_never_hangs(connector: TCPConnector, name: str) -> None:
    parts, kind = BROKEN[name]
    async with asyncio.timeout(5), scripted(*parts, hang_up=True) as server:
        assert (await told(connector, server.base_url)).kind is kind


async def test_an_answer_without_end_is_given_up(
    connector: TCPConnector, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert MAX_WHOLE_BYTES == 64 * 1024 * 1024
    monkeypatch.setattr("router.upstream.relay.MAX_WHOLE_BYTES", 1000)
    async with scripted(*response(*[b" " * 600] * 9, content_type=JSON)) as server:
        assert (await told(connector, server.base_url, stream=False)).kind is Kind.GARBAGE


@pytest.mark.parametrize("base_url", ["http://127.0.0.1:1/v1", "http://no.such.host.invalid/v1"])
async def test_who_cannot_be_reached_is_said(connector: TCPConnector, base_url: str) -> None:
    assert (await told(connector, base_url)).kind is Kind.CONNECT


async def test_a_server_without_tls_where_tls_was_expected_cannot_be_reached(
    connector: TCPConnector,
) -> None:
    async with scripted(b"plain\r\n", hang_up=True) as server:
        base_url = server.base_url.replace("http:", "https:")
        assert (await told(connector, base_url)).kind is Kind.CONNECT


async def test_a_proxy_gets_the_request_and_its_own_credentials(
    connector: TCPConnector,
) -> None:
    async with scripted(*response(SHORT.sent)) as proxy:
        environ = {**ENVIRON, "HTTP_PROXY": f"http://u:p@127.0.0.1:{proxy.port}"}
        endpoint = an_endpoint("http://models.invalid/v1")
        pieces = await answer(relay(connector, endpoint, environ=environ), endpoint, a_call())
        assert client_bytes(pieces) == SHORT.given
        assert proxy.requests[0].startswith(b"POST http://models.invalid/v1/chat/completions ")
        assert proxy.headers()["proxy-authorization"] == "Basic dTpw"


async def test_an_endpoint_configured_anew_is_reached_anew(connector: TCPConnector) -> None:
    async with scripted(*response(SHORT.sent)) as old, scripted(*response(SHORT.sent)) as new:
        upstream = relay(connector, an_endpoint(old.base_url))
        await answer(upstream, an_endpoint(new.base_url), a_call())
        assert (len(old.requests), len(new.requests)) == (0, 1)

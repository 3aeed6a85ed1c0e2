from __future__ import annotations

import asyncio
import json

import aiohttp
import pytest

from router.core.ask import Ask
from router.core.faults import Fault, Kind
from router.ports import Call, Downstream
from router.surfaces import stream
from router.surfaces.jsonkey import with_key
from tests.surfaces.house import CHUNK, DONE, WHOLE, Script, body, explained, head, outcome, running

CHAT = "/v1/chat/completions"
EXPLAIN = {"X-SLA-Explain": "true", "X-SLA-TTFT-Ms": "1000"}


def sends(*pieces: bytes, fault: Exception | None = None) -> Script:
    async def script(ask: Ask, call: Call, downstream: Downstream) -> None:
        await downstream.begin(head(ask))
        for piece in pieces:
            await downstream.write(piece)
        if isinstance(fault, Fault):
            await downstream.fail(fault)
        elif fault is not None:
            raise fault
        else:
            await downstream.finish(outcome(ask), explained() if ask.explain else None)

    return script


async def streamed(
    script: Script, headers: dict[str, str] | None = None, path: str = CHAT
) -> bytes:
    asked = body(stream=True, max_tokens=900, input="Hi")  # whatever the surface wants
    async with (
        running(script) as house,
        aiohttp.ClientSession(house.url) as client,
        client.post(path, json=asked, headers=headers) as answer,
    ):
        assert answer.status == 200
        return await answer.read()


@pytest.mark.parametrize(
    "pieces",
    [
        (CHUNK, DONE),
        (CHUNK + DONE,),
        (CHUNK, b"data:[DONE]\r\n\r\n"),
        (CHUNK,),
        (CHUNK, b"", DONE),
        (CHUNK, DONE.rstrip()),
    ],
)
async def test_the_decision_stands_in_the_last_chunk_before_the_end(pieces: tuple[bytes]) -> None:
    got = await streamed(sends(*pieces), EXPLAIN)
    assert got.startswith(CHUNK)
    assert got.count(b"[DONE]") == 1
    assert got.endswith(b"\n\n" + DONE)
    last = json.loads(got[len(CHUNK) :].removeprefix(b"data: ").partition(b"\n\n")[0])
    assert (last["object"], last["choices"]) == ("chat.completion.chunk", [])
    told = last["meritorder"]
    assert told["decision"]["chosen"]["endpoint"] == "deepseek-r1@parasail"
    assert told["verdict"] == "kept"
    assert told["bounds"]["ttft_ms"] == {"limit": 1000.0, "measured": 430.0, "verdict": "kept"}


async def test_a_stream_that_forgot_its_end_gets_one() -> None:
    assert await streamed(sends(CHUNK)) == CHUNK + DONE


async def test_a_text_that_speaks_of_the_end_is_not_the_end() -> None:
    chunk = CHUNK.replace(b"Hi", b"data: [DONE]\\n\\n")
    assert await streamed(sends(chunk, DONE)) == chunk + DONE
    assert (await streamed(sends(chunk, DONE), EXPLAIN)).startswith(chunk)


async def test_a_stream_that_fails_ends_with_an_event_and_nothing_is_glued_to_half_of_one() -> None:
    fault = Fault(Kind.BROKEN, "azure broke off.")
    got = await streamed(sends(CHUNK, b'data: {"half', fault=fault))
    events = got.split(b"\n\n")
    assert events[1] == b'data: {"half'
    assert json.loads(events[2].removeprefix(b"data: "))["error"]["code"] == "upstream_broke_off"
    assert events[3:] == [b"data: [DONE]", b""]


async def test_an_unforeseen_failure_after_the_beginning_ends_the_stream_and_tells_nothing() -> (
    None
):
    got = await streamed(sends(CHUNK, fault=KeyError("secret")))
    assert b"internal_error" in got
    assert b"secret" not in got
    assert got.endswith(DONE)


async def test_a_client_that_leaves_ends_the_work_for_it_at_once() -> None:
    begun, ended = asyncio.Event(), asyncio.Event()

    async def script(ask: Ask, call: Call, downstream: Downstream) -> None:
        try:
            await downstream.begin(head(ask))
            await downstream.write(CHUNK)
            begun.set()
            await asyncio.sleep(60)
        finally:
            ended.set()

    async with running(script) as house, aiohttp.ClientSession(house.url) as client:
        async with client.post(CHAT, json=body(stream=True)) as answer:
            await answer.content.readany()
            await begun.wait()
        await client.close()
        await asyncio.wait_for(ended.wait(), 5)


async def test_writing_to_a_client_that_left_is_a_fault_of_nobody() -> None:
    seen: asyncio.Future[BaseException] = asyncio.get_running_loop().create_future()

    async def script(ask: Ask, call: Call, downstream: Downstream) -> None:
        await downstream.begin(head(ask))
        request = downstream._request  # type: ignore[attr-defined]
        request.transport.abort()
        try:
            for _ in range(10):
                await downstream.write(CHUNK)
                await asyncio.sleep(0)
        except BaseException as error:
            seen.set_result(error)
            raise

    async with running(script) as house, aiohttp.ClientSession(house.url) as client:
        with pytest.raises(aiohttp.ClientError):
            async with client.post(CHAT, json=body(stream=True)) as answer:
                await answer.read()
        error = await asyncio.wait_for(seen, 5)
    assert isinstance(error, asyncio.CancelledError) or (
        isinstance(error, Fault) and error.kind is Kind.CANCELLED
    )


async def test_a_whole_answer_carries_the_decision_as_one_more_key() -> None:
    async with (
        running() as house,
        aiohttp.ClientSession(house.url) as client,
        client.post(CHAT, json=body(), headers=EXPLAIN) as answer,
    ):
        got = await answer.read()
    assert got.startswith(WHOLE[:-1])
    assert json.loads(got)["meritorder"]["verdict"] == "unmeasured"
    assert answer.headers["X-SLA-Verdict"] == "unmeasured"


def test_a_key_is_put_before_the_closing_brace_whatever_surrounds_it() -> None:
    assert with_key(b'{"a":1} \n', b"k", b"2") == b'{"a":1,"k":2}'
    assert with_key(b"{ }", b"k", b"2") == b'{"k":2}'
    assert with_key(b"[1]", b"k", b"2") == b"[1]"


_TEXT_DELTA = (
    b"event: content_block_delta\n"
    b'data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta",'
    b'"text":"event: message_stop "}}\n\n'
)
_STOP = b'event: message_stop\ndata: {"type":"message_stop"}\n\n'
_OUTPUT_DELTA = (
    b"event: response.output_text.delta\n"
    b'data: {"type":"response.output_text.delta","delta":"event: response.completed ",'
    b'"sequence_number":3}\n\n'
)
_COMPLETED = (
    b"event: response.completed\n"
    b'data: {"type":"response.completed","response":{"id":"resp_1"},"sequence_number":4}\n\n'
)


@pytest.mark.parametrize("crlf", [False, True])
@pytest.mark.parametrize("joined", [False, True])
@pytest.mark.parametrize(
    ("path", "delta", "last"),
    [
        ("/v1/messages", _TEXT_DELTA, _STOP),
        ("/v1/responses", _OUTPUT_DELTA, _COMPLETED),
    ],
)
async def test_the_decision_stands_in_the_event_that_ends_the_stream(
    path: str, delta: bytes, last: bytes, joined: bool, crlf: bool
) -> None:
    if crlf:
        delta, last = delta.replace(b"\n", b"\r\n"), last.replace(b"\n", b"\r\n")
    pieces = (delta + last,) if joined else (delta, last)
    got = await streamed(sends(*pieces), EXPLAIN, path)
    assert got.startswith(delta)
    name, _, data = got[len(delta) :].strip().partition(b"\n")
    told, meant = json.loads(data.partition(b": ")[2]), json.loads(last.partition(b"data: ")[2])
    assert name.strip() == last.splitlines()[0]
    assert told.pop("meritorder")["decision"]["chosen"]["endpoint"] == "deepseek-r1@parasail"
    assert told == meant


@pytest.mark.parametrize(
    ("path", "sent"),
    [("/v1/messages", _TEXT_DELTA + _STOP), ("/v1/responses", _OUTPUT_DELTA + _COMPLETED)],
)
async def test_without_a_wish_to_explain_every_byte_passes_as_it_came(
    path: str, sent: bytes
) -> None:
    assert await streamed(sends(sent), {}, path) == sent


@pytest.mark.parametrize(("path", "pings"), [("/v1/messages", True), (CHAT, False)])
async def test_a_silence_of_another_dialect_is_broken_by_pings_where_clients_wait_for_them(
    path: str, pings: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "PING_S", 0.02)

    async def script(ask: Ask, call: Call, downstream: Downstream) -> None:
        await downstream.begin(head(ask))  # of an endpoint that speaks chat
        await downstream.write(_TEXT_DELTA)
        await asyncio.sleep(0.2)
        await downstream.write(_STOP)
        await downstream.finish(outcome(ask), None)

    got = await streamed(script, None, path)
    assert got.startswith(_TEXT_DELTA)
    assert (stream.PING in got) is pings
    assert got.replace(stream.PING, b"").startswith(_TEXT_DELTA + _STOP)
    assert not [task for task in asyncio.all_tasks() if task.get_name() == "ping"]


async def test_a_client_that_leaves_leaves_no_ping_behind() -> None:
    left = asyncio.Event()

    async def script(ask: Ask, call: Call, downstream: Downstream) -> None:
        await downstream.begin(head(ask))
        try:
            await downstream.write(_TEXT_DELTA)
            await asyncio.sleep(5)
        finally:
            left.set()

    asked = body(stream=True, max_tokens=900)
    async with running(script) as house:
        async with (
            aiohttp.ClientSession(house.url) as client,
            client.post("/v1/messages", json=asked) as answer,
        ):
            await answer.content.readany()
        async with asyncio.timeout(3):
            await left.wait()
            await asyncio.sleep(0)
        assert not [task for task in asyncio.all_tasks() if task.get_name() == "ping"]

"""What providers do wrong, and what the client sees of it.

Before the first content the next endpoint serves and the client notices nothing; after it the
stream ends with an error event, and never with another endpoint's words.
"""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator
from typing import Any

import openai
import pytest
import pytest_asyncio

from router.core.faults import Kind as Ours
from router.sandbox.faults import SPECS, Kind, Stage
from router.store import board
from tests.acceptance.proxy import Proxy, Reply, proxy

LIFE = pytest.mark.asyncio(loop_scope="module")

# Two that answer at once. For 2,000 tokens of prompt the second costs half as much again, so that
# no failure rate makes it the first.
QUICK: dict[str, Any] = {
    "provider": {"only": ["parasail", "friendli"]},
    "messages": [{"role": "user", "content": "word " * 1_600}],
}
FIRST, SECOND = "deepseek-r1@parasail", "deepseek-r1@friendli"
CUT_AFTER = 30

RETRIED = {
    "http_401": Ours.CREDENTIALS,
    "http_403": Ours.CREDENTIALS,
    "http_404": Ours.CREDENTIALS,
    "http_429:0": Ours.RATE_LIMITED,
    "http_500": Ours.SERVER_ERROR,
    "http_503": Ours.SERVER_ERROR,
    "http_529": Ours.SERVER_ERROR,
    "html_502": Ours.SERVER_ERROR,
    "html": Ours.GARBAGE,
    "garbage": Ours.GARBAGE,
    "reset": Ours.BROKEN,
    "hang": Ours.FIRST_TOKEN_TIMEOUT,
    "hang_headers": Ours.FIRST_TOKEN_TIMEOUT,
    "pings_only": Ours.FIRST_TOKEN_TIMEOUT,
    "half_chunk:0": Ours.BROKEN,
    "die_mid:0": Ours.BROKEN,
    "stall_mid:0": Ours.FIRST_TOKEN_TIMEOUT,
    "error_mid:0": Ours.SERVER_ERROR,
    "empty": Ours.EMPTY,
}
MANNERS = ["crlf", "split", "big_line", "no_done", "usage_last", "no_usage", "slow_ttft:2"]
MANNERS += ["slow_speed:2"]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house() -> AsyncIterator[Proxy]:
    """A proxy that never gives an endpoint a rest: every test is about one fault."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(board, "TRIPS_AFTER", 1_000_000)
        async with proxy(speed=20, adapters=False) as running:
            yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def exact() -> AsyncIterator[Proxy]:
    """A slower one, where a second of the market is not lost in the machine's own delays."""
    async with proxy(speed=5, adapters=False) as running:
        yield running


def assert_clean(reply: Reply, *, stream: bool) -> None:
    assert reply.status == 200, reply.raw
    assert not reply.broken
    if not stream:
        assert reply.json["choices"][0]["finish_reason"] in {"stop", "length"}
        return
    assert reply.data[-1] == "[DONE]"
    assert reply.data.count("[DONE]") == 1
    assert not any("error" in event for event in reply.events)
    finishes = [c["finish_reason"] for e in reply.events for c in e["choices"]]
    assert [f for f in finishes if f] in (["stop"], ["length"])


def test_every_kind_of_the_sandbox_is_asked_for() -> None:
    midway = {kind for kind, spec in SPECS.items() if spec.stage is Stage.MIDWAY}
    asked = {Kind(name.partition(":")[0]) for name in (*RETRIED, *MANNERS)}
    assert asked | midway | {Kind.HTTP_400} == set(Kind)


@LIFE
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("fault", RETRIED)
async def test_before_the_first_content_the_next_endpoint_serves(
    house: Proxy, fault: str, stream: bool
) -> None:
    reply = await house.ask(fault=f"{FIRST}={fault}", stream=stream, max_tokens=40, **QUICK)
    assert_clean(reply, stream=stream)
    record = await house.record(reply.id)
    one, two = record.outcome.attempts
    assert (one.endpoint, two.endpoint) == (FIRST, SECOND)
    assert reply.endpoint == SECOND
    assert reply.headers["X-SLA-Attempts"] == "2"
    if not (fault == "error_mid:0" and stream):
        assert one.fault is RETRIED[fault]
    assert two.fault is None
    assert record.outcome.fault is None
    entries = await house.entries(reply.id, 2)
    assert [e.endpoint for e in entries] == [FIRST, SECOND]


@LIFE
@pytest.mark.parametrize("fault", ["hang", "hang_headers", "pings_only"])
async def test_who_hangs_is_left_within_the_limit(exact: Proxy, fault: str) -> None:
    reply = await exact.ask(fault=f"{FIRST}={fault}", stream=True, max_tokens=40, **QUICK)
    record = await exact.record(reply.id)
    hung, forecast = record.outcome.attempts[0], record.decisions[0].forecast
    assert hung.endpoint == FIRST
    assert forecast is not None
    assert hung.e2e_s <= max(5.0, 3 * forecast.ttft_ms / 1000) + 2.0
    assert hung.fault is Ours.FIRST_TOKEN_TIMEOUT


@LIFE
@pytest.mark.parametrize("kind", ["half_chunk", "die_mid", "stall_mid", "error_mid"])
async def test_after_the_first_content_the_stream_ends_with_an_error_and_is_booked(
    house: Proxy, kind: str
) -> None:
    reply = await house.ask(fault=f"{kind}:{CUT_AFTER}", stream=True, max_tokens=200, **QUICK)
    assert reply.status == 200
    assert not reply.broken
    assert reply.data[-1] == "[DONE]"
    told = [event for event in reply.events if "error" in event]
    assert len(told) == 1
    assert reply.events[-1] == told[0]
    assert set(told[0]["error"]) >= {"message", "type", "code", "param"}
    record = await house.record(reply.id)
    (attempt,) = record.outcome.attempts
    assert told[0]["error"]["code"] == attempt.fault == record.outcome.fault
    assert attempt.usage is not None
    assert attempt.usage.estimated
    (entry,) = await house.entries(reply.id, 1)
    assert attempt.usage.output == pytest.approx(CUT_AFTER, abs=4)
    assert entry.reasoning_tokens + entry.text_tokens == CUT_AFTER


@LIFE
@pytest.mark.parametrize("kind", ["half_chunk", "die_mid", "stall_mid", "error_mid"])
async def test_the_real_client_raises_at_an_answer_that_broke_off(house: Proxy, kind: str) -> None:
    async with openai.AsyncOpenAI(
        base_url=f"{house.url}/v1", api_key="any", max_retries=0
    ) as client:
        stream = await client.chat.completions.create(
            model="deepseek-r1",
            messages=[{"role": "user", "content": "hello"}],
            stream=True,
            extra_body={"provider": QUICK["provider"]},
            extra_headers={"x-sandbox-fault": f"{kind}:{CUT_AFTER}"},
        )
        heard: list[object] = []
        with pytest.raises(openai.APIError) as caught:
            await listen(stream, heard)
    assert len(heard) > 1
    assert caught.value.code in {Ours.BROKEN, Ours.GAP_TIMEOUT}


async def listen(stream: AsyncIterable[object], heard: list[object]) -> None:
    async for chunk in stream:
        heard.append(chunk)  # noqa: PERF401 - kept when the stream breaks off


@LIFE
@pytest.mark.parametrize(
    ("fault", "status"),
    [("http_400", 400), ("http_429:3", 429), ("http_500", 500), ("http_503", 503)],
)
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
async def test_the_last_upstream_error_is_passed_with_status_and_body(
    house: Proxy, fault: str, status: int, stream: bool
) -> None:
    reply = await house.ask(fault=fault, stream=stream, **QUICK)
    assert reply.status == status
    assert reply.headers["X-SLA-Error-Source"] == "upstream"
    assert reply.error["message"] == f"The sandbox was asked for a {status}."
    if status == 429:
        assert reply.headers["Retry-After"] == "3"
        await house.virtual(4)  # nobody is asked before that
    record = await house.record(reply.id)
    assert len(record.outcome.attempts) == (1 if status == 400 else 2)
    assert record.outcome.cost_nano_usd == 0


@LIFE
@pytest.mark.parametrize("status", [401, 403])
async def test_a_refused_key_is_the_operators_and_named_by_its_endpoint(
    house: Proxy, status: int
) -> None:
    only = {"only": ["parasail"]}
    reply = await house.ask(fault=f"http_{status}", provider=only)
    assert reply.status == 502
    assert reply.error["code"] == Ours.CREDENTIALS
    assert "deepseek-r1@parasail" in reply.error["message"]
    assert "X-SLA-Error-Source" not in reply.headers
    assert b"The sandbox" not in reply.raw  # the provider's words may show part of a key
    assert b"Bearer" not in reply.raw


@LIFE
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("manner", MANNERS)
async def test_an_odd_manner_of_speaking_is_understood(
    house: Proxy, manner: str, stream: bool
) -> None:
    tokens = {"x-sandbox-answer-tokens": "60"}
    reply = await house.ask(fault=manner, stream=stream, **QUICK, headers=tokens, max_tokens=90_000)
    assert_clean(reply, stream=stream)
    assert len(reply.text.split()) == (66_700 if manner == "big_line" else 24)
    record = await house.record(reply.id)
    (attempt,) = record.outcome.attempts
    assert attempt.usage is not None
    assert attempt.usage.estimated == (manner == "no_usage")
    (entry,) = await house.entries(reply.id, 1)
    if manner != "no_usage":
        assert attempt.cost_nano_usd == entry.cost_nano_usd


@LIFE
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("fault", [name for name in RETRIED if name[0] in "gehr"])
async def test_who_has_nobody_else_is_told_what_went_wrong(
    house: Proxy, fault: str, stream: bool
) -> None:
    only = {"only": ["friendli"]}
    reply = await house.ask(fault=fault, stream=stream, provider=only, max_tokens=40)
    assert reply.status in expected_statuses(fault), reply.raw
    assert reply.error["message"]
    assert reply.error["type"]


def expected_statuses(fault: str) -> set[int]:
    """Providers' statuses pass; their keys and their noise are a 502, their silence a 504."""
    ours = RETRIED[fault]
    if fault.startswith("http_") and ours is not Ours.CREDENTIALS:
        return {int(fault[5:8])}
    if fault == "error_mid:0":
        return {500, 502}  # a whole answer has a status; an error inside a stream named none
    return {504 if ours is Ours.FIRST_TOKEN_TIMEOUT else 502}

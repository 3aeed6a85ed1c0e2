"""A client that leaves stops the spending, wherever its request is, and nobody is blamed."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from contextlib import suppress
from typing import Any

import aiohttp
import pytest

from router.core.ask import Ask
from router.core.catalogue import Endpoint
from router.core.faults import Kind
from router.core.measure import Attempt
from router.ports import Record
from tests.acceptance.proxy import CHAT, HELLO, Proxy

pytestmark = pytest.mark.asyncio(loop_scope="module")

FULL = 3_000
QUICK = {"only": ["parasail"]}
LONG_ANSWER = {"x-sandbox-answer-tokens": str(FULL)}
LONG_WAIT = {**LONG_ANSWER, "x-sandbox-ttft-s": "300"}
SOON_S = 5.0
STREAMED = pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])


async def leave_after(house: Proxy, virtual_s: float, **more: Any) -> Record:
    """Ask, leave after so many seconds of the market, and return what was told of it.

    The attempt that was left is over ``SOON_S`` seconds after its client went, however late this
    machine let it go.
    """
    before = len(house.told.records)
    asking = asyncio.create_task(house.ask(**more))
    await house.virtual(virtual_s)
    assert not asking.done()
    left = house.house.clock.mono()
    asking.cancel()
    with suppress(asyncio.CancelledError):
        await asking
    record = await house.next_record(before)
    await asyncio.sleep(0.05)
    assert len(house.told.records) == before + 1
    assert record.outcome.fault is Kind.CANCELLED
    if attempts := record.outcome.attempts:
        entry = (await house.entries(record.ask.id, len(attempts)))[-1]
        assert entry.duration_s < left - attempts[-1].sent + SOON_S
    return record


@pytest.fixture
def under_way(fast: Proxy, monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Attempts that have begun and were not observed yet, by endpoint."""
    board, found = fast.house.board, Counter[str]()
    begun, observe = board.begun, board.observe

    def counted(endpoint: Endpoint) -> None:
        found[endpoint.id] += 1
        begun(endpoint)

    def discounted(attempt: Attempt, ask: Ask, retry_after_s: float | None) -> None:
        found[attempt.endpoint] -= 1
        observe(attempt, ask, retry_after_s)

    monkeypatch.setattr(board, "begun", counted)
    monkeypatch.setattr(board, "observe", discounted)
    return found


def failures(house: Proxy, endpoint: str, under_way: Counter[str]) -> float:
    """The failures counted against an endpoint."""
    board = house.house.board
    seen = next(s for name, s in board._seen.items() if name == endpoint)
    assert under_way[endpoint] == 0
    return board._stats(seen, house.house.clock.wall()).p_fail + seen.failures


@STREAMED
async def test_who_leaves_before_the_first_token_stops_it(
    fast: Proxy, under_way: Counter[str], stream: bool
) -> None:
    blamed = failures(fast, "deepseek-r1@deepseek", under_way)
    record = await leave_after(
        fast, 10, stream=stream, headers=LONG_WAIT, provider={"only": ["deepseek"]}
    )
    (entry,) = await fast.entries(record.ask.id, 1)
    assert entry.end == "cancelled"
    assert entry.text_tokens + entry.reasoning_tokens == 0
    assert failures(fast, "deepseek-r1@deepseek", under_way) <= blamed
    assert len(record.outcome.attempts) == 1


async def test_who_leaves_before_the_headers_stops_it(fast: Proxy, under_way: Counter[str]) -> None:
    blamed = failures(fast, "deepseek-r1@parasail", under_way)
    record = await leave_after(fast, 2, stream=True, fault="hang", provider=QUICK)
    await fast.entries(record.ask.id, 1)
    assert failures(fast, "deepseek-r1@parasail", under_way) <= blamed


async def test_who_leaves_between_tokens_stops_them(fast: Proxy, under_way: Counter[str]) -> None:
    blamed = failures(fast, "deepseek-r1@parasail", under_way)
    before = len(fast.told.records)
    body = {"model": "deepseek-r1", "messages": HELLO, "stream": True, "provider": QUICK}
    async with fast.session.post(
        fast.url + CHAT,
        data=json.dumps(body).encode(),
        headers={"Content-Type": "application/json", **LONG_ANSWER},
    ) as response:
        for _ in range(5):
            await response.content.readany()
        response.close()
    record = await fast.next_record(before)
    (entry,) = await fast.entries(record.ask.id, 1)
    assert entry.end == "cancelled"
    assert 0 < entry.text_tokens + entry.reasoning_tokens < FULL / 4
    (attempt,) = record.outcome.attempts
    assert attempt.usage is not None
    assert attempt.usage.estimated
    assert failures(fast, "deepseek-r1@parasail", under_way) <= blamed


async def test_who_leaves_inside_a_whole_answer_stops_it(fast: Proxy) -> None:
    record = await leave_after(fast, 10, headers=LONG_ANSWER, provider=QUICK)
    (entry,) = await fast.entries(record.ask.id, 1)
    assert entry.end == "cancelled"
    assert 0 < entry.text_tokens + entry.reasoning_tokens < FULL / 2


@pytest.mark.parametrize(
    ("stream", "first", "second"),
    [(False, "deepseek", "lambda"), (True, "lambda", "nebius")],
    ids=["whole", "streamed"],
)
async def test_who_leaves_during_a_retry_stops_the_second_try(
    fast: Proxy, stream: bool, first: str, second: str
) -> None:
    record = await leave_after(
        fast,
        10,
        stream=stream,
        fault=f"deepseek-r1@{first}=http_500",
        headers=LONG_ANSWER,
        provider={"only": [first, second]},
    )
    one, two = record.outcome.attempts
    assert one.fault is Kind.SERVER_ERROR
    assert (two.endpoint, two.fault) == (f"deepseek-r1@{second}", Kind.CANCELLED)
    entries = await fast.entries(record.ask.id, 2)
    assert [e.end for e in entries] == ["fault:http_500", "cancelled"]
    assert entries[1].text_tokens + entries[1].reasoning_tokens < FULL / 4


@STREAMED
async def test_who_leaves_while_waiting_costs_nothing(fast: Proxy, stream: bool) -> None:
    # Everyone in reach is at its limit for half a minute: a waiting request is held.
    only = {"only": ["nebius"]}
    for _ in range(3):
        await fast.ask(fault="http_429:60", provider=only)
    record = await leave_after(fast, 5, stream=stream, sla={"Mode": "wait"}, provider=only)
    assert record.outcome.attempts == ()
    assert record.outcome.cost_nano_usd == 0
    await fast.virtual(60)


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
async def test_who_leaves_claude_stops_it_too(fast: Proxy, stream: bool) -> None:
    await fast.ask("claude-sonnet-4", stream=stream, max_tokens=5)
    record = await leave_after(
        fast, 25, model="claude-sonnet-4", stream=stream, headers=LONG_ANSWER, max_tokens=FULL
    )
    (entry,) = await fast.entries(record.ask.id, 1)
    assert entry.end == "cancelled"
    assert entry.text_tokens < FULL * 0.9


async def test_a_crowd_that_leaves_is_told_one_by_one(fast: Proxy, under_way: Counter[str]) -> None:
    before = len(fast.told.records)
    crowd = [
        asyncio.create_task(fast.ask(stream=i % 2 == 0, headers=LONG_ANSWER, provider=QUICK))
        for i in range(40)
    ]
    for i, one in enumerate(crowd):
        await fast.virtual(0.2 * (i % 3))
        one.cancel()
    gone = await asyncio.gather(*crowd, return_exceptions=True)
    assert all(isinstance(g, asyncio.CancelledError | aiohttp.ClientError) for g in gone)
    async with asyncio.timeout(5):
        while any(under_way.values()):
            await asyncio.sleep(0.01)
    told = [r.ask.id for r in fast.told.records[before:]]
    assert len(told) == len(set(told)) <= 40

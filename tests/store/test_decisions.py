"""Finished requests are found again: here at once, by replicas through a real Redis."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from router.core.faults import Fault, Kind
from router.ports import Record
from router.store import decisions
from router.store.decisions import Decisions
from router.store.private import PrivateRedis
from tests.store.peers import RealClock, bad_line, tell, until
from tests.telemetry.records import a_record

Make = Callable[..., Decisions]


def pack(record: Record) -> bytes:
    return b"\x00packed " + record.ask.id.encode()


class Hour(RealClock):
    """A wall clock that stands where the records were made."""

    def __init__(self, later_s: float = 0.0) -> None:
        self.later_s = later_s

    def wall(self) -> float:
        return a_record().received_wall + self.later_s


def kept(url: str = "", *, clock: Hour | None = None, keep_s: int = 3600) -> Decisions:
    return Decisions(pack, clock=clock or Hour(), url=url, keep_s=keep_s)


@pytest_asyncio.fixture
async def by_hand() -> AsyncIterator[Make]:
    """Makes some that do nothing by themselves."""
    made: list[Decisions] = []

    def make(*said: Any, **more: Any) -> Decisions:
        made.append(kept(*said, **more))
        return made[-1]

    yield make
    for each in made:
        await each.close()


def told(into: Decisions, *names: str) -> None:
    for name in names:
        into.report(a_record(request_id=name))


async def test_a_request_is_found_as_soon_as_it_is_told(by_hand: Make) -> None:
    here = by_hand()
    told(here, "a")
    assert await here.find("a") == b"\x00packed a"
    await here.sync()
    assert await here.find("a") == b"\x00packed a"
    assert await here.find("b") is None


async def test_a_replica_finds_it_through_redis(server: PrivateRedis) -> None:
    async with kept(server.url) as one, kept(server.url) as two:
        told(one, "a", "b")
        await until(lambda: one.state.here == 2 and not one.state.unwritten)
        assert await two.find("a") == b"\x00packed a"
        assert await two.find("b") == b"\x00packed b"
        assert await two.find("c") is None


async def test_it_is_kept_for_an_hour(server: PrivateRedis, by_hand: Make) -> None:
    clock = Hour()
    here = by_hand(server.url, clock=clock)
    told(here, "a")
    assert await here.sync()
    left = await tell(server.url, "TTL", "{meritorder:2}:d:a")
    assert isinstance(left, int)
    assert 3590 < left <= 3600
    clock.later_s = 3599
    assert await here.find("a")
    clock.later_s = 3601
    assert await here.find("a") is None


async def test_all_that_is_new_goes_in_one_round_trip(server: PrivateRedis, by_hand: Make) -> None:
    here = by_hand(server.url)
    told(here, *(f"r{i}" for i in range(400)))
    before = await calls(server)
    assert await here.sync()
    assert await calls(server) <= before + 2  # the text of the script is unknown once
    assert here.state.unwritten == 0
    told(here, "more")
    assert await here.sync()
    assert await calls(server) <= before + 3


async def calls(server: PrivateRedis) -> int:
    stats = await tell(server.url, "INFO", "commandstats")
    lines = (stats.decode() if isinstance(stats, bytes) else str(stats)).splitlines()
    counted = [line for line in lines if line.startswith(("cmdstat_eval", "cmdstat_evalsha"))]
    return sum(int(line.partition("calls=")[2].split(",")[0]) for line in counted)


async def test_while_redis_is_gone_the_latest_stay_here_and_are_sent_later(
    server: PrivateRedis, folder: Path, by_hand: Make
) -> None:
    async with bad_line(server.url, folder / "line") as line:
        here, there = by_hand(line.url), by_hand(server.url)
        line.fault = "request lost"
        told(here, "a")
        assert not await here.sync()
        assert here.state.unwritten == 1
        assert await here.find("a") == b"\x00packed a"
        assert await there.find("a") is None
        assert await here.sync()
        assert await there.find("a") == b"\x00packed a"


async def test_a_write_whose_answer_was_lost_is_repeated_without_harm(
    server: PrivateRedis, folder: Path, by_hand: Make
) -> None:
    async with bad_line(server.url, folder / "line") as line:
        here = by_hand(line.url)
        line.fault = "answer lost"
        told(here, "a")
        assert not await here.sync()
        assert await here.sync()
        assert await by_hand(server.url).find("a") == b"\x00packed a"


async def test_what_only_redis_could_know_is_unavailable_while_it_is_gone(
    folder: Path, by_hand: Make
) -> None:
    here = by_hand(f"unix://{folder}/nobody")
    told(here, "mine")
    assert await here.find("mine")
    with pytest.raises(Fault) as caught:
        await here.find("somebody's")
    assert caught.value.kind is Kind.UNAVAILABLE
    assert caught.value.retry_after_s


async def test_a_hanging_redis_is_waited_for_a_second_by_who_asks_and_by_nobody_else(
    folder: Path, by_hand: Make
) -> None:
    async def never(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    async with await asyncio.start_unix_server(never, folder / "mute"):
        here = by_hand(f"unix://{folder}/mute")
        told(here, "a")
        writing = asyncio.create_task(here.sync())
        await asyncio.sleep(0)
        told(here, "b")
        assert await here.find("b")
        async with asyncio.timeout(1.5):
            with pytest.raises(Fault):
                await here.find("c")
        assert not await writing


async def test_memory_is_bounded_and_what_had_no_place_is_counted(
    monkeypatch: pytest.MonkeyPatch, folder: Path, by_hand: Make
) -> None:
    monkeypatch.setattr(decisions, "MOST_HERE", 10)
    here = by_hand(f"unix://{folder}/nobody")
    told(here, *(f"r{i}" for i in range(25)))
    await here.sync()
    assert here.state == (10, 10, 15)
    assert await here.find("r24")
    alone = by_hand()
    told(alone, *(f"r{i}" for i in range(20)))
    await alone.sync()
    assert alone.state == (10, 0, 0)


async def test_nothing_is_written_where_nothing_shall_be_kept(
    server: PrivateRedis, by_hand: Make
) -> None:
    here = by_hand(server.url, keep_s=0)
    told(here, "a")
    assert await here.sync()
    assert await here.find("a")
    assert await tell(server.url, "KEYS", "*") == []


async def test_what_is_left_is_written_when_it_ends(server: PrivateRedis, by_hand: Make) -> None:
    async with kept(server.url) as here:
        told(here, *(f"r{i}" for i in range(700)))
    other = by_hand(server.url)
    assert await other.find("r0")
    assert await other.find("r699")


async def test_a_record_that_cannot_be_packed_costs_no_other(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def picky(record: Record) -> bytes:
        if record.ask.id == "bad":
            raise ValueError
        return pack(record)

    here = Decisions(picky, clock=Hour())
    told(here, "a", "bad", "b")
    await here.sync()
    assert here.state == (2, 0, 1)
    assert "could not be packed" in caplog.text


async def test_a_request_nothing_was_decided_for_leaves_no_trace(
    by_hand: Make,
) -> None:
    here = by_hand()
    here.report(a_record(decisions=()))
    await here.sync()
    assert here.state.here == 0

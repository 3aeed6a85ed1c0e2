"""Sharing with a Redis that is frozen, killed, silent, locked or not there."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from statistics import median

import pytest

from router.store.private import PrivateRedis
from router.store.redis import Sharing
from tests.store.peers import RealClock, Sums, merged, tell, until


def sharing(url: str, journal: Sums) -> Sharing:
    return Sharing(url, journal, clock=RealClock(), interval_s=0.02)


def open_files() -> int:
    """Files and sockets of this process."""
    return sum(1 for _ in Path("/dev/fd").iterdir())


@asynccontextmanager
async def loop_lag() -> AsyncIterator[list[float]]:
    """How late a 5 ms timer fired, in seconds, while inside."""
    lags: list[float] = []
    loop = asyncio.get_running_loop()

    async def tick() -> None:
        while True:
            due = loop.time() + 0.005
            await asyncio.sleep(0.005)
            lags.append(loop.time() - due)

    task = asyncio.create_task(tick())
    try:
        yield lags
    finally:
        task.cancel()


async def test_a_frozen_server_gets_what_is_owed_exactly_once(server: PrivateRedis) -> None:
    a, b = Sums("a"), Sums("b")
    async with sharing(server.url, a) as one, sharing(server.url, b) as two:
        await until(lambda: one.state.connected and two.state.connected)
        os.kill(server.pid, signal.SIGSTOP)
        try:
            for _ in range(5):
                a.add("k", 1, 1.0)
                b.add("k", 1, 16.0)
                await asyncio.sleep(0)
            await until(lambda: a.resent > 0 and b.resent > 0)
            a.add("k", 2, 4.0)
            assert not one.state.connected
            assert one.state.error == "no answer within 0.5 s"
            assert one.state.unpushed_keys > 0
        finally:
            os.kill(server.pid, signal.SIGCONT)
        await until(lambda: a.view() == b.view() == merged(a, b))
        await until(lambda: one.state.connected and a.unpushed == 0)
        assert a.view() == {"k": {1: 85.0, 2: 4.0}}


async def test_a_server_that_restarts_empty_gets_every_own_total_once(folder: Path) -> None:
    a, b = Sums("a"), Sums("b")
    async with (
        PrivateRedis.start(folder=folder) as server,
        sharing(server.url, a) as one,
        sharing(server.url, b) as two,
    ):
        a.add("k", 1, 1.0)
        b.add("k", 1, 2.0)
        b.note("breaker", 7.0)
        await until(lambda: a.view() == b.view() == {"k": {1: 3.0}})
        os.kill(server.pid, signal.SIGKILL)
        await until(lambda: not one.state.connected and not two.state.connected)
        assert "no connection" in one.state.error
        a.add("k", 1, 4.0)
        assert a.view() == {"k": {1: 7.0}}, "it goes on with what it knows"
        async with PrivateRedis.start(folder=folder):
            await until(lambda: a.view() == b.view() == {"k": {1: 7.0}})
            c = Sums("c")
            async with sharing(server.url, c):
                await until(lambda: c.view() == {"k": {1: 7.0}})
                assert c.latest == {"breaker": 7.0}


async def test_a_port_that_never_answers_costs_the_loop_nothing() -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    a = Sums("a")
    a.add("k", 1, 1.0)
    async with await asyncio.start_server(silent, "127.0.0.1", 0) as listener:
        port = listener.sockets[0].getsockname()[1]
        async with loop_lag() as lags, sharing(f"redis://127.0.0.1:{port}/0", a) as one:
            await until(lambda: "no answer" in one.state.error)
            await until(lambda: a.resent >= 3)
            assert one.state.unpushed_keys == 1
            assert one.state.last_sync_age_s > 0.5
    # Once or twice the machine may have been elsewhere.
    late = sum(lag > 0.4 for lag in lags)
    assert late < 3, "a loop that waited for Redis would be late by its 0.5 s every time"
    assert median(lags) < 0.02


async def test_a_large_batch_leaves_no_sockets_on_a_frozen_server(server: PrivateRedis) -> None:
    a = Sums("a")
    one = sharing(server.url, a)
    assert await one.sync()
    for i in range(2000):
        for field in range(60):
            a.add(f"k{i}", field, 0.1)
    before = open_files()
    os.kill(server.pid, signal.SIGSTOP)
    try:
        for _ in range(3):
            assert not await one.sync()
        await until(lambda: open_files() < before, within_s=1)
    finally:
        os.kill(server.pid, signal.SIGCONT)
    async with asyncio.timeout(10):
        while not await one.sync():
            pass
    assert a.unpushed == 0
    assert a.view() == a.own
    await one._line.close()


async def test_leaving_a_frozen_server_takes_a_second_at_most(server: PrivateRedis) -> None:
    a = Sums("a")
    loop = asyncio.get_running_loop()
    async with sharing(server.url, a) as one:
        await until(lambda: one.state.connected)
        os.kill(server.pid, signal.SIGSTOP)
        a.add("k", 1, 1.0)
        began = loop.time()
    assert loop.time() - began < 1.5


@pytest.mark.parametrize("query", ["", "?password=hunter2"])
async def test_a_wrong_password_is_said_and_tried_again(query: str) -> None:
    a = Sums("a")
    async with PrivateRedis.start(options=["--requirepass", "right"]) as server:
        async with sharing(server.url + query, a) as one:
            await until(lambda: "refuses the user or password" in one.state.error)
            assert "hunter2" not in one.state.error
        a.add("k", 1, 1.0)
        async with sharing(server.url + "?password=right", a) as one:
            await until(lambda: one.state.connected)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("http://user:hunter2@nowhere", "is expected"),
        ("redis://user:hunter2@host:port/0", "is expected"),
        ("redis://127.0.0.1:1/0", "no connection"),
        ("unix:///nowhere/redis.sock", "no connection"),
    ],
)
async def test_a_wrong_address_is_said_in_words(url: str, said: str) -> None:
    async with sharing(url, Sums("a")) as one:
        await until(lambda: said in one.state.error)
        assert "hunter2" not in one.state.error
        assert not one.state.connected


async def test_a_full_server_is_said_and_takes_the_batch_later() -> None:
    options = ["--maxmemory", "1", "--maxmemory-policy", "noeviction"]
    a = Sums("a")
    a.add("k", 1, 1.0)
    async with PrivateRedis.start(options=options) as full, sharing(full.url, a) as one:
        await until(lambda: "maxmemory" in one.state.error)
        assert a.view() == {"k": {1: 1.0}}
        await tell(full.url, "CONFIG", "SET", "maxmemory", 0)
        await until(lambda: one.state.connected and a.unpushed == 0)
    assert a.view() == {"k": {1: 1.0}}


async def test_a_bug_of_the_journal_does_not_end_sharing(
    server: PrivateRedis, caplog: pytest.LogCaptureFixture
) -> None:
    a = Sums("a")
    acknowledge, a.acknowledge = a.acknowledge, None  # type: ignore[assignment,method-assign]
    a.add("k", 1, 1.0)
    async with sharing(server.url, a) as one:
        await until(lambda: "a bug of ours" in one.state.error)
        a.acknowledge = acknowledge  # type: ignore[method-assign]
        await until(lambda: one.state.connected)
    assert a.view() == {"k": {1: 1.0}}

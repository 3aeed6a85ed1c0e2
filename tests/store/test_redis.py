"""Sharing between replicas, against a real server."""

import asyncio
import random
from collections.abc import Sequence
from pathlib import Path

import pytest

from router.core.catalogue import EndpointId
from router.store.board import GROUPS
from router.store.exchange import PAGE_KEYS
from router.store.journal import Journal
from router.store.private import PrivateRedis
from router.store.redis import Sharing, shown
from router.store.sessions import CACHE_LASTS_S
from tests.store.peers import RealClock, Sums, bad_line, merged, tell, until


def sharing(url: str, journal: Sums | Journal, *, interval_s: float = 0.02) -> Sharing:
    return Sharing(url, journal, clock=RealClock(), interval_s=interval_s)


async def home(url: str) -> str:
    """What the names of all keys but the head begin with."""
    generation = await tell(url, "HGET", "{meritorder:2}:head", "generation")
    assert isinstance(generation, bytes)
    return f"{{meritorder:2}}:{generation.decode()}:"


async def test_what_one_replica_learns_the_other_knows(server: PrivateRedis) -> None:
    a, b = Sums("a"), Sums("b")
    a.add("deepseek", 0, 0.1)
    a.note("breaker", 1700000000.123456)
    async with sharing(server.url, a) as one, sharing(server.url, b) as two:
        await until(lambda: b.view() == {"deepseek": {0: 0.1}})
        b.add("deepseek", 0, 0.25)
        b.add("azure", 7, 3.0)
        b.note("breaker", 5.0)
        await until(lambda: a.view() == b.view() == {"deepseek": {0: 0.35}, "azure": {7: 3.0}})
        assert a.latest == b.latest == {"breaker": 1700000000.123456}
        await until(lambda: two.state.unpushed_keys == 0)
        assert one.state.connected
        assert one.state.error == ""
        await until(lambda: one.state.last_sync_age_s < 1)


async def test_a_conversation_is_known_to_every_replica_and_ends(server: PrivateRedis) -> None:
    now = RealClock().wall()
    here, there = (Journal(GROUPS, RealClock().wall) for _ in range(2))
    one, two = sharing(server.url, here), sharing(server.url, there)
    here.add("c", [(GROUPS[0], [(0, 1.0)])], now)
    here.note("open", now + 5)
    here.sessions.turn("s", EndpointId("r1@azure"), 123_457, now)
    for peer in (one, two):
        assert await peer.sync()
        await peer._line.close()
    assert there.sessions.warm("s", now) == {"r1@azure": 123_457}
    assert there.times == {"open": now + 5}
    where = await home(server.url)
    told = await tell(server.url, "ZRANGE", where + "expiries", 0, -1, "WITHSCORES")
    assert isinstance(told, list)
    ends = {name[:2]: float(end) - now for name, end in told}
    assert ends[b"lw"] == pytest.approx(CACHE_LASTS_S, abs=5)
    assert ends[b"lo"] == pytest.approx(7 * 86_400, abs=5)


@pytest.mark.parametrize("seed", range(12))
async def test_replicas_agree_whatever_was_lost_and_whoever_came_first(
    server: PrivateRedis, folder: Path, seed: int
) -> None:
    chance = random.Random(seed)
    journals = [Sums("a"), Sums("b"), Sums("c")]
    async with bad_line(server.url, folder / "line") as line:
        peers = [sharing(line.url, journal) for journal in journals]
        for _ in range(60):
            who = chance.randrange(3)
            for _ in range(chance.randrange(4)):
                key = f"endpoint{chance.randrange(5)}"
                journals[who].add(key, chance.randrange(3), float(chance.randrange(1, 9)))
            line.fault = chance.choice([None, None, "request lost", "answer lost"])
            if chance.random() < 0.05:
                await tell(server.url, "FLUSHALL")
            await peers[who].sync()
        line.fault = None
        for peer in peers * 3:
            await peer.sync()
        for peer in peers:
            await peer._line.close()
    assert sum(journal.resent for journal in journals) > 5
    for journal in journals:
        assert journal.view() == merged(*journals)


async def test_an_answer_that_was_lost_is_not_counted_twice(
    server: PrivateRedis, folder: Path
) -> None:
    a, b = Sums("a"), Sums("b")
    async with bad_line(server.url, folder / "line") as line:
        one = sharing(line.url, a)
        assert await one.sync()
        a.add("k", 1, 1.0)
        line.fault = "answer lost"
        assert not await one.sync()
        assert await tell(server.url, "HGET", await home(server.url) + "s:k", 1) == b"1"
        assert await one.sync()
        await one._line.close()
    async with sharing(server.url, b):
        await until(lambda: b.view() == {"k": {1: 1.0}})
    assert a.view() == b.view()


async def test_leaving_pushes_what_is_left(server: PrivateRedis) -> None:
    a, b = Sums("a"), Sums("b")
    async with sharing(server.url, a, interval_s=60) as one:
        await until(lambda: one.state.connected)
        a.add("k", 1, 1.0)
    async with sharing(server.url, b):
        await until(lambda: b.view() == {"k": {1: 1.0}})


async def test_leaving_ends_even_when_a_cancellation_is_swallowed(server: PrivateRedis) -> None:
    a = Sums("a")
    one = sharing(server.url, a)
    call, swallowed = one._line.call, asyncio.Event()

    async def stubborn(key: str, args: Sequence[str | bytes]) -> object:
        try:
            await asyncio.sleep(0 if swallowed.is_set() else 60)
        except asyncio.CancelledError:
            swallowed.set()
        return await call(key, args)

    one._line.call = stubborn  # type: ignore[method-assign]
    async with asyncio.timeout(5):
        async with one:
            await asyncio.sleep(0)
            await asyncio.sleep(0)
    assert swallowed.is_set()


async def test_a_new_connection_reads_everything_once(server: PrivateRedis) -> None:
    a = Sums("a")
    one = sharing(server.url, a)
    a.add("k", 0, 1.0)
    assert await one.sync()
    pulled: list[set[str]] = []
    a.absorb = lambda totals, latest: pulled.append(set(totals))  # type: ignore[method-assign]
    assert await one.sync()
    await one._line.close()
    assert await one.sync()
    assert await one.sync()
    assert pulled == [{"k"}]
    await one._line.close()


async def test_a_script_that_was_flushed_is_sent_again(server: PrivateRedis) -> None:
    a = Sums("a")
    one = sharing(server.url, a)
    assert await one.sync()
    await tell(server.url, "SCRIPT", "FLUSH")
    a.add("k", 1, 1.0)
    assert await one.sync()
    assert a.unpushed == 0
    await one._line.close()


async def test_many_keys_come_in_pages_and_none_is_missed(server: PrivateRedis) -> None:
    a, b = Sums("a"), Sums("b")
    for i in range(10 * PAGE_KEYS + 7):
        a.add(f"k{i}", 0, 1.0)
    one, two = sharing(server.url, a), sharing(server.url, b)
    assert await one.sync()
    calls = 0
    call = two._line.call

    async def counted(key: str, args: Sequence[str | bytes]) -> object:
        nonlocal calls
        calls += 1
        a.add(f"k{calls}", 0, 1.0)
        assert await one.sync()
        return await call(key, args)

    two._line.call = counted  # type: ignore[method-assign]
    assert await two.sync()
    two._line.call = call  # type: ignore[method-assign]
    assert calls == 1 + 11
    assert await two.sync()
    assert b.view() == a.view() == merged(a)
    for peer in (one, two):
        await peer._line.close()


async def test_only_what_changed_is_pulled(server: PrivateRedis) -> None:
    a, b = Sums("a"), Sums("b")
    one, two = sharing(server.url, a), sharing(server.url, b)
    a.add("still", 0, 1.0)
    a.add("moving", 0, 1.0)
    assert await one.sync()
    assert await two.sync()
    pulled: list[set[str]] = []
    b.absorb = lambda totals, latest: pulled.append(set(totals))  # type: ignore[method-assign]
    a.add("moving", 0, 1.0)
    assert await one.sync()
    assert await two.sync()
    assert await two.sync()
    assert pulled == [{"moving"}]
    for peer in (one, two):
        await peer._line.close()


async def test_sums_expire_and_leave_nothing_behind(server: PrivateRedis) -> None:
    a = Sums("a", ttl_s=1)
    a.add("k", 1, 1.0)
    async with sharing(server.url, a):
        await until(lambda: a.unpushed == 0)
        where = await home(server.url)
        async with asyncio.timeout(10):
            while await tell(server.url, "EXISTS", where + "changed", where + "s:k"):
                await asyncio.sleep(0.05)
        assert not await tell(server.url, "EXISTS", where + "expiries")
    assert await tell(server.url, "DBSIZE") == 2, "the head, and the id of one batch"


async def test_every_key_but_the_head_ends_by_itself(server: PrivateRedis) -> None:
    a = Sums("a")
    a.add("k", 1, 1.0)
    a.note("breaker", 1.0)
    async with sharing(server.url, a):
        await until(lambda: a.unpushed == 0 and bool(a.view()))
    keys = await tell(server.url, "KEYS", "*")
    assert isinstance(keys, list)
    endless = [key for key in keys if await tell(server.url, "TTL", key) == -1]
    assert endless == [b"{meritorder:2}:head"]
    assert len(keys) == 6


async def test_a_server_that_came_back_with_older_data_is_read_again(server: PrivateRedis) -> None:
    a, b = Sums("a"), Sums("b")
    one, two = sharing(server.url, a), sharing(server.url, b)
    for i in range(5):
        a.add(f"k{i}", 0, 1.0)
    assert await one.sync()
    assert await two.sync()
    await tell(server.url, "HSET", "{meritorder:2}:head", "sequence", 2)
    a.add("k0", 0, 1.0)
    assert await one.sync()
    assert await two.sync()
    assert b.view()["k0"] == {0: 2.0}
    for peer in (one, two):
        await peer._line.close()


async def test_an_amount_that_is_no_number_harms_nothing_else(server: PrivateRedis) -> None:
    a = Sums("a")
    a.add("k", 0, float("nan"))
    a.add("k", 1, 1.0)
    a.own.clear()
    one = sharing(server.url, a)
    assert await one.sync()
    assert await tell(server.url, "HGETALL", await home(server.url) + "s:k") == {b"1": b"1"}
    await one._line.close()


def test_what_is_shown_of_a_url_has_no_secret() -> None:
    assert shown("rediss://me:hunter2@redis.example:6380/0?password=x") == (
        "rediss://redis.example:6380/0"
    )
    assert shown("unix:///run/redis.sock?password=hunter2") == "unix:///run/redis.sock"
    assert shown("redis://me:hunter2@host:port") == "(not a URL)"

"""An endpoint turns five times slower: its traffic leaves within a minute and comes back after.

Over real HTTP at two requests a second of a clock that runs fast; times are virtual seconds. The
prompts have 2,000 tokens, which makes parasail a third cheaper than friendli: where two cost the
same, there is nothing to come back for.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections import Counter

import pytest

from router.sandbox.script import Order
from tests.acceptance.proxy import Proxy, proxy

LONG = os.environ.get("MERITORDER_LONG_TESTS") == "1"
ROUNDS = 5 if LONG else 1
SPEED = 10.0 if LONG else 20.0

PAGES = [{"role": "user", "content": "word " * 1_600}]
PER_S = 2.0
WARM_UP_S, SLOW_S, AFTER_S = 180.0, 150.0, 300.0
AWAY, BACK = 0.9, 0.5


CHEAPEST = "deepseek-r1@parasail"
"""Who serves a second to the first token at the least cost, prompts being long."""
SETTLING_MINUTES = 10


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1, ROUNDS + 1))
async def test_a_slow_down_moves_the_traffic_away_and_its_end_brings_it_back(seed: int) -> None:
    async with proxy(speed=SPEED, adapters=False, sandbox={"speed": SPEED, "seed": seed}) as house:
        traffic = Traffic(house)
        await traffic.flow(WARM_UP_S)
        # At this speed a machine that was busy makes waits look long: let the proxy learn better.
        for _ in range(SETTLING_MINUTES):
            before = traffic.between(traffic.now - 60, traffic.now)
            if before[CHEAPEST] > before.total() / 2:
                break
            await traffic.flow(60.0)
        before = traffic.between(traffic.now - 120, traffic.now)
        chosen, share = before.most_common(1)[0]
        onset = traffic.now
        await house.market.script(Order(endpoint=chosen, duration_s=SLOW_S, ttft_factor=5.0))
        await traffic.flow(SLOW_S)
        end = traffic.now
        await traffic.flow(AFTER_S)
        await traffic.landed()

        usual = share / before.total()
        slow = traffic.between(onset + 60, onset + 120)
        away = 1 - slow[chosen] / slow.total() / usual
        late = traffic.between(end + AFTER_S - 60, end + AFTER_S)
        back = late[chosen] / late.total() / usual
        told = f"seed {seed}: {chosen} had {usual:.0%}; away {away:.1%}, back {back:.1%}"
        sys.stdout.write(told)
        assert away >= AWAY, told
        assert back >= BACK, told


class Traffic:
    """One request every half second, whoever answers; who did is kept by the start."""

    def __init__(self, house: Proxy) -> None:
        self._house = house
        self._zero = house.house.clock.mono()
        self._sent = 0
        self._asked: list[asyncio.Task[tuple[float, str]]] = []

    @property
    def now(self) -> float:
        return self._house.house.clock.mono() - self._zero

    async def flow(self, seconds: float) -> None:
        """Send at an even pace, late ones at once, so that the rate holds on a busy machine."""
        until = self.now + seconds
        while (due := self._sent / PER_S) < until:
            await self._house.virtual(max(0.0, due - self.now))
            self._asked.append(asyncio.create_task(self._one()))
            self._sent += 1

    async def _one(self) -> tuple[float, str]:
        started = self.now
        reply = await self._house.ask(
            sla={"TTFT-Ms": 1000}, stream=True, max_tokens=20, messages=PAGES
        )
        assert reply.status == 200, reply.raw
        return started, reply.endpoint

    async def landed(self) -> None:
        await asyncio.gather(*self._asked)

    def between(self, start: float, end: float) -> Counter[str]:
        landed = [task.result() for task in self._asked if task.done()]
        return Counter(endpoint for started, endpoint in landed if start <= started < end)

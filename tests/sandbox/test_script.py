from random import Random

import msgspec
import pytest

from router.sandbox.faults import Fault, Kind
from router.sandbox.fleet import EndpointId
from router.sandbox.process import Market
from router.sandbox.script import Order, schedule, weather
from tests.sandbox.caller import R1, call, entry_of

A = EndpointId("a")


def test_an_event_holds_in_its_span_and_at_its_endpoint() -> None:
    events = schedule([Order("a", 10, start_in_s=5, ttft_factor=5)], now=100)
    factors = [
        weather(events, A, now=now, chance=Random(1)).ttft_factor
        for now in (104.9, 105, 114.9, 115)
    ]
    assert factors == [1, 5, 5, 1]
    assert weather(events, EndpointId("b"), now=106, chance=Random(1)).ttft_factor == 1


def test_events_that_overlap_multiply() -> None:
    orders = [Order("a", 10, ttft_factor=2, speed_factor=0.5), Order("a", 5, ttft_factor=3)]
    sky = weather(schedule(orders, now=0), A, now=1, chance=Random(1))
    assert (sky.ttft_factor, sky.speed_factor) == (6, 0.5)


def test_faults_strike_at_their_rate() -> None:
    events = schedule([Order("a", 10, fault="die_mid:3", fault_rate=0.05)], now=0)
    chance = Random(1)
    skies = [weather(events, A, now=1, chance=chance) for _ in range(4000)]
    struck = [sky.faults.chosen for sky in skies if sky.faults.chosen]
    assert len(struck) == pytest.approx(200, rel=0.2)
    assert set(struck) == {(Fault(Kind.DIE_MID, 3),)}


def test_a_wrong_order_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown fault"):
        schedule([Order("a", 10, fault="boom", fault_rate=1)], now=0)
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"endpoint": "a", "duration_s": 1, "ttft_facto": 2}, Order)


@pytest.mark.asyncio(loop_scope="session")
async def test_a_script_slows_its_endpoint_until_it_is_cleared(market: Market) -> None:
    await market.script(Order(R1, 1000, ttft_factor=40, fault="http_503", fault_rate=0.0))
    try:
        slow = await call(market, headers={"x-sandbox-answer-tokens": "5"})
        other = await call(market, "deepseek-r1@friendli", headers={"x-sandbox-answer-tokens": "5"})
    finally:
        await market.clear()
    after = await call(market, headers={"x-sandbox-answer-tokens": "5"})
    waits = [(await entry_of(market, reply.id)).ttft_s or 0 for reply in (slow, other, after)]
    assert waits[0] > 8
    assert max(waits[1:]) < 6


@pytest.mark.asyncio(loop_scope="session")
async def test_a_script_for_an_unknown_endpoint_is_refused(market: Market) -> None:
    with pytest.raises(ValueError, match="unknown endpoints: nobody"):
        await market.script(Order("nobody", 1))
    with pytest.raises(ValueError, match="unknown fault"):
        await market.script(Order(R1, 1, fault="boom", fault_rate=1))

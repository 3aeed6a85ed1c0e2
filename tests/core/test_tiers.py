"""Long prompts and tiers of service change who is cheapest, and what is booked."""

from __future__ import annotations

from dataclasses import replace

import pytest

from router.core.answer import Usage
from router.core.ask import Ask, Preferences
from router.core.books import cost_nano_usd, reckoned_nano_usd
from router.core.candidate import Candidate
from router.core.catalogue import Endpoint, Price, PriceWindow, Tier
from router.core.decide import decide
from router.core.decision import Reason
from router.core.stakes import Stakes
from tests.core.market import NOON, a_candidate, an_ask, an_endpoint, named

FLAT = an_endpoint("r1@flat", price=Price(1.2, 4.8), context=2_000_000)
STEPPED = an_endpoint(
    "r1@stepped", price=Price(1, 4, above=((200_000, Price(2, 6)),)), context=2_000_000
)
FLEXIBLE = an_endpoint(
    "r1@flexible", price=Price(1.5, 6, tiers=((Tier.FLEX, Price(0.75, 3)),)), context=2_000_000
)


def chosen(ask: Ask, *endpoints: Endpoint) -> str:
    decision = decide(ask, candidates(*endpoints), Stakes(), wall=NOON)
    return str(decision.plan[0].endpoint.id)


def candidates(*endpoints: Endpoint) -> list[Candidate]:
    return [a_candidate(e) for e in endpoints]


@pytest.mark.parametrize(
    ("prompt_tokens", "winner"), [(150_000, "r1@stepped"), (250_000, "r1@flat")]
)
def test_the_price_of_the_estimated_prompt_decides(prompt_tokens: int, winner: str) -> None:
    ask = an_ask(prompt_tokens=prompt_tokens)
    assert chosen(ask, FLAT, STEPPED) == winner


def test_a_tier_that_is_asked_for_is_weighed_at_its_price() -> None:
    ask = an_ask()
    assert chosen(ask, FLAT, FLEXIBLE) == "r1@flat"
    assert chosen(ask._replace(tier=Tier.FLEX), FLAT, FLEXIBLE) == "r1@flexible"
    assert chosen(ask._replace(tier=Tier.PRIORITY), FLAT, FLEXIBLE) == "r1@flat"


def test_the_predicted_cost_is_the_one_that_would_be_booked() -> None:
    night = PriceWindow(0, 1440, 0.5)
    step = Price(2, 6, fee=0.01)
    price = Price(1, 4, fee=0.01, windows=(night,), above=((200_000, step),))
    endpoint = replace(STEPPED, price=price)
    ask = an_ask(prompt_tokens=250_000, max_tokens=1)
    decision = decide(ask, candidates(endpoint), Stakes(), wall=NOON)
    expected = decision.forecast
    assert expected is not None
    booked = price.at(NOON).nano_usd(
        fresh=expected.input_tokens, cache_read=0, cache_write=0, output=1
    )
    assert expected.cost_usd * 1e9 == pytest.approx(booked)


def test_a_price_cap_is_held_against_the_price_of_the_long_prompt() -> None:
    wish = Preferences(max_price_input=1.5)
    ask = an_ask(prompt_tokens=250_000)._replace(preferences=wish)
    decision = decide(ask, candidates(FLAT, STEPPED), Stakes(), wall=NOON)
    assert named(decision.out, "r1@stepped").reason is Reason.PRICE_CAP


def test_later_turns_that_grow_past_the_step_count_at_its_price() -> None:
    """The first turn just fits below; all that follow would not."""
    ask = an_ask(prompt_tokens=199_900)
    assert chosen(ask, FLAT, STEPPED) == "r1@stepped"
    talk = ask._replace(session="s")
    decision = decide(talk, candidates(FLAT, STEPPED), Stakes(turns=20), wall=NOON)
    assert decision.plan[0].endpoint.id == "r1@flat"


def test_thinking_at_a_price_of_its_own_makes_a_thinker_dearer() -> None:
    thinker = an_endpoint("r1@thinker", price=Price(1.1, 4.4, reasoning=16))
    belief = a_candidate(thinker)
    open_minded = belief._replace(lengths=belief.lengths._replace(reasoning=0.6))
    silent = belief._replace(lengths=belief.lengths._replace(reasoning=0.0, visible=1.0))
    flat = a_candidate(FLAT)
    first = decide(an_ask(), [flat, silent], Stakes(), wall=NOON).plan[0].endpoint.id
    assert first == "r1@thinker"
    first = decide(an_ask(), [flat, open_minded], Stakes(), wall=NOON).plan[0].endpoint.id
    assert first == "r1@flat"


@pytest.mark.parametrize(
    ("asked", "served", "booked"),
    [
        (Tier.STANDARD, None, 1500),
        (Tier.FLEX, None, 750),
        (Tier.FLEX, Tier.STANDARD, 1500),
        (Tier.STANDARD, Tier.FLEX, 750),
    ],
)
def test_the_tier_that_served_is_booked_not_the_one_asked_for(
    asked: Tier, served: Tier | None, booked: int
) -> None:
    usage = Usage(fresh_input=1, tier=served)
    assert FLEXIBLE.price is not None
    assert cost_nano_usd(usage, FLEXIBLE.price, asked) == booked


def test_a_reported_cost_wins_and_what_would_have_been_reckoned_can_still_be_told() -> None:
    usage = Usage(fresh_input=1, cache_write=4, cache_write_1h=1, reported_cost_nano_usd=7)
    price = Price(1, 1, cache_write=2, cache_write_1h=3)
    assert cost_nano_usd(usage, price) == 7
    assert reckoned_nano_usd(usage, price) == 1000 + 3 * 2000 + 3000
    assert cost_nano_usd(None, price) == 0

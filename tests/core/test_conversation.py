"""A conversation: a warm cache is a price, not a rule, and the first turn heeds the later ones."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest

from router.core.ask import Ask, Bound
from router.core.catalogue import Endpoint, EndpointId, Price
from router.core.decide import decide
from router.core.decision import Decision, Reason
from router.core.explain import explain
from router.core.stakes import Stakes
from tests.core.market import NOON, a_candidate, an_ask, an_endpoint, ttft

PLAIN = an_endpoint("r1@plain", 1.0, 4.0, ttft_ms=300, ttft_ms_per_1k=40)
CACHING = an_endpoint("r1@caching", price=Price(1.4, 4.0, 0.14), ttft_ms=300, ttft_ms_per_1k=40)
LONG = 20_000


def turn(*bounds: Bound, prompt: int = LONG) -> Ask:
    return an_ask(*bounds, prompt_tokens=prompt)._replace(session="s")


def choose(
    ask: Ask, *fleet: Endpoint, turns: float = 1.0, warm: dict[str, float] | None = None
) -> Decision:
    candidates = [a_candidate(e) for e in fleet]
    remembered = {EndpointId(name): tokens for name, tokens in (warm or {}).items()}
    return decide(ask, candidates, Stakes(10, 0.01, turns), wall=NOON, warm=remembered)


def test_who_remembers_the_prompt_is_cheaper_by_what_it_will_likely_read_from_its_cache() -> None:
    cold = choose(turn(), PLAIN, CACHING)
    warm = choose(turn(), PLAIN, CACHING, warm={CACHING.id: LONG})
    assert cold.chosen is PLAIN
    assert warm.chosen is CACHING
    before = next(o for o in cold.plan if o.endpoint is CACHING)
    hit = a_candidate(CACHING).stats.cache_hit
    assert before.cost_usd - warm.plan[0].cost_usd == pytest.approx(hit * LONG * 1.26e-6)


def test_a_small_warm_cache_does_not_hold_a_conversation_where_it_is_dear() -> None:
    assert choose(turn(), PLAIN, CACHING, warm={CACHING.id: 500}).chosen is PLAIN


def test_the_bounds_win_over_a_warm_cache() -> None:
    slow = replace(CACHING, id=EndpointId("r1@slow"), prior=replace(CACHING.prior, ttft_ms=5000))
    asked = turn(ttft(2000))
    assert choose(asked, PLAIN, slow, warm={slow.id: LONG}).chosen is PLAIN


def test_a_remembered_prompt_shortens_the_wait() -> None:
    """20,000 tokens take 1.1 s to read; remembered, they keep a bound of 0.9 s mostly."""
    asked = turn(ttft(900))
    cold = choose(asked, CACHING).plan[0].p_keep
    warm = choose(asked, CACHING, warm={CACHING.id: LONG}).plan[0].p_keep
    hit = a_candidate(CACHING).stats.cache_hit
    assert cold < 0.2
    assert warm == pytest.approx(hit + (1 - hit) * cold, abs=0.02)


def test_the_first_turn_goes_where_the_later_ones_will_be_cheap() -> None:
    assert choose(turn(), PLAIN, CACHING, turns=1).chosen is PLAIN
    assert choose(turn(), PLAIN, CACHING, turns=20).chosen is CACHING


def test_a_request_outside_of_conversations_looks_at_itself_alone() -> None:
    asked = turn()._replace(session="")
    assert choose(asked, PLAIN, CACHING, turns=20).chosen is PLAIN


def test_an_explanation_tells_the_cost_that_a_warm_cache_leaves() -> None:
    asked, candidates = turn(ttft(9000)), [a_candidate(CACHING)]
    stakes, warm = Stakes(10, 0.01), {CACHING.id: float(LONG)}
    decision = decide(asked, candidates, stakes, wall=NOON, warm=warm)
    ((_, told),) = explain(asked, candidates, decision, stakes, wall=NOON, warm=warm).forecasts
    assert told.cost_usd == pytest.approx(decision.plan[0].cost_usd)


def test_who_is_only_dearer_with_the_later_turns_is_told_so() -> None:
    asked, candidates = turn(ttft(9000)), [a_candidate(PLAIN), a_candidate(CACHING)]
    stakes = Stakes(10, 0.01, 20.0)
    decision = decide(asked, candidates, stakes, wall=NOON)
    assert decision.chosen is CACHING
    (behind,) = explain(asked, candidates, decision, stakes, wall=NOON).rejections
    assert behind.cost_usd is not None
    assert behind.cost_usd < decision.plan[0].cost_usd
    assert (behind.endpoint, behind.reason) == (PLAIN.id, Reason.DEARER)
    assert behind.detail == "costs more with the later turns of the conversation"


def test_somebody_is_rarely_tried_inside_a_conversation() -> None:
    """Its first turn is drawn, and one in eight of the later ones."""
    candidates = [a_candidate(PLAIN), a_candidate(CACHING)]
    rng = Random(1)

    def draws(asked: Ask, warm: dict[EndpointId, float]) -> int:
        drawn: list[float] = []

        def chance() -> float:
            drawn.append(rng.gauss(0, 1))
            return drawn[-1]

        decide(asked, candidates, Stakes(10, 0.01, 8.0), wall=NOON, chance=chance, warm=warm)
        return len(drawn)

    first, later = turn(ttft(2000)), {CACHING.id: float(LONG)}
    assert {draws(first, {}) for _ in range(50)} == {2}
    often = [draws(first, later) for _ in range(2000)]
    assert set(often) == {1, 3}
    assert often.count(3) == pytest.approx(2000 / 8, rel=0.2)

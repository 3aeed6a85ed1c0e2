"""What a person is told of an endpoint is what decisions are made of."""

from __future__ import annotations

from math import exp, log

import pytest

from router.core.ask import BoundKind
from router.core.candidate import Standing, candidate
from router.core.catalogue import Price, PriceWindow
from router.core.decide import decide
from router.core.decision import Reason
from router.core.explain import explain
from router.core.portrait import PROMPT_K, class_portrait, portrait
from router.core.stakes import Stakes
from router.core.tokens import Rates
from tests.core.market import (
    NOON,
    a_belief,
    a_candidate,
    an_ask,
    an_endpoint,
    known,
    some_lengths,
    ttft,
)

ONE = an_endpoint("r1@one", ttft_ms=1000, ttft_ms_per_1k=100, tps=50)


def test_well_known_waits_and_speeds_are_told_as_they_are() -> None:
    told = portrait(a_candidate(ONE, known(ONE, sd=0.2)), [], wall=NOON)
    assert told.ttft_ms_p50 == pytest.approx(1100, rel=0.05)
    assert told.ttft_ms_p95 == pytest.approx(1100 * exp(1.645 * 0.2), rel=0.08)
    assert told.ttft_ms_per_1k == pytest.approx(100, rel=0.05)
    assert told.tps_p50 == pytest.approx(50, rel=0.05)
    assert told.tps_p5 < told.tps_p50
    assert told.failure_share < 0.01


def test_what_is_told_is_what_a_decision_forecasts() -> None:
    candidates, stakes = [a_candidate(ONE)], Stakes()
    ask = an_ask(ttft(1000))
    decision = decide(ask, candidates, stakes, wall=NOON)
    ((_, forecast),) = explain(ask, candidates, decision, stakes, wall=NOON).forecasts
    told = portrait(candidates[0], [], wall=NOON)
    fewer_ms = (PROMPT_K - forecast.input_tokens / 1000) * told.ttft_ms_per_1k
    apart = forecast.ttft_ms - told.ttft_ms_p95
    assert apart < 0
    assert -apart == pytest.approx(fewer_ms * told.ttft_ms_p95 / told.ttft_ms_p50, rel=1e-6)
    assert told.tps_p5 == pytest.approx(forecast.tps)


def test_who_was_never_seen_is_told_with_more_doubt() -> None:
    new, old = (
        portrait(c, [], wall=NOON)
        for c in (a_candidate(ONE, a_belief(ONE)), a_candidate(ONE, known(ONE)))
    )
    assert new.ttft_samples == new.tps_samples == 0 < old.ttft_samples
    assert new.ttft_doubt_sd > 5 * old.ttft_doubt_sd
    assert new.tps_doubt_sd > 5 * old.tps_doubt_sd
    assert new.ttft_ms_p95 / new.ttft_ms_p50 > old.ttft_ms_p95 / old.ttft_ms_p50


def test_the_price_is_the_one_in_force() -> None:
    night = PriceWindow(0, 6 * 60, factor=0.5)
    owl = an_endpoint("r1@owl", price=Price(2.0, 4.0, windows=(night,)))
    by_day, by_night = (
        portrait(a_candidate(owl), [], wall=wall).price for wall in (NOON, NOON - 10 * 3600)
    )
    assert by_day is not None
    assert by_night is not None
    assert (by_day.output, by_night.output) == (4.0, 2.0)


def test_answers_are_told_class_by_class_and_as_an_outlook_where_nobody_asked() -> None:
    outlook = portrait(a_candidate(ONE), [], wall=NOON).lengths
    assert [(length.kind, length.samples) for length in outlook] == [(None, 0)]
    told = portrait(a_candidate(ONE), [("chat", some_lengths(300))], wall=NOON).lengths
    assert [length.kind for length in told] == ["chat"]
    assert told[0].p50 == pytest.approx(300, rel=0.05)
    assert told[0].p50 < told[0].mean < told[0].p95
    assert log(told[0].p95 / told[0].p50) == pytest.approx(1.645 * 0.5, rel=0.1)


def test_a_standing_is_passed_on() -> None:
    standing = Standing(Reason.COOLING, NOON + 9, "failing; tried again in 9 s")
    base = a_candidate(ONE)
    drawn = candidate(ONE, base.stats, base.lengths, Rates(), standing)
    assert portrait(drawn, [], wall=NOON).standing == standing


def test_a_class_is_told_by_what_it_declares() -> None:
    ask = an_ask(ttft(1000))
    told = class_portrait(ask, Stakes(lam=12.5, typical_usd=0.002, turns=4))
    assert (told.kind, told.stakes.lam) == (ask.kind, 12.5)
    assert [b.kind for b in told.sla.bounds] == [BoundKind.TTFT]

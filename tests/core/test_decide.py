"""The merit order: what a request is promised by the choice that is made for it."""

from __future__ import annotations

from dataclasses import replace
from math import exp
from random import Random

import pytest

from router.core import forecast
from router.core.ask import Ask, Bound, BoundKind, Mode, Preferences
from router.core.candidate import Candidate, Standing
from router.core.catalogue import Capability, Endpoint, Price, PriceWindow
from router.core.decide import LIKELY, decide
from router.core.decision import Decision, Explained, Option, Reason, Status
from router.core.explain import explain
from router.core.forecast import Belief, question
from router.core.sift import Weighed, sift
from router.core.stakes import Stakes
from tests.core.market import (
    NOON,
    R1,
    a_belief,
    a_candidate,
    an_ask,
    an_endpoint,
    e2e,
    known,
    named,
    ttft,
)

USUAL = Stakes(10.0, 0.003)
OFFICIAL = an_endpoint("r1@deepseek", 0.55, 2.19, ttft_ms=27_000, tps=30, context=65_536)
LAMBDA = an_endpoint("r1@lambda", 0.55, 2.25, ttft_ms=12_000, tps=35, context=163_840)
AZURE = an_endpoint("r1@azure", 1.375, 5.475, ttft_ms=2_000, tps=60)
PARASAIL = an_endpoint("r1@parasail", 2, 4, ttft_ms=450, tps=70)
FRIENDLI = an_endpoint("r1@friendli", 3, 4, ttft_ms=350, tps=90)
FLEET = (OFFICIAL, LAMBDA, AZURE, PARASAIL, FRIENDLI)


def choose(
    ask: Ask, *fleet: Endpoint | Candidate, stakes: Stakes = USUAL, wall: float = NOON
) -> Decision:
    candidates = [c if isinstance(c, Candidate) else a_candidate(c) for c in fleet]
    return decide(ask, candidates, stakes, wall=wall)


def told(ask: Ask, *fleet: Endpoint, stakes: Stakes = USUAL) -> Explained:
    candidates = [a_candidate(e) for e in fleet]
    decision = decide(ask, candidates, stakes, wall=NOON)
    return explain(ask, candidates, decision, stakes, wall=NOON)


# The choice


def test_the_cheapest_that_keeps_the_bounds_serves() -> None:
    assert choose(an_ask(ttft(1000)), *FLEET).chosen is PARASAIL
    assert choose(an_ask(ttft(4000)), *FLEET).chosen is PARASAIL
    assert choose(an_ask(ttft(20_000)), *FLEET).chosen is LAMBDA
    assert choose(an_ask(ttft(60_000)), *FLEET).chosen is OFFICIAL


def test_without_bounds_the_cheapest_serves() -> None:
    decision = choose(an_ask(), *reversed(FLEET))
    assert decision.chosen is OFFICIAL
    assert decision.status is Status.UNBOUNDED


def test_equals_keep_the_operators_order() -> None:
    twins = [an_endpoint(f"r1@{name}") for name in ("b", "a", "c")]
    assert [o.endpoint for o in choose(an_ask(), *twins).plan] == twins
    assert [o.endpoint for o in choose(an_ask(ttft(5000)), *twins).plan] == twins


def test_the_closest_serves_when_nobody_can_keep_the_bounds() -> None:
    decision = choose(an_ask(ttft(20)), *FLEET)
    assert decision.chosen is FRIENDLI
    assert decision.status is Status.BEST_EFFORT


@pytest.mark.parametrize("lam", [0.5, 1.0, 10.0, 300.0])
def test_who_is_sure_to_miss_never_serves_while_another_is_sure_to_keep(lam: float) -> None:
    decision = choose(an_ask(ttft(1000)), *FLEET, stakes=Stakes(lam, 0.003))
    assert decision.chosen in (PARASAIL, FRIENDLI)


def test_an_endpoint_many_times_dearer_serves_when_it_alone_keeps_the_bounds() -> None:
    gold = an_endpoint("r1@gold", 60, 240, ttft_ms=300)
    assert choose(an_ask(ttft(1000)), OFFICIAL, gold, stakes=Stakes()).chosen is gold


@pytest.mark.parametrize("ttft_ms", [770, 2000])
def test_a_free_endpoint_does_not_make_misses_free(ttft_ms: float) -> None:
    free = an_endpoint("r1@local", price=Price(0, 0), ttft_ms=ttft_ms)
    ask, fast = an_ask(ttft(1000)), an_endpoint("r1@paid", ttft_ms=300)
    assert choose(ask, free, fast, stakes=Stakes(30.0, 0.0)).chosen is fast
    assert choose(an_ask(ttft(9000)), free, fast, stakes=Stakes(30.0, 0.0)).chosen is free


def test_a_cheaper_but_longer_winded_model_loses_on_cost_per_answer() -> None:
    wordy = an_endpoint("gemini@google", 1, 10, answer_tokens=900, family="gemini")
    terse = an_endpoint("claude@anthropic", 3, 15, answer_tokens=300, family="claude")
    assert choose(an_ask(), wordy, terse).chosen is terse


def test_a_limit_on_tokens_per_answer_goes_to_the_terse_model() -> None:
    wordy = an_endpoint("r1@lambda", 0.5, 2, answer_tokens=900)
    terse = an_endpoint("claude@anthropic", 3, 15, answer_tokens=300, family="claude")
    ask = an_ask(Bound(BoundKind.ANSWER_TOKENS, 1200))
    assert choose(ask, wordy, terse).chosen is terse


def test_an_endpoint_that_keeps_failing_is_passed_over_without_bounds_too() -> None:
    twin = an_endpoint("r1@twin", OFFICIAL.price.input * 1.05, OFFICIAL.price.output * 1.05)  # type: ignore[union-attr]
    failing = a_candidate(OFFICIAL, known(OFFICIAL)._replace(p_fail=0.9))
    assert choose(an_ask(), failing, twin).chosen is twin


def test_a_price_window_flips_the_choice_at_its_minute() -> None:
    night = PriceWindow(23 * 60, 60, 3.0)
    peak = an_endpoint("r1@peak", price=Price(1, 4, windows=(night,)))
    flat = an_endpoint("r1@flat", 2, 8)
    midnight = NOON + 12 * 3600
    for wall, cheaper in (
        (midnight - 3601, peak),
        (midnight - 3600, flat),
        (midnight, flat),
        (midnight + 3599, flat),
        (midnight + 3600, peak),
    ):
        assert choose(an_ask(), peak, flat, wall=wall).chosen is cheaper


def test_a_price_window_knows_its_weekdays() -> None:
    """NOON is a Thursday: Friday's window, over midnight, ends on Saturday morning."""
    window = PriceWindow(22 * 60, 2 * 60, 3.0, frozenset({5}))
    peak = an_endpoint("r1@peak", price=Price(1, 4, windows=(window,)))
    flat = an_endpoint("r1@flat", 2, 8)
    hour = 3600
    for after, cheaper in ((11, peak), (13, peak), (35, flat), (37, flat), (38, peak), (59, peak)):
        assert choose(an_ask(), peak, flat, wall=NOON + after * hour).chosen is cheaper


def test_time_that_is_used_up_narrows_the_bounds() -> None:
    candidates = [a_candidate(e) for e in FLEET]
    ask = an_ask(ttft(20_000))
    fresh = decide(ask, candidates, USUAL, wall=NOON)
    late = decide(ask, candidates, USUAL, wall=NOON, elapsed_s=19.0)
    assert fresh.chosen is LAMBDA
    assert late.chosen is PARASAIL
    gone = decide(ask, candidates, USUAL, wall=NOON, elapsed_s=25.0)
    assert gone.status is Status.BEST_EFFORT
    assert gone.plan


def test_when_the_time_is_gone_the_closest_serves_and_not_the_cheapest() -> None:
    """The first try failed after 1.2 of 1 s: that is no reason to wait 27 s for the second."""
    candidates = [a_candidate(e) for e in FLEET]
    for elapsed_s in (0.99, 1.0, 1.2, 5.0):
        decision = decide(
            an_ask(ttft(1000)),
            candidates,
            USUAL,
            wall=NOON,
            tried={PARASAIL.id},
            elapsed_s=elapsed_s,
        )
        assert decision.chosen is FRIENDLI


def test_the_walk_stops_at_dearer_ones_and_chooses_what_weighing_all_would() -> None:
    rng = Random(7)
    for _ in range(300):
        fleet = [
            a_candidate(
                an_endpoint(
                    f"r1@{i}",
                    rng.uniform(0.2, 5),
                    rng.uniform(1, 20),
                    ttft_ms=200 * exp(rng.uniform(0, 5)),
                    tps=rng.uniform(20, 200),
                )
            )
            for i in range(8)
        ]
        bounds = rng.sample([ttft(1500), e2e(20_000), Bound(BoundKind.TPS, 40)], 2)
        ask, stakes = an_ask(*bounds), Stakes(exp(rng.uniform(-0.7, 5)), 0.003)
        decision = decide(ask, fleet, stakes, wall=NOON)
        assert decision.chosen is _by_brute_force(ask, fleet, stakes)


def _by_brute_force(ask: Ask, fleet: list[Candidate], stakes: Stakes) -> Endpoint:
    """Cost plus price of a miss for every endpoint, those likely to miss behind all others."""
    q = forecast.question(ask.sla.bounds, ask.max_tokens)
    scored = []
    for c in fleet:
        price = c.endpoint.price
        assert price is not None
        tokens = c.rates.prompt_tokens(ask.prompt)
        cost = price.nano_usd(
            fresh=tokens, cache_read=0, cache_write=0, output=c.lengths.mean_capped(ask.max_tokens)
        ) / 1e9  # fmt: skip
        keep = forecast.p_keep(
            q,
            tokens / 1000,
            price.output / 1e6,
            price.input * tokens / 1e6,
            c.stats,
            c.lengths,
            c.spread,
            forecast.predictive(c.stats),
        )
        miss = stakes.lam * stakes.typical_usd * (1 - keep)
        late = forecast.lateness(q, tokens / 1000, c.stats, c.lengths)
        scored.append((cost, miss, late, keep, c.endpoint))
    likely = [s for s in scored if s[3] >= LIKELY]
    if likely:
        return min(likely, key=lambda s: s[0] + s[1])[4]
    return min(scored, key=lambda s: s[0] + s[1] * (1 + s[2]))[4]


# Who will likely miss


def test_who_will_likely_be_late_never_serves_beside_one_who_will_not() -> None:
    """However little a miss costs."""
    cheap_misses = Stakes(0.1, 0.003)
    assert choose(an_ask(ttft(1000)), *FLEET, stakes=cheap_misses).chosen is PARASAIL


def test_who_will_likely_be_too_long_serves_while_misses_are_cheap() -> None:
    """A verbosity has no storms: a class that keeps too much takes the cheaper answer at times."""
    wordy = an_endpoint("r1@wordy", 0.5, 2, answer_tokens=1500, family="wordy")
    terse = an_endpoint("claude@terse", 3, 15, answer_tokens=300, family="terse")
    brief = an_ask(Bound(BoundKind.ANSWER_TOKENS, 700))
    dear, cheap = Stakes(10.0, 0.003), Stakes(0.1, 0.003)
    assert choose(brief, wordy, terse, stakes=dear).chosen is terse
    found = choose(brief, wordy, terse, stakes=cheap)
    assert found.chosen is wordy
    assert found.plan[0].p_keep < LIKELY


def test_who_fails_more_than_usual_is_passed_over_even_where_misses_cost_little() -> None:
    """A failure that a second attempt mends is no miss, and still costs."""
    brief, cheap = an_ask(Bound(BoundKind.ANSWER_TOKENS, 4000)), Stakes(0.2, 0.003)
    sound = an_endpoint("r1@sound", 0.55, 2.3)
    cheaper = a_candidate(an_endpoint("r1@failing", 0.5, 2.19))
    failing = cheaper._replace(stats=cheaper.stats._replace(p_fail=0.4))
    assert choose(brief, cheaper, sound, stakes=cheap).chosen is cheaper.endpoint
    assert choose(brief, failing, sound, stakes=cheap).chosen is sound


# Reasons


def test_every_cheaper_endpoint_is_named_with_the_bound_that_ruled_it_out() -> None:
    found = told(an_ask(ttft(1000)), *FLEET)
    assert found.decision.chosen is PARASAIL
    for cheaper, about_ms in ((OFFICIAL, 37_000), (LAMBDA, 17_000), (AZURE, 2_800)):
        rejection = named(found.rejections, cheaper.id)
        assert rejection.reason is Reason.BOUND
        (expectation,) = rejection.expectations
        assert expectation.kind is BoundKind.TTFT
        assert expectation.limit == 1000
        assert expectation.percentile == 0.95
        assert expectation.predicted == pytest.approx(about_ms, rel=0.2)
        assert expectation.p_keep < 0.95
        assert expectation.samples == 400
        assert "1000" in rejection.detail
    assert named(found.rejections, FRIENDLI.id).reason is Reason.DEARER
    assert len(found.forecasts) == len(FLEET)


def test_only_the_broken_bounds_are_named() -> None:
    found = told(an_ask(ttft(60_000), e2e(25_000), Bound(BoundKind.TPS, 25)), OFFICIAL, PARASAIL)
    assert found.decision.chosen is PARASAIL
    kinds = [e.kind for e in named(found.rejections, OFFICIAL.id).expectations]
    assert BoundKind.E2E in kinds
    assert BoundKind.TTFT not in kinds


def test_the_plan_and_the_reasons_name_every_endpoint_once() -> None:
    found = told(an_ask(ttft(1000)), *FLEET)
    chosen = found.decision.chosen
    assert chosen is not None
    names = [r.endpoint for r in found.rejections] + [chosen.id]
    assert sorted(names) == sorted(e.id for e in FLEET)


def _one(decision: Decision) -> tuple[Reason, float | None, float | None]:
    (rejection,) = decision.out
    assert rejection.detail
    return rejection.reason, rejection.limit, rejection.value


def test_a_window_too_small_for_prompt_and_answer_is_named() -> None:
    reason, limit, value = _one(choose(an_ask(prompt_tokens=100_000), OFFICIAL, LAMBDA))
    assert reason is Reason.CONTEXT
    assert value == 65_536
    assert limit is not None
    assert limit > 110_000


def test_a_declared_window_stands_instead_of_the_estimate() -> None:
    ask = an_ask(Bound(BoundKind.CONTEXT, 120_000))
    decision = choose(ask, OFFICIAL, LAMBDA)
    assert _one(decision) == (Reason.CONTEXT, 120_000, 65_536)
    assert decision.status is Status.UNBOUNDED


def test_an_answer_longer_than_an_endpoint_gives_is_named() -> None:
    short = replace(OFFICIAL, max_output=8_192)
    assert _one(choose(an_ask(max_tokens=16_000), short, LAMBDA)) == (
        Reason.PARAMETER,
        16_000,
        8_192,
    )
    assert not choose(an_ask(max_tokens=8_192), short).out


def test_a_capability_that_is_missing_is_named() -> None:
    blind = replace(OFFICIAL, capabilities=frozenset({Capability.TOOLS}))
    ask = an_ask()._replace(needs=frozenset({Capability.TOOLS, Capability.IMAGES}))
    decision = choose(ask, blind, LAMBDA)
    assert decision.chosen is LAMBDA
    assert _one(decision)[0] is Reason.CAPABILITY
    assert decision.out[0].detail == "does not offer images"


def test_a_parameter_that_is_not_taken_is_named() -> None:
    plain = replace(OFFICIAL, unsupported_params=frozenset({"logit_bias"}))
    ask = an_ask()._replace(params=frozenset({"logit_bias", "messages"}))
    decision = choose(ask, plain, LAMBDA)
    assert _one(decision)[0] is Reason.PARAMETER
    assert "logit_bias" in decision.out[0].detail


@pytest.mark.parametrize(
    ("wish", "reason"),
    [
        (Preferences(only=frozenset({"lambda"})), Reason.NOT_PREFERRED),
        (Preferences(only=frozenset({"r1@lambda"})), Reason.NOT_PREFERRED),
        (Preferences(ignore=frozenset({"deepseek"})), Reason.NOT_PREFERRED),
        (Preferences(ignore=frozenset({"r1@deepseek"})), Reason.NOT_PREFERRED),
        (Preferences(deny_data_collection=True), Reason.DATA_POLICY),
        (Preferences(quantizations=frozenset({"fp8"})), Reason.QUANTIZATION),
    ],
)
def test_a_wish_rules_out_who_does_not_grant_it(wish: Preferences, reason: Reason) -> None:
    curious = replace(OFFICIAL, data_collection=True, quantization="fp4")
    decent = replace(LAMBDA, quantization="fp8")
    decision = choose(an_ask()._replace(preferences=wish), curious, decent)
    assert decision.chosen is decent
    assert _one(decision)[0] is reason


def test_a_price_cap_counts_at_the_price_of_the_hour() -> None:
    peak = PriceWindow(0, 24 * 60, 2.0)
    dear = an_endpoint("r1@peak", price=Price(1, 4, windows=(peak,)))
    ask = an_ask()._replace(preferences=Preferences(max_price_output=5.0))
    assert _one(choose(ask, dear)) == (Reason.PRICE_CAP, 5.0, 8.0)
    ask = an_ask()._replace(preferences=Preferences(max_price_input=1.5))
    assert _one(choose(ask, dear)) == (Reason.PRICE_CAP, 1.5, 2.0)


def test_an_unknown_price_is_never_the_cheapest() -> None:
    mystery = replace(OFFICIAL, price=None)
    decision = choose(an_ask(), mystery, LAMBDA)
    assert decision.chosen is LAMBDA
    assert _one(decision)[0] is Reason.PRICE_UNKNOWN


def test_a_bound_on_cost_excludes_who_is_expected_to_break_it() -> None:
    decision = choose(an_ask(Bound(BoundKind.COST, 0.002)), OFFICIAL, AZURE)
    assert decision.chosen is OFFICIAL
    reason, limit, value = _one(decision)
    assert (reason, limit) == (Reason.COST_BOUND, 0.002)
    assert value is not None
    assert value > 0.003
    tiny = choose(an_ask(Bound(BoundKind.COST, 2e-8)), OFFICIAL)
    assert tiny.out[0].detail.endswith("USD, 0.000000020 allowed")


@pytest.mark.parametrize("reason", [Reason.COOLING, Reason.RATE_LIMITED, Reason.ADAPTER_LOADING])
def test_who_must_not_be_used_now_is_named_with_the_time(reason: Reason) -> None:
    standing = Standing(reason, NOON + 7, "why")
    decision = choose(an_ask(), a_candidate(OFFICIAL, standing=standing), LAMBDA)
    assert decision.chosen is LAMBDA
    (out,) = decision.out
    assert (out.reason, out.retry_after_s) == (reason, 7)
    assert out.reason.passes


def test_who_was_tried_is_out() -> None:
    candidates = [a_candidate(e) for e in FLEET]
    decision = decide(an_ask(), candidates, USUAL, wall=NOON, tried={OFFICIAL.id})
    assert decision.chosen is LAMBDA
    assert _one(decision)[0] is Reason.TRIED


# Refusing


@pytest.mark.parametrize("mode", [Mode.STRICT, Mode.WAIT])
def test_strict_refuses_what_nobody_is_expected_to_keep(mode: Mode) -> None:
    decision = choose(an_ask(ttft(100), mode=mode), *FLEET)
    assert not decision.plan
    assert decision.chosen is None
    assert decision.forecast is not None
    assert choose(an_ask(ttft(1000), mode=mode), *FLEET).chosen is PARASAIL


def test_strict_may_use_who_has_only_a_prior() -> None:
    """Its prior just misses the percentile: that is doubt, and nothing would ever be learned."""
    new = an_endpoint("r1@new", ttft_ms=600)
    unsure = a_candidate(new, a_belief(new))
    sure = a_candidate(new, known(new, sd=0.35))
    ask = an_ask(ttft(1000), mode=Mode.STRICT)
    assert choose(ask, unsure).chosen is new
    assert choose(ask, sure).chosen is None


def test_nobody_at_all_is_a_decision_too() -> None:
    decision = decide(an_ask(ttft(100)), [], USUAL, wall=NOON)
    assert decision.plan == ()
    assert decision.out == ()


def test_the_same_ask_gives_the_same_decision_without_chance() -> None:
    ask = an_ask(ttft(1000))
    assert choose(ask, *FLEET) == choose(ask, *FLEET)
    assert ask.model == R1


@pytest.mark.parametrize("mode", list(Mode))
def test_the_price_of_a_miss_is_recorded_where_a_bound_makes_it_count(mode: Mode) -> None:
    fleet = [a_candidate(an_endpoint("r1@one"))]
    for ask in (an_ask(ttft(2000), mode=mode), an_ask(ttft(1), mode=mode)):
        assert decide(ask, fleet, Stakes(12.5), wall=NOON).lam == 12.5
    assert decide(an_ask(mode=mode), fleet, Stakes(12.5), wall=NOON).lam is None


def test_who_is_sure_of_its_answers_shares_the_draw_of_its_model() -> None:
    """Around the sixtieth answer a list holds beliefs from before and after it."""
    sure = a_candidate(LAMBDA)
    assert sure.lengths.doubt
    sure = sure._replace(lengths=sure.lengths._replace(doubt=0.0))
    for fleet in ([sure, a_candidate(PARASAIL)], [a_candidate(PARASAIL), sure]):
        fit, _ = sift(an_ask(), question((), None), fleet, wall=NOON, warm={}, chance=lambda: 1.5)
        stretches = {w.stretch for w in fit}
        assert len(stretches) == 1
        assert min(stretches) > 1.1


def test_what_is_made_in_loops_has_all_its_fields() -> None:
    """The quick constructor counts none."""
    bounds = (ttft(900), e2e(20_000))
    candidates = [a_candidate(e) for e in FLEET]
    decision = decide(an_ask(*bounds), candidates, USUAL, wall=NOON, chance=Random(1).random)
    fit, _ = sift(an_ask(), question(bounds, None), candidates, wall=NOON, warm={})
    stats = candidates[0].stats
    beliefs = (forecast.predictive(stats), forecast.drawn(stats, 1.0, 0.5, 0.5))
    options = (*decision.plan, *decide(an_ask(), candidates, USUAL, wall=NOON).plan)
    assert all(o == Option(**o._asdict()) for o in options)
    assert all(w == Weighed(**w._asdict()) for w in fit)
    assert all(b == Belief(**b._asdict()) for b in beliefs)


@pytest.mark.parametrize(("max_tokens", "served"), [(None, 2), (99, 2), (100, 2), (101, 1)])
def test_who_gives_shorter_answers_than_are_asked_for_is_out(
    max_tokens: int | None, served: int
) -> None:
    short = replace(LAMBDA, max_output=100)
    candidates = [a_candidate(short), a_candidate(PARASAIL)]
    decision = decide(an_ask(max_tokens=max_tokens), candidates, USUAL, wall=NOON)
    assert len(decision.plan) == served

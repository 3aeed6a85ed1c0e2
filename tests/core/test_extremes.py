"""No input, however extreme, makes a figure that is none, or an exception."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from math import isfinite, log

from hypothesis import given, settings
from hypothesis import strategies as st

from router.core import lengths, stakes, stats
from router.core.ask import Ask, Bound, BoundKind, Mode, PromptSize
from router.core.candidate import Candidate, Standing, candidate
from router.core.catalogue import Price, PriceWindow, Prior
from router.core.decide import decide
from router.core.decision import Decision, Forecast, Reason
from router.core.effects import HIGH, LOW, MODEL_SD, Outlook
from router.core.explain import explain
from router.core.faults import Kind
from router.core.hedge import after_s, backups, rescue
from router.core.lengths import CELLS, STEP, Lengths
from router.core.measure import Attempt, Outcome
from router.core.portrait import Portrait, class_portrait, portrait
from router.core.stakes import Stakes
from router.core.stats import Stats
from router.core.tokens import Rates
from router.store.board import Board
from tests.core.loop import VirtualClock
from tests.core.market import NOON, an_ask, an_attempt, an_endpoint

MOST = 1e12
counts = st.sampled_from([0.0, 1e-300, 1e-12, 0.5, 1.0, 60.0, 1e3, 1e6, MOST])
sizes = st.sampled_from([0, 1, 500, 10**5, 10**9])
limits = st.sampled_from([1e-6, 1e-3, 1.0, 900.0, 1e4, 1e6, 1e9, 1e12])
prices = st.sampled_from([0.0, 1e-9, 0.5, 10.0, 1e5])
log_speeds = st.floats(log(1e-9), log(1e9))
elapsed = st.sampled_from([-1e9, -1.0, -1e-9, 0.0, 1e-9, 0.5, 60.0, 1e9])


# What sums may hold: what observations within reason add up to, however many or however faded


def times(n: float, *moments: float) -> list[float]:
    return [n, *(n * m for m in moments)]


@st.composite
def sums_of_waits(draw: st.DrawFn) -> dict[str, list[float]]:
    level, noise, log_tps = draw(st.floats(-12, 12)), draw(st.floats(0, 4)), draw(log_speeds)
    x, wait_s, expected_s = (draw(st.floats(low, 1e6)) for low in (0, 1e-4, 0.02))
    n = draw(counts)
    w = n / expected_s**2
    cells = st.lists(counts, min_size=stats.SHAPE.size, max_size=stats.SHAPE.size)
    share = draw(st.floats(0, 1))
    return {
        "line": [n, w, w * x, w * x * x, w * wait_s, w * x * wait_s],
        "shape": draw(cells),
        "speed": times(draw(counts), log_tps, log_tps**2),
        "fast": [
            *times(draw(counts), level),
            *times(draw(counts), noise),
            *times(draw(counts), log_tps),
        ],
        "sharp": [*times(draw(counts), level), *times(draw(counts), log_tps)],
        "fails": times(draw(counts), share),
        "fails_slow": times(draw(counts), share),
        "habits": [
            *times(draw(counts), draw(st.sampled_from([0.0, 1.0, 1e4]))),
            *times(draw(counts), share),
            *times(draw(counts), draw(st.floats(-1e6, 1e6))),
        ],
    }


@st.composite
def sums_of_answers(draw: st.DrawFn) -> list[float]:
    tokens, n = draw(st.sampled_from([1.0, 600.0, 1e5, 1e9])), draw(counts)
    cell = min(max(int((log(tokens) - LOW) / STEP), 0), CELLS - 1)
    sums = [0.0] * lengths.LENGTHS.size
    sums[cell] = n
    shown, thought = sorted([draw(st.floats(0, 1)), draw(st.floats(0, 1))], reverse=True)
    sums[CELLS:] = times(n, tokens, thought * tokens, shown * tokens, log(tokens), log(tokens) ** 2)
    return sums


@st.composite
def beliefs(draw: st.DrawFn, prior: Prior) -> Stats:
    view = stats.believed(prior, draw(sums_of_waits()), reuse=draw(st.floats(0, 1)))
    if draw(st.booleans()):
        later = draw(sums_of_waits())
        del later["shape"]
        view = stats.believed(prior, later, view, draw(st.floats(0, 1)))
    return view


@st.composite
def answers(draw: st.DrawFn) -> Lengths:
    outlook = Outlook(draw(st.floats(LOW, HIGH)), draw(st.sampled_from([0.05, MODEL_SD, 3.0])))
    own, elsewhere = draw(sums_of_answers()), draw(sums_of_answers())
    found = lengths.believed(outlook, own, elsewhere, draw(st.floats(0, 1)))
    return found.scaled(draw(st.sampled_from([1.0, 1e-3, 1e3])))


@st.composite
def candidates_of(draw: st.DrawFn, number: int) -> Candidate:
    window = PriceWindow(0, 24 * 60, draw(st.sampled_from([0.01, 1.0, 100.0])))
    price = st.builds(
        Price,
        prices,
        prices,
        st.none() | prices,
        st.none() | prices,
        prices,
        st.sampled_from([(), (window,)]),
    )
    prior = Prior(
        draw(st.sampled_from([1e-300, 1.0, 800.0, 3.6e6])),
        draw(st.sampled_from([0.0, 80.0, 1e5])),
        draw(st.sampled_from([1e-3, 50.0, 1e5])),
        draw(st.sampled_from([1.0, 600.0, 1e7])),
        draw(st.sampled_from([0.0, 0.9, 0.999])),
    )
    endpoint = replace(
        an_endpoint(f"r1@{number}", context=draw(st.sampled_from([1, 10**5, 10**13]))),
        price=draw(st.none() | price),
        prior=prior,
        bills_after_cancel=draw(st.booleans()),
    )
    passing = st.sampled_from([r for r in Reason if r.passes])
    until = st.sampled_from([-1e12, NOON - 1, NOON, NOON + 1e12])
    standing = draw(st.none() | st.builds(Standing, passing, until, st.just("why")))
    rates = st.builds(Rates, *(st.sampled_from([1e-6, 1.0, 1e6]) for _ in range(3)))
    return candidate(endpoint, draw(beliefs(prior)), draw(answers()), draw(rates), standing)


fleets = st.integers(0, 3).flatmap(lambda n: st.tuples(*(candidates_of(i) for i in range(n))))
bounds = st.builds(
    Bound,
    st.sampled_from(BoundKind),
    limits,
    st.sampled_from([0.001, 0.5, 0.95, 0.999]),
)
asks = st.builds(
    lambda declared, mode, share, ascii_, other, cap, stream, session: an_ask(
        *declared, mode=mode, percentile=share, max_tokens=cap, stream=stream
    )._replace(prompt=PromptSize(ascii_, other), session=session),
    st.lists(bounds, max_size=4),
    st.sampled_from(Mode),
    st.sampled_from([0.001, 0.95, 0.999]),
    sizes,
    sizes,
    st.sampled_from([None, 0, 1, 7, 10**9]),
    st.booleans(),
    st.sampled_from(["", "s"]),
)
prices_of_a_miss = st.builds(
    stakes.believed,
    st.builds(
        lambda raw, n, cost, talks, turns: [raw, *times(n, cost), *times(talks, turns)],
        st.sampled_from([-MOST, -1.0, 0.0, 1e-300, 1.0, MOST]),
        counts,
        st.sampled_from([0.0, 1e-12, 0.003, 1e6]),
        counts,
        st.sampled_from([1.0, 1e6]),
    ),
)


# What is told


def figures(told: object) -> Iterator[float]:
    """Every number in it."""
    if isinstance(told, tuple):
        for part in told:
            yield from figures(part)
    elif isinstance(told, int | float):
        yield told


def chances_and_figures(told: Forecast) -> None:
    assert all(isfinite(x) for x in figures(told))
    for figure in (told.ttft_ms, told.e2e_ms, told.tps, told.output_tokens, told.cost_usd):
        assert figure >= 0
    for chance in (told.p_keep, *(e.p_keep for e in told.expectations)):
        assert 0 <= chance <= 1 + 1e-9


def sound(decision: Decision) -> None:
    for _, score, cost, p_keep in decision.plan:
        assert isfinite(score)
        assert 0 <= cost <= score
        assert 0 <= p_keep <= 1 + 1e-9
    if decision.forecast is not None:
        chances_and_figures(decision.forecast)
    for out in decision.out:
        told = (out.limit, out.value, out.retry_after_s, out.cost_usd)
        assert all(isfinite(x) for x in figures(told))


def drawn_right(portrait: Portrait) -> None:
    told = portrait._replace(endpoint=None, price=None, standing=None)  # type: ignore[arg-type]
    assert all(isfinite(x) for x in figures(tuple(told)))
    assert portrait.ttft_ms_p50 <= portrait.ttft_ms_p95
    assert portrait.tps_p5 <= portrait.tps_p50
    for share in (portrait.failure_share, portrait.cache_hit_share):
        assert 0 <= share <= 1


def all_is_told(  # noqa: PLR0917 - drawn by position
    ask: Ask,
    fleet: tuple[Candidate, ...],
    at_stake: Stakes,
    chance: float,
    elapsed_s: float,
    waited_s: float,
    cached: float,
) -> None:
    warm = {c.endpoint.id: cached for c in fleet} if ask.session else {}
    for draw in (None, lambda: chance):
        decision = decide(
            ask, fleet, at_stake, wall=NOON, chance=draw, elapsed_s=elapsed_s, warm=warm
        )
        sound(decision)
        found = explain(ask, fleet, decision, at_stake, wall=NOON, warm=warm)
        for _, forecast in found.forecasts:
            chances_and_figures(forecast)
        for shadow in found.shadows:
            assert isfinite(shadow.relaxed)
            assert 0 <= shadow.saves_usd < MOST
    for backup in backups(ask, fleet, wall=NOON):
        seconds = after_s(ask, backup, elapsed_s)
        assert seconds is None or 0 <= seconds < MOST
    for first in fleet:
        second = rescue(
            ask,
            first.endpoint.id,
            fleet,
            at_stake,
            wall=NOON,
            elapsed_s=elapsed_s,
            waited_s=waited_s,
            warm=warm,
        )
        if second is not None:
            sound(second.decision)
            assert all(isfinite(x) for x in second[1:])
        drawn_right(portrait(first, [("chat", first.lengths)], wall=NOON))
    told = class_portrait(ask, at_stake).stakes
    assert all(isfinite(x) for x in told)


@settings(max_examples=150)
@given(asks, fleets, prices_of_a_miss, st.floats(-6, 6), elapsed, elapsed, sizes.map(float))
def test_no_belief_and_no_request_however_extreme_breaks_what_is_told(  # noqa: PLR0917
    ask: Ask,
    fleet: tuple[Candidate, ...],
    at_stake: Stakes,
    chance: float,
    elapsed_s: float,
    waited_s: float,
    cached: float,
) -> None:
    all_is_told(ask, fleet, at_stake, chance, elapsed_s, waited_s, cached)


# What was lived through

faults = st.none() | st.sampled_from(Kind)


@st.composite
def attempts(draw: st.DrawFn) -> tuple[Attempt, PromptSize]:
    """An attempt whose clock may stand still or run backwards, and what was sent."""
    output, prompt = draw(sizes), draw(sizes)
    attempt = an_attempt(
        ttft_s=draw(st.none() | elapsed),
        tps=draw(st.sampled_from([-1.0, 1e-9, 50.0, 1e12])),
        output=output,
        prompt=prompt,
        elapsed_s=draw(elapsed),
        fault=draw(faults),
        streamed=draw(st.booleans()),
        endpoint=draw(st.sampled_from(["r1@0", "r1@1"])),
        cost_nano_usd=draw(st.sampled_from([0, 1, 10**6, 10**18])),
    )
    return attempt, PromptSize(draw(sizes), draw(sizes))


jumps = st.sampled_from([-1e7, -1.0, 0.0, 1e-9, 1.0, 300.0, 1e5, 1e8])
waits_told = st.sampled_from([None, -1.0, 0.0, 1e9])


@settings(max_examples=60)
@given(
    st.lists(st.tuples(jumps, attempts(), waits_told, asks), min_size=1, max_size=12),
    st.floats(-6, 6),
    elapsed,
)
def test_nothing_an_endpoint_does_and_no_jump_of_the_clock_breaks_what_is_told(
    lived: list[tuple[float, tuple[Attempt, PromptSize], float | None, Ask]],
    chance: float,
    elapsed_s: float,
) -> None:
    clock = VirtualClock()
    board = Board([an_endpoint("r1@0"), an_endpoint("r1@1", 2, 8, ttft_ms=1.0)], clock)
    for jump, (lasted, size), retry_after_s, asked in lived:
        ask = asked._replace(prompt=size)
        clock.now += jump
        attempt = lasted._replace(started_wall=clock.now)
        decision = decide(ask, board.candidates(ask), board.stakes(ask.kind), wall=clock.now)
        board.begun(board.endpoints[0])
        board.observe(attempt, ask, retry_after_s)
        outcome = Outcome((attempt,), attempt.sent, attempt.ended, attempt.fault, ask.sla)
        board.settle(outcome, decision, ask)
        fleet = tuple(board.candidates(ask))
        at_stake = board.stakes(ask.kind)
        all_is_told(ask, fleet, at_stake, chance, elapsed_s, elapsed_s, 0.0)
        for drawn in board.survey().endpoints:
            drawn_right(drawn)

"""What the oracle of true distributions knows is what comes of many requests."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from functools import cache
from random import Random
from statistics import fmean
from typing import NamedTuple

import pytest

from router.core.ask import Bound, BoundKind
from router.core.forecast import question
from router.core.measure import Outcome, Verdict
from router.simulate.buyer import Errand
from router.simulate.draws import residual, residual_cdf
from router.simulate.scenario import Cache, Noise, Seller
from router.simulate.trial import Trial, tried
from router.simulate.truth import Prospect, prospect
from router.simulate.world import World
from tests.simulate.towns import a_seller, a_world, an_errand, site

MANY = 3000
NEAR = 0.025
"""Some three standard deviations of a share of so many."""
NOISES = {
    "lognormal": Noise(spread=0.4),
    "bimodal": Noise(family="bimodal", spread=0.2, slow_share=0.2, slow_factor=4.0),
    "heavy": Noise(family="heavy", spread=0.6),
}


class Kind(NamedTuple):
    """One sort of endpoint, and what is asked of it."""

    seller: Seller
    thinking: float = 0.0
    stream: bool = True
    max_tokens: int | None = None
    warm: int = 0


KINDS: Mapping[str, Kind] = {
    **{name: Kind(a_seller(noise=noise)) for name, noise in NOISES.items()},
    "thinks aloud": Kind(a_seller(noise=NOISES["lognormal"]), thinking=0.6),
    "thinks in secret": Kind(a_seller(hides_thinking=True, tps_spread=0.3), thinking=0.6),
    "cut off": Kind(a_seller(), max_tokens=300),
    "remembers": Kind(a_seller(ttft_s_per_1k=1.0, cache=Cache(hit_rate=0.6, minutes=5)), warm=1800),
    "fails": Kind(a_seller(failures=0.1, hangs=0.05, stalls=0.05)),
    "whole answers": Kind(a_seller(noise=NOISES["heavy"]), stream=False),
}
ALONE = (
    BoundKind.TTFT,
    BoundKind.TTFAT,
    BoundKind.E2E,
    BoundKind.TPS,
    BoundKind.ANSWER_TOKENS,
    BoundKind.COST,
)
TOGETHER = (
    (BoundKind.TTFT, BoundKind.E2E),
    (BoundKind.TTFAT, BoundKind.E2E),
    (BoundKind.TTFT, BoundKind.TPS, BoundKind.COST),
    (BoundKind.E2E, BoundKind.TPS),
)
UNSEEN_IN_A_WHOLE = {BoundKind.TTFT, BoundKind.TTFAT, BoundKind.TPS}


def errand(kind: Kind, *bounds: Bound, number: int = 0) -> Errand:
    return an_errand(
        *bounds,
        number=number,
        stream=kind.stream,
        max_tokens=kind.max_tokens,
        prefix=kind.warm,
    )


@cache
def market(name: str) -> tuple[World, list[Trial]]:
    """What comes of many requests, each alone and at the same moment."""
    kind = KINDS[name]
    world = a_world(kind.seller, thinking=kind.thinking)
    here, found = site(world), []
    for number in range(MANY):
        one = errand(kind, number=number)
        fate = world.fate(here, one, 1, 0.0, kind.warm)
        found.append(tried(here, one, fate, number=1, now=0.0, wall=0.0, patience_s=1e4))
    return world, found


def foreseen(name: str, *bounds: Bound) -> Prospect:
    kind, (world, _) = KINDS[name], market(name)
    here, one = site(world), errand(kind, *bounds)
    price = here.endpoint.price
    assert price is not None
    q = question(bounds, kind.max_tokens)
    return prospect(world, here, one, q, price, 0.0, kind.warm)


def outcome(trial: Trial, *bounds: Bound) -> Outcome:
    attempt = trial.attempt
    sla = an_errand(*bounds).ask.sla
    return Outcome((attempt,), 0.0, attempt.ended, attempt.fault, sla)


@cache
def measured(name: str, kind: BoundKind) -> list[float]:
    """What whole answers showed, in rising order."""
    facts = [outcome(t).facts().get(kind) for t in market(name)[1] if t.attempt.complete]
    return sorted(fact for fact in facts if fact is not None)


def limit(name: str, kind: BoundKind, share: float) -> Bound:
    """A bound that about this share of answers keeps."""
    known = measured(name, kind)
    return Bound(kind, known[int((1 - share if kind.is_floor else share) * len(known))])


def kept(name: str, *bounds: Bound) -> float:
    return fmean(outcome(t, *bounds).verdict() is Verdict.KEPT for t in market(name)[1])


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("share", [0.3, 0.7, 0.95])
def test_the_chance_of_keeping_one_bound_is_how_often_it_is_kept(name: str, share: float) -> None:
    for kind in ALONE:
        if not KINDS[name].stream and kind in UNSEEN_IN_A_WHOLE:
            continue
        bound = limit(name, kind, share)
        assert foreseen(name, bound).p_keep == pytest.approx(kept(name, bound), abs=NEAR), kind


@pytest.mark.parametrize("name", [name for name, kind in KINDS.items() if kind.stream])
def test_the_chance_of_keeping_several_is_how_often_all_are_kept(name: str) -> None:
    for kinds in TOGETHER:
        bounds = [limit(name, kind, 0.8) for kind in kinds]
        assert foreseen(name, *bounds).p_keep == pytest.approx(kept(name, *bounds), abs=NEAR)


@pytest.mark.parametrize("name", KINDS)
def test_the_expected_cost_is_the_mean_bill(name: str) -> None:
    bills = fmean(t.bill_nano_usd for t in market(name)[1]) / 1e9
    assert foreseen(name).cost_usd == pytest.approx(bills, rel=0.03)


@pytest.mark.parametrize("name", KINDS)
def test_the_chance_of_another_try_is_how_often_a_fault_comes_at_once(name: str) -> None:
    early = fmean(t.attempt.status is not None and t.attempt.status >= 300 for t in market(name)[1])
    assert foreseen(name).p_again == pytest.approx(early, abs=NEAR)


@pytest.mark.parametrize("name", NOISES)
def test_the_distribution_of_residuals_is_what_is_drawn(name: str) -> None:
    noise, rng = NOISES[name], Random(3)
    drawn = sorted(residual(noise, rng.random(), rng.random()) for _ in range(20_000))
    for x in (-2.0, -1.0, -0.5, -0.1, 0.0, 0.1, 0.3, 0.8, 1.4, 2.5):
        share = bisect_right(drawn, x) / len(drawn)
        assert residual_cdf(noise, x) == pytest.approx(share, abs=0.01)

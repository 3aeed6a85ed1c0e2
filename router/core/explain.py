"""A decision told in full: every endpoint's forecast, why it is where it is, what each bound costs.

The price of a bound is its shadow price: what the same decision would save if that one bound were
relaxed by a step.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from router.core.ask import Ask
from router.core.candidate import COLD, Candidate, Warm
from router.core.catalogue import Endpoint, EndpointId
from router.core.decide import decide, told
from router.core.decision import (
    Decision,
    Expectation,
    Explained,
    Forecast,
    Reason,
    Rejection,
    Shadow,
)
from router.core.forecast import predictive, question
from router.core.ranking import liked, place
from router.core.sift import Weighed, sift
from router.core.stakes import Stakes

RELAXED = 1.25
"""One step of relaxing a bound, to tell what it costs: enough to reach somebody else, little enough
that an application might grant it. A guess, not measured."""


def explain(
    ask: Ask,
    candidates: Sequence[Candidate],
    decision: Decision,
    stakes: Stakes,
    *,
    wall: float,
    warm: Warm = COLD,
) -> Explained:
    """Tell a decision in full: every endpoint's forecast, and why it is where it is.

    With it comes what each bound costs: the same decision with that bound relaxed by a step.
    """
    q = question(ask.sla.bounds, ask.max_tokens)
    later = stakes.later_turns(ask.session)
    fit, _ = sift(ask, q, candidates, wall=wall, warm=warm, later=later)
    gone = {r.endpoint for r in decision.out}
    fit = [w for w in fit if w.candidate.endpoint.id not in gone]
    forecasts = [(w.candidate.endpoint, told(ask, q, w, detailed=True)) for w in fit]
    chosen = decision.chosen
    head = next((w for w in fit if w.candidate.endpoint is chosen), None)
    by_place = _behind(ask, fit, forecasts, chosen) if ask.preferences.ranks else {}
    rejections = list(decision.out)
    for weighed, (endpoint, expected) in zip(fit, forecasts, strict=True):
        if endpoint is chosen:
            continue
        behind = by_place.get(endpoint.id)
        rejections.append(behind or _outranked(weighed, expected, head))
    shadows: tuple[Shadow, ...] = ()
    if head is not None:
        shadows = _shadows(ask, candidates, stakes, wall=wall, warm=warm)
    return Explained(decision, tuple(forecasts), tuple(rejections), shadows)


def _shadows(
    ask: Ask, candidates: Sequence[Candidate], stakes: Stakes, *, wall: float, warm: Warm
) -> tuple[Shadow, ...]:
    """Decide on average, once as declared and once with each bound relaxed by a step."""

    def cost(asked: Ask) -> tuple[EndpointId | None, float]:
        decision = decide(asked, candidates, stakes, wall=wall, warm=warm)
        if not decision.plan:
            return None, 0.0
        return decision.plan[0].endpoint.id, decision.plan[0].cost_usd

    _, declared_usd = cost(ask)
    found = []
    for bound in ask.sla.bounds:
        eased = replace(bound, limit=bound.limit * RELAXED ** (-1 if bound.kind.is_floor else 1))
        bounds = tuple(eased if b is bound else b for b in ask.sla.bounds)
        endpoint, cost_usd = cost(ask._replace(sla=replace(ask.sla, bounds=bounds)))
        if endpoint is not None:
            saves = max(0.0, declared_usd - cost_usd)
            found.append(Shadow(bound.kind, bound.limit, eased.limit, endpoint, saves))
    return tuple(found)


def _behind(
    ask: Ask,
    fit: Sequence[Weighed],
    forecasts: Sequence[tuple[Endpoint, Forecast]],
    chosen: Endpoint | None,
) -> dict[EndpointId, Rejection]:
    """Say who stands behind the chosen one because the application wants it so."""
    lined = [
        (w, f, place(ask, w, f.p_keep, f.cost_usd, predictive(w.candidate.stats)))
        for w, (_, f) in zip(fit, forecasts, strict=True)
    ]
    first = next((p for w, _, p in lined if w.candidate.endpoint is chosen), None)
    found = {}
    for weighed, expected, placed in lined:
        endpoint = weighed.candidate.endpoint
        reason = None if first is None else placed.reason_behind(first)
        if reason is None or endpoint is chosen:
            continue
        short: tuple[Expectation, ...] = ()
        detail = _ORDERED if reason is Reason.ORDER else f"less by {ask.preferences.sort}"
        if reason is Reason.DEPRIORITIZED:
            short = _shortfalls(ask, weighed)
            detail = "; ".join(
                f"{e.kind.value} {_plain(e.limit)} preferred at p{e.percentile * 100:g}:"
                f" {_plain(e.predicted)} expected"
                for e in short
            )
        found[endpoint.id] = Rejection(
            endpoint.id, reason, detail, cost_usd=expected.cost_usd, expectations=short
        )
    return found


_ORDERED = "later in models or provider.order, or not named there"


def _shortfalls(ask: Ask, weighed: Weighed) -> tuple[Expectation, ...]:
    """Return the soft bounds that an endpoint is expected to miss."""
    wanted = ask._replace(sla=replace(ask.sla, bounds=ask.preferences.preferred))
    q = question(wanted.sla.bounds, None)
    expected = told(wanted, q, weighed, detailed=True).expectations
    chances = liked(ask, weighed, predictive(weighed.candidate.stats))
    pairs = zip(expected, chances, strict=True)
    return tuple([e._replace(p_keep=p) for e, (b, p) in pairs if p < b.percentile])


def _outranked(weighed: Weighed, expected: Forecast, head: Weighed | None) -> Rejection:
    endpoint = weighed.candidate.endpoint
    broken = tuple(e for e in expected.expectations if not e.kept)
    if broken:
        worst = min(broken, key=lambda e: e.p_keep)
        return Rejection(
            endpoint.id,
            Reason.BOUND,
            f"{worst.kind.value} {_plain(worst.limit)}: {_plain(worst.predicted)} expected"
            f" at p{worst.percentile * 100:g}",
            cost_usd=expected.cost_usd,
            expectations=broken,
        )
    dearer = head is None or weighed.total_usd >= head.total_usd
    if head is not None and dearer and weighed.cost_usd < head.cost_usd:
        why = "costs more with the later turns of the conversation"
    elif dearer:
        why = "costs more"
    elif expected.expectations:
        why = f"keeps the bounds less surely ({expected.p_keep:.3f})"
    else:
        why = "fails too often to be the cheapest"
    return Rejection(
        endpoint.id,
        Reason.DEARER if dearer else Reason.SLOWER,
        why,
        cost_usd=expected.cost_usd,
        expectations=expected.expectations,
    )


def _plain(value: float) -> str:
    """Write a number as a person would: no exponent, no false precision."""
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"  # noqa: PLR2004 - three digits

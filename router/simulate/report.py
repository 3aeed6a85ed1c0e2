"""A comparison told to machines."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite
from typing import Any

from router.simulate.account import Account, ClassAccount, by_endpoint
from router.simulate.calibration import coverage, mean_cost
from router.simulate.likeness import Likeness, likenesses
from router.simulate.play import Played
from router.simulate.scenario import Scenario


def document(
    scenario: Scenario, plays: Sequence[Played], found: Sequence[Account]
) -> dict[str, Any]:
    """Return every figure; costs in USD, attainments as shares."""
    return {
        "description": scenario.description,
        "hours": scenario.hours,
        "warm_up_hours": scenario.warm_up_hours,
        "seeds": sorted({p.seed for p in plays}),
        "strategies": [_account(a, scenario, plays) for a in found],
        "replicas": [_of_replicas(like) for like in likenesses(scenario, plays)],
        "calibration": _calibration(scenario, plays),
    }


def _account(account: Account, scenario: Scenario, plays: Sequence[Played]) -> dict[str, Any]:
    warm_s = scenario.warm_up_hours * 3600
    served = [
        s for p in plays if p.strategy == account.strategy for s in p.served if s.arrived >= warm_s
    ]
    shares = by_endpoint(served)
    return {
        "strategy": account.strategy,
        "cost_usd": account.cost_usd,
        "to_clairvoyant": _number(account.to_clairvoyant),
        "to_clairvoyant_spread": _number(account.to_clairvoyant_spread),
        "to_true_distributions": _number(account.to_informed),
        "to_true_distributions_spread": _number(account.to_informed_spread),
        "honoured": account.honoured,
        "due": len(account.due),
        "classes": [{**_of_class(c), "served_by": shares.get(c.name, {})} for c in account.classes],
    }


def _of_class(c: ClassAccount) -> dict[str, Any]:
    return {
        "class": c.name,
        "percentile": c.percentile,
        "requests": c.tally.requests,
        "judged": c.tally.judged,
        "attainment": _number(c.tally.attainment),
        "reachable": c.reachable,
        "honoured": c.honoured,
        "over_pp": _number(c.over_pp),
        "over_served": c.over_served,
        "attainment_last_hours": _number(c.last.attainment),
        "attainment_worst_seed": _number(c.worst_seed),
        "cost_per_answer_usd": _number(c.tally.cost_per_answer_usd),
        "true_distributions_cost_per_answer_usd": _number(c.oracle_usd),
        "beyond_frontier": c.beyond,
    }


def _of_replicas(like: Likeness) -> dict[str, Any]:
    return {
        "strategy": like.strategy,
        "cost": _number(like.cost),
        "cost_standard_error": _number(like.error),
        "attainment": _number(like.attainment),
        "class": like.kind,
        "as_one": like.as_one,
    }


def _calibration(scenario: Scenario, plays: Sequence[Played]) -> dict[str, Any]:
    warm_s = scenario.warm_up_hours * 3600
    noted = [n for p in plays for n in p.noted if n.sent >= warm_s]
    return {
        group: {
            "coverage": [c._asdict() for c in coverage(noted, group)],
            "cost": [c._asdict() for c in mean_cost(noted, group)],
        }
        for group in ("endpoint", "kind")
    }


def _number(value: float) -> float | None:
    """JSON has no nan."""
    return value if isfinite(value) else None

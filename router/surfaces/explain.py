"""A decision told to people: for ``/v1/route/explain``, for refusals, and inside answers.

Amounts are numbers in the unit their key names; what has no finite value is ``null``.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from router.core.answer import Usage
from router.core.ask import Ask, BoundKind
from router.core.catalogue import EndpointId
from router.core.decision import Expectation, Explained, Forecast, Reason, Rejection, Shadow
from router.core.faults import Kind
from router.core.measure import Outcome

Json = dict[str, Any]

_BOUND_OF_REASON: Mapping[Reason, str] = {
    Reason.CONTEXT: BoundKind.CONTEXT.value,
    Reason.COST_BOUND: BoundKind.COST.value,
}
_CHOSEN = "chosen"
_IN_PLAN = "in_plan"


def _number(value: float | None, decimals: int = 3) -> float | None:
    if value is None or not math.isfinite(value):
        return None
    return round(value, decimals)


def _forecast(forecast: Forecast) -> Json:
    return {
        "ttft_ms": _number(forecast.ttft_ms, 1),
        "e2e_ms": _number(forecast.e2e_ms, 1),
        "tps": _number(forecast.tps, 2),
        "input_tokens": _number(forecast.input_tokens, 0),
        "output_tokens": _number(forecast.output_tokens, 0),
        "cost_usd": _number(forecast.cost_usd, 9),
        "p_keep": _number(forecast.p_keep, 4),
    }


def _decimals(kind: BoundKind) -> int:
    """Nano-USD of money, thousandths of anything else."""
    return 9 if kind is BoundKind.COST else 3


def _expected(expectation: Expectation) -> Json:
    decimals = _decimals(expectation.kind)
    return {
        "bound": expectation.kind.value,
        "limit": _number(expectation.limit, decimals),
        "predicted": _number(expectation.predicted, decimals),
        "percentile": _number(100 * expectation.percentile),
        "p_keep": _number(expectation.p_keep, 4),
        "samples": expectation.samples,
    }


def _failed(rejection: Rejection) -> list[Json]:
    """Say which limits an endpoint breaks, or which hard fact keeps it out."""
    if rejection.reason is Reason.SLOWER and rejection.expectations:
        # Each bound may be kept by itself: the least sure one ranked it behind.
        return [_expected(min(rejection.expectations, key=lambda e: e.p_keep))]
    if rejection.expectations:
        return [_expected(e) for e in rejection.expectations if not e.kept]
    if rejection.reason.outranks:
        return []
    told: Json = {"bound": _BOUND_OF_REASON.get(rejection.reason, rejection.reason.value)}
    if rejection.limit is not None:
        told["limit"] = _number(rejection.limit, 9)
    if rejection.value is not None:
        told["predicted"] = _number(rejection.value, 9)
    if rejection.detail:
        told["detail"] = rejection.detail
    return [told]


def _shadow(shadow: Shadow) -> Json:
    decimals = _decimals(shadow.kind)
    return {
        "bound": shadow.kind.value,
        "limit": _number(shadow.limit, decimals),
        "relaxed": _number(shadow.relaxed, decimals),
        "endpoint": shadow.endpoint,
        "saves_usd": _number(shadow.saves_usd, 9),
    }


def decision_json(explained: Explained, ask: Ask) -> Json:
    """Tell a decision whole: the choice, and every endpoint by expected cost with its reason."""
    decision = explained.decision
    reasons = {r.endpoint: r for r in (*decision.out, *explained.rejections)}
    planned = [option.endpoint.id for option in decision.plan]
    chosen = decision.chosen
    told = {
        endpoint.id: {
            "endpoint": endpoint.id,
            "provider": endpoint.provider,
            "model": endpoint.model,
            "forecast": _forecast(forecast),
            **_why(endpoint.id, planned, reasons.get(endpoint.id)),
        }
        for endpoint, forecast in sorted(explained.forecasts, key=lambda f: f[1].cost_usd)
    }
    for option in decision.plan:
        endpoint = option.endpoint
        if endpoint.id not in told:
            told[endpoint.id] = {
                "endpoint": endpoint.id,
                "provider": endpoint.provider,
                "model": endpoint.model,
                "forecast": {
                    "cost_usd": _number(option.cost_usd, 9),
                    "p_keep": _number(option.p_keep, 4),
                },
                **_why(endpoint.id, planned, reasons.get(endpoint.id)),
            }
    for endpoint_id, rejection in reasons.items():
        if endpoint_id not in told:
            told[endpoint_id] = {
                "endpoint": endpoint_id,
                "forecast": None,
                **_why(endpoint_id, planned, rejection),
            }
    unknown = ask.preferences.unknown
    return {
        "decision_id": ask.id,
        "model": ask.model,
        "policy": ask.sla.policy,
        "mode": ask.sla.mode.value,
        "percentile": _number(100 * ask.sla.percentile),
        "bounds": {b.kind.value: b.limit for b in ask.sla.bounds},
        "status": decision.status.value,
        "class": ask.sla.class_key(ask.model),
        "input_tokens": _number(decision.input_tokens, 0),
        "chosen": None
        if chosen is None
        else {
            "endpoint": chosen.id,
            "provider": chosen.provider,
            "model": chosen.model,
            "forecast": _forecast(decision.forecast) if decision.forecast is not None else None,
        },
        "plan": planned,
        "endpoints": list(told.values()),
        "unweighed": decision.unweighed,
        "shadows": [_shadow(shadow) for shadow in explained.shadows],
        **({"unknown_names": list(unknown)} if unknown else {}),
    }


def _why(endpoint: EndpointId, planned: list[EndpointId], rejection: Rejection | None) -> Json:
    if planned and endpoint == planned[0]:
        return {"reason": _CHOSEN, "detail": "", "failed": []}
    if rejection is None:
        return {"reason": _IN_PLAN, "detail": "", "failed": []}
    why: Json = {
        "reason": rejection.reason.value,
        "detail": rejection.detail,
        "failed": _failed(rejection),
    }
    if rejection.retry_after_s is not None:
        why["retry_after_s"] = _number(rejection.retry_after_s, 1)
    return why


def availability_json(explained: Explained, kind: Kind, *, retryable: bool) -> Json:
    """Tell why nobody can serve, and what would have worked."""
    reasons = {r.endpoint: r for r in (*explained.rejections, *explained.decision.out)}
    refused = [r for r in reasons.values() if not r.reason.outranks]
    candidates: list[Json] = [{"endpoint": r.endpoint, "failed": _failed(r)} for r in refused]
    excluded = dict.fromkeys(f["bound"] for c in candidates for f in c["failed"])
    return {
        "code": kind.value,
        "retryable": retryable,
        "excluded_by": list(excluded),
        "candidates": candidates,
        "nearest": _nearest(explained, refused),
    }


def _nearest(explained: Explained, refused: Iterable[Rejection]) -> Json | None:
    """Find the endpoint that needs the least relaxing, in orders of magnitude over its bounds."""
    costs = {endpoint.id: f.cost_usd for endpoint, f in explained.forecasts}
    found: list[tuple[float, float, Json]] = []
    for rejection in refused:
        relax = _relaxed(rejection)
        if not relax:
            continue
        effort = sum(
            abs(math.log(max(new, 1e-12) / max(old, 1e-12))) for old, new in relax.values()
        )
        cost = rejection.cost_usd
        if cost is None:
            cost = costs.get(rejection.endpoint)
        told = {
            "endpoint": rejection.endpoint,
            "relax": {name: new for name, (_, new) in relax.items()},
            "cost_usd": _number(cost, 9),
        }
        found.append((effort, math.inf if cost is None else cost, told))
    return min(found, key=lambda f: f[:2])[2] if found else None


def _relaxed(rejection: Rejection) -> dict[str, tuple[float, float]]:
    """Return bound -> (limit, what would hold), empty where no number mends it."""
    if rejection.expectations:
        pairs = [(e.kind, e.limit, e.predicted) for e in rejection.expectations if not e.kept]
    elif (
        rejection.reason in _BOUND_OF_REASON
        and rejection.limit is not None
        and rejection.value is not None
    ):
        kind = BoundKind(_BOUND_OF_REASON[rejection.reason])
        pairs = [(kind, rejection.limit, rejection.value)]
    else:
        return {}
    if not all(math.isfinite(predicted) for _, _, predicted in pairs):
        return {}
    return {kind.value: (limit, _rounded(kind, value)) for kind, limit, value in pairs}


def _rounded(kind: BoundKind, value: float) -> float:
    """Round towards what is sure to hold, in the bound's own grain."""
    if kind is BoundKind.COST:
        return math.ceil(value * 1e9) / 1e9
    if kind is BoundKind.TPS:
        return math.floor(value * 100) / 100
    return math.floor(value) if kind.is_floor else math.ceil(value)


def answer_json(explained: Explained, outcome: Outcome, ask: Ask) -> Json:
    """Tell decision and verdict, to stand inside an answer under the key ``meritorder``."""
    facts, final = outcome.facts(), outcome.final
    return {
        "decision": decision_json(explained, ask),
        "verdict": outcome.verdict().value,
        "bounds": {
            b.kind.value: {
                "limit": b.limit,
                "measured": _number(facts.get(b.kind), 9),
                "verdict": outcome.verdict_of(b, facts).value,
            }
            for b in outcome.sla.bounds
        },
        "measured": {kind.value: _number(value, 9) for kind, value in facts.items()},
        "tokens": None if final is None or final.usage is None else _tokens(final.usage),
        "cost_usd": outcome.cost_nano_usd / 1e9,
        "estimated": outcome.estimated,
        "fault": _code(outcome.fault),
        "attempts": [
            {
                "endpoint": a.endpoint,
                "fault": _code(a.fault),
                "status": a.status,
                "cost_usd": a.cost_nano_usd / 1e9,
            }
            for a in outcome.attempts
        ],
    }


def _code(fault: Kind | None) -> str | None:
    return None if fault is None else fault.value


def _tokens(usage: Usage) -> Json:
    return {
        "fresh_input": usage.fresh_input,
        "cache_read": usage.cache_read,
        "cache_write": usage.cache_write,
        "text": usage.text,
        "reasoning": usage.reasoning,
    }

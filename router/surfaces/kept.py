"""A finished request, packed small to be told later: what ``GET /v1/route/decisions/{id}`` answers.

Packing happens for every request, in the background; telling for the few that are asked for. So
what is packed are the figures a decision and its verdict consist of, as MessagePack, and only who
asks pays for making JSON of them. Neither prompt nor answer is in it, nor anything else the client
wrote but the name of the model.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import msgspec

from router.core.ask import Ask, Bound, BoundKind, Mode, Preferences, PromptSize, Sla
from router.core.catalogue import Endpoint, EndpointId, ModelName
from router.core.decision import (
    Decision,
    Expectation,
    Explained,
    Forecast,
    Option,
    Reason,
    Rejection,
    Shadow,
    Status,
)
from router.core.faults import Kind
from router.core.measure import Attempt, Outcome
from router.core.surface import Surface
from router.ports import Record
from router.surfaces.explain import answer_json

VERSION: Final = 3
"""What another version packed is not read: it is older than an hour soon."""


class _Seller(NamedTuple):
    id: str
    provider: str
    model: str


class _Planned(NamedTuple):
    seller: _Seller
    score_usd: float
    cost_usd: float
    p_keep: float


class _Foreseen(NamedTuple):
    seller: _Seller
    forecast: Forecast


class _Rejected(NamedTuple):
    endpoint: EndpointId
    reason: Reason
    detail: str
    limit: float | None
    value: float | None
    retry_after_s: float | None
    cost_usd: float | None
    expectations: tuple[Expectation, ...]


class _Kept(NamedTuple):
    version: int
    id: str
    owner: str
    model: ModelName
    surface: Surface
    policy: str
    mode: Mode
    percentile: float
    bounds: tuple[tuple[BoundKind, float, float], ...]
    received: float
    ended: float
    fault: Kind | None
    attempts: tuple[Attempt, ...]
    status: Status
    plan: tuple[_Planned, ...]
    out: tuple[_Rejected, ...]
    input_tokens: float
    forecast: Forecast | None
    unweighed: int
    lam: float | None
    forecasts: tuple[_Foreseen, ...]
    rejections: tuple[_Rejected, ...]
    shadows: tuple[Shadow, ...]
    unknown: tuple[str, ...]


class Kept(NamedTuple):
    """A request as it was kept: whose it is (a hash of the key), and what is told of it."""

    owner: str
    told: dict[str, Any]


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(_Kept).decode


def pack(record: Record) -> bytes:
    """Pack what is told of a request that was decided at least once: a ``_Kept``, in plain tuples.

    A named tuple would cost as much to make as to pack.
    """
    ask, outcome, decision = record.ask, record.outcome, record.decisions[-1]
    sla, explained = ask.sla, record.explained
    forecasts, rejections, shadows = (), (), ()  # type: Any, Any, Any
    if explained is not None and explained.decision is decision:
        forecasts = [((e.id, e.provider, e.model), f) for e, f in explained.forecasts]
        rejections = [_rejected(r) for r in explained.rejections]
        shadows = explained.shadows
    return _encode(
        (
            VERSION,
            ask.id,
            ask.owner,
            ask.model,
            ask.surface,
            sla.policy,
            sla.mode,
            sla.percentile,
            [(b.kind, b.limit, b.percentile) for b in sla.bounds],
            outcome.received,
            outcome.ended,
            outcome.fault,
            outcome.attempts,
            decision.status,
            [((e.id, e.provider, e.model), score, cost, p) for e, score, cost, p in decision.plan],
            [_rejected(r) for r in decision.out],
            decision.input_tokens,
            decision.forecast,
            decision.unweighed,
            decision.lam,
            forecasts,
            rejections,
            shadows,
            ask.preferences.unknown,
        )
    )


def unpack(packed: bytes) -> Kept | None:
    """Tell what was packed; ``None`` where another version did that."""
    try:
        kept = _decode(packed)
    except msgspec.DecodeError:
        return None
    if kept.version != VERSION:
        return None
    bounds = tuple(Bound(*bound) for bound in kept.bounds)
    sla = Sla(bounds, kept.mode, kept.percentile, kept.policy)
    wishes = Preferences(unknown=kept.unknown)
    ask = Ask(kept.id, kept.model, sla, PromptSize(0), surface=kept.surface, preferences=wishes)
    outcome = Outcome(kept.attempts, kept.received, kept.ended, kept.fault, sla)
    return Kept(kept.owner, answer_json(_explained(kept), outcome, ask))


def _explained(kept: _Kept) -> Explained:
    plan = tuple(Option(_endpoint(p.seller), *p[1:]) for p in kept.plan)
    out = tuple(Rejection(*r) for r in kept.out)
    decision = Decision(
        kept.status, plan, out, kept.input_tokens, kept.forecast, kept.unweighed, kept.lam
    )
    forecasts = tuple((_endpoint(f.seller), f.forecast) for f in kept.forecasts)
    if not forecasts and plan and kept.forecast is not None:
        forecasts = ((plan[0].endpoint, kept.forecast),)
    return Explained(
        decision, forecasts, tuple(Rejection(*r) for r in kept.rejections), kept.shadows
    )


def _rejected(r: Rejection) -> tuple[object, ...]:
    return (
        r.endpoint,
        r.reason,
        r.detail,
        r.limit,
        r.value,
        r.retry_after_s,
        r.cost_usd,
        r.expectations,
    )


def _endpoint(seller: _Seller) -> Endpoint:
    """Return an endpoint of which nothing but its names is known: it may be another process'."""
    return Endpoint(
        id=EndpointId(seller.id),
        provider=seller.provider,
        model=seller.model,
        upstream_model="",
        family="",
        serves=(),
        base_url="",
        context=0,
        price=None,
    )

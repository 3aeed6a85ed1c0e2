"""One attempt, from sending to its end: what the buyer sees of it, and what it truly cost.

The limits are the proxy's (`dispatch`): first content within the buyer's patience, silence no
longer than the endpoint's gap, an end within its total. What nobody reported is booked by
estimate, as there, while the provider bills what it generated.
"""

from __future__ import annotations

from math import inf
from typing import NamedTuple

from router.core.answer import Usage
from router.core.books import cost_nano_usd, estimated, is_billed
from router.core.catalogue import Price
from router.core.faults import FAULTS, Kind
from router.core.measure import Attempt
from router.core.tokens import CHARS_PER_TOKEN, guess
from router.simulate.buyer import Errand
from router.simulate.world import Fate, Site


class Trial(NamedTuple):
    """An attempt as it will be observed at its end, and its true bill.

    ``begun`` says that the client has seen content of it, so nobody else may continue.
    """

    attempt: Attempt
    bill_nano_usd: int
    begun: bool
    retry_after_s: float | None


def tried(
    site: Site,
    errand: Errand,
    fate: Fate,
    *,
    number: int,
    now: float,
    wall: float,
    patience_s: float,
    left_s: float = inf,
) -> Trial:
    """Let an attempt run its course, or be cancelled after ``left_s``: another was faster."""
    endpoint, limits, stream = site.endpoint, site.endpoint.limits, errand.ask.stream
    price = endpoint.price.at(wall) if endpoint.price is not None else Price(0.0, 0.0)
    fault, lasts, share = fate.fault, fate.fault_s, 0.0
    status = None if fault is None else FAULTS[fault].status
    stalls = fate.stalls_at < 1
    content_s = fate.first if stream else (fate.last if not stalls else inf)
    if left_s < inf:
        fault, lasts, share = Kind.OUTRUN, left_s, _generated(fate, left_s)
        status = 200 if fate.first <= left_s else None
    elif fault is None:
        patience_s = min(patience_s, limits.total_s)
        if content_s > patience_s:
            late = limits.total_s <= patience_s
            fault = Kind.TOTAL_TIMEOUT if late else Kind.FIRST_TOKEN_TIMEOUT
            lasts, share = patience_s, _generated(fate, patience_s)
        elif stalls:
            lasts = fate.first + (fate.last - fate.first) * fate.stalls_at + limits.gap_s
            fault, share, status = Kind.GAP_TIMEOUT, fate.stalls_at, 200
        elif fate.last > limits.total_s:
            fault, lasts, status = Kind.TOTAL_TIMEOUT, limits.total_s, 200
            share = _generated(fate, lasts)
        else:
            lasts, share, status = fate.last, 1.0, 200
    begun = stream and fate.first <= lasts and status == 200  # noqa: PLR2004 - OK
    usage = _usage(fate) if fault is None else _estimate(errand, fate, fault, status, share)
    billed = 1.0 if endpoint.bills_after_cancel else share
    bill = _billed(fate, billed) if fault is None or is_billed(fault, status) else None
    shown = begun
    seen = fate.visible if fault is None else round(fate.visible * share)
    attempt = Attempt(
        endpoint=endpoint.id,
        number=number,
        started_wall=wall,
        sent=now,
        ended=now + lasts,
        first=now + fate.first if shown else None,
        first_answer=now + fate.answer if shown and fate.answer <= lasts else None,
        last=now + (fate.last if fault is None else max(fate.first, lasts - limits.gap_s))
        if shown
        else None,
        streamed=stream,
        usage=usage,
        visible_tokens=float(seen) if fault is None or shown else 0.0,
        visible_chars=round(seen * CHARS_PER_TOKEN) if fault is None or shown else 0,
        cost_nano_usd=cost_nano_usd(usage, price),
        fault=fault,
        status=status,
        finish="stop" if fault is None else None,
    )
    return Trial(attempt, cost_nano_usd(bill, price), begun, fate.retry_after_s)


def _generated(fate: Fate, at_s: float) -> float:
    """Return the share of the answer there is ``at_s`` seconds in."""
    if fate.first == inf or at_s <= fate.first:
        return 0.0
    return min(1.0, (at_s - fate.first) / max(fate.last - fate.first, 1e-9))


def _usage(fate: Fate) -> Usage:
    return Usage(
        fresh_input=fate.fresh, cache_read=fate.cached, text=fate.text, reasoning=fate.reasoning
    )


def _estimate(
    errand: Errand, fate: Fate, fault: Kind, status: int | None, share: float
) -> Usage | None:
    if not is_billed(fault, status):
        return None
    seen = fate.visible * share
    return estimated(input_tokens=guess(errand.ask.prompt), text=seen, reasoning=0.0)


def _billed(fate: Fate, share: float) -> Usage:
    return Usage(
        fresh_input=fate.fresh,
        cache_read=fate.cached,
        text=round(fate.text * share),
        reasoning=round(fate.reasoning * share),
    )

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
    patience_s: float = inf,
    left_s: float = inf,
) -> Trial:
    """Let an attempt run its course, or be cancelled after ``left_s``: another was faster."""
    endpoint, limits, stream = site.endpoint, site.endpoint.limits, errand.ask.stream
    price = endpoint.price.at(wall) if endpoint.price is not None else Price(0.0, 0.0)
    fault, lasts, shown = fate.fault, fate.fault_s, 0.0
    status = None if fault is None else FAULTS[fault].status
    stalls = fate.stalls_at < 1
    content_s = fate.first if stream else (fate.last if not stalls else inf)
    if left_s < inf:
        fault, lasts, shown = Kind.OUTRUN, left_s, _shown(fate, left_s)
        status = 200 if fate.first <= left_s else None
    elif fault is None:
        patience_s = min(patience_s, limits.total_s)
        if content_s > patience_s:
            late = limits.total_s <= patience_s
            fault = Kind.TOTAL_TIMEOUT if late else Kind.FIRST_TOKEN_TIMEOUT
            lasts, shown = patience_s, _shown(fate, patience_s)
        elif stalls:
            lasts = fate.first + (fate.last - fate.first) * fate.stalls_at + limits.gap_s
            fault, shown, status = Kind.GAP_TIMEOUT, fate.stalls_at, 200
        elif fate.last > limits.total_s:
            fault, lasts, status = Kind.TOTAL_TIMEOUT, limits.total_s, 200
            shown = _shown(fate, lasts)
        else:
            lasts, shown, status = fate.last, 1.0, 200
    begun = stream and fate.first <= lasts and status == 200  # noqa: PLR2004 - OK
    usage = _usage(fate) if fault is None else _estimate(errand, fate, fault, status, shown)
    made = inf if fault is None or endpoint.bills_after_cancel else _made(fate, lasts, shown)
    bill = _usage(fate, made) if fault is None or is_billed(fault, status) else None
    seen = fate.visible if fault is None else round(fate.visible * shown)
    attempt = Attempt(
        endpoint=endpoint.id,
        number=number,
        started_wall=wall,
        sent=now,
        ended=now + lasts,
        first=now + fate.first if begun else None,
        first_answer=now + fate.answer if begun and fate.answer <= lasts else None,
        last=now + (fate.last if fault is None else max(fate.first, lasts - limits.gap_s))
        if begun
        else None,
        streamed=stream,
        usage=usage,
        visible_tokens=float(seen) if fault is None or begun else 0.0,
        visible_chars=round(seen * CHARS_PER_TOKEN) if fault is None or begun else 0,
        cost_nano_usd=cost_nano_usd(usage, price),
        fault=fault,
        status=status,
        finish="stop" if fault is None else None,
    )
    return Trial(attempt, cost_nano_usd(bill, price), begun, fate.retry_after_s)


def _shown(fate: Fate, at_s: float) -> float:
    """Return the share of what will be visible that there is ``at_s`` seconds in."""
    if fate.first == inf or at_s <= fate.first:
        return 0.0
    return min(fate.stalls_at, (at_s - fate.first) / max(fate.last - fate.first, 1e-9))


def _made(fate: Fate, at_s: float, shown: float) -> float:
    """Return the output tokens there are ``at_s`` seconds in: what is hidden is made first."""
    hidden = fate.text + fate.reasoning - fate.visible
    if fate.first <= at_s:
        return hidden + fate.visible * shown
    pace = max(fate.visible - 1, 1) / max(fate.last - fate.first, 1e-9)
    return max(0.0, hidden - (fate.first - at_s) * pace) if fate.first < inf else 0.0


def _usage(fate: Fate, made: float = inf) -> Usage:
    """Count an answer of which so many output tokens were made: reasoning before text."""
    reasoning = round(min(made, fate.reasoning))
    return Usage(
        fresh_input=fate.fresh,
        cache_read=fate.cached,
        text=round(min(max(0.0, made - reasoning), fate.text)),
        reasoning=reasoning,
    )


def _estimate(
    errand: Errand, fate: Fate, fault: Kind, status: int | None, shown: float
) -> Usage | None:
    if not is_billed(fault, status):
        return None
    seen = fate.visible * shown
    return estimated(input_tokens=guess(errand.ask.prompt), text=seen, reasoning=0.0)

"""Which deployments LiteLLM's router leaves alone for a while.

Source: litellm 1.106.2, ``router_utils/cooldown_handlers.py``, ``cooldown_cache.py`` and
``Router.deployment_callback_on_failure``, with the defaults (no ``allowed_fails``):

- a 429 cools its deployment, unless it is the only one of its model;
- so do more than half failures among at least five attempts of the last minute, and a thousand
  failures without a success;
- 401, 402 and 404 cool it at once, other 4xx never;
- for as long as Retry-After says, else 5 s. A Retry-After of 0 means not at all. A second one
  during the first can shorten it, not lengthen it: the entry keeps the end of its first writing.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Final

from router.core.faults import FAULTS, Kind
from router.simulate.rivals.expiring import Expiring
from router.simulate.rivals.litellm_picker import Deployment

COOLDOWN_S: Final = 5.0
"""``DEFAULT_COOLDOWN_TIME_SECONDS``."""
MINUTE_S: Final = 60.0
"""How long successes and failures are counted, each from its own first one."""
FAILING_SHARE: Final = 0.5
"""``DEFAULT_FAILURE_THRESHOLD_PERCENT``: above it, a deployment is failing,"""
FAILING_FROM: Final = 5
"""once it has seen ``DEFAULT_FAILURE_THRESHOLD_MINIMUM_REQUESTS``."""
DEAD_FROM: Final = 1000
"""``SINGLE_DEPLOYMENT_TRAFFIC_FAILURE_THRESHOLD``."""

TOLERATED_S: Final = 5.0
"""An entry that would outlive its cooldown by more is given a new end,"""
CORRECTED_MOST_S: Final = 60.0
"""which lies at most so far ahead (``_MAX_CORRECTED_IN_MEMORY_TTL_SECONDS``)."""

TOO_MANY, TIMED_OUT, UNAUTHORIZED, SERVER_ERRORS = 429, 408, 401, 500
RETRIED: Final = frozenset({TIMED_OUT, 409, TOO_MANY})
COOLING: Final = frozenset({UNAUTHORIZED, 402, 404, TIMED_OUT, TOO_MANY})
"""The 4xx that may cool a deployment."""
TIMEOUTS: Final = frozenset({Kind.FIRST_TOKEN_TIMEOUT, Kind.GAP_TIMEOUT, Kind.TOTAL_TIMEOUT})


def status_of(fault: Kind) -> int:
    """Return the status of the exception that LiteLLM raises: every time-out is a 408."""
    if fault in TIMEOUTS:
        return TIMED_OUT
    return UNAUTHORIZED if fault is Kind.CREDENTIALS else FAULTS[fault].status


def may_retry(status: int) -> bool:
    """``litellm.should_retry``."""
    return status in RETRIED or status >= SERVER_ERRORS


class Cooldowns:
    """Counts of every deployment, and until when it is left alone."""

    def __init__(self) -> None:
        self._good: dict[Deployment, Expiring[int]] = defaultdict(lambda: Expiring(MINUTE_S))
        self._bad: dict[Deployment, Expiring[int]] = defaultdict(lambda: Expiring(MINUTE_S))
        self._until: dict[Deployment, Expiring[float]] = defaultdict(lambda: Expiring(COOLDOWN_S))

    def sweep(self, now: float) -> None:
        """Forget cooldowns that are over and correct those kept too long; before every pick."""
        for until in self._until.values():
            end = until.read(now)
            if end is not None and end <= now:
                until.drop()
            elif end is not None and until.until > end + TOLERATED_S:
                until.drop()
                until.write(end, now, min(end - now, CORRECTED_MOST_S))

    def cooling(self, deployment: Deployment, now: float) -> bool:
        return deployment in self._until and self._until[deployment].read(now) is not None

    def succeeded(self, deployment: Deployment, now: float) -> None:
        _count(self._good[deployment], now)

    def failed(
        self,
        deployment: Deployment,
        status: int,
        *,
        retry_after_s: float | None,
        alone: bool,
        now: float,
    ) -> None:
        """Count a failure and cool where the rules say so; ``alone``: nobody else serves it."""
        bad = _count(self._bad[deployment], now)
        if status not in COOLING and status < SERVER_ERRORS:
            return
        # The header is read with int(), so a part of a second is lost.
        lasts = COOLDOWN_S if retry_after_s is None else float(int(retry_after_s))
        total = bad + (self._good[deployment].read(now) or 0)
        share = bad / total
        if (
            (status == TOO_MANY and not alone)
            or (share == 1.0 and total >= DEAD_FROM)
            or (share > FAILING_SHARE and total >= FAILING_FROM and not alone)
            or not may_retry(status)
        ) and lasts > 0:
            self._until[deployment].write(now + lasts, now, lasts)


def _count(cell: Expiring[int], now: float) -> int:
    value = (cell.read(now) or 0) + 1
    cell.write(value, now)
    return value

"""LiteLLM's router around one of its strategies, with its defaults.

Source: litellm 1.106.2, ``router.py``: among the deployments of the model that are not cooling
down and whose window holds the prompt, the strategy picks; after a failure it picks again, not
told who has just failed, two retries at most and at once while anybody is healthy. Where nobody
is, the request fails without waiting. The filter by window (``enable_pre_call_checks``) is off by
default; it is on here, as an operator of unequal windows would have it.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final

from router.core.catalogue import Endpoint, EndpointId
from router.core.faults import Kind
from router.core.measure import Attempt, Outcome
from router.ports import Clock
from router.simulate.buyer import Errand, Hold, Send
from router.simulate.rivals.litellm_cooldowns import TIMEOUTS, Cooldowns, may_retry, status_of
from router.simulate.rivals.litellm_picker import Deployment, Picker

ATTEMPTS: Final = 3
"""``num_retries`` is 2."""


class LiteLLM:
    """``Buyer`` that does what LiteLLM's router would."""

    def __init__(self, endpoints: Sequence[Endpoint], clock: Clock, picker: Picker) -> None:
        self._endpoints, self._clock, self._picker = endpoints, clock, picker
        self._cooldowns = Cooldowns()
        self._failures: dict[int, int] = {}

    def choose(self, errand: Errand, tried: Collection[EndpointId]) -> Send | Hold | None:
        del tried
        if self._failures.get(errand.number, 0) >= ATTEMPTS:
            return None
        model, now = errand.ask.model, self._clock.mono()
        self._cooldowns.sweep(now)
        healthy = [
            e
            for e in self._group(errand)
            if not self._cooldowns.cooling(Deployment(model, e.id), now)
            and errand.prompt_tokens <= e.context
        ]
        if not healthy:
            return None
        return Send(self._picker.pick(model, healthy, stream=errand.ask.stream, now=now).id)

    def begun(self, endpoint: Endpoint, errand: Errand) -> None:
        self._picker.sent(Deployment(errand.ask.model, endpoint.id), self._clock.mono())

    def learn(self, attempt: Attempt, errand: Errand, retry_after_s: float | None) -> None:
        at, now = Deployment(errand.ask.model, attempt.endpoint), self._clock.mono()
        fault = attempt.fault
        if fault is None:
            self._picker.succeeded(at, attempt, now)
            self._cooldowns.succeeded(at, now)
            return
        self._picker.failed(at, timed_out=fault in TIMEOUTS, now=now)
        if fault is Kind.CANCELLED:
            return
        status, alone = status_of(fault), len(self._group(errand)) == 1
        self._cooldowns.failed(at, status, retry_after_s=retry_after_s, alone=alone, now=now)
        failures = self._failures.get(errand.number, 0) + 1
        self._failures[errand.number] = failures if may_retry(status) else ATTEMPTS

    def settle(self, outcome: Outcome, errand: Errand) -> None:
        del outcome
        self._failures.pop(errand.number, None)

    def _group(self, errand: Errand) -> list[Endpoint]:
        return [e for e in self._endpoints if errand.ask.model in e.serves]

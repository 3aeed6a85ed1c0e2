"""LiteLLM ``latency-based-routing``: the lowest mean of the last ten.

Source: litellm 1.106.2, ``router_strategy/lowest_latency.py``, with its defaults
(``max_latency_list_size`` 10, ``lowest_latency_buffer`` 0, ``ttl`` 3600):

- for whole answers the mean of seconds *per output token*; for streams the mean TTFT, where there
  is one, else that same mean: the two are compared with each other as they stand;
- who was never used counts as 0 and is therefore picked first. Once anything is known of the
  model that 0 is a sample, which flatters its owner until ten more have come;
- a time-out is a sample of 1000 s, in the list that streams do not read. No other failure is one:
  an endpoint that only ever failed still counts as 0;
- everything known of a model is forgotten an hour after it was first written.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Sequence
from random import Random
from typing import Final

from router.core.catalogue import Endpoint, EndpointId, ModelName
from router.core.measure import Attempt
from router.simulate.rivals.expiring import Expiring
from router.simulate.rivals.litellm_picker import Deployment

KEPT: Final = 10
FORGOTTEN_AFTER_S: Final = 3600.0
TIMED_OUT_S: Final = 1000.0


class Samples:
    """The last ten of an endpoint: seconds per token, and seconds to the first token."""

    def __init__(self, *first: float) -> None:
        self.latency = deque(first, KEPT)
        self.ttft: deque[float] = deque(maxlen=KEPT)

    def score(self, *, stream: bool) -> float:
        """Return what endpoints are compared by; less is better."""
        samples = self.ttft if stream and self.ttft else self.latency
        return sum(samples) / len(samples) if samples else 0.0


Known = dict[EndpointId, Samples]


class LowestLatency:
    """``Picker`` by the lowest mean; ``buffer`` is the share above it that counts as equal."""

    def __init__(self, rng: Random, buffer: float = 0.0) -> None:
        self._rng, self._buffer = rng, buffer
        self._cells: dict[ModelName, Expiring[Known]] = defaultdict(
            lambda: Expiring(FORGOTTEN_AFTER_S)
        )

    def pick(
        self, model: ModelName, healthy: Sequence[Endpoint], *, stream: bool, now: float
    ) -> Endpoint:
        # Nothing is written here, but what is added to a living map stays in it.
        known = self._read(model, now)
        for endpoint in healthy:
            known.setdefault(endpoint.id, Samples(0.0))
        at_hand = {e.id: e for e in healthy}
        # Two draws, an order and a choice, so that the same chance gives the same pick.
        order = self._rng.sample(list(known), len(known))
        scored = [(known[i].score(stream=stream), at_hand[i]) for i in order if i in at_hand]
        scored.sort(key=lambda pair: pair[0])
        most = scored[0][0] + self._buffer * scored[0][0]
        return self._rng.choice([e for score, e in scored if score <= most])

    def sent(self, to: Deployment, now: float) -> None:
        """Nothing is kept of what is under way."""

    def succeeded(self, at: Deployment, attempt: Attempt, now: float) -> None:
        known = self._read(at.model, now)
        samples = known.setdefault(at.endpoint, Samples())
        tokens = attempt.usage.output if attempt.usage is not None else 0
        samples.latency.append(attempt.e2e_s / tokens if tokens else attempt.e2e_s)
        if attempt.streamed:
            ttft_s = attempt.ttft_s
            samples.ttft.append(attempt.e2e_s if ttft_s is None else ttft_s)
        self._cells[at.model].write(known, now)

    def failed(self, at: Deployment, *, timed_out: bool, now: float) -> None:
        if timed_out:
            known = self._read(at.model, now)
            known.setdefault(at.endpoint, Samples()).latency.append(TIMED_OUT_S)
            self._cells[at.model].write(known, now)

    def _read(self, model: ModelName, now: float) -> Known:
        known = self._cells[model].read(now)
        return {} if known is None else known

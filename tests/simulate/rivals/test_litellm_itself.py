"""The models of LiteLLM are what they claim: LiteLLM's own classes make the same picks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from random import Random
from typing import Any

import pytest

from router.core.catalogue import ModelName
from router.simulate.rivals.litellm_busy import LeastBusy
from router.simulate.rivals.litellm_cost import LowestCost
from router.simulate.rivals.litellm_latency import LowestLatency
from router.simulate.rivals.litellm_picker import Picker
from router.simulate.rivals.litellm_router import LiteLLM
from router.simulate.rivals.litellm_shuffle import SimpleShuffle
from router.simulate.rivals.litellm_usage import LowestUsage
from tests.simulate.rivals.market import Clock, attempt, endpoint, errand, picks
from tests.simulate.rivals.recorded import ENDPOINTS, PRICES, SERVES, Result, Row, record, replay
from tests.simulate.rivals.theirs import Theirs

pytestmark = pytest.mark.slow  # litellm takes seconds to import

LOG_ROWS = 2000
"""More than an hour, so that what is forgotten after an hour is forgotten."""

STRATEGIES: Mapping[str, Callable[[Clock, Random], Picker]] = {
    "simple-shuffle": lambda _, rng: SimpleShuffle(rng),
    "latency-based-routing": lambda _, rng: LowestLatency(rng),
    "cost-based-routing": lambda _, rng: LowestCost(),
    "usage-based-routing-v2": LowestUsage,
    "least-busy": lambda _, rng: LeastBusy(),
}


@pytest.fixture(scope="module")
def litellm() -> Iterator[Any]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LITELLM_LOCAL_MODEL_COST_MAP", "True")
        import litellm

        yield litellm


class Ours:
    """Our model under the same replay."""

    def __init__(self, strategy: str, clock: Clock, rng: Random) -> None:
        endpoints = [
            endpoint(n, PRICES[n], serves=tuple(map(ModelName, SERVES[n]))) for n in ENDPOINTS
        ]
        self._fleet = {e.id: e for e in endpoints}
        self._buyer = LiteLLM(endpoints, clock, STRATEGIES[strategy](clock, rng))

    async def pick(self, row: Row, now: float) -> str | None:
        del now
        wanted = self._errand(row)
        picked = picks(self._buyer, wanted)
        if not picked:
            return None
        self._buyer.begun(next(e for e in self._fleet.values() if e.id == picked), wanted)
        return picked

    async def ended(self, row: Row, name: str, result: Result, sent: float, now: float) -> None:
        told = attempt(
            name,
            ended=now,
            lasts=now - sent,
            ttft=result.ttft_s if row.stream else None,
            tokens=result.tokens,
            fault=result.fault,
        )
        self._buyer.learn(told, self._errand(row), result.retry_after_s)

    def _errand(self, row: Row) -> Any:
        return errand(row.number, model=ModelName(row.model), stream=row.stream)


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("seed", [2, 3])
async def test_a_recorded_log_gives_the_same_picks_in_litellms_own_classes(
    litellm: Any, strategy: str, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    log, clock = record(seed, LOG_ROWS), Clock()
    theirs = Theirs(litellm, strategy, Random(seed), monkeypatch)
    their_picks = await replay(log, theirs, lambda now: setattr(theirs, "now", now))
    ours = Ours(strategy, clock, Random(seed))
    our_picks = await replay(log, ours, lambda now: setattr(clock, "now", now))
    assert log[-1].at > 3700
    assert len({line.split()[-1] for line in their_picks}) >= 4
    assert our_picks == their_picks

"""Ours: the board and the decision that the proxy runs, asked as `dispatch` asks them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from math import exp
from random import Random

from router.core.ask import Mode
from router.core.candidate import Candidate, Warm
from router.core.catalogue import Endpoint, EndpointId
from router.core.decide import decide
from router.core.decision import Decision
from router.core.explain import explain
from router.core.forecast import (
    end_quantile,
    forecast,
    predictive,
    question,
    wait_quantile,
)
from router.core.hedge import after_s, rescue
from router.core.measure import Attempt, Outcome
from router.core.memo import Memo
from router.core.numbers import deviates, normal_quantile
from router.core.patience import first_content_s, hold_s
from router.core.policy import DEFAULT_POLICY
from router.core.refusal import may_mend
from router.dispatch import WAIT_STEP_S
from router.ports import Clock
from router.simulate.buyer import Errand, Hold, Send
from router.simulate.calibration import LEVELS, Noted
from router.store.board import Board

NOTE_EVERY = 5
"""Of so many decisions one is asked for its whole forecast, which costs as much as deciding."""

Said = dict[str, tuple[float, ...]]


class Engine:
    """``Buyer`` around a board of its own."""

    def __init__(
        self, endpoints: Sequence[Endpoint], clock: Clock, rng: Random, *, rescues: bool = False
    ) -> None:
        self._rescues = rescues
        self.board = Board(endpoints, clock)
        self._clock = clock
        self._chance = deviates(rng.getrandbits)
        self._memo = Memo()
        self._decisions: dict[int, Decision] = {}
        self._said: dict[tuple[int, EndpointId], Said] = {}
        self.noted: list[Noted] = []

    def choose(self, errand: Errand, tried: Collection[EndpointId]) -> Send | Hold | None:
        ask, wall = errand.ask, self._clock.wall()
        candidates = self.board.candidates(ask)
        elapsed_s = self._clock.mono() - errand.arrived
        decision = self._memo.find(ask, candidates) if not tried else None
        stakes, warm = self.board.stakes(ask.kind), self.board.warm(ask)
        if decision is None:
            decision = decide(
                ask,
                candidates,
                stakes,
                wall=wall,
                chance=self._chance,
                tried=tried,
                elapsed_s=elapsed_s,
                warm=warm,
            )
            if decision.plan and not tried:
                self._memo.keep(ask, candidates, decision)
        self._decisions[errand.number] = decision
        if decision.plan:
            endpoint = decision.plan[0].endpoint
            if errand.number % NOTE_EVERY == 0:
                chosen = next(c for c in candidates if c.endpoint is endpoint)
                self._said[errand.number, endpoint.id] = self._expected(errand, chosen, wall, warm)
            patience_s = first_content_s(ask, endpoint, decision.forecast)
            return Send(endpoint.id, patience_s, self._second(errand, endpoint, candidates, tried))
        left = hold_s(ask, DEFAULT_POLICY) - elapsed_s
        if ask.sla.mode is not Mode.WAIT or left <= 0:
            return None
        mends = may_mend(explain(ask, candidates, decision, stakes, wall=wall, warm=warm))
        return Hold(min(WAIT_STEP_S, left)) if mends else None

    def _second(
        self,
        errand: Errand,
        first: Endpoint,
        candidates: Sequence[Candidate],
        tried: Collection[EndpointId],
    ) -> tuple[float, Callable[[], Send | None]] | None:
        if not self._rescues:
            return None
        ask, sent = errand.ask, self._clock.mono()
        after = after_s(
            ask, first.id, candidates, wall=self._clock.wall(), elapsed_s=sent - errand.arrived
        )
        if after is None:
            return None

        def second() -> Send | None:
            now = self._clock.mono()
            found = rescue(
                ask,
                first.id,
                self.board.candidates(ask),
                self.board.stakes(ask.kind),
                wall=self._clock.wall(),
                elapsed_s=now - errand.arrived,
                waited_s=now - sent,
                tried=frozenset(tried),
                warm=self.board.warm(ask),
            )
            if found is None:
                return None
            endpoint = found.decision.plan[0].endpoint
            return Send(endpoint.id, first_content_s(ask, endpoint, found.decision.forecast))

        return after, second

    def begun(self, endpoint: Endpoint, errand: Errand) -> None:
        del errand
        self.board.begun(endpoint)

    def learn(self, attempt: Attempt, errand: Errand, retry_after_s: float | None) -> None:
        self.board.observe(attempt, errand.ask, retry_after_s)
        said = self._said.pop((errand.number, attempt.endpoint), None)
        if said is not None and attempt.complete:
            for quantity, fact in _facts(attempt).items():
                note = (quantity, attempt.endpoint, errand.kind, attempt.sent, said[quantity], fact)
                self.noted.append(Noted(*note))

    def settle(self, outcome: Outcome, errand: Errand) -> None:
        decision = self._decisions.pop(errand.number, None)
        if decision is not None:
            self.board.settle(outcome, decision, errand.ask)

    def _expected(self, errand: Errand, candidate: Candidate, wall: float, warm: Warm) -> Said:
        """What is believed of the chosen one's next attempt, at every level."""
        endpoint, stats, lengths, rates, answers, _ = candidate
        ask, price = errand.ask, endpoint.price
        assert price is not None  # noqa: S101 - an endpoint without a price is never chosen
        belief, tokens = predictive(stats), rates.prompt_tokens(ask.prompt)
        cached = min(warm.get(endpoint.id, 0.0), tokens)
        prompt_k, token_s = (tokens - cached * stats.cache_hit) / 1000, exp(-belief.speed)
        ends = [(w, n * token_s * lengths.visible) for w, n in answers]
        told = forecast(
            ask, question((), ask.max_tokens), endpoint,
            price=price.at(wall), input_tokens=tokens, stats=stats, lengths=lengths,
            spread=answers, cached_tokens=cached,
        )  # fmt: skip
        return {
            "ttft": tuple(wait_quantile(p, prompt_k, stats, belief) for p in LEVELS),
            "e2e": tuple(end_quantile(p, prompt_k, stats, belief, ends) for p in LEVELS),
            "speed": tuple(
                exp(belief.speed - normal_quantile(p) * belief.speed_sd) for p in LEVELS
            ),
            "tokens": tuple(lengths.quantile(p) for p in LEVELS),
            "cost": (told.cost_usd,),
        }


def _facts(attempt: Attempt) -> dict[str, float]:
    found = {"e2e": attempt.e2e_s, "cost": attempt.cost_nano_usd / 1e9}
    if attempt.ttft_s is not None:
        found["ttft"] = attempt.ttft_s
    if attempt.tps is not None:
        found["speed"] = attempt.tps
    if attempt.usage is not None:
        found["tokens"] = float(attempt.usage.output)
    return found

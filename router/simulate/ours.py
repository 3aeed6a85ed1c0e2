"""Ours: the board and the planner that the proxy runs, asked as `dispatch` asks them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from math import exp
from random import Random

from router.core.candidate import Candidate
from router.core.catalogue import Endpoint, EndpointId
from router.core.decision import Decision
from router.core.forecast import (
    end_quantile,
    forecast,
    predictive,
    question,
    wait_quantile,
)
from router.core.measure import Attempt, Outcome
from router.core.numbers import deviates, normal_quantile
from router.core.patience import first_content_s
from router.core.policy import DEFAULT_POLICY, Policy
from router.planner import Planner, look_again_s
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
        self,
        endpoints: Sequence[Endpoint],
        clock: Clock,
        rng: Random,
        policy: Policy = DEFAULT_POLICY,
    ) -> None:
        self.board = Board(endpoints, clock)
        self._clock, self._policy = clock, policy
        self._planner = Planner(self.board, clock, deviates(rng.getrandbits))
        self._decisions: dict[int, Decision] = {}
        self._said: dict[tuple[int, EndpointId], Said] = {}
        self._spent_nano_usd: dict[int, int] = {}
        self.noted: list[Noted] = []

    def choose(self, errand: Errand, tried: Collection[EndpointId]) -> Send | Hold | None:
        ask, elapsed_s = errand.ask, self._clock.mono() - errand.arrived
        decision = self._planner.plan(ask, tried, elapsed_s)
        if decision.plan:
            send = self._send(errand, decision)
            after_s = self._planner.rescue_after_s(ask, self._policy, decision, elapsed_s, tried)
            if after_s is None:
                return send
            first, sent = decision.plan[0].endpoint, self._clock.mono()
            return send._replace(rescue=(after_s, lambda: self._rescue(errand, first, sent, tried)))
        self._decisions[errand.number] = decision
        explained = self._planner.explain(ask, decision)
        again_s = look_again_s(ask, self._policy, explained, elapsed_s)
        return None if again_s is None else Hold(again_s)

    def _send(self, errand: Errand, decision: Decision) -> Send:
        endpoint = decision.plan[0].endpoint
        self._decisions[errand.number] = decision
        if errand.number % NOTE_EVERY == 0:
            chosen = next(c for c in self.board.candidates(errand.ask) if c.endpoint is endpoint)
            self._said[errand.number, endpoint.id] = self._expected(errand, chosen)
        return Send(endpoint.id, first_content_s(errand.ask, endpoint, decision.forecast))

    def _rescue(
        self, errand: Errand, first: Endpoint, sent: float, tried: Collection[EndpointId]
    ) -> Send | None:
        now = self._clock.mono()
        decision = self._planner.rescue(
            errand.ask,
            first,
            waited_s=now - sent,
            elapsed_s=now - errand.arrived,
            tried=tried,
            spent_usd=self._spent_nano_usd.get(errand.number, 0) / 1e9,
        )
        return None if decision is None else self._send(errand, decision)

    def begun(self, endpoint: Endpoint, errand: Errand) -> None:
        del errand
        self.board.begun(endpoint)

    def learn(self, attempt: Attempt, errand: Errand, retry_after_s: float | None) -> None:
        self.board.observe(attempt, errand.ask, retry_after_s)
        spent = self._spent_nano_usd.get(errand.number, 0)
        self._spent_nano_usd[errand.number] = spent + attempt.cost_nano_usd
        said = self._said.pop((errand.number, attempt.endpoint), None)
        if said is not None and attempt.complete:
            for quantity, fact in _facts(attempt).items():
                note = (quantity, attempt.endpoint, errand.kind, attempt.sent, said[quantity], fact)
                self.noted.append(Noted(*note))

    def settle(self, outcome: Outcome, errand: Errand) -> None:
        self._spent_nano_usd.pop(errand.number, None)
        decision = self._decisions.pop(errand.number, None)
        if decision is not None:
            self.board.settle(outcome, decision, errand.ask)

    def _expected(self, errand: Errand, candidate: Candidate) -> Said:
        """What is believed of the chosen one's next attempt, at every level."""
        wall, warm = self._clock.wall(), self.board.warm(errand.ask)
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

"""Ours: the board and the decision that the proxy runs, asked as `dispatch` asks them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from random import Random

from router.core.ask import Mode
from router.core.catalogue import Endpoint, EndpointId
from router.core.decide import decide, explain
from router.core.decision import Decision
from router.core.measure import Attempt, Outcome
from router.core.memo import Memo
from router.core.numbers import DEVIATE_BITS, DEVIATES
from router.core.patience import first_content_s, hold_s
from router.core.policy import DEFAULT_POLICY
from router.core.refusal import may_mend
from router.dispatch import WAIT_STEP_S
from router.ports import Clock
from router.simulate.buyer import Errand, Hold, Send
from router.store.board import Board


class Engine:
    """``Buyer`` around a board of its own."""

    def __init__(self, endpoints: Sequence[Endpoint], clock: Clock, rng: Random) -> None:
        self.board = Board(endpoints, clock)
        self._clock = clock
        self._rng = rng
        self._memo = Memo()
        self._decisions: dict[int, Decision] = {}

    def choose(self, errand: Errand, tried: Collection[EndpointId]) -> Send | Hold | None:
        ask, wall = errand.ask, self._clock.wall()
        candidates = self.board.candidates(ask.model, ask.sla.policy)
        elapsed_s = self._clock.mono() - errand.arrived
        decision = self._memo.find(ask, candidates) if not tried else None
        if decision is None:
            decision = decide(
                ask,
                candidates,
                self.board.stakes(ask.sla.class_key(ask.model)),
                wall=wall,
                chance=self._chance,
                tried=tried,
                elapsed_s=elapsed_s,
            )
            if decision.plan and not tried:
                self._memo.keep(ask, candidates, decision)
        self._decisions[errand.number] = decision
        if decision.plan:
            endpoint = decision.plan[0].endpoint
            return Send(endpoint.id, first_content_s(ask, endpoint, decision.forecast))
        left = hold_s(ask, DEFAULT_POLICY) - elapsed_s
        if ask.sla.mode is Mode.WAIT and left > 0:
            if may_mend(explain(ask, candidates, decision, wall=wall)):
                return Hold(min(WAIT_STEP_S, left))
        return None

    def begun(self, endpoint: Endpoint, errand: Errand) -> None:
        del errand
        self.board.begun(endpoint)

    def learn(self, attempt: Attempt, errand: Errand, retry_after_s: float | None) -> None:
        self.board.observe(attempt, errand.ask, retry_after_s)

    def settle(self, outcome: Outcome, errand: Errand) -> None:
        decision = self._decisions.pop(errand.number, None)
        if decision is not None:
            self.board.settle(outcome, decision, errand.ask)

    def _chance(self) -> float:
        return DEVIATES[self._rng.getrandbits(DEVIATE_BITS)]

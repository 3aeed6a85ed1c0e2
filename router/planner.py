"""Recall, forecast, decide: how a request is planned, in the proxy and in the simulation alike.

Whoever carries requests out (`dispatch`, `simulate`) asks here who serves, whether to wait, and
whether a silent attempt gets a second one beside it. Nothing here waits or sends.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from math import log
from typing import Final, NamedTuple

from router.core.ask import Ask, Mode, Sla
from router.core.candidate import Candidate
from router.core.catalogue import Endpoint, EndpointId, ModelName
from router.core.decide import decide
from router.core.decision import Decision, Explained
from router.core.explain import explain
from router.core.hedge import Allowance, Backup, after_s, backups, rescue
from router.core.memo import MOST_CLASSES, Memo
from router.core.patience import hold_s
from router.core.policy import Policy
from router.core.refusal import may_mend
from router.core.sift import Chance
from router.ports import Board, Clock

WAIT_STEP_S: Final = 0.25
"""How often a ``wait`` request looks again."""
TIMERS_LAST_S: Final = 2.0
"""How long the likeliest of a class are taken to stay so, and how long like requests share the
moment at which somebody silent is looked at: it says when to think, not what to do."""
SIZES: Final = 8.0
"""Steps of the prompt's size, for each factor of e, within which requests share that moment."""
AT_ONCE_S: Final = 0.05
"""Requests that were held or refused for longer are no longer like the others."""


_Key = tuple[ModelName, EndpointId, int, bool, int | None, int, int]


class _Timer(NamedTuple):
    """``after_s`` was found for ``sla`` and counts until a time (unix); ``None``: never."""

    until: float
    sla: Sla
    after_s: float | None


class Planner:
    """Plans from a board. ``elapsed_s`` is always the client's time that has been used up."""

    def __init__(self, board: Board, clock: Clock, chance: Chance) -> None:
        self._board, self._clock, self._chance = board, clock, chance
        self._memo = Memo()
        self._allowance = Allowance()
        self._backups: dict[tuple[str, bool], tuple[float, tuple[Backup, ...]]] = {}
        self._timers: dict[_Key, _Timer] = {}

    def plan(self, ask: Ask, tried: Collection[str], elapsed_s: float) -> Decision:
        """Decide who serves; the plan is empty where nobody can."""
        board = self._board
        candidates = self._candidates(ask)
        known = self._memo.find(ask, candidates) if not tried else None
        if known is not None:
            return known
        decision = decide(
            ask,
            candidates,
            board.stakes(ask.kind),
            wall=self._clock.wall(),
            chance=self._chance,
            tried=tried,
            elapsed_s=elapsed_s,
            warm=board.warm(ask),
        )
        if decision.plan and not tried:
            self._memo.keep(ask, candidates, decision)
        return decision

    def _candidates(self, ask: Ask) -> Sequence[Candidate]:
        """Return who serves the model asked for, and who serves those to fall back on."""
        found = self._board.candidates(ask)
        if not ask.preferences.models:
            return found
        everyone = {c.endpoint.id: c for c in found}
        for name in ask.preferences.models:
            for other in self._board.candidates(ask._replace(model=name)):
                everyone.setdefault(other.endpoint.id, other)
        return list(everyone.values())

    def explain(self, ask: Ask, decision: Decision | None = None) -> Explained:
        """Tell a decision in full; without one, what is best on average now."""
        board, wall = self._board, self._clock.wall()
        candidates, stakes, warm = self._candidates(ask), board.stakes(ask.kind), board.warm(ask)
        if decision is None:
            decision = decide(ask, candidates, stakes, wall=wall, warm=warm)
        return explain(ask, candidates, decision, stakes, wall=wall, warm=warm)

    def rescue_after_s(
        self, ask: Ask, policy: Policy, decision: Decision, elapsed_s: float, tried: Collection[str]
    ) -> float | None:
        """Return the seconds of silence after which ``rescue`` is to be asked, if ever."""
        self._allowance.asked()
        if not policy.hedge or decision.lam is None:
            return None
        first = decision.plan[0].endpoint.id
        if tried or elapsed_s > AT_ONCE_S:
            return self._after_s(ask, {first, *tried}, elapsed_s)
        sla, prompt = ask.sla, ask.prompt
        step = round(log(prompt.ascii_bytes + prompt.other_bytes + 1) * SIZES)
        key = (ask.model, first, id(sla), ask.stream, ask.max_tokens, step, prompt.attachments)
        wall, known = self._clock.wall(), self._timers.get(key)
        if known is None or known.sla is not sla or wall >= known.until:
            if len(self._timers) >= MOST_CLASSES:
                self._timers.clear()
            known = _Timer(wall + TIMERS_LAST_S, sla, self._after_s(ask, {first}, 0.0))
            self._timers[key] = known
        after_s = known.after_s
        return None if after_s is None else max(0.0, after_s - elapsed_s)

    def _after_s(self, ask: Ask, out: Collection[str], elapsed_s: float) -> float | None:
        for backup in self._likeliest(ask):
            if backup.candidate.endpoint.id not in out:
                return after_s(ask, backup, elapsed_s)
        return None

    def _likeliest(self, ask: Ask) -> tuple[Backup, ...]:
        """Return the backups of a class, as they were a moment ago."""
        wall, key = self._clock.wall(), (ask.kind, ask.stream)
        until, found = self._backups.get(key, (0.0, ()))
        if wall >= until:
            if len(self._backups) >= MOST_CLASSES:
                self._backups.clear()
            found = backups(ask, self._candidates(ask), wall=wall)
            self._backups[key] = (wall + TIMERS_LAST_S, found)
        return found

    def rescue(
        self,
        ask: Ask,
        first: Endpoint,
        *,
        waited_s: float,
        elapsed_s: float,
        tried: Collection[str],
        spent_usd: float,
    ) -> Decision | None:
        """Decide who is sent beside a silent ``first``, if that is worth its money.

        ``spent_usd`` is what attempts that have ended cost.
        """
        if not self._allowance.left:
            return None
        board = self._board
        found = rescue(
            ask,
            first.id,
            self._candidates(ask),
            board.stakes(ask.kind),
            wall=self._clock.wall(),
            elapsed_s=elapsed_s,
            waited_s=waited_s,
            tried=tried,
            spent_usd=spent_usd,
            warm=board.warm(ask),
        )
        if found is None:
            return None
        self._allowance.spend()
        return found.decision


def look_again_s(ask: Ask, policy: Policy, explained: Explained, elapsed_s: float) -> float | None:
    """Return after how many seconds a held request asks again; ``None`` where it is refused."""
    left_s = hold_s(ask, policy) - elapsed_s
    if ask.sla.mode is not Mode.WAIT or left_s <= 0 or not may_mend(explained):
        return None
    return min(WAIT_STEP_S, left_s)

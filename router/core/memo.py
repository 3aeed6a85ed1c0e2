"""The same question has the same answer while nothing was learned.

Applications repeat themselves: many requests of one class, alike in size and needs, arrive while
the board has nothing new to say. The first decides, the next few take its decision, draw
included. On a quiet board every outcome is news, and every request decides for itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from router.core.ask import Ask
from router.core.candidate import Candidate
from router.core.decision import Decision

MOST_USES: Final = 8
"""Requests that share a decision: few, so that trying the unsure stays as rare as it was drawn,
and the price of a miss is looked at again. How few is a guess, not measured."""
ALIKE: Final = 0.03
"""How far prompts may differ in size: less than anybody's estimate of them is off. A guess."""
MOST_CLASSES: Final = 1000
"""Decisions remembered before all are dropped: it only bounds memory. A guess, not measured."""


@dataclass(slots=True)
class _Kept:
    ask: Ask
    demands: tuple[object, ...]
    candidates: Sequence[Candidate]
    decision: Decision
    uses: int = 1


class Memo:
    """The last decision of each class."""

    def __init__(self) -> None:
        self._kept: dict[int, _Kept] = {}

    def find(self, ask: Ask, candidates: Sequence[Candidate]) -> Decision | None:
        """Return the decision of a like request on the very same candidates, if there is one."""
        if ask.session:
            return None
        kept = self._kept.get(id(ask.sla))
        if kept is None or kept.candidates is not candidates or kept.uses >= MOST_USES:
            return None
        if not _alike_in_size(ask, kept.ask) or _demands(ask) != kept.demands:
            return None
        kept.uses += 1
        return kept.decision

    def keep(self, ask: Ask, candidates: Sequence[Candidate], decision: Decision) -> None:
        """Remember a decision that was just made; a conversation's is of use to nobody else."""
        if ask.session:
            return
        if len(self._kept) >= MOST_CLASSES:
            self._kept.clear()
        self._kept[id(ask.sla)] = _Kept(ask, _demands(ask), candidates, decision)


def _alike_in_size(one: Ask, other: Ask) -> bool:
    size = one.prompt.ascii_bytes + one.prompt.other_bytes
    gap = abs(size - other.prompt.ascii_bytes - other.prompt.other_bytes)
    return gap <= size * ALIKE


def _demands(ask: Ask) -> tuple[object, ...]:
    """What must be the same: in a tuple, since of one object nothing need be compared."""
    return (
        ask.sla,
        ask.model,
        ask.stream,
        ask.max_tokens,
        ask.needs,
        ask.params,
        ask.preferences,
        ask.prompt.attachments,
        ask.surface,
        ask.only_natively,
        ask.tier,
    )

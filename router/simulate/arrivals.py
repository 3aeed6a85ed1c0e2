"""Who comes when: requests alone, and conversations whose turns wait for their answers.

All of it is drawn from the seed before the run; only when a later turn comes depends on when the
earlier one ended.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import exp
from random import Random
from typing import Final, NamedTuple

from router.core.ask import Ask, PromptSize, Sla
from router.core.catalogue import ModelName
from router.core.tokens import ASCII_PER_TOKEN
from router.simulate.buyer import Errand
from router.simulate.scenario import ClassTable, Scenario

MOST_TURNS: Final = 1000
GUESS_SD: Final = 0.08
"""How far (log) bytes per token differ between prompts."""


class Turn(NamedTuple):
    """One request of a conversation: its tokens, its bytes, and the pause (s) before it."""

    prompt_tokens: int
    ascii_bytes: int
    pause_s: float


class Talk(NamedTuple):
    """A conversation, or a request alone: when it begins (s), and its turns."""

    place: int
    kind: str
    begins: float
    turns: Sequence[Turn]


class Arrivals:
    """Every request that will come, as a function of scenario and seed."""

    def __init__(self, scenario: Scenario, seed: int) -> None:
        self._scenario = scenario
        self._slas: dict[str, Sla] = {k: c.core(k) for k, c in scenario.classes.items()}
        total = sum(c.share for c in scenario.classes.values())
        talks: list[tuple[float, str, Sequence[Turn]]] = []
        for name, table in scenario.classes.items():
            rng = Random(f"{seed}/{name}")
            talks += _of_class(scenario, name, table, table.share / total, rng)
        talks.sort(key=lambda t: t[0])
        self.talks = [Talk(i, kind, at, turns) for i, (at, kind, turns) in enumerate(talks)]

    def errand(self, talk: Talk, turn: int, now: float) -> Errand:
        """Return a turn of a conversation as it arrives ``now``."""
        table, said = self._scenario.classes[talk.kind], talk.turns[turn]
        number = talk.place * MOST_TURNS + turn
        ask = Ask(
            id=f"{number}",
            model=ModelName(table.model),
            sla=self._slas[talk.kind],
            prompt=PromptSize(said.ascii_bytes),
            stream=table.stream,
            max_tokens=table.max_tokens,
            session=f"{talk.place}" if table.conversation is not None else "",
        )
        return Errand(
            number=number,
            kind=talk.kind,
            ask=ask,
            prompt_tokens=said.prompt_tokens,
            arrived=now,
            attempts=table.attempts,
            conversation=talk.place if table.conversation is not None else None,
            turn=turn,
            prefix_tokens=talk.turns[turn - 1].prompt_tokens if turn else 0,
        )


def _of_class(
    scenario: Scenario, name: str, table: ClassTable, share: float, rng: Random
) -> list[tuple[float, str, Sequence[Turn]]]:
    """Draw a class' conversations: Poisson, thinned to the hour of the day."""
    load, until = scenario.load, scenario.hours * 3600
    turns = table.conversation.turns if table.conversation is not None else 1.0
    most = load.requests_per_s * (1 + load.swing) * share / turns
    found: list[tuple[float, str, Sequence[Turn]]] = []
    at = 0.0
    while True:
        at += rng.expovariate(most)
        if at >= until:
            return found
        keep = load.rate(scenario.start_wall + at) * share / turns >= most * rng.random()
        said = _turns(table, rng)
        if keep:
            found.append((at, name, said))


def _turns(table: ClassTable, rng: Random) -> Sequence[Turn]:
    size, talk = table.prompt.at(rng.gauss(0, 1)), table.conversation
    turns, pause = [], 0.0
    while True:
        guess = ASCII_PER_TOKEN * size * exp(GUESS_SD * rng.gauss(0, 1))
        turns.append(Turn(size, max(1, round(guess)), pause))
        if talk is None or rng.random() < 1 / talk.turns or len(turns) >= MOST_TURNS:
            return turns
        size += talk.growth.at(rng.gauss(0, 1))
        pause = rng.expovariate(1 / talk.pause_s)

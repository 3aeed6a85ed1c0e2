"""The stopwatch of one attempt: what arrived, when, and what the next silence would mean."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from router.core.answer import Content, Piece, Usage
from router.core.catalogue import Endpoint, Price
from router.core.faults import Fault, Kind

ENOUGH_FOR_PACE: Final = 64
"""Tokens that tell a speed better than what the endpoint usually does. A guess, not measured: fewer
show the timing of packets, more would leave most of what breaks off to the usual speed."""


class Stage(Enum):
    """What an attempt is waiting for."""

    WAITING = auto()
    STREAMING = auto()
    WRITING = auto()
    BOOKED = auto()


@dataclass(slots=True)
class Meter:
    """Times in monotonic seconds, but ``sent_wall`` (unix); ``price`` is pinned at the start.

    ``number`` counts the request's attempts from 1, ``span_id`` names this one in traces.
    ``left`` says that the provider may have seen the request, ``headed`` when the headers of an
    answer came, ``length`` the bytes they announced.
    It changes with every piece and lives as long as its attempt; an ``Attempt`` is what is left.
    """

    endpoint: Endpoint
    price: Price
    sent: float
    sent_wall: float
    number: int = 1
    span_id: str = ""
    upstream_id: str = ""
    left: bool = False
    status: int | None = None
    headed: float | None = None
    length: int | None = None
    stage: Stage = Stage.WAITING
    first: float | None = None
    first_answer: float | None = None
    last: float | None = None
    chars: int = 0
    reasoning_chars: int = 0
    usage: Usage | None = None
    finish: str | None = None

    def note(self, piece: Piece, now: float) -> None:
        """Take the time and the counts of what arrived."""
        _, content, chars, reasoning_chars, usage, finish, _, _ = piece
        if content:
            if self.first is None:
                self.first = now
            if self.first_answer is None and content is Content.ANSWER:
                self.first_answer = now
            self.last = now
            self.chars += chars
            self.reasoning_chars += reasoning_chars
        if usage is not None:
            self.usage = usage
        if finish is not None:
            self.finish = finish

    def pace(self, tokens: float) -> float | None:
        """Tokens per second since the first, if ``tokens`` were shown; ``None`` for too few.

        An answer cut off early shows more of its packets' timing than of its speed.
        """
        if self.first is None or self.last is None or tokens < ENOUGH_FOR_PACE:
            return None
        span = self.last - self.first
        return (tokens - 1) / span if span > 0 else None

    @property
    def is_empty(self) -> bool:
        """Whether an answer that ended here is a failure, having no content.

        One that was cut off by its length, or filtered, says so, and would be the same elsewhere.
        One whose tokens were counted is what the model had to say: Claude ends a turn so that it
        takes for complete, and code has nothing between two places where nothing is missing.
        https://platform.claude.com/docs/en/build-with-claude/handling-stop-reasons
        """
        counted = self.usage is not None and self.usage.text > 0
        return self.chars == 0 and not counted and self.finish in (None, "stop", "end_turn")

    def overdue(self, *, total_reached: bool) -> Fault:
        """Say which limit an attempt broke that has just run out of time."""
        name, limits = self.endpoint.id, self.endpoint.limits
        if self.stage is Stage.WRITING:
            return Fault(Kind.CANCELLED, "The client stopped reading.")
        if total_reached:
            return Fault(
                Kind.TOTAL_TIMEOUT, f"{name} was still answering after {limits.total_s:g} s."
            )
        if self.stage is Stage.STREAMING:
            return Fault(
                Kind.GAP_TIMEOUT, f"{name} fell silent for {limits.gap_s:g} s inside its answer."
            )
        return Fault(
            Kind.FIRST_TOKEN_TIMEOUT, f"{name} gave no content in the time it should need."
        )

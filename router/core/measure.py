"""From arrival times to outcome: what one attempt, and what one request, really delivered.

Two clocks belong to a request. *Statistics* are the attempt's, from the moment it was sent
upstream; the *verdict* is the client's, from the last byte of its request body, so failover and
waiting count. Times are monotonic seconds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, NamedTuple

from router.core.answer import Usage
from router.core.ask import Bound, BoundKind, Sla
from router.core.catalogue import EndpointId
from router.core.faults import Kind

CUT_OFF: Final = frozenset(
    {"length", "max_tokens", "max_output_tokens", "model_context_window_exceeded"}
)
"""Finish reasons of answers that were not allowed to end."""
MIN_TOKENS_FOR_SPEED = 8
"""Fewer streamed tokens say nothing about speed: they may come in one packet. A plain choice, not
measured."""


class Verdict(StrEnum):
    """Whether a bound, or all of them, held."""

    KEPT = "kept"
    MISSED = "missed"
    UNMEASURED = "unmeasured"
    NONE = "none"


_E2E: Final = BoundKind.E2E
_COST: Final = BoundKind.COST
_ANSWER_TOKENS: Final = BoundKind.ANSWER_TOKENS
_CONTEXT: Final = BoundKind.CONTEXT
_KEPT: Final = Verdict.KEPT
_MISSED: Final = Verdict.MISSED
_NONE: Final = Verdict.NONE
# What judges every request knows them by heart: found in its enumeration a member costs a call.


class Attempt(NamedTuple):
    """One try at one endpoint, finished.

    ``sent`` ... ``ended`` are monotonic seconds; ``first`` and ``first_answer`` stay ``None``
    where no such content arrived or none can be told apart (a whole answer). ``started_wall`` is
    unix seconds. ``fault`` is ``None`` for a complete answer. ``visible_tokens`` are those that
    were streamed, the reported count where there is one. ``overdue`` marks an attempt given up
    before its first token: its wait is a censored sample. ``body_bytes`` is the size of a whole
    answer's body, where its headers told it.
    """

    endpoint: EndpointId
    number: int
    started_wall: float
    sent: float
    ended: float
    first: float | None = None
    first_answer: float | None = None
    last: float | None = None
    streamed: bool = True
    usage: Usage | None = None
    visible_tokens: float = 0.0
    visible_chars: int = 0
    cost_nano_usd: int = 0
    fault: Kind | None = None
    status: int | None = None
    finish: str | None = None
    upstream_id: str = ""
    body_bytes: int | None = None

    @property
    def complete(self) -> bool:
        """Whether the answer arrived whole."""
        return self.fault is None

    @property
    def ttft_s(self) -> float | None:
        """Seconds from sending to the first content event; ``None`` for whole answers."""
        return None if self.first is None else self.first - self.sent

    @property
    def ttfat_s(self) -> float | None:
        """Seconds from sending to the first answer content."""
        return None if self.first_answer is None else self.first_answer - self.sent

    @property
    def e2e_s(self) -> float:
        """Seconds from sending to the end."""
        return self.ended - self.sent

    @property
    def tps(self) -> float | None:
        """Output speed in tokens per second after the first token; ``None`` below 8 tokens."""
        if self.first is None or self.last is None or self.visible_tokens < MIN_TOKENS_FOR_SPEED:
            return None
        span = self.last - self.first
        return (self.visible_tokens - 1) / span if span > 0 else None


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one request ended: once, whatever happened.

    ``received`` is the monotonic second of the last request byte, ``ended`` of the last byte
    given to the client. ``fault`` is ``None`` when the client got a whole answer.
    """

    attempts: tuple[Attempt, ...]
    received: float
    ended: float
    fault: Kind | None
    sla: Sla
    cost_nano_usd: int = field(init=False, compare=False)
    """What all attempts cost together, in nano-USD."""
    _facts: Mapping[BoundKind, float] = field(init=False, repr=False, compare=False)
    _verdict: Verdict = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        cost = 0
        for attempt in self.attempts:
            cost += attempt.cost_nano_usd
        keep = object.__setattr__
        keep(self, "cost_nano_usd", cost)
        keep(self, "_facts", self._measured())
        keep(self, "_verdict", self._judged())

    @property
    def final(self) -> Attempt | None:
        """The attempt whose answer (or error) the client saw."""
        return self.attempts[-1] if self.attempts else None

    @property
    def estimated(self) -> bool:
        """Whether any part of the cost was estimated."""
        for attempt in self.attempts:
            usage = attempt.usage
            if usage is not None and usage.estimated:
                return True
        return False

    def facts(self) -> Mapping[BoundKind, float]:
        """Measured values by bound kind, in the bound's unit; unmeasurable kinds are absent."""
        return self._facts

    def verdict(self) -> Verdict:
        """Whether the request kept its bounds: missed if any was, unmeasured if none could be."""
        return self._verdict

    def _measured(self) -> Mapping[BoundKind, float]:
        final = self.final
        if final is None:
            return {}
        found = {
            _E2E: 1000 * (final.ended - self.received),
            _COST: self.cost_nano_usd / 1e9,
        }
        if final.first is not None:
            found[BoundKind.TTFT] = 1000 * (final.first - self.received)
            tps = final.tps
            if tps is not None:
                found[BoundKind.TPS] = tps
        if final.first_answer is not None:
            found[BoundKind.TTFAT] = 1000 * (final.first_answer - self.received)
        if final.usage is not None:
            found[_ANSWER_TOKENS] = final.usage.output
        return found

    def verdict_of(self, bound: Bound, facts: Mapping[BoundKind, float]) -> Verdict:
        """Judge one bound. A request that failed missed every bound it declared."""
        kind = bound.kind
        if kind is _CONTEXT:
            return _KEPT
        if self.fault is not None:
            return _MISSED
        fact = facts.get(kind)
        if fact is None:
            return Verdict.UNMEASURED
        return _KEPT if bound.kept_by(fact) else _MISSED

    def _judged(self) -> Verdict:
        if not self.sla.bounds:
            return _NONE
        if self.fault is Kind.CANCELLED:
            return Verdict.UNMEASURED
        found = _NONE
        for bound in self.sla.bounds:
            if bound.kind is _CONTEXT:
                continue
            verdict = self.verdict_of(bound, self._facts)
            if verdict is _MISSED:
                return verdict
            if found is not _KEPT:
                found = verdict
        return _KEPT if found is _NONE else found

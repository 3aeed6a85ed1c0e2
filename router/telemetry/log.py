"""One line per finished request: JSON for machines, plain words on a terminal.

Lines are written by a thread of their own, a quarter of a second's at once, so that a terminal that
was stopped or a full pipe holds up nobody: beyond the queue, lines are dropped and counted. They
are not sent through ``logging``, whose records cost more than the line; levels mean what they mean
there.
"""

from __future__ import annotations

from datetime import UTC, datetime
from enum import IntEnum
from functools import lru_cache
from typing import Final, TextIO

import msgspec

from router.core.ask import BoundKind
from router.core.faults import FAULTS, Kind, Whose
from router.core.measure import Outcome, Verdict
from router.ports import Record
from router.telemetry.attributes import clip
from router.telemetry.drain import Drain
from router.telemetry.summary import http_status, missed, planned_by

HELD: Final = 8192
"""Lines that wait to be written."""

BATCH: Final = 256
PAUSE_S: Final = 0.25
"""A person at a terminal takes it for at once."""

_OK: Final = 200
_TTFT: Final = BoundKind.TTFT
_E2E: Final = BoundKind.E2E
_COST: Final = BoundKind.COST


class Level(IntEnum):
    """How much a line matters: every request, those that missed a bound, those we failed."""

    DEBUG = 10
    INFO = 20
    WARNING = 30
    ERROR = 40
    CRITICAL = 50


_NAMES: Final = {level: level.name.lower() for level in Level}


class Journal:
    """Writes request lines of at least ``level`` (a name of ``Level``, any case) to ``stream``."""

    def __init__(self, stream: TextIO, level: str = "info", *, pause_s: float = PAUSE_S) -> None:
        self._stream = stream
        self._line = plain_line if stream.isatty() else json_line
        self.level = Level[level.upper()]
        self._drain: Drain[str] = Drain(
            "telemetry-log", self._write, limit=HELD, batch=BATCH, pause_s=pause_s
        )

    @property
    def dropped(self) -> int:
        """Lines that were not written."""
        return self._drain.dropped

    def take(self, record: Record) -> None:
        """Write a line about the record, a moment later."""
        level = level_of(record.outcome)
        if level >= self.level:
            self._drain.put(self._line(record, level))

    def stop(self) -> None:
        """Write what is held, and take no more; returns at once."""
        self._drain.stop()

    def close(self, limit_s: float) -> bool:
        """Stop, and wait for at most ``limit_s`` seconds; whether all was written."""
        return self._drain.close(limit_s)

    def _write(self, lines: list[str]) -> None:
        self._stream.write("\n".join([*lines, ""]))
        self._stream.flush()


def level_of(outcome: Outcome) -> Level:
    """An error is ours, the operator's or a provider's; a warning a missed bound.

    All else is information, a refusal for the client's own reason too: it can be had at will.
    """
    if outcome.fault is not None:
        mine = FAULTS[outcome.fault].whose in (Whose.CLIENT, Whose.NOBODY)
        return Level.INFO if mine else Level.ERROR
    return Level.WARNING if outcome.verdict() is Verdict.MISSED else Level.INFO


class _Line(msgspec.Struct, gc=False):
    """The keys of a JSON line, in their order; what is not known is ``null``."""

    at: str
    level: str
    request: str
    trace: str
    operation: str
    model: str
    endpoint: str | None
    status: int | None
    fault: Kind | None
    attempts: int
    policy: str
    verdict: Verdict
    missed: list[str]
    ttft_ms: float | None
    predicted_ttft_ms: float | None
    e2e_ms: float | None
    predicted_e2e_ms: float | None
    cost_usd: float
    predicted_cost_usd: float | None
    estimated: bool
    overhead_ms: float | None


_ENCODE: Final = msgspec.json.Encoder().encode


def json_line(record: Record, level: Level) -> str:
    """The line as one JSON object."""
    ask, outcome, planned = record.ask, record.outcome, planned_by(record.decisions)
    attempts, facts, verdict = outcome.attempts, outcome.facts(), outcome.verdict()
    forecast = planned.forecast if planned else None
    line = _Line(
        _at(record.received_wall + outcome.ended - outcome.received),
        _NAMES[level],
        clip(ask.id),
        record.context.trace_id,
        ask.surface,
        clip(ask.model),
        attempts[-1].endpoint if attempts else None,
        _OK if outcome.fault is None else http_status(outcome, record.fault),
        outcome.fault,
        len(attempts),
        ask.sla.policy,
        verdict,
        missed(outcome) if verdict is Verdict.MISSED else [],
        _ms(facts.get(_TTFT)),
        _ms(forecast.ttft_ms) if forecast else None,
        _ms(facts.get(_E2E)),
        _ms(forecast.e2e_ms) if forecast else None,
        facts.get(_COST, 0.0),
        (1e9 * forecast.cost_usd + 0.5) // 1 / 1e9 if forecast else None,
        outcome.estimated,
        _ms(1000 * record.overhead_s),
    )
    return _ENCODE(line).decode()


def plain_line(record: Record, level: Level) -> str:
    """The line for a person, forecast beside fact."""
    outcome, facts = record.outcome, record.outcome.facts()
    final, planned = outcome.final, planned_by(record.decisions)
    forecast = planned.forecast if planned else None
    verdict = [outcome.verdict().value, *missed(outcome)] if outcome.sla.bounds else []
    told = [
        f"{_ended(record):%H:%M:%S} {_NAMES[level]:7}",
        f"{clip(record.ask.model)} -> {final.endpoint if final else 'nobody'}",
        "ok" if outcome.fault is None else outcome.fault.value,
        _times("ttft", facts.get(_TTFT), forecast.ttft_ms if forecast else None),
        _times("e2e", facts.get(_E2E), forecast.e2e_ms if forecast else None),
        f"{'~' if outcome.estimated else ''}{outcome.cost_nano_usd / 1e9:.6f} USD"
        + (f" ({forecast.cost_usd:.6f} expected)" if forecast else ""),
        f"{len(outcome.attempts)} attempts" if len(outcome.attempts) > 1 else "",
        " ".join(verdict),
        clip(record.ask.id),
    ]
    line = "  ".join(filter(None, told))
    # A model's name or an id with control characters must not write on the terminal.
    return line if line.isprintable() else "".join(c if c.isprintable() else "?" for c in line)


def _times(name: str, fact_ms: float | None, predicted_ms: float | None) -> str:
    if fact_ms is None:
        return ""
    expected = "" if predicted_ms is None else f" ({predicted_ms:.0f} expected)"
    return f"{name} {fact_ms:.0f} ms{expected}"


def _ms(value: float | None) -> float | None:
    """To a tenth, faster than by ``round``; what is not finite becomes no number, thus ``null``."""
    return None if value is None else (10 * value + 0.5) // 1 / 10


def _at(unix_s: float) -> str:
    seconds, ms = divmod(int(1000 * unix_s + 0.5), 1000)
    return f"{_second(seconds)}.{ms:03}+00:00"


@lru_cache(maxsize=64)
def _second(unix_s: int) -> str:
    return datetime.fromtimestamp(unix_s, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def _ended(record: Record) -> datetime:
    elapsed_s = record.outcome.ended - record.outcome.received
    return datetime.fromtimestamp(record.received_wall + elapsed_s, UTC)

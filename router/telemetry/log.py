"""One line per finished request: JSON for machines, plain words on a terminal.

Lines are written by a thread of their own, many at a time, so that a terminal that was stopped or a
full pipe holds up nobody: beyond the queue, lines are dropped and counted. They are not sent
through ``logging``, whose records cost more than the line; levels mean what they mean there.
"""

from __future__ import annotations

from datetime import UTC, datetime
from enum import IntEnum
from typing import Final, TextIO

import msgspec

from router.core.ask import BoundKind
from router.core.measure import Verdict
from router.ports import Record
from router.telemetry.attributes import clip
from router.telemetry.drain import Drain
from router.telemetry.sample import is_error
from router.telemetry.summary import Summary, missed

HELD: Final = 8192
BATCH: Final = 256

Field = str | bool | int | float | list[str] | None


class Level(IntEnum):
    """How much a line matters: every request, those that missed a bound, those that failed."""

    DEBUG = 10
    INFO = 20
    WARNING = 30
    ERROR = 40
    CRITICAL = 50


class Journal:
    """Writes request lines of at least ``level`` (a name of ``Level``, any case) to ``stream``."""

    def __init__(self, stream: TextIO, level: str = "info") -> None:
        self._stream = stream
        self._line = plain_line if stream.isatty() else json_line
        self.level = Level[level.upper()]
        self._drain: Drain[str] = Drain(
            "telemetry-log", self._write, limit=HELD, batch=BATCH, pause_s=0.0
        )

    @property
    def dropped(self) -> int:
        """Lines that were not written."""
        return self._drain.dropped

    def take(self, record: Record, summary: Summary) -> None:
        """Write a line about the record, a moment later."""
        if self.level <= level_of(record, summary):
            self._drain.put(self._line(record, summary))

    def stop(self) -> None:
        """Write what is held, and take no more; returns at once."""
        self._drain.stop()

    def close(self, limit_s: float) -> bool:
        """Stop, and wait for at most ``limit_s`` seconds; whether all was written."""
        return self._drain.close(limit_s)

    def _write(self, lines: list[str]) -> None:
        self._stream.write("\n".join([*lines, ""]))
        self._stream.flush()


def level_of(record: Record, summary: Summary) -> Level:
    """An error is somebody's fault, a warning a missed bound; all else is information."""
    if is_error(record.outcome.fault):
        return Level.ERROR
    return Level.WARNING if summary.verdict is Verdict.MISSED else Level.INFO


def json_line(record: Record, s: Summary) -> str:
    """The line as one JSON object; what is not known is ``null``."""
    outcome, forecast = record.outcome, s.forecast
    fields: dict[str, Field] = {
        "at": _ended(record).isoformat(timespec="milliseconds"),
        "level": level_of(record, s).name.lower(),
        "request": clip(record.ask.id),
        "trace": record.context.trace_id,
        "operation": record.surface,
        "model": clip(record.ask.model),
        "endpoint": s.serving,
        "status": s.http_status,
        "fault": outcome.fault,
        "attempts": len(outcome.attempts),
        "policy": record.ask.sla.policy,
        "verdict": s.verdict,
        "missed": missed(outcome, s),
        "ttft_ms": _ms(s.facts.get(BoundKind.TTFT)),
        "predicted_ttft_ms": _ms(forecast.ttft_ms if forecast else None),
        "e2e_ms": _ms(s.facts.get(BoundKind.E2E)),
        "predicted_e2e_ms": _ms(forecast.e2e_ms if forecast else None),
        "cost_usd": outcome.cost_nano_usd / 1e9,
        "predicted_cost_usd": round(forecast.cost_usd, 9) if forecast else None,
        "estimated": outcome.estimated,
        "overhead_ms": _ms(1000 * record.overhead_s),
    }
    return msgspec.json.encode(fields).decode()


def plain_line(record: Record, s: Summary) -> str:
    """The line for a person, forecast beside fact."""
    outcome, forecast = record.outcome, s.forecast
    told = [
        f"{_ended(record):%H:%M:%S} {level_of(record, s).name.lower():7}",
        f"{clip(record.ask.model)} -> {s.serving or 'nobody'}",
        "ok" if outcome.fault is None else outcome.fault.value,
        _times("ttft", s.facts.get(BoundKind.TTFT), forecast.ttft_ms if forecast else None),
        _times("e2e", s.facts.get(BoundKind.E2E), forecast.e2e_ms if forecast else None),
        f"{'~' if outcome.estimated else ''}{outcome.cost_nano_usd / 1e9:.6f} USD"
        + (f" ({forecast.cost_usd:.6f} expected)" if forecast else ""),
        f"{len(outcome.attempts)} attempts" if len(outcome.attempts) > 1 else "",
        " ".join([s.verdict.value, *missed(outcome, s)]) if outcome.sla.bounds else "",
        clip(record.ask.id),
    ]
    # A model's name or an id with control characters must not write on the terminal.
    return "".join(c if c.isprintable() else "?" for c in "  ".join(filter(None, told)))


def _times(name: str, fact_ms: float | None, predicted_ms: float | None) -> str:
    if fact_ms is None:
        return ""
    expected = "" if predicted_ms is None else f" ({predicted_ms:.0f} expected)"
    return f"{name} {fact_ms:.0f} ms{expected}"


def _ms(value: float | None) -> float | None:
    return None if value is None else round(value, 1)


def _ended(record: Record) -> datetime:
    elapsed_s = record.outcome.ended - record.outcome.received
    return datetime.fromtimestamp(record.received_wall + elapsed_s, UTC)

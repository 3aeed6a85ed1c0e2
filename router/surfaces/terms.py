"""The words in which a limit may be declared, and the numbers each of them takes.

A typo must never remove a limit, so nothing is guessed: a value is a plain decimal in the unit
its name says, inside a range that makes sense, or it is refused with an example. (llm-d once
read an out-of-range deadline as the most urgent one.)
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from router.core.ask import BoundKind, Mode
from router.core.faults import Fault, Kind

_DECIMAL: Final = re.compile(
    r"(?:[0-9]{1,18}(?:\.[0-9]{0,18})?|\.[0-9]{1,18})(?:[eE][+-]?[0-9]{1,2})?"
)
_PERCENTILE: Final = re.compile(r"[pP]?([0-9]{2}(?:\.[0-9]{1,3})?)")
_DAY_MS: Final = 86_400_000
_SHOWN_CHARS: Final = 40


@dataclass(frozen=True, slots=True)
class Term:
    """What one bound takes: numbers of ``unit`` from ``low`` to ``high``, both included."""

    unit: str
    low: float
    high: float
    example: str
    whole: bool = False

    @property
    def takes(self) -> str:
        number = "a whole number" if self.whole else "a number"
        return (
            f"takes {number} of {self.unit} from {self.low:g} to {self.high:,.0f}"
            f" without a unit, such as {self.example}"
        )


TERMS: Final[Mapping[BoundKind, Term]] = {
    BoundKind.TTFT: Term("milliseconds", 1, _DAY_MS, "800"),
    BoundKind.TTFAT: Term("milliseconds", 1, _DAY_MS, "2000"),
    BoundKind.E2E: Term("milliseconds", 1, _DAY_MS, "10000"),
    BoundKind.TPS: Term("tokens per second", 0.01, 100_000, "30"),
    BoundKind.CONTEXT: Term("tokens", 1, 1_000_000_000, "128000", whole=True),
    BoundKind.ANSWER_TOKENS: Term("tokens", 1, 1_000_000_000, "700", whole=True),
    BoundKind.COST: Term("USD", 0, 1_000_000, "0.002"),
}

TPOT: Final = Term("milliseconds per output token", 0.01, 100_000, "25")
"""Its inverse is a floor of the speed: 25 ms per token are 40 tokens per second."""

PERCENTILE_TAKES: Final = "takes a percentile from p50 to p99.9, such as p95"
MODE_TAKES: Final = f"takes one of {', '.join(Mode)}"
EXPLAIN_TAKES: Final = "takes true or false"

BOUND_HEADERS: Final[Mapping[str, BoundKind]] = {
    "x-sla-ttft-ms": BoundKind.TTFT,
    "x-sla-ttfat-ms": BoundKind.TTFAT,
    "x-sla-e2e-ms": BoundKind.E2E,
    "x-sla-min-tps": BoundKind.TPS,
    "x-sla-min-context": BoundKind.CONTEXT,
    "x-sla-max-answer-tokens": BoundKind.ANSWER_TOKENS,
    "x-sla-max-cost-usd": BoundKind.COST,
    "x-slo-ttft-ms": BoundKind.TTFT,
    "x-llm-d-slo-ttft-ms": BoundKind.TTFT,
}
TPOT_HEADERS: Final = frozenset({"x-slo-tpot-ms", "x-llm-d-slo-tpot-ms"})
OTHER_HEADERS: Final[Mapping[str, str]] = {
    "x-sla-percentile": "percentile",
    "x-sla-mode": "mode",
    "x-sla-policy": "policy",
    "x-sla-explain": "explain",
}
HEADERS: Final = (*BOUND_HEADERS, *sorted(TPOT_HEADERS), *OTHER_HEADERS)
BODY_KEYS: Final = (*BoundKind, *OTHER_HEADERS.values())


def refuse(at: str, value: object, takes: str) -> Fault:
    """Say which name carries what and what it takes; the value is shown shortened."""
    shown = repr(value)
    if len(shown) > _SHOWN_CHARS:
        shown = shown[:_SHOWN_CHARS] + "..."
    return Fault(Kind.BAD_SLA, f"{at}: {shown} is not understood; it {takes}.", param=at)


def nearest(word: str, known: Iterable[str]) -> str:
    """Return the known word most like ``word``."""
    return difflib.get_close_matches(word[:64].lower(), list(known), n=1, cutoff=0.0)[0]


def limit_of_text(text: str, term: Term, at: str) -> float:
    """Read a header's value in the term's unit."""
    if _DECIMAL.fullmatch(text) is None:
        raise refuse(at, text, term.takes)
    return _in_range(float(text), text, term, at)


def limit_of_json(value: object, term: Term, at: str) -> float:
    """Read a body's value: a JSON number, in the term's unit."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise refuse(at, value, term.takes)
    return _in_range(value, value, term, at)


def _in_range(number: float, value: object, term: Term, at: str) -> float:
    # A comparison with NaN is false, and a huge int is compared exactly without a conversion.
    if not term.low <= number <= term.high or (term.whole and number != int(number)):
        raise refuse(at, value, term.takes)
    return float(number)


def percentile(value: object, at: str) -> float:
    """Read ``p95``, ``95`` or 95 as 0.95."""
    text = str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value
    match = _PERCENTILE.fullmatch(text) if isinstance(text, str) else None
    number = float(match.group(1)) if match else 0.0
    if not 50 <= number <= 99.9:  # noqa: PLR2004 - what PERCENTILE_TAKES says
        raise refuse(at, value, PERCENTILE_TAKES)
    return round(number / 100, 6)


def mode(value: object, at: str) -> Mode:
    """Read a mode by its name, in any case."""
    try:
        return Mode(value.lower() if isinstance(value, str) else "")
    except ValueError:
        raise refuse(at, value, MODE_TAKES) from None


def explain(value: object, at: str) -> bool:
    """Read a switch: a JSON boolean, or the words true, false, 1, 0."""
    if isinstance(value, bool):
        return value
    match value.lower() if isinstance(value, str) else None:
        case "true" | "1":
            return True
        case "false" | "0":
            return False
        case _:
            raise refuse(at, value, EXPLAIN_TAKES)

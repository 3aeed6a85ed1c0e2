"""What one request says about its SLA at one level: in its headers, or in its body.

The levels are read apart, so that two names for one bound that disagree at the same level can be
refused naming both, while a header may quietly beat the body.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import msgspec

from router.core.ask import BoundKind, Mode
from router.core.faults import Fault, Kind
from router.surfaces import terms


@dataclass(frozen=True, slots=True)
class Declared:
    """Limits by kind in the kind's unit, and the choices beside them; ``None``: not said.

    ``policy_at`` is the name under which the policy was asked for.
    """

    limits: Mapping[BoundKind, float] = field(default_factory=dict)
    percentile: float | None = None
    mode: Mode | None = None
    policy: str | None = None
    policy_at: str = ""
    explain: bool | None = None

    def over(self, other: Declared) -> Declared:
        """Lay this level over a lower one: what it says wins, bound by bound."""
        return Declared(
            limits={**other.limits, **self.limits},
            percentile=other.percentile if self.percentile is None else self.percentile,
            mode=self.mode or other.mode,
            policy=other.policy if self.policy is None else self.policy,
            policy_at=other.policy_at if self.policy is None else self.policy_at,
            explain=other.explain if self.explain is None else self.explain,
        )


NOTHING = Declared()


class _Level:
    """Collects what one level says, and under which name, until it is complete."""

    def __init__(self) -> None:
        self._limits: dict[BoundKind, tuple[str, float]] = {}
        self._others: dict[str, tuple[str, object]] = {}

    def limit(self, kind: BoundKind, value: float, at: str) -> None:
        first = self._limits.setdefault(kind, (at, value))
        if not math.isclose(first[1], value, rel_tol=1e-9):
            raise _contradiction(first[0], at, kind.value)

    def other(self, key: str, value: object, at: str) -> None:
        read = _CHOICES[key](value, at)
        first = self._others.setdefault(key, (at, read))
        if first[1] != read:
            raise _contradiction(first[0], at, key)

    def complete(self) -> Declared:
        policy_at, policy = self._others.get("policy", ("", None))
        _, percentile = self._others.get("percentile", ("", None))
        _, mode = self._others.get("mode", ("", None))
        _, explain = self._others.get("explain", ("", None))
        return Declared(
            limits={kind: value for kind, (_, value) in self._limits.items()},
            percentile=percentile if isinstance(percentile, float) else None,
            mode=mode if isinstance(mode, Mode) else None,
            policy=policy if isinstance(policy, str) else None,
            policy_at=policy_at,
            explain=explain if isinstance(explain, bool) else None,
        )


def _policy(value: object, at: str) -> str:
    if isinstance(value, str) and value:
        return value
    raise terms.refuse(at, value, "takes the name of a policy, such as interactive")


_CHOICES = {
    "percentile": terms.percentile,
    "mode": terms.mode,
    "policy": _policy,
    "explain": terms.explain,
}


def _contradiction(first: str, second: str, what: str) -> Fault:
    names = f"{first} and {second}" if first != second else f"{first}, sent twice,"
    return Fault(
        Kind.BAD_SLA,
        f"{names} say different things about the same bound ({what}); send one of them.",
        param=second,
    )


def from_headers(pairs: Iterable[tuple[str, str]]) -> Declared:
    """Read SLA headers, given as sent. Raises ``Fault(BAD_SLA)``; unknown names are refused."""
    level = _Level()
    for at, text in pairs:
        name, value = at.lower(), text.strip(" \t")
        if name in terms.BOUND_HEADERS:
            kind = terms.BOUND_HEADERS[name]
            level.limit(kind, terms.limit_of_text(value, terms.TERMS[kind], at), at)
        elif name in terms.TPOT_HEADERS:
            level.limit(BoundKind.TPS, 1000 / terms.limit_of_text(value, terms.TPOT, at), at)
        elif name in terms.OTHER_HEADERS:
            level.other(terms.OTHER_HEADERS[name], value, at)
        else:
            raise _unknown(at, terms.nearest(name, terms.HEADERS), "header")
    return level.complete()


def from_body(raw: bytes) -> Declared:
    """Read the body's ``sla`` value as raw JSON (empty: it has none). ``null`` says nothing."""
    if not raw:
        return NOTHING
    try:
        said = msgspec.json.decode(raw)
    except (msgspec.DecodeError, RecursionError):
        said = raw.decode(errors="replace")
    if said is None:
        return NOTHING
    if not isinstance(said, dict):
        raise terms.refuse("sla", said, 'takes an object, such as {"ttft_ms": 800}')
    level = _Level()
    for key, value in said.items():
        at = f"sla.{key}"
        if key not in terms.BODY_KEYS:
            raise _unknown(at[:64], f"sla.{terms.nearest(key, terms.BODY_KEYS)}", "key")
        if value is None:
            continue
        if key in _CHOICES:
            level.other(key, value, at)
        else:
            kind = BoundKind(key)
            level.limit(kind, terms.limit_of_json(value, terms.TERMS[kind], at), at)
    return level.complete()


def _unknown(at: str, nearest: str, what: str) -> Fault:
    return Fault(
        Kind.BAD_SLA,
        f"{at} is not an SLA {what} known here; the nearest is {nearest}. It is refused,"
        " since a typo must never remove a limit.",
        param=at,
    )

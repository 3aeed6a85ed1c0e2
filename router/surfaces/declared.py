"""What one request says about its SLA at one level: in its headers, or in its body.

The levels are read apart, so that two names for one bound that disagree at the same level can be
refused naming both, while a header may quietly beat the body. The suffix of a model's name is for
tools that can set nothing else: it must not contradict anybody.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import msgspec

from router.core.ask import Bound, BoundKind, Mode
from router.core.faults import Fault, Kind
from router.surfaces import terms


@dataclass(frozen=True, slots=True)
class Declared:
    """Limits by kind in the kind's unit, and the choices beside them; ``None``: not said.

    ``names`` says under which name each was said, by body key.
    """

    limits: Mapping[BoundKind, float] = field(default_factory=dict)
    percentile: float | None = None
    mode: Mode | None = None
    policy: str | None = None
    explain: bool | None = None
    names: Mapping[str, str] = field(default_factory=dict)

    def over(self, other: Declared) -> Declared:
        """Lay this level over a lower one: what it says wins, bound by bound."""
        return Declared(
            limits={**other.limits, **self.limits},
            percentile=other.percentile if self.percentile is None else self.percentile,
            mode=self.mode or other.mode,
            policy=other.policy if self.policy is None else self.policy,
            explain=other.explain if self.explain is None else self.explain,
            names={**other.names, **self.names},
        )

    def agree(self, other: Declared) -> None:
        """Raise ``Fault(BAD_SLA)``, naming both, where another level says something else."""
        for kind, value in self.limits.items():
            said = other.limits.get(kind, value)
            if not _same(said, value):
                raise _contradiction(other.names[kind], self.names[kind], kind.value)
        for key in _CHOICES:
            mine, theirs = getattr(self, key), getattr(other, key)
            if None not in (mine, theirs) and mine != theirs:
                raise _contradiction(other.names[key], self.names[key], key)

    def agree_with_soft(self, preferred: Iterable[Bound], names: Mapping[BoundKind, str]) -> None:
        """Same, of soft bounds that go by ``names``: one of a kind must say what is said here."""
        soft = list(preferred)
        for kind, value in self.limits.items():
            said = [b.limit for b in soft if b.kind is kind]
            if said and not any(_same(limit, value) for limit in said):
                raise _contradiction(self.names[kind], names[kind], kind.value)


NOTHING = Declared()


def _same(one: float, other: float) -> bool:
    return math.isclose(one, other, rel_tol=1e-9)


class _Level:
    """Collects what one level says, and under which name, until it is complete."""

    def __init__(self) -> None:
        self._limits: dict[BoundKind, tuple[str, float]] = {}
        self._others: dict[str, tuple[str, object]] = {}

    def limit(self, kind: BoundKind, value: float, at: str) -> None:
        first = self._limits.setdefault(kind, (at, value))
        if not _same(first[1], value):
            raise _contradiction(first[0], at, kind.value)

    def other(self, key: str, value: object, at: str) -> None:
        read = _CHOICES[key](value, at)
        first = self._others.setdefault(key, (at, read))
        if first[1] != read:
            raise _contradiction(first[0], at, key)

    def complete(self) -> Declared:
        _, policy = self._others.get("policy", ("", None))
        _, percentile = self._others.get("percentile", ("", None))
        _, mode = self._others.get("mode", ("", None))
        _, explain = self._others.get("explain", ("", None))
        return Declared(
            limits={kind: value for kind, (_, value) in self._limits.items()},
            percentile=percentile if isinstance(percentile, float) else None,
            mode=mode if isinstance(mode, Mode) else None,
            policy=policy if isinstance(policy, str) else None,
            explain=explain if isinstance(explain, bool) else None,
            names={key: at for key, (at, _) in (*self._limits.items(), *self._others.items())},
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


_SUFFIX_TERM = re.compile(r"([A-Za-z0-9_]+)\s*(<=?|>=?|=)(.+)", re.DOTALL)
_SUFFIX_PERCENTILE = re.compile(r"[pP][0-9.]+")
_SHORT = {
    "ttft": BoundKind.TTFT,
    "ttfat": BoundKind.TTFAT,
    "e2e": BoundKind.E2E,
    "tps": BoundKind.TPS,
    "context": BoundKind.CONTEXT,
    "tokens": BoundKind.ANSWER_TOKENS,
    "cost": BoundKind.COST,
}
_SUFFIX_TAKES = "takes terms such as ttft<800, tps>30, cost<0.01, p95, policy=agent or mode=strict"


def from_suffix(text: str) -> Declared:
    """Read what stands behind the ``@`` of a model's name: ``ttft<800,cost<0.01,p90``."""
    level = _Level()
    for part in text.split(",") if text else ():
        term = part.strip()
        at = f"model@{term[:48]}"
        found = _SUFFIX_TERM.fullmatch(term)
        if _SUFFIX_PERCENTILE.fullmatch(term):
            level.other("percentile", term, at)
        elif found is None:
            raise terms.refuse(at, term, _SUFFIX_TAKES)
        else:
            key, comparator, value = found.groups()
            _term(level, key.lower(), comparator, value.strip(), at=at)
    return level.complete()


def _term(level: _Level, key: str, comparator: str, value: str, *, at: str) -> None:
    if key in _CHOICES:
        if comparator != "=":
            raise terms.refuse(at, comparator, f"takes {key}=...")
        level.other(key, value, at)
        return
    kind = _SHORT.get(key)
    if kind is None:
        if key not in terms.BODY_KEYS:
            known = (*_SHORT, *terms.BODY_KEYS)
            raise _unknown(at, f"model@{terms.nearest(key, known)}", "term")
        kind = BoundKind(key)
    way = ">" if kind.is_floor else "<"
    if comparator[0] not in (way, "="):
        raise terms.refuse(at, comparator, f"takes {key}{way}..., since it bounds from that side")
    level.limit(kind, terms.limit_of_text(value, terms.TERMS[kind], at), at)


def _unknown(at: str, nearest: str, what: str) -> Fault:
    return Fault(
        Kind.BAD_SLA,
        f"{at} is not an SLA {what} known here; the nearest is {nearest}. It is refused,"
        " since a typo must never remove a limit.",
        param=at,
    )

"""The SLA of one request: header, body, named policy, its class' policy, the key's, the default.

What stands earlier wins, bound by bound: a header that declares a TTFT leaves the policy's cost cap
in force. Applications repeat themselves, so the result for identical headers and an identical body
object is remembered.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Final, NamedTuple

from router.core.ask import Bound, BoundKind, Sla
from router.core.faults import Fault, Kind
from router.core.policy import Policy
from router.surfaces import declared, terms
from router.surfaces.preferences import PREFERRED

_REMEMBERED = 1024
_REMEMBERED_BYTES = 2048
_LISTED = 50
_NO_CLASSES: Final[Mapping[str, str]] = MappingProxyType({})


class Reading(NamedTuple):
    """The bounds in force, the policy they came by, and whether to explain in the answer."""

    sla: Sla
    policy: Policy
    explain: bool


class SlaReader:
    """Reads SLAs against a set of policies, and remembers what it read (bounded)."""

    def __init__(
        self,
        policies: Mapping[str, Policy],
        default: Policy,
        classes: Mapping[str, str] = _NO_CLASSES,
    ) -> None:
        """``classes`` names the policy of each class that clients put their requests in."""
        self._policies = policies
        self._default = default
        self._classes = classes
        self._read: dict[tuple[object, ...], Reading] = {}

    def read(
        self,
        headers: tuple[tuple[str, str], ...],
        body_sla: bytes,
        key_policy: Policy | None,
        *,
        suffix: str = "",
        request_class: str = "",
        preferred: tuple[Bound, ...] = (),
    ) -> Reading:
        """Same contract as ``parse_sla``; ``headers`` hold only those that declare an SLA."""
        class_policy = self._classes.get(request_class.strip().lower()) if request_class else None
        key_name = key_policy.name if key_policy is not None else None
        key = (headers, body_sla, key_name, suffix, class_policy, preferred)
        found = self._read.get(key)
        if found is None:
            found = parse_sla(
                headers,
                body_sla,
                self._policies,
                key_policy,
                self._default,
                suffix=suffix,
                class_policy=None if class_policy is None else self._policies[class_policy],
                preferred=preferred,
            )
            if len(self._read) >= _REMEMBERED:
                self._read.pop(next(iter(self._read)))
            if len(body_sla) + sum(len(value) for _, value in headers) <= _REMEMBERED_BYTES:
                self._read[key] = found
        return found


def parse_sla(
    headers: Iterable[tuple[str, str]],
    body_sla: bytes,
    policies: Mapping[str, Policy],
    key_policy: Policy | None,
    default_policy: Policy,
    *,
    suffix: str = "",
    class_policy: Policy | None = None,
    preferred: Sequence[Bound] = (),
) -> Reading:
    """Read SLA headers (names as sent) and the body's raw ``sla`` object (empty: none).

    ``suffix`` is what the model's name says behind its ``@``, ``preferred`` what OpenRouter's
    ``provider`` object does: nothing else may contradict them.

    Raises ``Fault``: ``BAD_SLA`` names the header or key at fault and what it takes,
    ``BAD_POLICY`` lists the policies there are.
    """
    above, below = declared.from_headers(headers), declared.from_body(body_sla)
    said = above.over(below)
    if suffix:
        short = declared.from_suffix(suffix)
        short.agree(above)
        short.agree(below)
        said = said.over(short)
    said.agree_with_soft(preferred, PREFERRED)
    named = _named(said, policies)
    layers = [p for p in (default_policy, key_policy, class_policy, named) if p is not None]
    policy = layers[-1]
    percentile = policy.sla.percentile if said.percentile is None else said.percentile
    inherited: dict[BoundKind, tuple[Bound, ...]] = {}
    for layer in layers:
        for kind in {b.kind for b in layer.sla.bounds}:
            inherited[kind] = tuple(b for b in layer.sla.bounds if b.kind is kind)
    bounds: list[Bound] = []
    for kind in terms.TERMS:
        limit = said.limits.get(kind)
        if limit is not None:
            bounds.append(Bound(kind, limit, percentile))
            continue
        for bound in inherited.get(kind, ()):
            at = bound.percentile if said.percentile is None else said.percentile
            bounds.append(replace(bound, percentile=at))
    sla = Sla(
        bounds=tuple(dict.fromkeys(bounds)),
        mode=said.mode or policy.sla.mode,
        percentile=percentile,
        policy=policy.name,
    )
    return Reading(sla, policy, bool(said.explain))


def _named(said: declared.Declared, policies: Mapping[str, Policy]) -> Policy | None:
    if said.policy is None:
        return None
    found = policies.get(said.policy)
    if found is None:
        names = ", ".join(sorted(policies)[:_LISTED]) or "none"
        shown, at = said.policy[:64], said.names["policy"]
        raise Fault(
            Kind.BAD_POLICY,
            f"{at}: there is no policy {shown!r}; the policies here are: {names}.",
            param=at,
        )
    return found

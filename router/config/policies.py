"""Policies as files: ``policies/<name>.toml``, read strictly into core policies."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

from pydantic import BeforeValidator, Field

from router.config.mistake import Mistake
from router.config.reading import Place, dotted, read_toml, validated
from router.config.sections import Routing, Strict
from router.core.ask import Bound, BoundKind, Mode, Sla
from router.core.policy import DEFAULT_POLICY, Policy

_PERCENTILE = re.compile(r"p?(\d{1,2}(?:\.\d+)?)")
_LOWEST, _HIGHEST = 50, 99.9


def share_of(value: object) -> float:
    """Read ``95`` or ``"p95"`` as the share 0.95."""
    found = _PERCENTILE.fullmatch(str(value)) if not isinstance(value, bool) else None
    if found is None or not _LOWEST <= float(found[1]) <= _HIGHEST:
        raise ValueError(f'must be a percentile (50 to 99.9, as 95 or "p95"), not {value!r}')
    return float(found[1]) / 100


class SlaTable(Strict):
    """Bounds, in the units their names say."""

    ttft_ms: float | None = Field(None, gt=0, le=86_400_000)
    ttfat_ms: float | None = Field(None, gt=0, le=86_400_000)
    e2e_ms: float | None = Field(None, gt=0, le=86_400_000)
    min_tps: float | None = Field(None, gt=0, le=1_000_000)
    min_context: int | None = Field(None, ge=1, le=1_000_000_000)
    max_answer_tokens: int | None = Field(None, ge=1, le=1_000_000_000)
    max_cost_usd: float | None = Field(None, ge=0, le=1_000_000)
    percentile: Annotated[float, BeforeValidator(share_of)] = 0.95
    mode: Annotated[Mode, Field(strict=False)] = Mode.BEST_EFFORT


class RoutingTable(Strict):
    """Routing choices; those of ``config.toml`` hold where nothing is said."""

    attempts: int | None = Field(None, ge=1, le=10)
    max_wait_s: float | None = Field(None, ge=0, le=3600)
    hedge: bool | None = None


class PolicyFile(Strict):
    """One file of ``policies/``."""

    description: str = ""
    sla: SlaTable = SlaTable()
    routing: RoutingTable = RoutingTable()

    def core(self, name: str, general: Routing) -> Policy:
        """Make a policy of it, with the general routing values where it is silent."""
        limits = {kind: getattr(self.sla, kind.value) for kind in BoundKind}
        share = self.sla.percentile
        bounds = tuple(Bound(k, float(v), share) for k, v in limits.items() if v is not None)
        own = self.routing
        return Policy(
            name=name,
            description=self.description,
            sla=Sla(bounds, self.sla.mode, share, name),
            attempts=general.attempts if own.attempts is None else own.attempts,
            max_wait_s=general.max_wait_s if own.max_wait_s is None else own.max_wait_s,
            hedge=general.hedge if own.hedge is None else own.hedge,
        )


def built_in(general: Routing) -> Policy:
    """Return the policy without bounds that holds where nobody says anything."""
    plain = PolicyFile(description=DEFAULT_POLICY.description)
    return plain.core(DEFAULT_POLICY.name, general)


def read_policies(folder: Path, general: Routing, mistakes: list[Mistake]) -> dict[str, Policy]:
    """Read every policy of ``folder``; a broken one keeps its name, with no bounds."""
    policies = {DEFAULT_POLICY.name: built_in(general)}
    for path in sorted(folder.glob("*.toml")):
        found = _read(path, mistakes)
        policies[path.stem] = found.core(path.stem, general)
    return policies


def _read(path: Path, mistakes: list[Mistake]) -> PolicyFile:
    def complain(place: Place, message: str) -> None:
        section = len(place) > 1
        words = f"[{place[0]}] {dotted(place[1:])}" if section else dotted(place)
        mistakes.append(Mistake(str(path), words, message))

    before = len(mistakes)
    document = read_toml(path, mistakes)
    if len(mistakes) > before and not document:
        return PolicyFile()
    return validated(PolicyFile, document, complain) or PolicyFile()

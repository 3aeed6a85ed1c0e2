"""What the engine promises, in every shipped scenario and in the study, over all their seeds.

Everything is played in virtual time (``meritorder simulate`` shows the same, scenario by scenario).
Ours is held twice: as shipped, and without second attempts, which is how the oracles buy. Hours
on two cores; the short form plays one and a half hours of one market, and of one fleet.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence
from typing import Final, Literal, NamedTuple

from benchmarks.finding import Finding
from benchmarks.table import table
from router.simulate.account import Account, ClassAccount, accounts, is_honoured
from router.simulate.calibration import Coverage, coverage
from router.simulate.play import Played, Task, play_all
from router.simulate.scenario import Scenario
from router.simulate.shelf import STUDY, find, shipped
from router.simulate.strategies import CLAIRVOYANT, OURS, UNHEDGED, always, usual

LEARNING: Final = 1.05
"""Cost over the oracle of true distributions, at equal attainment."""
CLAIRVOYANCE: Final = 1.15
"""Cost over the clairvoyant, in the study."""
RIVAL: Final = 0.88
"""Cost over that of the cheapest rival that honours at most one class less, in the study."""
TOO_LITTLE: Final = {"sparse"}
"""Scenarios whose cost is told and not held: learning takes requests, and there are few."""
STORM: Final = {"volatile"}
UNSEEN: Final[tuple[Literal["bimodal", "heavy"], ...]] = ("bimodal", "heavy")
"""Noise that nothing was tuned on, in the market that most was tuned on."""
TUNED: Final = "market-2025"
COVERED_PP, COVERED_STORM_PP, ERRORS = 3.0, 5.0, 3.0
"""How far (percentage points) coverage may lie from its level, and the standard errors on top."""
FEW: Final = 200
"""Facts below which a coverage says little and is not held."""
SANITY: Final = 1.3
"""The short form only catches real mistakes."""


class Market(NamedTuple):
    """One scenario as played: what everybody paid and kept, and what ours had forecast."""

    name: str
    scenario: Scenario
    found: Sequence[Account]
    covered: Sequence[Coverage]

    def of(self, strategy: str) -> Account:
        return next(a for a in self.found if a.strategy == strategy)


def measure(*, short: bool) -> Finding:
    """Play everything and hold it to its promises."""
    finding = Finding("market: what was promised, kept and paid, in virtual time")
    names = ["market-2025"] if short else [n for n in shipped() if n != "slow-down"]
    shown = [_played(name, market, short=short) for n in names for name, market in find(n).items()]
    fleets = find("study-2" if short else STUDY)
    study = [_played(name, fleet, short=short, rivals=not short) for name, fleet in fleets.items()]
    finding.text.append(_told([*shown, *study]))
    if short:
        for market in (*shown, *study):
            finding.hold(f"{market.name}: cost", market.of(OURS).to_informed, SANITY, "")
        return finding
    for market in (*shown, *study):
        _hold_classes(finding, market)
        _hold_oracles(finding, market)
    for market in shown:
        _hold_coverage(finding, market)
        for strategy in (OURS, UNHEDGED):
            if market.name not in TOO_LITTLE:
                ratio = market.of(strategy).to_informed
                finding.hold(f"{market.name}: cost of {strategy}", ratio, LEARNING, "")
    for family in UNSEEN:
        name = f"{TUNED}, {family} noise"
        _hold_coverage(finding, _forecast_alone(name, in_noise(find(TUNED)[TUNED], family)))
    _hold_study(finding, study)
    finding.figures["markets"] = {m.name: _figures(m) for m in (*shown, *study)}
    return finding


def _played(name: str, whole: Scenario, *, short: bool, rivals: bool = False) -> Market:
    market, seeds = whole, whole.seeds
    if short:
        market = whole.model_copy(update={"hours": 1.5, "warm_up_hours": 0.5})
        seeds = seeds[:1]
    chosen = list(dict.fromkeys([OURS, UNHEDGED, *(usual() if rivals else ()), *always()]))
    tasks = [Task(market, seed, strategy) for seed in seeds for strategy in chosen]
    print(f"  playing {name}: {len(tasks)} runs", file=sys.stderr, flush=True)
    plays = list(play_all(tasks, os.cpu_count() or 1))
    plays.sort(key=lambda p: (chosen.index(p.strategy), p.seed))
    found = judged(name, market, plays)
    ours = found.of(OURS)
    print(
        f"    {ours.to_informed:.3f} of what the true distributions cost,"
        f" {ours.honoured} of {len(ours.due)} classes honoured",
        file=sys.stderr,
        flush=True,
    )
    return found


def in_noise(market: Scenario, family: Literal["bimodal", "heavy"]) -> Scenario:
    """Return the same market where waits are spread otherwise."""
    sellers = [
        seller.model_copy(update={"noise": seller.noise.model_copy(update={"family": family})})
        for seller in market.endpoints
    ]
    return market.model_copy(update={"endpoints": tuple(sellers)})


def _forecast_alone(name: str, market: Scenario) -> Market:
    """Play ours without anybody to compare it with: only its forecasts are looked at."""
    print(f"  playing {name}", file=sys.stderr, flush=True)
    tasks = [Task(market, seed, OURS) for seed in market.seeds]
    plays = list(play_all(tasks, os.cpu_count() or 1))
    return judged(name, market, plays)


def judged(name: str, market: Scenario, plays: Sequence[Played]) -> Market:
    """Do the books of what was played."""
    warm_s = market.warm_up_hours * 3600
    noted = [n for p in plays if p.strategy == OURS for n in p.noted if n.sent >= warm_s]
    covered = [c for by in ("endpoint", "kind") for c in coverage(noted, by)]
    return Market(name, market, accounts(market, plays), covered)


def _told(markets: Iterable[Market]) -> str:
    head = ["", "/ true distr.", "without hedging", "/ clairvoyant", "honoured", "attained"]
    rows = []
    for market in markets:
        ours, plain = market.of(OURS), market.of(UNHEDGED)
        rows.append([
            market.name,
            f"{ours.to_informed:.3f} ±{ours.to_informed_spread:.3f}",
            f"{plain.to_informed:.3f} ±{plain.to_informed_spread:.3f}",
            f"{ours.to_clairvoyant:.3f}",
            f"{ours.honoured}/{len(ours.due)}",
            "  ".join(_attained(c) for c in ours.classes),
        ])  # fmt: skip
    return table(head, rows)


def _attained(c: ClassAccount) -> str:
    mark = "" if c.reachable else " (out of reach)"
    return f"{c.name} {100 * c.tally.attainment:.1f}/{100 * c.percentile:g}{mark}"


def _hold_classes(finding: Finding, market: Market) -> None:
    for c in market.of(OURS).due:
        what = f"{market.name}: {c.name} attained {100 * c.tally.attainment:.1f} %"
        if not c.honoured:
            finding.broken.append(f"{what}, {100 * c.percentile:g} % were promised")
        if c.over_served:
            finding.broken.append(f"{what}, and less would have been cheaper")
        if not is_honoured(c.last, c.percentile) and c.last.attainment < c.percentile - 0.05:
            last = f"{100 * c.last.attainment:.1f} % in its last hours"
            finding.broken.append(f"{market.name}: {c.name} attained {last}: it is locked in")


def _hold_oracles(finding: Finding, market: Market) -> None:
    for account in market.found:
        if account.honoured == len(account.due) and account.to_clairvoyant < 1:
            finding.broken.append(f"{market.name}: {account.strategy} beats the {CLAIRVOYANT}")


def _hold_coverage(finding: Finding, market: Market) -> None:
    allowed = COVERED_STORM_PP if market.name in STORM else COVERED_PP
    for c in market.covered:
        if c.samples >= FEW:
            off_pp = 100 * abs(c.inside - c.level)
            what = f"{market.name}: {c.quantity} of {c.group} inside p{100 * c.level:g}, off by"
            finding.hold(what, off_pp, allowed + 100 * ERRORS * c.error, " pp")


def _hold_study(finding: Finding, study: Sequence[Market]) -> None:
    best = sum(m.of(CLAIRVOYANT).cost_usd for m in study)
    for strategy in (OURS, UNHEDGED):
        paid = sum(m.of(strategy).cost_usd for m in study)
        finding.text.append(f"  study, {strategy}: {paid / best:.3f} of the clairvoyant's cost")
        finding.hold(f"study: cost of {strategy}", paid / best, CLAIRVOYANCE, "")
    ours = other = 0.0
    for market in study:
        own, rival = market.of(OURS), cheapest_rival(market)
        if rival is None:
            finding.text.append(f"  {market.name}: no rival honours so many classes")
            continue
        ratio = own.cost_usd / rival.cost_usd
        finding.text.append(
            f"  {market.name}: {ratio:.3f} of what {rival.strategy} pays,"
            f" which honours {rival.honoured} of {len(rival.due)}"
        )
        ours, other = ours + own.cost_usd, other + rival.cost_usd
    if other:
        finding.hold("study: cost over that of the cheapest rivals", ours / other, RIVAL, "")


def cheapest_rival(market: Market) -> Account | None:
    """Return the cheapest of the others that honours at most one class less than ours."""
    least = market.of(OURS).honoured - 1
    own = {OURS, UNHEDGED, *always()}
    able = [a for a in market.found if a.strategy not in own and a.honoured >= least]
    return min(able, key=lambda a: a.cost_usd, default=None)


def _figures(market: Market) -> dict[str, object]:
    return {
        account.strategy: {
            "cost_usd": account.cost_usd,
            "to_clairvoyant": account.to_clairvoyant,
            "to_true_distributions": account.to_informed,
            "spread": account.to_informed_spread,
            "attainment": {c.name: c.tally.attainment for c in account.classes},
        }
        for account in market.found
    }

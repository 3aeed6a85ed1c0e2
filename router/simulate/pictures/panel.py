"""One class: a point a strategy, the promise as a line, the oracle's frontier."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import exp, log
from typing import Final

from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from router.simulate.account import Account
from router.simulate.pictures.labels import Spot, placed
from router.simulate.pictures.marks import put
from router.simulate.pictures.paper import DIM, GREEN, INK, on_axis, ratio_axis
from router.simulate.strategies import CLAIRVOYANT, FRONTIER, INFORMED, OURS

LEAST: Final = 0.03
"""A smaller share is drawn as this one: nothing has no odds."""
FEWEST_MISSES: Final = 1 / 20
"""Of the misses that a promise allows; fewer are drawn as so many: everything has no odds."""
TICKS: Final = (0.99, 0.5, 0.8, 0.2, 0.95, 0.9, 0.05, 0.999)
"""Those that matter first; where two lie too close, the later one is left out."""
TICKS_APART: Final = 0.1
"""Of the axis."""


def draw(axes: Axes, kind: str, found: Sequence[Account], numbers: Mapping[str, int]) -> None:
    """Draw class ``kind``; ``numbers`` are the strategies' in the list beside it."""
    of_class = {a.strategy: c for a in found for c in a.classes if c.name == kind}
    base = of_class[CLAIRVOYANT].tally.cost_per_answer_usd
    promised = of_class[CLAIRVOYANT].percentile
    most = 1 - (1 - promised) * FEWEST_MISSES
    points = {
        strategy: (
            on_axis(one.tally.cost_per_answer_usd / base),
            min(max(one.tally.attainment, LEAST), most),
        )
        for strategy, one in of_class.items()
        if one.tally.judged
    }
    ratio_axis(axes, [x for x, _ in points.values()])
    _share_axis(axes, min(y for _, y in points.values()), promised, most)
    axes.set_title(f"{kind}: {100 * promised:g} % promised", weight="bold")
    axes.axhspan(promised, axes.get_ylim()[1], color=GREEN, alpha=0.1, linewidth=0)
    axes.axhline(promised, color=GREEN, linewidth=1.2)
    frontier = sorted(points[s] for s in (INFORMED, *FRONTIER) if s in points)
    axes.plot(*zip(*frontier, strict=True), color=INK, linewidth=1.2, marker=".", markersize=3)
    for strategy, (x, y) in points.items():
        if strategy not in FRONTIER:
            put(axes, x, y, strategy, honoured=of_class[strategy].honoured)
    names = {s: "" if s == OURS else f"{number}" for s, number in numbers.items() if s in points}
    _label(axes, [(*points[s], name) for s, name in names.items()])


def _share_axis(axes: Axes, lowest: float, promised: float, most: float) -> None:
    """Space shares by their log odds, from below the promise to almost everything."""
    low = _odds(max(LEAST, min(lowest, 1 - 3 * (1 - promised))))
    high = _odds(most)
    margin = 0.07 * (high - low)
    axes.set_yscale("logit")
    axes.set_ylim(_share(low - margin), _share(high + margin))
    ticks: list[float] = []
    for tick in (promised, *TICKS):
        apart = min((abs(_odds(tick) - _odds(t)) for t in ticks), default=high - low)
        if low < _odds(tick) < high and apart > TICKS_APART * (high - low):
            ticks.append(tick)
    axes.yaxis.set_major_locator(FixedLocator(ticks))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(FuncFormatter(lambda y, _: f"{100 * y:g} %"))


def _odds(share: float) -> float:
    return log(share / (1 - share))


def _share(odds: float) -> float:
    return 1 / (1 + exp(-odds))


def _label(axes: Axes, points: Sequence[tuple[float, float, str]]) -> None:
    """Write each name beside its point."""
    to_pt = 72 / axes.figure.dpi
    box = axes.get_window_extent()
    spots = []
    for *at, name in points:
        x, y = axes.transData.transform(at)
        spots.append(Spot((x - box.x0) * to_pt, (y - box.y0) * to_pt, name))
    for one in placed(spots, box.width * to_pt, box.height * to_pt):
        axes.annotate(
            one.text, (one.of.x, one.of.y), (one.x, one.y),
            xycoords="axes points", textcoords="axes points",
            size=7, color=INK, ha="center", va="center",
            arrowprops={
                "arrowstyle": "-", "color": DIM, "linewidth": 0.4, "shrinkA": 2, "shrinkB": 3,
            },
        )  # fmt: skip

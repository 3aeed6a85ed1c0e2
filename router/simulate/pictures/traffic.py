"""Where traffic went, and how the endpoints truly were at that time: it leaves, and comes back.

Above the shares of requests; then how many kept their bounds; below a strip an endpoint, in the
colour of its share. No strategy is told what the strips show.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Final

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MultipleLocator

from router.simulate.pictures import strips
from router.simulate.pictures.paper import (
    BLUE,
    DIM,
    FAINT,
    GREEN,
    GREY,
    INK,
    ORANGE,
    PURPLE,
    RED,
    SKY,
    YELLOW,
    headline,
)
from router.simulate.pictures.windows import Windows, windows
from router.simulate.play import Played
from router.simulate.scenario import Scenario
from router.simulate.strategies import OURS
from router.simulate.world import World

WIDTH_IN = 12.0
ABOVE_IN, SHARES_IN, ATTAINMENT_IN, STRIP_IN, BELOW_IN = 0.8, 2.7, 0.8, 0.48, 0.8
GAP_IN = 0.34
CHARACTER_IN = 0.083
"""Of an endpoint's name before its strip."""
COLOURS: Final = (BLUE, ORANGE, GREEN, PURPLE, SKY, RED, YELLOW)
"""Of the endpoints that carry most; the rest is grey."""
NAMED_SHARE = 0.07
"""An area is named where it is as thick as this."""
NEARLY = 0.9
"""The first place this near to the thickest will do."""
Band = Sequence[tuple[float, float]]
"""Floor and top of an area, a window each."""
TICKS_S: Final = (600, 1800, 3600, 3 * 3600, 6 * 3600, 24 * 3600)
MOST_TICKS = 14


def drawn(name: str, market: Scenario, plays: Sequence[Played]) -> Figure:
    """Draw the first seed of ours, or of whoever was played if ours was not."""
    play = next((p for p in plays if p.strategy == OURS), plays[0])
    seen = windows(play.served, market.hours)
    colours = _colours(market, seen)
    height = ABOVE_IN + SHARES_IN + ATTAINMENT_IN + STRIP_IN * len(colours) + 2 * GAP_IN + BELOW_IN
    figure = Figure((WIDTH_IN, height))
    below = f"{market.description} Seed {play.seed}, windows of {seen.seconds / 60:g} min."
    headline(figure, f"{name}: where {play.strategy} sent its requests, and why", below)

    left = max(1.8, 0.6 + CHARACTER_IN * max(map(len, colours), default=0)) / WIDTH_IN

    def panel(top_in: float, height_in: float) -> Axes:
        bottom = 1 - (top_in + height_in) / height
        return figure.add_axes((left, bottom, 0.925 - left, height_in / height))

    shares = panel(ABOVE_IN, SHARES_IN)
    _shares(shares, seen, colours)
    attainment = panel(ABOVE_IN + SHARES_IN + GAP_IN, ATTAINMENT_IN)
    _attainment(attainment, seen, market)
    top_in = ABOVE_IN + SHARES_IN + ATTAINMENT_IN + 2 * GAP_IN
    rows = [panel(top_in + i * STRIP_IN, STRIP_IN * 0.9) for i in range(len(colours))]
    strips.draw(rows, World(market, play.seed), colours)
    panels = [shares, attainment, *rows]
    for axes in panels:
        _time(axes, market, numbered=axes is panels[-1])
    figure.legend(handles=strips.legend(market), loc="lower right", ncols=3, fontsize=8.5)
    return figure


def _colours(market: Scenario, seen: Windows) -> dict[str, str]:
    """Choose the endpoints that are shown: who carried most, and whom something happens to."""
    colours = dict(zip(seen.shares, COLOURS, strict=False))
    for event in strips.scripted(market):
        colours.setdefault(event.endpoint, GREY)
    return colours


def _shares(axes: Axes, seen: Windows, colours: Mapping[str, str]) -> None:
    """Stack the shares, the endpoint that carried most at the bottom."""
    count = len(seen.attainment)
    edges = [i * seen.seconds for i in range(count + 1)]
    floor = [0.0] * count
    for endpoint, shares in seen.shares.items():
        top = [low + share for low, share in zip(floor, shares, strict=True)]
        axes.fill_between(
            edges, [*floor, floor[-1]], [*top, top[-1]], step="post",
            color=colours.get(endpoint, GREY), edgecolor="white", linewidth=0.3,
        )  # fmt: skip
        if endpoint in colours:
            band = list(zip(floor, top, strict=True))
            _name(axes, endpoint, colours[endpoint], band, seen.seconds)
        floor = top
    axes.set_ylim(0, 1)
    axes.set_ylabel("share of requests")
    axes.yaxis.set_major_locator(MultipleLocator(0.25))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda y, _: f"{100 * y:g} %"))


def _name(axes: Axes, endpoint: str, colour: str, shares: Band, seconds: float) -> None:
    """Write an endpoint's name into its area, where that is thick enough for a whole name."""
    width = max(1, len(shares) // 9)
    fits = []
    for i in range(len(shares) - width + 1):
        low = max(low for low, _ in shares[i : i + width])
        high = min(high for _, high in shares[i : i + width])
        fits.append((high - low, (low + high) / 2))
    most = max(thick for thick, _ in fits)
    if most < NAMED_SHARE:
        return
    at = next(i for i, (thick, _) in enumerate(fits) if thick >= NEARLY * most)
    axes.text(
        (at + width / 2) * seconds, fits[at][1], endpoint, weight="bold", ha="center", va="center",
        color="white" if colour in (BLUE, GREEN, RED) else INK,
    )  # fmt: skip


def _attainment(axes: Axes, seen: Windows, market: Scenario) -> None:
    middles = [(i + 0.5) * seen.seconds for i in range(len(seen.attainment))]
    axes.plot(middles, seen.attainment, color=INK, linewidth=1.1)
    promises = sorted({table.sla.percentile for table in market.classes.values()})
    for promised in promises:
        axes.axhline(promised, color=GREEN, linewidth=1.0, linestyle="--")
    axes.text(
        1.006, fmean(promises), f"{' and '.join(f'{100 * p:g}' for p in promises)} %\npromised",
        color=GREEN, size=8, va="center", transform=axes.get_yaxis_transform(),
    )  # fmt: skip
    lowest = min([a for a in seen.attainment if a == a] or [0.0])  # noqa: PLR0124 - nan
    axes.set_ylim(max(0.0, min(lowest, 0.8) - 0.03), 1.01)
    axes.set_ylabel("kept their\nbounds")
    axes.yaxis.set_major_formatter(FuncFormatter(lambda y, _: f"{100 * y:g} %"))
    axes.grid(axis="y", color=GREY, linewidth=0.4)


def _time(axes: Axes, market: Scenario, *, numbered: bool) -> None:
    """Let x be the run, with what is scripted marked from end to end."""
    length_s = market.hours * 3600
    step_s = next((t for t in TICKS_S if length_s / t <= MOST_TICKS), TICKS_S[-1])
    unit_s, unit = (60, "minutes") if length_s <= 3 * 3600 else (3600, "hours")
    axes.set_xlim(0, length_s)
    axes.xaxis.set_major_locator(MultipleLocator(step_s))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x / unit_s:g}"))
    axes.tick_params(axis="x", labelbottom=numbered, length=3 if numbered else 0)
    for event in strips.scripted(market):
        for minute in (event.from_minute, event.to_minute):
            axes.axvline(minute * 60, color=DIM, linewidth=0.7, linestyle=(0, (3, 2)))
    axes.axvspan(0, market.warm_up_hours * 3600, color=FAINT, alpha=0.5, linewidth=0, zorder=0)
    if numbered:
        axes.set_xlabel(f"{unit} of the run (shaded: warm-up, not judged)", color=DIM)

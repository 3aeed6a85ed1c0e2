"""How endpoints truly were: a strip each, of how much longer than usual one waits there.

Height is the log of the factor, from the line of the ordinary: up is slower, down faster. Over
it lie the times when it was down, hung, or said 429 to a share of requests.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import groupby
from math import exp
from typing import Final, NamedTuple

from matplotlib.axes import Axes
from matplotlib.patches import Patch
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from router.core.catalogue import EndpointId
from router.simulate.pictures.paper import FAINT, GREY, INK, TIMES
from router.simulate.scenario import Event, Scenario
from router.simulate.weather import STEP_S, Weather
from router.simulate.world import World

SLOWEST, FASTEST = 12.0, 0.45
"""What a strip has room for."""
VISIBLE: Final = 0.04
"""A change of the log of a wait by half a pixel."""
LATE: Final = 0.88
"""From this share of the run on, no name has room behind an event."""


class Trouble(NamedTuple):
    """What to call it, when it is so, and how it looks."""

    label: str
    is_so: Callable[[Weather], bool]
    face: str
    hatch: str | None = None

    def patch(self) -> Patch:
        """Return its entry in the legend."""
        return Patch(
            label=self.label, facecolor=self.face, edgecolor=INK, hatch=self.hatch, linewidth=0.4
        )


TROUBLES: Final = (
    Trouble("down", lambda w: w.down, INK),
    Trouble("hangs", lambda w: w.hangs, "white", "xxxx"),
    Trouble("says 429", lambda w: w.limited > 0, "none", "////"),
)


def draw(rows: Sequence[Axes], world: World, colours: Mapping[str, str]) -> None:
    """Draw an endpoint in each of ``rows``, in the order of ``colours``."""
    steps = int(world.scenario.hours * 3600 / STEP_S)
    for axes, (endpoint, colour) in zip(rows, colours.items(), strict=True):
        weather = world.sites[EndpointId(endpoint)].weather[: steps + 1]
        seconds, factors = _outline(weather)
        axes.set_yscale("log")
        axes.fill_between(seconds, 1.0, factors, step="post", color=colour, linewidth=0)
        axes.axhline(1.0, color=GREY, linewidth=0.7)
        for trouble in TROUBLES:
            for low, high in _spans(weather, trouble.is_so):
                axes.axvspan(
                    low, high, facecolor=trouble.face, edgecolor=INK, hatch=trouble.hatch,
                    linewidth=0.4, zorder=3,
                )  # fmt: skip
        for event in scripted(world.scenario):
            if event.endpoint == endpoint:
                _say(axes, event, world.scenario.hours * 60)
        _frame(axes, endpoint, colour, labelled=axes is rows[0])


def scripted(market: Scenario) -> list[Event]:
    """Return the events that begin within the run."""
    return [event for event in market.events if event.from_minute < market.hours * 60]


def legend(market: Scenario) -> list[Patch]:
    """Return what explains the troubles that can occur in ``market``."""
    kinds = {event.kind for event in scripted(market)}
    occur = (
        "outage" in kinds or any(e.outages.per_day for e in market.endpoints),
        "hang" in kinds,
        "rate-limit" in kinds or any(e.rate_limits.per_day for e in market.endpoints),
    )
    return [trouble.patch() for trouble, does in zip(TROUBLES, occur, strict=True) if does]


def _outline(weather: Sequence[Weather]) -> tuple[list[float], list[float]]:
    """Return when the wait became another, and its factor from then on."""
    changes = [(0, weather[0].wait)]
    for i, step in enumerate(weather):
        if abs(step.wait - changes[-1][1]) > VISIBLE or i == len(weather) - 1:
            changes.append((i, step.wait))
    factors = [min(max(exp(wait), FASTEST), SLOWEST) for _, wait in changes]
    return [i * STEP_S for i, _ in changes], factors


def _spans(
    weather: Sequence[Weather], is_so: Callable[[Weather], bool]
) -> Iterator[tuple[float, float]]:
    at = 0
    for so, group in groupby(weather, key=is_so):
        length = len(list(group))
        if so:
            yield at * STEP_S, (at + length) * STEP_S
        at += length


def _say(axes: Axes, event: Event, minutes: float) -> None:
    """Name what is scripted: just after it, or before it where the run of ``minutes`` ends soon."""
    slower = f"waits {TIMES} {event.ttft_factor:g}"
    said = {
        "slow": slower if event.ttft_factor != 1 else f"speed {TIMES} {event.tps_factor:g}",
        "outage": "outage",
        "hang": "hangs",
        "rate-limit": f"429 to {100 * event.share:g} %",
    }
    after = event.to_minute < LATE * minutes
    axes.annotate(
        said[event.kind], (60 * (event.to_minute if after else event.from_minute), 0.8),
        xycoords=("data", "axes fraction"), xytext=(5 if after else -5, 0),
        textcoords="offset points", weight="bold", va="center", ha="left" if after else "right",
    )  # fmt: skip


def _frame(axes: Axes, endpoint: str, colour: str, *, labelled: bool) -> None:
    axes.set_ylim(FASTEST, SLOWEST)
    axes.yaxis.set_major_locator(FixedLocator([1.0, 5.0]))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(FuncFormatter(lambda y, _: f"{y:g}{TIMES}"))
    axes.tick_params(axis="y", length=0, labelsize=7, pad=6)
    axes.spines["bottom"].set_color(FAINT)
    axes.spines["left"].set(color=colour, linewidth=6, capstyle="butt")
    axes.text(
        -0.04, 0.4, endpoint, transform=axes.transAxes, ha="right", va="center", weight="bold"
    )
    if labelled:
        axes.set_title("truth: wait, times the ordinary", size=9)

"""Where the labels of a crowded panel go: beside their points, and not on each other.

Points that lie on one another share a label. Each label takes, of a few places around its point,
the one that covers least of the other labels and points.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import cos, hypot, sin, tau
from typing import Final, NamedTuple

SAME_PT: Final = 3.5
"""Points nearer than this are one for the eye."""
HEIGHT_PT: Final = 8.0
CHARACTER_PT: Final = 4.6
"""Of a digit at seven points of type."""
AROUND: Final = 16
DISTANCES_PT: Final = (9.0, 14.0, 20.0, 27.0)


class Spot(NamedTuple):
    """A point in points of the page, and its name; without one it is only in the way."""

    x: float
    y: float
    text: str


class Placed(NamedTuple):
    """A label's middle, and the point it belongs to."""

    x: float
    y: float
    text: str
    of: Spot


def placed(spots: Sequence[Spot], width: float, height: float) -> list[Placed]:
    """Place the labels inside a panel of ``width`` by ``height`` points."""
    merged = _merged([spot for spot in spots if spot.text])
    found: list[Placed] = []
    for spot in sorted(merged, key=lambda s: _crowd(s, merged), reverse=True):
        half = CHARACTER_PT * len(spot.text) / 2
        places = [
            Placed(x, y, spot.text, spot)
            for x, y in _around(spot, half)
            if half < x < width - half and HEIGHT_PT / 2 < y < height - HEIGHT_PT / 2
        ]
        if places:
            found.append(min(places, key=lambda p: _cost(p, found, spots)))
    return found


def _merged(spots: Sequence[Spot]) -> list[Spot]:
    groups: list[list[Spot]] = []
    for spot in spots:
        near = (g for g in groups if hypot(g[0].x - spot.x, g[0].y - spot.y) < SAME_PT)
        group = next(near, None)
        if group is None:
            groups.append([spot])
        else:
            group.append(spot)
    return [Spot(g[0].x, g[0].y, ",".join(s.text for s in g)) for g in groups]


def _crowd(spot: Spot, spots: Sequence[Spot]) -> float:
    return sum(hypot(s.x - spot.x, s.y - spot.y) < DISTANCES_PT[1] for s in spots) + len(spot.text)


def _around(spot: Spot, half: float) -> Iterator[tuple[float, float]]:
    for distance in DISTANCES_PT:
        for i in range(AROUND):
            turn = tau * i / AROUND
            x = spot.x + (distance + half - CHARACTER_PT / 2) * cos(turn)
            yield x, spot.y + distance * sin(turn)


def _cost(place: Placed, taken: Sequence[Placed], spots: Sequence[Spot]) -> float:
    """Square points covered, and a little for being far."""
    half = CHARACTER_PT * len(place.text) / 2
    covered = sum(
        _overlap(place.x - other.x, half + CHARACTER_PT * len(other.text) / 2 + 1.0)
        * _overlap(place.y - other.y, HEIGHT_PT)
        for other in taken
    )
    for spot in spots:
        covered += _overlap(place.x - spot.x, half + 3.5) * _overlap(place.y - spot.y, 7.0)
    return covered + hypot(place.x - place.of.x, place.y - place.of.y) / 2


def _overlap(apart: float, reach: float) -> float:
    return max(0.0, reach - abs(apart))

"""How a strategy is drawn: by whose it is, and hollow where it did not honour."""

from __future__ import annotations

from typing import Final, NamedTuple

from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from router.simulate.pictures.paper import BLUE, INK, ORANGE, PURPLE, RED
from router.simulate.strategies import CLAIRVOYANT, FRONTIER, INFORMED, OURS

ORACLES: Final = frozenset({CLAIRVOYANT, INFORMED, *FRONTIER})


class Mark(NamedTuple):
    """Colour, shape and size (points) of everybody in ``whose``."""

    whose: str
    colour: str
    shape: str
    size: float


_OURS: Final = Mark(OURS, RED, "*", 15)
_ORACLE: Final = Mark("oracles", INK, "D", 5)
_LITELLM: Final = Mark("LiteLLM", BLUE, "o", 6)
_OPENROUTER: Final = Mark("OpenRouter", PURPLE, "s", 6)
_OTHER: Final = Mark("others", ORANGE, "^", 6.5)


def mark_of(strategy: str) -> Mark:
    """Return the mark of a strategy."""
    if strategy == OURS:
        return _OURS
    if strategy in ORACLES:
        return _ORACLE
    if strategy.startswith("litellm"):
        return _LITELLM
    return _OPENROUTER if strategy.startswith("openrouter") else _OTHER


def put(axes: Axes, x: float, y: float, strategy: str, *, honoured: bool) -> None:
    """Draw a strategy's mark: full where it honoured what was promised."""
    mark = mark_of(strategy)
    axes.plot(
        [x], [y], mark.shape, color=mark.colour, markersize=mark.size, markeredgewidth=1.1,
        markerfacecolor=mark.colour if honoured else "white", clip_on=False,
        zorder=5 if mark is _OURS else 4,
    )  # fmt: skip


def legend() -> list[Line2D]:
    """Return what explains the marks."""

    def shown(label: str, mark: Mark, face: str | None = None) -> Line2D:
        return Line2D(
            [], [], linestyle="", marker=mark.shape, markersize=mark.size * 0.9, label=label,
            color=mark.colour, markerfacecolor=face or mark.colour,
        )  # fmt: skip

    frontier = Line2D([], [], color=INK, linewidth=1.2, marker=".", markersize=3)
    frontier.set_label("an oracle's frontier")
    return [
        *(shown(m.whose, m) for m in (_OURS, _LITELLM, _OPENROUTER, _OTHER, _ORACLE)),
        shown("hollow: not kept", _OTHER._replace(shape="o", colour=INK), "white"),
        frontier,
    ]

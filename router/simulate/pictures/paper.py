"""What the pictures are drawn on: type, colours that colour-blind people can tell apart, a file.

The palette is Okabe and Ito's (2008). Text stays text, so that it can be searched and read aloud;
its widths are those of DejaVu Sans, which matplotlib brings and most viewers have or undercut.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from matplotlib import style
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

BLUE: Final = "#0072B2"
ORANGE: Final = "#E69F00"
GREEN: Final = "#009E73"
PURPLE: Final = "#CC79A7"
SKY: Final = "#56B4E9"
RED: Final = "#D55E00"
YELLOW: Final = "#F0E442"
INK: Final = "#222222"
DIM: Final = "#666666"
GREY: Final = "#AAAAAA"
FAINT: Final = "#DDDDDD"

TIMES: Final = "\N{MULTIPLICATION SIGN}"
RATIOS: Final = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0)

_STYLE: Final = {
    "axes.axisbelow": True,
    "axes.edgecolor": DIM,
    "axes.labelcolor": INK,
    "axes.labelsize": 9,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlelocation": "left",
    "axes.titlesize": 10,
    "figure.facecolor": "white",
    "font.size": 9,
    "hatch.linewidth": 0.6,
    "legend.frameon": False,
    "svg.fonttype": "none",
    "svg.hashsalt": "meritorder",
    "text.color": INK,
    "xtick.color": DIM,
    "xtick.labelsize": 8.5,
    "ytick.color": DIM,
    "ytick.labelsize": 8.5,
}


def save(drawn: Callable[[], Figure], file: Path) -> None:
    """Draw in the style of the house, whatever the user's own settings, and write it down."""
    with style.context(_STYLE, after_reset=True):
        drawn().savefig(file, metadata={"Date": None})


def headline(figure: Figure, title: str, below: str) -> None:
    """Write the point of the picture above it: ``title`` in bold, a sentence ``below``."""
    height = figure.get_figheight()
    figure.text(0.012, 1 - 0.14 / height, title, size=13, weight="bold", va="top")
    figure.text(0.012, 1 - 0.42 / height, below, size=10, color=DIM, va="top")


def on_axis(ratio: float) -> float:
    """Return where a ratio is drawn: what has no place (beyond all bounds, nan), at the edge."""
    return max(RATIOS[0], min(ratio, RATIOS[-1]))


def ratio_axis(axes: Axes, drawn: Sequence[float]) -> None:
    """Make x a log axis with plain numbers and room for the ratios ``drawn``."""
    low, high = min([*drawn, 0.9]) / 1.15, max([*drawn, 2.0]) * 1.4
    axes.set_xscale("log")
    axes.set_xlim(low, high)
    axes.xaxis.set_major_locator(FixedLocator([r for r in RATIOS if low <= r <= high]))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:g}{TIMES}"))
    axes.grid(axis="x", color=FAINT, linewidth=0.6)

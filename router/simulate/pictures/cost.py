"""What was kept against what was paid: the whole comparison as a list, and a panel a class.

The list is ordered by classes honoured, then by cost; its numbers name the points of the panels.
Costs are relative to the clairvoyant. Percent are spaced by their log odds, so that 99 and 99.9
lie apart as 90 and 99 do.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from router.simulate.account import Account
from router.simulate.pictures import panel
from router.simulate.pictures.marks import ORACLES, legend, put
from router.simulate.pictures.paper import DIM, INK, RED, TIMES, headline, on_axis, ratio_axis
from router.simulate.strategies import CLAIRVOYANT, FRONTIER, OURS

WIDTH_IN = 13.0
ROW_IN = 0.235
PANEL_IN = 1.9
ABOVE_IN, BELOW_IN = 0.95, 0.55


def drawn(name: str, found: Sequence[Account]) -> Figure:
    """Draw it. ``found`` must hold the oracles."""
    ranked = sorted(
        (a for a in found if a.strategy not in FRONTIER),
        key=lambda a: (-a.honoured, a.to_clairvoyant),
    )
    numbers = {a.strategy: i + 1 for i, a in enumerate(ranked)}
    oracle = next(a for a in found if a.strategy == CLAIRVOYANT)
    kinds = [c.name for c in oracle.classes if c.tally.judged and c.tally.cost_usd]
    cells = len(kinds) + 1
    columns = 1 if len(kinds) <= 1 else 2
    lines = len(ranked) + len({a.honoured for a in ranked})
    body = max(ROW_IN * lines, PANEL_IN * -(-cells // columns))
    height = ABOVE_IN + body + BELOW_IN
    figure = Figure((WIDTH_IN, height))
    headline(figure, f"{name}: what was kept, and what it cost", _point(found))
    grid = figure.add_gridspec(
        -(-cells // columns), 1 + columns, width_ratios=[1.15, *([1.0] * columns)],
        left=0.19, right=0.985, top=1 - ABOVE_IN / height, bottom=BELOW_IN / height,
        hspace=0.4, wspace=0.2,
        # A class alone has all the room that its explanation leaves.
        height_ratios=[body - PANEL_IN, PANEL_IN] if columns == 1 and kinds else None,
    )  # fmt: skip
    _list(figure.add_subplot(grid[:, 0]), ranked, numbers)
    for i, kind in enumerate(kinds):
        axes = figure.add_subplot(grid[i // columns, 1 + i % columns])
        panel.draw(axes, kind, found, numbers)
    _explain(figure.add_subplot(grid[len(kinds) // columns, 1 + len(kinds) % columns]))
    return figure


def _explain(axes: Axes) -> None:
    axes.set_axis_off()
    axes.set_title("How to read it", weight="bold")
    axes.text(
        0, 0.98,
        "up: more requests kept their bounds\n"
        "shaded: as many as were promised\n"
        f"left: cheaper per answer (1{TIMES}: clairvoyant)\n"
        "numbers: as in the list",
        va="top", linespacing=1.4, transform=axes.transAxes,
    )  # fmt: skip
    axes.legend(handles=legend(), loc="lower left", ncols=2, borderaxespad=0, columnspacing=1)


def _point(found: Sequence[Account]) -> str:
    """Say in one sentence what the picture shows."""
    ours = next((a for a in found if a.strategy == OURS), None)
    if ours is None:
        return f"{OURS} did not play."
    said = (
        f"{OURS} honours {ours.honoured} of {len(ours.classes)} classes at"
        f" {ours.to_clairvoyant:.2f}{TIMES} the cost of the clairvoyant"
    )
    others = [
        a for a in found if a.honoured >= ours.honoured and a.strategy not in {OURS, *ORACLES}
    ]
    if not others:
        return f"{said}; nobody else who played honours as many."
    best = min(others, key=lambda a: a.to_clairvoyant)
    return (
        f"{said}; the cheapest other that honours as many: {best.strategy},"
        f" {best.to_clairvoyant:.2f}{TIMES}."
    )


def _list(axes: Axes, ranked: Sequence[Account], numbers: dict[str, int]) -> None:
    """A row a strategy, under a heading for each number of classes honoured."""
    rows: dict[int, Account] = {}
    row = 0
    for honoured, group in groupby(ranked, key=lambda a: a.honoured):
        axes.text(
            0.99, row, f"{honoured} of {len(ranked[0].classes)} classes honoured",
            transform=axes.get_yaxis_transform(), color=DIM, weight="bold", va="center", ha="right",
        )  # fmt: skip
        axes.axhline(row - 0.55, color=DIM, linewidth=0.6)
        for account in group:
            row += 1
            rows[row] = account
        row += 1
    ratio_axis(axes, [on_axis(a.to_clairvoyant) for a in ranked])
    axes.set_ylim(row - 0.4, -0.6)
    axes.set_yticks(list(rows), [_named(numbers[a.strategy], a.strategy) for a in rows.values()])
    axes.tick_params(axis="y", length=0)
    axes.set_xlabel("cost of the whole, relative to the clairvoyant")
    for label, (at, account) in zip(axes.get_yticklabels(), rows.items(), strict=True):
        honoured = account.honoured == len(account.classes)
        x = on_axis(account.to_clairvoyant)
        put(axes, x, at, account.strategy, honoured=honoured)
        axes.annotate(
            f"{account.to_clairvoyant:.2f}", (x, at), xytext=(10, 0),
            textcoords="offset points", va="center", size=8, color=DIM,
        )  # fmt: skip
        label.set_color(INK)
        if account.strategy == OURS:
            label.set(weight="bold", color=RED)
            axes.axhspan(at - 0.5, at + 0.5, color=RED, alpha=0.1, linewidth=0)


def _named(number: int, strategy: str) -> str:
    """Write a strategy and its number so that numbers stand in a column, in SVG as well."""
    return f"{strategy}  {number:>2}".replace(" ", "\N{FIGURE SPACE}")

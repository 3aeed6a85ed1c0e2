"""``meritorder simulate``: strategies against each other in a market in virtual time."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from router.cli import fail, told
from router.config import ConfigError

if TYPE_CHECKING:
    from router.simulate.account import Account
    from router.simulate.likeness import Likeness
    from router.simulate.play import Played, Task
    from router.simulate.scenario import Scenario


@click.command(name="simulate")
@click.argument("scenario")
@click.option("--seeds", type=click.IntRange(1), help="How many of the scenario's seeds to play.")
@click.option("--hours", type=click.FloatRange(0.1), help="Simulated hours, for the scenario's.")
@click.option("--strategy", "names", multiple=True, metavar="NAME", help="Only these (repeat).")
@click.option(
    "--jobs", type=click.IntRange(1), default=os.cpu_count() or 1, show_default="cores",
    help="Processes at once.",
)  # fmt: skip
@click.option("--json", "file", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
              help="Write all figures there.")  # fmt: skip
@click.option("--pictures", "folder", type=click.Path(path_type=Path, file_okay=False),
              metavar="DIR", help="Draw there, as SVG.")  # fmt: skip
def command(  # noqa: PLR0917 - click passes them by name
    scenario: str,
    seeds: int | None,
    hours: float | None,
    names: tuple[str, ...],
    jobs: int,
    file: Path | None,
    folder: Path | None,
) -> None:
    """Play SCENARIO (a file, or the name of a shipped one) and compare who bought best.

    Strategies meet the same market. Ours runs the board and the decision of the proxy; oracles
    know what nobody can know, and say how much was left to gain. Four replicas are played when
    they are asked for: meritorder@4-shared (needs a Redis server to start), meritorder@4-alone.
    """
    from router.simulate.account import accounts
    from router.simulate.likeness import likenesses
    from router.simulate.play import Task
    from router.simulate.report import document
    from router.simulate.shelf import find
    from router.simulate.strategies import SHARED, STRATEGIES, always, usual
    from router.store.private import find_server

    try:
        markets = find(scenario)
    except ConfigError as error:
        fail(told(error))
    unknown = [name for name in names if name not in STRATEGIES]
    if unknown:
        fail(f"no strategy '{unknown[0]}'; there are {', '.join(STRATEGIES)}")
    if folder is not None:
        _drawable()
    if SHARED in names and find_server() is None:
        fail(f"{SHARED} needs a Redis: install valkey-server or redis-server, or leave it out")
    told_all: dict[str, Any] = {}
    for name, whole in markets.items():
        market = whole if hours is None else _shortened(whole, hours)
        chosen = list(dict.fromkeys([*(names or usual()), *always()]))
        tasks = [Task(market, s, c) for s in market.seeds[:seeds] for c in chosen]
        plays = _played(name, tasks, jobs)
        plays.sort(key=lambda p: (chosen.index(p.strategy), p.seed))
        found = accounts(market, plays)
        draw(name, market, found)
        draw_replicas(likenesses(market, plays))
        told_all[name] = document(market, plays, found)
        if folder is not None:
            picture(folder, name, market, plays, found)
    if file is not None:
        file.write_text(json.dumps(told_all, indent=1), encoding="utf-8")


def _shortened(market: Scenario, hours: float) -> Scenario:
    warm = min(market.warm_up_hours, hours / 4)
    return market.model_copy(update={"hours": hours, "warm_up_hours": warm})


def _played(name: str, tasks: Sequence[Task], jobs: int) -> list[Played]:
    from router.cli.demo.progress import Progress
    from router.simulate.play import play_all

    plays = []
    with Progress(1.0).counting(f"{name}: {len(tasks)} runs", len(tasks)) as step:
        for played in play_all(tasks, jobs):
            plays.append(played)
            step()
    return plays


def _drawable() -> None:
    """Fail before anything is played if nothing could be drawn."""
    try:
        import router.simulate.pictures  # noqa: F401
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "matplotlib":
            raise
        fail("--pictures needs matplotlib: pip install 'meritorder[pictures]'")


def picture(
    folder: Path, name: str, market: Scenario, plays: Sequence[Played], found: Sequence[Account]
) -> None:
    """Draw into ``folder`` and say where."""
    from router.simulate.pictures import write

    try:
        files = write(name, market, plays, found, folder)
    except OSError as error:
        fail(f"--pictures {folder}: {error.strerror}")
    for file in files:
        click.echo(file)


def draw(name: str, market: Scenario, found: Sequence[Account]) -> None:
    """Draw the table: a row a strategy, a column a class."""
    from rich.markup import escape

    from router.cli.screen import console, table

    screen = console()
    screen.print(f"[bold]{escape(name)}[/]  {escape(market.description)}")
    drawn = table()
    drawn.add_column("strategy", no_wrap=True)
    for head in ("cost", "/ clairvoyant", "/ true dist.", "honoured"):
        drawn.add_column(head, justify="right", no_wrap=True)
    for kind, row in market.classes.items():
        drawn.add_column(f"{kind}\n{100 * row.sla.percentile:g}", justify="right", no_wrap=True)
    for account in found:
        drawn.add_row(
            escape(account.strategy),
            f"{account.cost_usd:.2f}",
            f"{account.to_clairvoyant:.3f}",
            f"{account.to_informed:.3f} ±{account.to_informed_spread:.3f}",
            f"{account.honoured}/{len(account.due)}",
            *(
                f"{100 * c.tally.attainment:.1f}" if c.tally.judged else "-"
                for c in account.classes
            ),
        )
    screen.print(drawn)
    screen.print(
        "cost: USD of all seeds after the warm-up. true dist.: at equal attainment, ± sd over"
        " seeds.\nclasses: percent of requests that kept their bounds; below, what was promised.",
        style="dim",
    )


def draw_replicas(found: Sequence[Likeness]) -> None:
    """Say of all replicas that were played how far they are from one process."""
    from router.cli.screen import console
    from router.simulate.likeness import AS_ONE
    from router.simulate.strategies import OURS

    screen = console()
    for like in found:
        error = f" ±{like.error:.1%}" if isfinite(like.error) else ""
        screen.print(
            f"{like.strategy} against {OURS}: cost {like.cost:+.1%}{error},"
            f" attainment {like.attainment:+.1%} ({like.kind}):"
            f" {'as one' if like.as_one else 'not as one'}",
            markup=False,
            highlight=False,
        )
    if found:
        screen.print(
            f"as one: both within {AS_ONE:.0%}. attainment: of the class that differs most."
            " ±: standard error over seeds.",
            style="dim",
        )

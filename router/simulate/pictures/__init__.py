"""Pictures of a comparison, for people: what it cost and what it kept, and where traffic went.

The one door to matplotlib, which only the extra ``pictures`` installs: importing this without it
is a ModuleNotFoundError. The same plays draw the same bytes.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from router.simulate.account import Account
from router.simulate.pictures import cost, traffic
from router.simulate.pictures.paper import save
from router.simulate.play import Played
from router.simulate.scenario import Scenario


def write(
    name: str, market: Scenario, plays: Sequence[Played], found: Sequence[Account], folder: Path
) -> list[Path]:
    """Draw both pictures of a scenario into ``folder``, made if need be, and say where they are."""
    folder.mkdir(parents=True, exist_ok=True)
    files = [folder / f"{name}-cost.svg", folder / f"{name}-traffic.svg"]
    save(lambda: cost.drawn(name, found), files[0])
    save(lambda: traffic.drawn(name, market, plays), files[1])
    return files

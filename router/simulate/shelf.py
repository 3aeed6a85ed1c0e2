"""Where scenarios lie: a file somewhere, one of those that are shipped, or the drawn study."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from router.config.mistake import ConfigError, Mistake, nearest
from router.simulate.scenario import Scenario, read
from router.simulate.study import study

SHIPPED = Path(__file__).with_name("shipped")
STUDY = "study"


def shipped() -> list[str]:
    """Return the names of what is shipped as a file."""
    return sorted(path.stem for path in SHIPPED.glob("*.toml"))


def find(name: str) -> Mapping[str, Scenario]:
    """Read what is named: a file, a shipped scenario, the study or a fleet of it.

    Raises ConfigError.
    """
    path = Path(name)
    if not path.is_file():
        path = SHIPPED / f"{name}.toml"
    if path.is_file():
        return {path.stem: read(path)}
    drawn = study()
    if name == STUDY:
        return drawn
    if name in drawn:
        return {name: drawn[name]}
    advice = nearest(name, [*shipped(), STUDY, *drawn])
    raise ConfigError([Mistake(name, "", f"no such file, and no such scenario; {advice}")])

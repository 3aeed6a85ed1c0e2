"""Where scenarios lie: a file somewhere, or one of those that are shipped."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from router.config.mistake import ConfigError, Mistake, nearest
from router.simulate.scenario import Scenario, read

SHIPPED = Path(__file__).with_name("shipped")


def shipped() -> list[str]:
    """Return the names of what is shipped."""
    return sorted(path.stem for path in SHIPPED.glob("*.toml"))


def find(name: str) -> Mapping[str, Scenario]:
    """Read what is named, a file or a shipped scenario. Raises ConfigError."""
    path = Path(name)
    if not path.is_file():
        path = SHIPPED / f"{name}.toml"
    if not path.is_file():
        advice = nearest(name, shipped())
        raise ConfigError([Mistake(name, "", f"no such file, and no such scenario; {advice}")])
    return {path.stem: read(path)}

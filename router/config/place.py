"""Where the configuration lies, and how a new one is begun."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

SHIPPED = Path(__file__).with_name("shipped")
"""The starting files, inside the package: there is always something to serve."""

_SYSTEM = Path("/etc/meritorder/config.toml")


def find_config(explicit: Path | None, environ: Mapping[str, str]) -> Path:
    """Return the file to read: the one named, ``./config.toml``, the system's, or the shipped one.

    A file that was named by flag or variable is returned even if it is not there.
    """
    if explicit is not None:
        return explicit
    if said := environ.get("MERITORDER_CONFIG"):
        return Path(said)
    for place in (Path("config.toml"), _SYSTEM):
        if place.is_file():
            return place
    return SHIPPED / "config.toml"


def write_starting_files(directory: Path, *, force: bool = False) -> list[Path]:
    """Copy the shipped ``config.toml`` and ``policies/`` to ``directory``; return what was written.

    Raises ``FileExistsError`` naming what is in the way, before anything is written, unless
    ``force``.
    """
    sources = sorted(p for p in SHIPPED.rglob("*.toml") if p.is_file())
    targets = {source: directory / source.relative_to(SHIPPED) for source in sources}
    taken = [str(target) for target in targets.values() if target.exists()]
    if taken and not force:
        raise FileExistsError(f"would overwrite {', '.join(taken)}")
    for source, target in targets.items():
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(source.read_bytes())
    return list(targets.values())

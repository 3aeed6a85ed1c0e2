"""Configurations as an operator would write them, in a folder of their own."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from router.config import ConfigError, load

ROW = {
    "id": '"r1@here"',
    "provider": '"here"',
    "model": '"here/r1"',
    "serves": '["r1"]',
    "base_url": '"http://127.0.0.1:9/v1"',
    "context": "65536",
    "price": "{ input = 1, output = 2 }",
}


def row(**keys: str | None) -> str:
    """Write one row, complete but for what is said; ``None`` leaves a key out."""
    said = {**ROW, **keys}
    lines = [f"{key} = {value}" for key, value in said.items() if value is not None]
    return "\n".join(["[[endpoints]]", *lines, ""])


def written(folder: Path, text: str, policies: Mapping[str, str] | None = None) -> Path:
    """Write ``config.toml``, and policies beside it."""
    file = folder / "config.toml"
    file.write_text(text)
    (folder / "policies").mkdir(exist_ok=True)
    for name, policy in (policies or {}).items():
        (folder / "policies" / f"{name}.toml").write_text(policy)
    return file


def complaints(file: Path, environ: Mapping[str, str] | None = None) -> list[str]:
    """Load and return the lines of the error, with the folder cut off; none if it loads."""
    try:
        load(file, environ=environ or {})
    except ConfigError as e:
        return [line.replace(f"{file.parent}/", "") for line in str(e).splitlines()]
    return []

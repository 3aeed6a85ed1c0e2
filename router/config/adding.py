"""One more row at the end of a configuration, written only if the whole can still be read."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from router.config.endpoint import EndpointRow
from router.config.settings import load


@dataclass(frozen=True, slots=True)
class NewRow:
    """What is to be said of an endpoint.

    ``more`` are further keys, each with its value as TOML; ``remarks`` are comments above it all.
    """

    id: str
    provider: str
    model: str
    serves: str
    more: tuple[tuple[str, str], ...] = ()
    remarks: tuple[str, ...] = ()

    def text(self, name: str) -> str:
        """Write the row as TOML, under the id ``name``."""
        said = [
            ("id", f'"{name}"'),
            ("provider", f'"{self.provider}"'),
            ("model", f'"{self.model}"'),
            ("serves", f'["{self.serves}"]'),
            *self.more,
        ]
        lines = [*(f"# {remark}" for remark in self.remarks), "[[endpoints]]"]
        lines += (f"{key} = {value}" for key, value in said)
        return "\n".join(lines) + "\n"


class AlreadyThereError(Exception):
    """The configuration has this endpoint; ``args[0]`` is its id."""


def add(file: Path, row: NewRow, environ: Mapping[str, str]) -> tuple[str, str]:
    """Append ``row`` to a configuration; return its id, unlike all others there, and its text.

    Raises ``ConfigError`` for a file that has mistakes, with or without the row, and leaves it
    alone; ``AlreadyThereError`` where the same model is bought at the same provider.
    """
    there = load(file, environ=environ).endpoints
    for each in there:
        if (each.provider, each.model) == (row.provider, row.model):
            raise AlreadyThereError(each.id)
    name = _unlike(row.id, there)
    text = row.text(name)
    target = file.resolve()
    before = target.read_text()
    gap = "" if not before or before.endswith("\n\n") else "\n" if before.endswith("\n") else "\n\n"
    # In the same folder: policies are read beside the file, and a rename stays a rename.
    descriptor, draft = tempfile.mkstemp(dir=target.parent, prefix=".config-", suffix=".toml")
    try:
        with os.fdopen(descriptor, "w") as out:
            out.write(before + gap + text)
        load(Path(draft), environ=environ)
        Path(draft).chmod(target.stat().st_mode & 0o777)
        Path(draft).replace(target)
    finally:
        Path(draft).unlink(missing_ok=True)
    return name, text


def _unlike(name: str, there: Sequence[EndpointRow]) -> str:
    taken = {each.id for each in there}
    found, number = name, 1
    while found in taken:
        number += 1
        found = f"{name}-{number}"
    return found

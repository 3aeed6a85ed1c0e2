"""File, environment, flags: which value wins, and where each came from.

A flag beats the environment, the environment beats the file. ``MERITORDER_SECTION__KEY`` sets one
key of a section; an empty variable counts as not set, since that is how compose files write it.
Rows of ``[[endpoints]]`` come from the file alone.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import get_args, get_origin

from router.config.mistake import Mistake, closest
from router.config.sections import SECTIONS, Strict

PREFIX = "MERITORDER_"
Overrides = Mapping[str, Mapping[str, object]]


@dataclass(slots=True)
class Layers:
    """Values by section and key, and the origin of those that do not come from the file."""

    values: dict[str, dict[str, object]] = field(default_factory=dict)
    origins: dict[tuple[str, str], str] = field(default_factory=dict)

    def put(self, section: str, key: str, value: object, origin: str) -> None:
        """Let a later layer win."""
        self.values.setdefault(section, {})[key] = value
        self.origins[section, key] = origin


def variable(section: str, key: str) -> str:
    """Name the environment variable of a key."""
    return f"{PREFIX}{section}__{key}".upper()


def put_environment(layers: Layers, environ: Mapping[str, str], mistakes: list[Mistake]) -> None:
    """Lay the environment over the file; a variable that sets nothing we know is a mistake."""
    known = {
        variable(section, key): (section, key)
        for section, model in SECTIONS.items()
        for key in model.model_fields
    }
    for name in sorted(environ):
        if not name.startswith(PREFIX) or "__" not in name or not environ[name].strip():
            continue
        if name not in known:
            meant = closest(name.removeprefix(PREFIX), (k.removeprefix(PREFIX) for k in known))
            hint = f"; did you mean '{PREFIX}{meant}'?" if meant else ""
            mistakes.append(Mistake(name, "", f"no such setting{hint}"))
            continue
        section, key = known[name]
        layers.put(section, key, _typed(SECTIONS[section], key, environ[name].strip()), name)


def put_overrides(layers: Layers, overrides: Overrides) -> None:
    """Lay flags over everything; ``None`` is a flag that was not given."""
    for section, values in overrides.items():
        for key, value in values.items():
            if value is not None:
                layers.put(section, key, value, f"--{key.replace('_', '-')}")


def _typed(model: type[Strict], key: str, text: str) -> object:
    """Read a variable's text as the kind of value its key takes; ranges are checked later."""
    annotation = model.model_fields[key].annotation
    if annotation is str:
        return text
    if get_origin(annotation) is tuple and not text.startswith("["):
        return [part.strip() for part in text.split(",") if part.strip()]
    if str in {type(choice) for choice in get_args(annotation)}:
        return text
    try:
        return json.loads(text)
    except ValueError:
        return text

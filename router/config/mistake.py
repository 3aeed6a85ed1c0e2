"""What is wrong in a configuration, told all at once, each with its place and what would work."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches


@dataclass(frozen=True, slots=True)
class Mistake:
    """One thing to mend: ``origin`` is a file, variable or flag, ``place`` the key path in it."""

    origin: str
    place: str
    message: str

    def __str__(self) -> str:
        return ": ".join(part for part in (self.origin, self.place, self.message) if part)


class ConfigError(Exception):
    """A configuration that cannot be served; its text has one line for each mistake."""

    def __init__(self, mistakes: Sequence[Mistake]) -> None:
        super().__init__("\n".join(str(m) for m in mistakes))
        self.mistakes = tuple(mistakes)


def nearest(word: str, known: Iterable[str]) -> str:
    """Name what was probably meant, or everything that is known."""
    names = sorted(known)
    meant = closest(word, names)
    if meant is not None:
        return f"did you mean '{meant}'?"
    return f"known: {', '.join(names)}" if names else "nothing is known here"


def closest(word: str, known: Iterable[str], *, likeness: float = 0.6) -> str | None:
    """Return the known word that ``word`` looks like, whatever its case, if there is one."""
    lower = {name.lower(): name for name in known}
    found = get_close_matches(word.lower(), lower, n=1, cutoff=likeness)
    return lower[found[0]] if found else None

"""Releases of a dependency that must never run beside anybody's keys."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib import metadata

from router.config.mistake import Mistake

_STOLE_CREDENTIALS = frozenset({"1.82.7", "1.82.8"})


def banned_litellm(version_of: Callable[[str], str] = metadata.version) -> Iterator[Mistake]:
    """Yield a mistake if the installed litellm is one of the two that stole credentials."""
    try:
        version = version_of("litellm")
    except metadata.PackageNotFoundError:
        return
    if version in _STOLE_CREDENTIALS:
        yield Mistake(
            f"litellm {version}",
            "",
            "this release (24 March 2026) stole credentials; remove it, change every key that "
            "was in this machine's environment, and install another",
        )

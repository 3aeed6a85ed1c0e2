"""Which tool an answer must call, in whatever dialect that was said."""

from collections.abc import Iterable
from typing import Final

ANY: Final = ""
"""Wanted where some tool must be called, no matter which."""

Tool = tuple[str, object]
"""A tool's name, and the schema of what it is called with."""


def called(wanted: str | None, tools: Iterable[Tool]) -> Tool | None:
    """The tool that must be called; None where none must, or the one wanted is not there."""
    if wanted is None:
        return None
    return next((tool for tool in tools if wanted in (ANY, tool[0])), None)

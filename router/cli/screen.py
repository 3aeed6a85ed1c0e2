"""Where commands draw: a console that is wide enough for a table also when it is a file."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

_FILE_WIDTH = 100


def console(*, stderr: bool = False) -> Console:
    """Return a console; ``COLUMNS`` counts, and so does the terminal's own width."""
    from rich.console import Console

    plain = Console(stderr=stderr, highlight=False, soft_wrap=False)
    if plain.is_terminal or "COLUMNS" in os.environ:
        return plain
    return Console(stderr=stderr, highlight=False, width=_FILE_WIDTH)


def table() -> Table:
    """Return an empty table in the house's look: a line under the head, no frame."""
    from rich import box
    from rich.table import Table

    return Table(box=box.SIMPLE_HEAD, show_edge=False, padding=0, header_style="bold")

"""What can be seen while the demo works: live on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from router.cli.screen import console

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table


class Progress:
    """Tells on stderr, so that what the demo found can be piped."""

    def __init__(self, speed: float) -> None:
        self._screen: Console = console(stderr=True)
        self._speed = speed

    def say(self, text: str) -> None:
        """Tell one thing."""
        from rich.markup import escape

        self._screen.print(escape(text))

    @contextmanager
    def counting(self, what: str, total: int) -> Iterator[Callable[[], None]]:
        """Yield what is to be called at each of ``total`` steps."""
        if not self._screen.is_terminal:
            self.say(f"{what} ...")
            yield lambda: None
            return
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn
        from rich.progress import Progress as Bar

        bar = Bar(
            TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(),
            console=self._screen, transient=True,
        )  # fmt: skip
        with bar:
            task = bar.add_task(what, total=total)
            yield lambda: bar.advance(task)

    @contextmanager
    def questions(self, titles: Sequence[str]) -> Iterator[Lines]:
        """One line a question."""
        if not self._screen.is_terminal:
            yield Lines(titles, self._speed, self.say)
            return
        lines = Lines(titles, self._speed)
        from rich.live import Live

        with Live(get_renderable=lines.drawn, console=self._screen, transient=True):
            yield lines


class Lines:
    """The state of every question, with the market's seconds since all were asked."""

    def __init__(
        self, titles: Sequence[str], speed: float, said: Callable[[str], None] | None = None
    ) -> None:
        self._titles = titles
        self._speed = speed
        self._states = ["" for _ in titles]
        self._started = time.monotonic()
        self._said = said

    def note(self, number: int, state: str) -> None:
        """Set the state of a question."""
        at = "" if state == "waiting" else f" after {self._elapsed_s():.0f} s"
        self._states[number] = f"{state}{at}"
        if self._said is not None and at:
            self._said(f"  {self._titles[number]}: {self._states[number]}")

    def drawn(self) -> Table:
        """Return the lines as they stand."""
        from rich.markup import escape
        from rich.table import Table

        drawn = Table.grid(padding=(0, 2))
        drawn.add_row("[bold]asked at once[/]", f"{self._elapsed_s():.0f} s of the market's time")
        for title, state in zip(self._titles, self._states, strict=True):
            style = "green" if state.startswith("done") else None
            drawn.add_row(escape(title), escape(state), style=style)
        return drawn

    def _elapsed_s(self) -> float:
        return (time.monotonic() - self._started) * self._speed

"""One command a file; what a command needs is imported when it runs, so that help is instant."""

from __future__ import annotations

import importlib
import sys
from typing import Final

import click

import router

_COMMANDS: Final = {
    "serve": "Serve the proxy until it is told to stop.",
    "check": "Read the configuration and say everything that is wrong with it.",
    "endpoints": "Show what can be bought: prices, windows, who serves what.",
    "explain": "Show which endpoint a request would go to, and why not the others.",
    "init": "Write a starting config.toml and policies/ into a folder.",
    "demo": "Ask one question under several budgets, and show who answers and why.",
}


class _Lazy(click.Group):
    """Finds a command by its name, in the file of that name."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        del ctx
        if cmd_name not in _COMMANDS:
            return None
        found = importlib.import_module(f"router.cli.{cmd_name}").command
        assert isinstance(found, click.Command)  # noqa: S101 - every file of _COMMANDS has one
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl(list(_COMMANDS.items()))


@click.command(cls=_Lazy, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(router.__version__, prog_name="meritorder")
def main() -> None:
    """Send each LLM request to the cheapest endpoint expected to keep its budget."""


def fail(message: str) -> None:
    """Say what is wrong, and end with status 2."""
    click.echo(f"meritorder: {message}", err=True)
    sys.exit(2)

"""One command a file; what a command needs is imported when it runs, so that help is instant.

Every wrong input ends in one clear message and status 2. What nobody foresaw is told in a line as
well; ``meritorder --debug COMMAND`` shows where it happened.
"""

from __future__ import annotations

import errno
import importlib
import sys
from typing import TYPE_CHECKING, Any, Final, NoReturn

import click

import router

if TYPE_CHECKING:
    from router.config import ConfigError

_COMMANDS: Final = {
    "serve": "Serve the proxy until it is told to stop.",
    "check": "Read the configuration and say everything that is wrong with it.",
    "endpoints": "Show what can be bought: prices, windows, who serves what.",
    "explain": "Show which endpoint a request would go to, and why not the others.",
    "doctor": "Send each endpoint a tiny request: does it charge what is booked?",
    "simulate": "Compare strategies in a market in virtual time.",
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

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.Abort, click.exceptions.Exit):
            raise
        except Exception as error:
            reader_left = isinstance(error, OSError) and error.errno == errno.EPIPE
            if ctx.params.get("debug") or reader_left:
                raise
            fail(
                f"{type(error).__name__}: {error} (unforeseen; `meritorder --debug"
                f" {ctx.invoked_subcommand} ...` shows where)"
            )


@click.command(cls=_Lazy, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(router.__version__, prog_name="meritorder")
@click.option("--debug", is_flag=True, help="Show where an unforeseen error happened.")
def main(*, debug: bool) -> None:
    """Send each LLM request to the cheapest endpoint expected to keep its budget."""
    del debug


def fail(message: str) -> NoReturn:
    """Say what is wrong, and end with status 2."""
    click.echo(f"meritorder: {message}", err=True)
    sys.exit(2)


def told(error: ConfigError) -> str:
    """Say everything that is wrong with a configuration: one line alone, or a list."""
    mistakes = [str(mistake) for mistake in error.mistakes]
    if len(mistakes) == 1:
        return mistakes[0]
    listed = "\n".join(f"  {mistake}" for mistake in mistakes)
    return f"{len(mistakes)} mistakes in the configuration:\n{listed}"

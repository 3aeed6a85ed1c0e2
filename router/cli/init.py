"""``meritorder init``: a configuration to begin with."""

from __future__ import annotations

from pathlib import Path

import click

from router.cli import fail
from router.config import write_starting_files


@click.command(name="init")
@click.argument("folder", metavar="[DIR]", default=".", type=click.Path(path_type=Path))
@click.option("--force", is_flag=True, help="Overwrite files that are there.")
def command(folder: Path, *, force: bool) -> None:
    """Write a starting config.toml and policies/ into DIR (default: here)."""
    try:
        written = write_starting_files(folder, force=force)
    except FileExistsError as error:
        fail(f"{error}; --force overwrites" if error.errno is None else f"{error}")
    except OSError as error:
        fail(f"cannot write {error.filename or folder}: {error.strerror}")
    for path in written:
        click.echo(f"wrote {path}")
    config = folder / "config.toml"
    option = "" if folder.resolve() == Path.cwd() else f" --config {config}"
    click.echo(
        "\nNext, look at it and serve it:\n"
        f"  meritorder check{option}\n  meritorder serve{option}\n"
        "Without any provider's key in the environment, the sandbox market serves."
    )

"""Options that several commands take."""

from __future__ import annotations

from pathlib import Path

import click

config = click.option(
    "--config",
    type=click.Path(exists=True, dir_okay=False, readable=True, path_type=Path),
    help="The configuration file (default: ./config.toml, else the shipped one).",
)
as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON for machines.")

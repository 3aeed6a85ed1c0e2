"""Options that several commands take."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

import click

from router.cli import fail

config = click.option(
    "--config",
    type=click.Path(exists=True, dir_okay=False, readable=True, path_type=Path),
    help="The configuration file (default: ./config.toml, else the shipped one).",
)
as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON for machines.")
URL: Final = "http://127.0.0.1:8080"
url = click.option("--url", default=URL, show_default=True, help="The proxy.")
key_env = click.option(
    "--key-env", metavar="NAME", help="Variable that holds the key the proxy asks for."
)


def key_headers(name: str | None) -> dict[str, str]:
    """Return the header that carries the key in the variable ``name``, if one is named."""
    if name is None:
        return {}
    value = os.environ.get(name)
    if not value:
        fail(f"the environment variable {name} (--key-env) is not set")
    if not value.isascii() or not value.isprintable():
        fail(f"the environment variable {name} (--key-env) holds what no header can carry")
    return {"Authorization": f"Bearer {value}"}

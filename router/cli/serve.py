"""``meritorder serve``: the proxy."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click

from router.cli import fail
from router.config import ConfigError, load
from router.sandbox.process import StartError


@click.command(name="serve")
@click.option("--config", type=click.Path(path_type=Path), help="The configuration file.")
@click.option("--host", help="Address to listen on (default: [server] host, 127.0.0.1).")
@click.option("--port", type=int, help="Port to listen on (default: [server] port, 8080).")
@click.option("--speed", type=float, help="How many times faster the sandbox market runs.")
def command(config: Path | None, host: str | None, port: int | None, speed: float | None) -> None:
    """Serve the proxy until it is told to stop."""
    from router.server.serve import CannotListen, serve

    overrides = {"server": {"host": host, "port": port}, "sandbox": {"speed": speed}}
    try:
        settings = load(config, overrides=overrides)
        _run(serve(settings, os.environ, say=lambda text: click.echo(text)))
    except (ConfigError, CannotListen, StartError) as error:
        fail(str(error))


def _run(main: Any) -> None:
    import asyncio

    try:
        import uvloop
    except ImportError:
        asyncio.run(main)
    else:
        uvloop.run(main)

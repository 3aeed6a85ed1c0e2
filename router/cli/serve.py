"""``meritorder serve``: the proxy."""

from __future__ import annotations

import os
from pathlib import Path

import click

from router.cli import fail, options, told
from router.cli.running import run
from router.config import ConfigError, load
from router.config.layers import Overrides


@click.command(name="serve")
@options.config
@click.option("--host", help="Address to listen on (default: [server] host, 127.0.0.1).")
@click.option("--port", type=int, help="Port to listen on (default: [server] port, 8080).")
@click.option("--speed", type=float, help="How many times faster the sandbox market runs.")
def command(config: Path | None, host: str | None, port: int | None, speed: float | None) -> None:
    """Serve the proxy until it is told to stop."""
    from router.sandbox.process import StartError
    from router.server.serve import CannotListen, serve

    overrides: Overrides = {"server": {"host": host, "port": port}, "sandbox": {"speed": speed}}
    try:
        settings = load(config, overrides=overrides)
        run(serve(settings, os.environ, say=click.echo))
    except ConfigError as error:
        fail(told(error))
    except (CannotListen, StartError) as error:
        fail(str(error))

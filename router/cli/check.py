"""``meritorder check``: is this configuration one that can be served?"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

import click

from router.cli import options
from router.cli.fleet import fleet_of
from router.config import ConfigError, Fleet, Settings, load

_NOT_CHECKED = "keys are not tried; Redis, trace receiver, providers and the port are not asked"


@click.command(name="check")
@options.config
def command(config: Path | None) -> None:
    """Read the configuration and say everything that is wrong with it; start nothing.

    The exit status is 0 if it can be served, 1 if something must be mended.
    """
    try:
        settings = load(config)
        fleet = fleet_of(settings, os.environ)
    except ConfigError as error:
        _refuse([str(mistake) for mistake in error.mistakes])
    if mistake := _door_mistake(settings):
        _refuse([f"{settings.path}: {mistake}"])
    click.echo(summary(settings, fleet, os.environ))


def summary(settings: Settings, fleet: Fleet, environ: Mapping[str, str]) -> str:
    """Say what would be served, and what was not looked at."""
    names = list(dict.fromkeys(name for e in fleet.endpoints for name in e.serves))
    priced = sum(e.price is not None for e in fleet.endpoints)
    lines = [
        f"{settings.path}: fine",
        f"  endpoints    {len(fleet.endpoints)} of {len(settings.endpoints)}, {priced} with a price"
        + (" (served by the SANDBOX MARKET, invented answers)" if fleet.sandboxed else ""),
        f"  models       {', '.join(names)}",
        f"  policies     {', '.join(fleet.policies)} (default: {settings.routing.default_policy})",
        f"  listens on   {settings.server.host}:{settings.server.port}, {_door(settings)}",
        f"  redis        {_redis(settings, environ)}",
        f"  traces       {_traces(settings)}",
        f"  not checked  {_NOT_CHECKED}",
    ]
    lines += [f"  warning      {text}" for text in fleet.warnings]
    return "\n".join(lines)


def _refuse(mistakes: list[str]) -> None:
    for mistake in mistakes:
        click.echo(mistake, err=True)
    count = len(mistakes)
    click.echo(f"meritorder: {count} mistake{'s' * (count > 1)}; nothing was started", err=True)
    sys.exit(1)


def _door_mistake(settings: Settings) -> str | None:
    from router.server.serve import CannotListen, check_door

    try:
        check_door(settings)
    except CannotListen as error:
        return str(error)
    return None


def _door(settings: Settings) -> str:
    keys = settings.server.api_keys
    return f"with a key from {', '.join(keys)}" if keys else "open to this machine only"


def _redis(settings: Settings, environ: Mapping[str, str]) -> str:
    if not settings.redis.url:
        return "a private server, started with the proxy"
    if "MERITORDER_REDIS__URL" in environ:
        return "as MERITORDER_REDIS__URL says"  # may carry a password
    return settings.redis.url


def _traces(settings: Settings) -> str:
    told = settings.telemetry
    if not told.otlp_endpoint:
        return "off ([telemetry] otlp_endpoint)"
    return f"{told.otlp_endpoint}, {told.sample:.0%} of requests, errors and missed bounds always"

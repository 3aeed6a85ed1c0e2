"""``meritorder doctor``: asks every endpoint something tiny, and compares bills.

What would be booked for the answer by the price of the configuration or the table is laid beside
what the provider says it charged, where it does.
"""

from __future__ import annotations

import json
import os
import sys
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from router.cli import fail, options, told
from router.cli.running import run
from router.config import ConfigError, Fleet, Settings, load

if TYPE_CHECKING:
    from router.cli.demo.progress import Progress
    from router.cli.doctor.asking import Probe
    from router.upstream.litellm import LiteLLM


@click.command(name="doctor")
@options.config
@click.option("--model", metavar="NAME", help="Only endpoints that serve this model.")
@click.option(
    "--limit-s",
    type=click.FloatRange(1, 600),
    default=60.0,
    show_default=True,
    help="How long one answer may take.",
)
@click.option(
    "--speed",
    type=click.FloatRange(0.1, 50),
    default=10.0,
    show_default=True,
    help="How many times faster than real the sandbox market runs, if it serves.",
)
@options.as_json
def command(
    config: Path | None, model: str | None, *, limit_s: float, speed: float, as_json: bool
) -> None:
    """Send one tiny request to each endpoint, and compare what is booked with what is charged.

    This spends a fraction of a cent at every provider whose key is in the environment; without
    keys the sandbox market is asked. The exit status is 1 if something failed or disagrees.
    """
    from router.sandbox.process import StartError

    try:
        settings = load(config, overrides={"sandbox": {"speed": speed}})
        fleet, probes = run(_examined(settings, model, limit_s))
    except ConfigError as error:
        fail(told(error))
    except StartError as error:
        fail(str(error))
    from router.cli.doctor.showing import document, draw, is_well

    if as_json:
        click.echo(json.dumps(document(fleet, probes), indent=2))
    else:
        draw(fleet, probes)
    sys.exit(0 if is_well(probes) else 1)


async def _examined(
    settings: Settings, model: str | None, limit_s: float
) -> tuple[Fleet, list[Probe]]:
    from router.cli.demo.progress import Progress
    from router.cli.doctor.asking import ask_all
    from router.config import resolve
    from router.server.clock import SystemClock
    from router.server.upstreams import open_market, open_upstreams, with_sandbox_key
    from router.upstream.prices import lookup

    progress = Progress(settings.sandbox.speed)
    async with AsyncExitStack() as stack:
        market, base_url_of = await open_market(stack, settings, os.environ)
        today = datetime.now(UTC).date()
        fleet = resolve(settings, os.environ, table=lookup, base_url_of=base_url_of, today=today)
        fleet, environ = with_sandbox_key(_chosen(fleet, model), os.environ)
        clock = SystemClock(settings.sandbox.speed if market is not None else 1.0)
        upstreams, litellm = await open_upstreams(stack, fleet, settings, environ, clock)
        await _loaded(litellm, progress)
        count = len(fleet.endpoints)
        with progress.counting(f"asking {count} endpoints", count) as step:
            probes = await ask_all(fleet.endpoints, upstreams, clock, limit_s, step)
    return fleet, probes


def _chosen(fleet: Fleet, model: str | None) -> Fleet:
    if model is None:
        return fleet
    found = tuple(e for e in fleet.endpoints if model in e.serves)
    if not found:
        names = sorted({name for e in fleet.endpoints for name in e.serves})
        fail(f"no endpoint serves '{model}'; served: {', '.join(names)}")
    return replace(fleet, endpoints=found)


async def _loaded(litellm: LiteLLM | None, progress: Progress) -> None:
    """Wait until litellm is there; what it is needed for fails by name if it never is."""
    import asyncio

    if litellm is not None:
        progress.say("loading litellm, by which some of them are spoken to ...")
        await asyncio.to_thread(litellm.start_loading().join)

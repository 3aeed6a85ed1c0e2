"""``meritorder demo``: the market and a proxy, one question, eight budgets at once."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import click

from router.cli import fail, options
from router.cli.running import run

if TYPE_CHECKING:
    from router.cli.demo.asking import Answer
    from router.cli.demo.progress import Progress
    from router.config import Settings
    from router.server.house import House


@click.command(name="demo")
@click.option(
    "--speed",
    type=click.FloatRange(0.1, 50),
    default=5.0,
    show_default=True,
    help="How many times faster than real the market runs.",
)
@options.as_json
def command(speed: float, *, as_json: bool) -> None:
    """Ask one question under eight budgets at once, and show who answers and why.

    Starts the sandbox market and a proxy of its own, asks through the unmodified openai client,
    and ends by itself. No keys, no money, nothing leaves this machine.
    """
    from router.cli.demo.warming import WarmingError
    from router.sandbox.process import StartError

    try:
        run(_demo(speed, as_json=as_json))
    except* (StartError, WarmingError) as group:
        found = group.exceptions[0]
        fail(str(found))


async def _demo(speed: float, *, as_json: bool) -> None:
    from router.cli.demo.progress import Progress
    from router.cli.demo.showing import document, draw, lines_of

    progress = Progress(speed)
    progress.say("starting the sandbox market and a proxy ...")
    async with _proxy(_settings(speed)) as (house, base_url):
        answers = await _ask_all(house, base_url, progress, speed)
        lines = lines_of(answers, house.fleet.endpoints, house.clock.wall())
    if as_json:
        click.echo(json.dumps(document(lines, speed), indent=2))
    else:
        draw(lines, speed)


def _settings(speed: float) -> Settings:
    """Return the shipped configuration, whatever this machine's own says."""
    from router.config import SHIPPED, load

    sandbox = {"enabled": "always", "speed": speed}
    settings = load(SHIPPED / "config.toml", overrides={"sandbox": sandbox}, environ={})
    quiet = settings.telemetry.model_copy(update={"log_level": "critical"})
    return replace(settings, telemetry=quiet)


@asynccontextmanager
async def _proxy(settings: Settings) -> AsyncIterator[tuple[House, str]]:
    """Serve on a free port of this machine; yield the house and its base URL."""
    from aiohttp import web

    from router.server.house import open_house
    from router.surfaces.http import RUNNER

    async with open_house(settings, {}) as house:
        runner = web.AppRunner(house.app, **{**RUNNER, "shutdown_timeout": 1.0})
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            house.opened()
            yield house, f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
        finally:
            await runner.cleanup()


async def _ask_all(house: House, base_url: str, progress: Progress, speed: float) -> list[Answer]:
    from router.cli.demo.asking import ask, client_of
    from router.cli.demo.questions import QUESTIONS
    from router.cli.demo.warming import ANSWERS, warm

    endpoints = house.fleet.endpoints
    total = ANSWERS * len(endpoints)
    what = f"getting to know {len(endpoints)} endpoints by {total} answers"
    with progress.counting(what, total) as step:
        await warm(base_url, endpoints, speed, step)
    async with client_of(base_url) as client:
        await client.models.list()  # what the client loads at its first call would be our wait
        progress.say(f"asking under {len(QUESTIONS)} budgets at once ...")
        with progress.questions([q.title for q in QUESTIONS]) as lines:
            async with asyncio.TaskGroup() as group:
                asked = [
                    group.create_task(ask(client, question, partial(lines.note, number)))
                    for number, question in enumerate(QUESTIONS)
                ]
    return [task.result() for task in asked]

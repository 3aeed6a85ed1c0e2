"""`python -m router.sandbox`: serve the market until SIGTERM or the parent's death."""

import argparse
import asyncio
import os
import signal
import sys
import time
from pathlib import Path

from aiohttp import web

from router.sandbox import lifeline
from router.sandbox.clock import start_clock
from router.sandbox.fleet import Fleet, MarketError, load_fleet
from router.sandbox.floor import Floor
from router.sandbox.server import build


def _arguments(line: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m router.sandbox", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--speed", type=float, default=1.0, help="virtual seconds in a real one")
    parser.add_argument("--market", type=Path, default=None, help="a file like market.toml")
    chosen = parser.parse_args(line)
    if not 0 < chosen.speed < float("inf"):
        parser.error("--speed takes a number > 0")
    return chosen


async def _serve(chosen: argparse.Namespace, fleet: Fleet, parent: int) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    clock = start_clock(chosen.speed, wall=time.time, mono=time.monotonic)
    app = build(Floor(fleet, clock, chosen.seed))
    runner = web.AppRunner(app, handler_cancellation=True, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, chosen.host, chosen.port).start()
        port = runner.addresses[0][1]
        sys.stdout.write(f'{{"ready": true, "port": {port}}}\n')
        sys.stdout.flush()
        await _until_over(stop, parent)
    finally:
        await runner.cleanup()


async def _until_over(stop: asyncio.Event, parent: int) -> None:
    """Return at a signal or when the parent is gone."""
    ends = [asyncio.create_task(stop.wait()), asyncio.create_task(lifeline.orphaned(parent))]
    try:
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for end in ends:
            end.cancel()


def _loop() -> asyncio.AbstractEventLoop:
    """Uvloop's where it is installed."""
    try:
        import uvloop
    except ImportError:
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()


def main() -> int:
    """Serve. The exit code is 2 for a market that cannot be read or a port in use."""
    chosen = _arguments(sys.argv[1:])
    parent = os.getppid()
    lifeline.arm()
    try:
        fleet = load_fleet(chosen.market)
        with asyncio.Runner(loop_factory=_loop) as runner:
            runner.run(_serve(chosen, fleet, parent))
    except (MarketError, OSError) as error:
        sys.stderr.write(f"sandbox: {error}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Listen, serve, and stop well: the life of the process."""

from __future__ import annotations

import asyncio
import errno
import gc
import ipaddress
import signal
import socket
from collections.abc import Callable, Mapping

from aiohttp import web

from router.config import Settings
from router.server.banner import banner
from router.server.house import House, open_house
from router.surfaces.http import RUNNER

BACKLOG = 1024


class CannotListen(Exception):
    """The address cannot be had; the message says what would work."""


def listening_socket(host: str, port: int) -> socket.socket:
    """Bind before anything else is started, so that a taken port is known at once."""
    try:
        family, kind, proto, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except socket.gaierror as error:
        raise CannotListen(
            f"[server] host = {host!r} is no address of this machine ({error.strerror})."
        ) from error
    listener = socket.socket(family, kind, proto)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(address)
    except OSError as error:
        listener.close()
        raise CannotListen(_why(error, host, port)) from error
    listener.setblocking(False)  # noqa: FBT003 - the socket API takes it so
    return listener


def check_door(settings: Settings) -> None:
    """Refuse to listen to the world without keys."""
    if settings.server.api_keys or _is_loopback(settings.server.host):
        return
    raise CannotListen(
        f"[server] host = {settings.server.host!r} can be reached from other machines, so keys are"
        " needed: put the NAMES of environment variables into [server] api_keys, e.g. api_keys ="
        ' ["MERITORDER_KEY"], and set them; or listen on 127.0.0.1.'
    )


async def serve(
    settings: Settings, environ: Mapping[str, str], *, say: Callable[[str], None]
) -> None:
    """Serve until SIGTERM or SIGINT, then let what is under way finish."""
    check_door(settings)
    listener = listening_socket(settings.server.host, settings.server.port)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)
    async with open_house(settings, environ) as house:
        options = {**RUNNER, "shutdown_timeout": settings.server.drain_s}
        runner = web.AppRunner(house.app, **options)
        await runner.setup()
        await web.SockSite(runner, listener, backlog=BACKLOG).start()
        say(banner(house, listener.getsockname()[1]))
        # What was loaded to serve stays: walking it all again would stop every stream for 30 ms.
        gc.freeze()
        house.opened()
        await stop.wait()
        await _drain(house, runner, loop, say)


async def _drain(
    house: House,
    runner: web.AppRunner,
    loop: asyncio.AbstractEventLoop,
    say: Callable[[str], None],
) -> None:
    house.draining = True
    limit = house.settings.server.drain_s
    ending = loop.create_task(runner.cleanup())
    # Replaced and never removed: a signal that came in between would end the process on the spot.
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, ending.cancel)
    say(f"meritorder: stopping; requests under way have up to {limit:g} s (again to stop at once)")
    try:
        await ending
    except asyncio.CancelledError:
        say("meritorder: stopped at once; requests under way were cut off")


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _why(error: OSError, host: str, port: int) -> str:
    if error.errno == errno.EADDRINUSE:
        return (
            f"port {port} on {host} is in use by another program. Choose another:"
            f" make run ARGS='--port {port + 1}', meritorder serve --port {port + 1},"
            f" or MERITORDER_SERVER__PORT={port + 1} (0 takes any free one)."
        )
    if error.errno == errno.EACCES:
        return f"port {port} on {host} may not be used by this user; take one above 1023."
    return f"cannot listen on {host}:{port}: {error.strerror}."

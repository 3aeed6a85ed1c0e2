"""Sharing through Redis: one background task, one round trip a cycle, nobody waits for it.

The only file that imports redis. A cycle takes the board's batch, has `sync.lua` apply it and
answer with what changed since the last cycle, and gives both back to the board in one synchronous
step; if anything fails on the way, nothing is given back and the same batch goes out again. What
Redis cannot do while it is slow, frozen or gone is thereby only: bring news.

Every failure ends the connection at once, so that no late answer is ever read as the answer to
something else and nothing unsent lingers. A new connection may be to a server that came back with
older data, so it pulls everything once; `Place.generation` tells a server that lost all.

A `Sharing` belongs to one journal for good: another one would push again what the first had
pushed.
"""

import asyncio
import hashlib
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Literal, Protocol
from urllib.parse import urlsplit
from uuid import uuid4

from redis.asyncio import Connection, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import AuthenticationError, NoScriptError, RedisError, ResponseError
from redis.exceptions import ConnectionError as NoConnection
from redis.exceptions import TimeoutError as NoAnswer

from router.ports import Clock
from router.store.background import Background
from router.store.exchange import SCRIPT, Place, Pulled, arguments, head, read
from router.store.journal import Batch

_ANSWER_S = 0.5
_CALL_S = 1.0  # connecting, AUTH and the answer together
_BACK_OFF_S = (0.25, 2.0)

TROUBLE = (RedisError, OSError, TimeoutError, ValueError)
"""What may go wrong on the way to a server and back; ``ValueError``: with its URL or its answer."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SharingState:
    """How sharing is doing, for `/health/ready`; holds no password.

    ``since_wall`` (unix seconds) is when ``connected`` became what it is; ``unpushed_keys`` the
    sums that Redis does not have; ``last_sync_age_s`` counts from the start until the first sync.
    """

    connected: bool
    since_wall: float
    unpushed_keys: int
    last_sync_age_s: float
    error: str


class Journal(Protocol):
    """The side of the board that sharing sees. No method waits.

    What a process decides from is what it pulled, plus the batch that is on its way, plus what
    came after that; ``acknowledge`` and ``absorb`` follow each other without a pause.
    """

    @property
    def unpushed(self) -> int:
        """How many sums wait to be pushed, those of the batch included."""
        ...

    def take(self) -> Batch | None:
        """Freeze what was not pushed yet; ``None`` if there is nothing.

        Until it is acknowledged, or the journal rebased, the same batch is returned again.
        """
        ...

    def acknowledge(self, batch: Batch) -> None:
        """Note that ``batch`` is in Redis: the next ``absorb`` contains it."""
        ...

    def absorb(
        self, totals: Mapping[str, Mapping[int, float]], latest: Mapping[str, float]
    ) -> None:
        """Replace what was pulled before, for these keys only, by everyone's totals."""
        ...

    def rebase(self) -> None:
        """Redis lost its data: forget what was pulled; everything of our own is unpushed again."""
        ...


class WrongAddress(ValueError):
    """A URL that names no Redis."""


def shown(url: str) -> str:
    """The URL without what is secret in it: user, password, query."""
    try:
        parts = urlsplit(url)
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return "(not a URL)"
    return f"{parts.scheme}://{parts.hostname or ''}{port}{parts.path}"


class Line:
    """One connection to one server and one script, made when needed, cut at any failure.

    ``fresh`` is set when one is made. One call at a time.
    """

    def __init__(self, url: str, script: str = SCRIPT) -> None:
        self._url = url
        self._script = script
        self._sha1 = hashlib.sha1(script.encode(), usedforsecurity=False).hexdigest()
        self._client: Redis | None = None
        self._abort: Callable[[], None] | None = None
        self.fresh = False

    async def call(self, key: str, args: Sequence[str | bytes]) -> object:
        """Run the script; sends its text where the server does not know it."""

        async def run(client: Redis) -> object:
            try:
                return await client.evalsha(self._sha1, 1, key, *args)
            except NoScriptError:
                return await client.eval(self._script, 1, key, *args)

        return await self._within_limit(run)

    async def get(self, key: str) -> object:
        """Read one value."""

        async def run(client: Redis) -> object:
            return await client.get(key)

        return await self._within_limit(run)

    async def _within_limit(self, run: Callable[[Redis], Awaitable[object]]) -> object:
        client = self._client = self._client or self._open()
        try:
            async with asyncio.timeout(_CALL_S):
                return await run(client)
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """Cut the connection, with whatever is still unsent or unread on it."""
        client, self._client = self._client, None
        abort, self._abort = self._abort, None
        if abort is not None:
            abort()
        if client is not None:
            with suppress(RedisError, OSError, TimeoutError):
                await client.aclose()

    def _open(self) -> Redis:
        """A client without its own patience: no retries, no pool to fall back on."""
        try:
            return Redis.from_url(
                self._url,
                max_connections=1,
                protocol=2,  # nothing here needs RESP3, and connecting is a round trip shorter
                driver_info=None,
                retry=Retry(NoBackoff(), 0),
                socket_connect_timeout=_ANSWER_S,
                socket_timeout=_ANSWER_S,
                redis_connect_func=self._connected,
            )
        except (ValueError, TypeError):  # the text may hold the password
            raise WrongAddress(
                "the URL is not understood: redis://, rediss:// or unix:// is expected"
            ) from None

    async def _connected(self, connection: Connection) -> None:
        """Log in, and remember how to cut this connection.

        redis-py closes politely: to a server that reads nothing, an unsent rest would stay open.
        """
        self.fresh = True
        if connection._writer is not None:  # noqa: SLF001 - its close() cannot abort
            self._abort = connection._writer.transport.abort  # noqa: SLF001
        await connection.on_connect()


class Sharing(Background):
    """Keeps one journal and one Redis in step, in the background, while entered."""

    def __init__(
        self,
        url: str,
        journal: Journal,
        *,
        clock: Clock,
        prefix: str = "meritorder",
        interval_s: float = 0.25,
    ) -> None:
        """``interval_s`` is in real seconds, whatever the clock."""
        super().__init__("sharing")
        self._url = url
        self._line = Line(url)
        self._journal = journal
        self._clock = clock
        self._head = head(prefix)
        self._interval_s = interval_s
        self._place = Place()
        self._back_off_s, _ = _BACK_OFF_S
        self._synced_mono = clock.mono()
        self._connected, self._since_wall = False, clock.wall()
        self._error = "not connected yet"

    @property
    def state(self) -> SharingState:
        """As of now."""
        return SharingState(
            connected=self._connected,
            since_wall=self._since_wall,
            unpushed_keys=self._journal.unpushed,
            last_sync_age_s=self._clock.mono() - self._synced_mono,
            error=self._error,
        )

    async def close(self) -> None:
        """Cut the connection."""
        await self._line.close()

    async def _turn(self) -> float:
        shortest_s, longest_s = _BACK_OFF_S
        if await self.sync():
            self._back_off_s = shortest_s
            return self._interval_s
        pause_s = self._back_off_s
        self._back_off_s = min(longest_s, 2 * pause_s)
        return pause_s

    async def _rest(self) -> None:
        while await self.sync() and self._journal.take() is not None:
            pass

    async def sync(self) -> bool:
        """One cycle; whether it went well, and in the state, how.

        The task of an entered ``Sharing`` does nothing else. Who keeps a time of their own calls
        this instead of entering it, one call after another.
        """
        try:
            await self._cycle()
        except TROUBLE as error:
            return self._failed(_in_words(error))
        except Exception as error:  # noqa: BLE001 - of the journal; to be told, not to end sharing
            _log.exception("sharing through Redis met a bug")
            return self._failed(f"a bug of ours: {error!r}")
        self._synced_mono = self._clock.mono()
        self._tell(connected=True, error="")
        return True

    async def _cycle(self) -> None:
        """Push and pull once, all pages of it; nothing counts before everything has arrived."""
        batch = self._journal.take()
        pulled = await self._exchange(self._place, batch)
        if isinstance(pulled, str):
            self._begin_at(pulled)
            batch = self._journal.take()
            pulled = await self._exchange(self._place, batch)
        pages = [_same_data(pulled)]
        while pages[-1].more:
            pages.append(_same_data(await self._exchange(pages[-1].place, None)))
        if batch is not None:
            self._journal.acknowledge(batch)
        totals = {key: total for page in pages for key, total in page.totals.items()}
        latest = {name: at for page in pages for name, at in page.latest.items()}
        if totals or latest:
            self._journal.absorb(totals, latest)
        self._place = pages[-1].place

    def _begin_at(self, generation: str) -> None:
        """Turn to another data set: one not seen before, or what a wiped server began."""
        if self._place.generation:
            self._journal.rebase()
        self._place = Place(generation)

    async def _exchange(self, place: Place, batch: Batch | None) -> Pulled | str:
        """One round trip. On a connection just made, what follows is everything."""
        args = arguments(place, batch, new_generation=uuid4().hex)
        self._line.fresh = False
        pulled = read(await self._line.call(self._head, args))
        if self._line.fresh and place.sequence and isinstance(pulled, Pulled):
            return replace(pulled, more=True, place=replace(pulled.place, sequence=0))
        return pulled

    def _failed(self, error: str) -> Literal[False]:
        self._tell(connected=False, error=error)
        return False

    def _tell(self, *, connected: bool, error: str) -> None:
        """Note how it went; log what is news."""
        if connected != self._connected:
            self._connected, self._since_wall = connected, self._clock.wall()
        if error != self._error:
            level = logging.INFO if connected else logging.WARNING
            _log.log(level, "redis %s: %s", shown(self._url), error or "connected")
        self._error = error


def _same_data(answer: Pulled | str) -> Pulled:
    """The answer, if it is from the data set that the previous one was from."""
    if isinstance(answer, str):
        raise ValueError(  # noqa: TRY004 - it is the answer that is wrong
            "its data was replaced in the middle of an exchange"
        )
    return answer


def _in_words(error: Exception) -> str:
    """What went wrong, for an operator."""
    cause = error.__cause__  # a refused AUTH comes wrapped as a connection that failed
    match cause if isinstance(cause, AuthenticationError) else error:
        case AuthenticationError():
            return f"it refuses the user or password: {error}"
        case NoAnswer() | TimeoutError():
            return f"no answer within {_ANSWER_S:g} s"
        case NoConnection() | OSError():
            return f"no connection: {error}"
        case ResponseError():
            return f"it refuses the script: {error}"
        case _:
            return str(error)

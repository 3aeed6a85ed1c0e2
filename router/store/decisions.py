"""Finished requests, kept for a while so that their decision and verdict can be asked for.

A record is packed and kept here when its request is told, a few microseconds. A task writes all
that is new to Redis in one round trip, where any replica finds it. Nobody waits for Redis but who
asks for what this process did not decide itself, and then for a second at most. While Redis is
slow, frozen or gone, the latest stay here (bounded), and what it did not get is sent when it is
back; what had no place is counted.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Callable, Sequence
from importlib.resources import files
from itertools import islice
from typing import Final, NamedTuple

from router.core.faults import Fault, Kind
from router.ports import Clock, Record
from router.store.background import Background
from router.store.exchange import home
from router.store.redis import TROUBLE, Line

SCRIPT: Final = files("router.store").joinpath("decisions.lua").read_text(encoding="utf-8")
KEEP_S: Final = 3600
MOST_HERE: Final = 5000
"""Of about 1 KB each: where there is no Redis those of the last minutes, else what waits for it."""
MOST_WRITTEN: Final = 500
"""Of those that Redis has: asked for soonest, and few enough to stay in a core's cache."""
_AT_ONCE: Final = 500
"""In one round trip: half a megabyte, and under a millisecond of Redis' time."""
_PAUSE_S: Final = 0.25
_BACK_OFF_S: Final = 2.0

_log = logging.getLogger(__name__)


def _listed(parts: Sequence[bytes]) -> bytes:
    """Write a MessagePack list of strings, as raw as Lua's are: its reader knows no binary."""
    head = b"\xdd" + len(parts).to_bytes(4)
    return head + b"".join([b"\xdb" + len(part).to_bytes(4) + part for part in parts])


class DecisionsState(NamedTuple):
    """How many are held here, wait for Redis, and were lost before they could be kept."""

    here: int
    unwritten: int
    lost: int


class Decisions(Background):
    """Takes records (``ports.Telemetry``) and finds them again; works while it is entered.

    ``pack`` makes bytes of a record. Without ``url``, or with ``keep_s`` 0, nothing leaves this
    process; else Redis keeps each for ``keep_s`` seconds.
    """

    def __init__(
        self,
        pack: Callable[[Record], bytes],
        *,
        clock: Clock,
        url: str = "",
        prefix: str = "meritorder",
        keep_s: int = KEEP_S,
    ) -> None:
        super().__init__("decisions")
        self._pack = pack
        self._clock = clock
        self._home = f"{home(prefix)}d:"
        self._keep_s = keep_s or KEEP_S
        shares = bool(url) and keep_s > 0
        self._out = Line(url, SCRIPT) if shares else None
        self._back = Line(url, SCRIPT) if shares else None
        self._asking = asyncio.Lock()
        self._here: OrderedDict[str, tuple[float, bytes]] = OrderedDict()
        """Until when (unix) and what was packed, oldest first; Redis lacks the last of them."""
        self._unwritten = 0
        self._lost = 0

    @property
    def state(self) -> DecisionsState:
        """As of now."""
        return DecisionsState(len(self._here), self._unwritten, self._lost)

    def report(self, record: Record) -> None:
        """Take a finished request; one that nothing was decided for leaves no trace."""
        if not record.decisions:
            return
        try:
            packed = self._pack(record)
        except Exception:  # noqa: BLE001 - of a stranger's function; one less, but not the end
            _log.exception("a decision could not be packed")
            self._lost += 1
            return
        self._here[record.ask.id] = record.received_wall + self._keep_s, packed
        if self._out is not None:
            self._unwritten += 1
        if len(self._here) > MOST_HERE:
            self._here.popitem(last=False)
            if self._unwritten > len(self._here):
                self._unwritten -= 1
                self._lost += 1

    async def find(self, name: str) -> bytes | None:
        """Return what was packed of a request by its id, or ``None``.

        Raises ``Fault(UNAVAILABLE)`` where only Redis could know, and it does not answer.
        """
        held = self._here.get(name)
        if held is not None:
            until_wall, packed = held
            return packed if self._clock.wall() < until_wall else None
        if self._back is None:
            return None
        try:
            async with self._asking:
                found = await self._back.get(self._home + name)
        except TROUBLE:
            raise Fault(
                Kind.UNAVAILABLE,
                "This process did not decide that request, and what others decided cannot be"
                " looked up now: Redis does not answer.",
                retry_after_s=1.0,
            ) from None
        return found if isinstance(found, bytes) else None

    async def close(self) -> None:
        """Cut both connections."""
        for line in (self._out, self._back):
            if line is not None:
                await line.close()

    async def _turn(self) -> float:
        return _PAUSE_S if await self.sync() else _BACK_OFF_S

    async def _rest(self) -> None:
        while await self.sync() and self._unwritten:
            pass

    async def sync(self) -> bool:
        """Give Redis what it does not have; whether that went well."""
        if self._out is None or not self._unwritten:
            return True
        here, lost = self._here, self._lost
        written = len(here) - self._unwritten
        sent = list(islice(here.items(), written, written + _AT_ONCE))
        told = [part for name, (_, packed) in sent for part in (name.encode(), packed)]
        try:
            await self._out.call(self._home, (str(self._keep_s), _listed(told)))
        except TROUBLE:
            return False
        # Of what was lost meanwhile, some was on its way; to write one twice does no harm.
        self._unwritten -= max(0, len(sent) - (self._lost - lost))
        while len(here) - self._unwritten > MOST_WRITTEN:
            here.popitem(last=False)
        return True

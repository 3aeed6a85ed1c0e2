"""Finished requests are told together, in order, once, and at once where somebody asks."""

from __future__ import annotations

import asyncio

from router.ports import Record
from router.server import telling
from router.server.telling import Telling
from tests.telemetry.records import a_record


class Listener:
    def __init__(self) -> None:
        self.heard: list[Record] = []
        self.told = asyncio.Event()

    def report(self, record: Record) -> None:
        self.heard.append(record)
        self.told.set()


def records(count: int) -> list[Record]:
    return [a_record(request_id=f"mo-{i}") for i in range(count)]


async def test_everybody_is_told_of_every_request_a_moment_later() -> None:
    one, other, told = Listener(), Listener(), records(3)
    parts = Telling(one, other)
    for round_of_them in (told[:2], told[2:]):
        for record in round_of_them:
            parts.report(record)
        assert len(other.heard) < len(told)
        other.told.clear()
        async with asyncio.timeout(5):
            await other.told.wait()
    assert one.heard == other.heard == told


async def test_who_cannot_wait_has_them_told_at_once_and_nothing_is_told_twice() -> None:
    one, told = Listener(), records(2)
    parts = Telling(one)
    parts.report(told[0])
    parts.tell()
    assert one.heard == told[:1]
    await asyncio.sleep(2 * telling.PAUSE_S)
    assert one.heard == told[:1]
    parts.report(told[1])
    parts.tell()
    assert one.heard == told

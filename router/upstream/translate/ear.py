"""Cutting an endpoint's stream into the events that a voice makes others of."""

from __future__ import annotations

from abc import ABC, abstractmethod

from router.upstream.sse import Splitter


class Ear(ABC):
    """Hears whole events, in any grouping; comments are said on as they are."""

    __slots__ = ("_splitter",)

    def __init__(self) -> None:
        self._splitter = Splitter("the endpoint")

    def feed(self, data: bytes) -> bytes:
        """Take events of the endpoint's and return those that they make."""
        events = self._splitter.feed(data)
        if len(events) == 1:
            return self._hear(*events[0])
        return b"".join([self._hear(*event) for event in events])

    def _hear(self, raw: bytes, told: bytes) -> bytes:
        if told:
            return self.hear(told)
        return raw if raw.startswith(b":") else b""

    @abstractmethod
    def hear(self, told: bytes) -> bytes:
        """Take the data of one event."""

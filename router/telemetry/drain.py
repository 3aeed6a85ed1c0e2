"""Carries things out of the request's way: a bounded queue, and a thread that empties it.

Putting costs well under a microsecond. The thread sleeps while there is nothing, and once woken it
waits a little, so that a busy second costs a few wake-ups and not thousands. Where what is behind
it hangs, the oldest things are dropped and counted: telemetry may be lost, memory may not grow.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable
from typing import Final, Generic, TypeVar

from router.telemetry.complaint import Complaint

T = TypeVar("T")

LOG: Final = logging.getLogger("meritorder.telemetry")


class Drain(Generic[T]):
    """Hands what was ``put`` to ``handle``, in a thread of its own, in batches of the given size.

    ``limit`` is the most it holds, ``pause_s`` how long it gathers after waking. The thread is
    started by the first ``put``, so it belongs to the process that serves and not to its parent.
    """

    def __init__(
        self,
        name: str,
        handle: Callable[[list[T]], None],
        *,
        limit: int,
        batch: int,
        pause_s: float,
    ) -> None:
        self._name = name
        self._handle = handle
        self._limit = limit
        self._batch = batch
        self._pause_s = pause_s
        self._held: deque[T] = deque(maxlen=limit)
        self._filled = threading.Event()
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None
        self._trouble = Complaint(LOG)
        self.dropped = 0
        """Things that were never handled, the queue being full or the drain closed."""

    def put(self, thing: T) -> None:
        """Take one thing; the oldest goes when the queue is full."""
        if len(self._held) >= self._limit or self._closing.is_set():
            self.dropped += 1
            if self._closing.is_set():
                return
        self._held.append(thing)
        if not self._filled.is_set():
            self._filled.set()
            if self._thread is None:
                self._start()

    def stop(self) -> None:
        """Take no more, and hand over what is held without waiting for it."""
        self._closing.set()
        self._filled.set()

    def close(self, limit_s: float) -> bool:
        """Stop, and wait for at most ``limit_s`` seconds; whether all was handed over."""
        self.stop()
        if self._thread is not None:
            self._thread.join(limit_s)
            return not self._thread.is_alive()
        return True

    def _start(self) -> None:
        thread = threading.Thread(target=self._run, name=self._name, daemon=True)
        try:
            thread.start()
        except RuntimeError:  # no thread to be had: the next thing put tries again
            self._filled.clear()
            self._trouble.say("%s has no thread", self._name)
        else:
            self._thread = thread

    def _run(self) -> None:
        while not self._closing.is_set():
            self._filled.wait()
            self._closing.wait(self._pause_s)
            # Cleared before emptying: what is put from here on wakes the thread again.
            self._filled.clear()
            self._empty()
        self._empty()

    def _empty(self) -> None:
        while self._held:
            batch = [self._held.popleft() for _ in range(min(self._batch, len(self._held)))]
            try:
                self._handle(batch)
            except Exception as error:  # noqa: BLE001 - telemetry never takes its thread along
                self.dropped += len(batch)
                self._trouble.say(
                    "%s lost %d records: %s", self._name, len(batch), type(error).__name__
                )

from __future__ import annotations

import logging
import threading

import pytest

from router.telemetry.complaint import Complaint
from router.telemetry.drain import Drain
from tests.telemetry.receiver import until


def test_everything_is_handed_over_in_order_and_in_batches() -> None:
    got: list[list[int]] = []
    drain = Drain[int]("d", got.append, limit=100, batch=4, pause_s=60)
    for n in range(10):
        drain.put(n)

    assert drain.close(5)
    assert got == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]


def test_what_is_put_later_wakes_it_again() -> None:
    got: list[int] = []
    drain = Drain[int]("d", got.extend, limit=100, batch=4, pause_s=0.0)
    for n in range(50):
        drain.put(n)
        until(lambda n=n: got == list(range(n + 1)))  # type: ignore[misc]
    assert drain.close(5)


def test_a_full_queue_drops_the_oldest_and_counts() -> None:
    got: list[int] = []
    drain = Drain[int]("d", got.extend, limit=3, batch=10, pause_s=60)
    for n in range(10):
        drain.put(n)

    assert drain.dropped == 7
    assert drain.close(5)
    assert got == [7, 8, 9]


def test_what_comes_after_closing_is_counted_as_dropped() -> None:
    drain = Drain[int]("d", lambda batch: None, limit=3, batch=10, pause_s=0.0)

    assert drain.close(5)
    drain.put(1)

    assert drain.dropped == 1


def test_a_failing_handler_costs_its_batch_and_not_the_thread(
    caplog: pytest.LogCaptureFixture,
) -> None:
    got: list[int] = []

    def handle(batch: list[int]) -> None:
        if 13 in batch:
            raise RuntimeError("CANARY")
        got.extend(batch)

    drain = Drain[int]("d", handle, limit=100, batch=1, pause_s=0.0)
    for n in (12, 13, 14):
        drain.put(n)

    assert drain.close(5)
    assert (got, drain.dropped) == ([12, 14], 1)
    assert caplog.messages == ["d lost 1 records: RuntimeError"]


def test_no_thread_is_started_before_there_is_work() -> None:
    before = threading.active_count()
    drain = Drain[int]("d", lambda batch: None, limit=3, batch=10, pause_s=0.0)

    assert threading.active_count() == before
    assert drain.close(5)


def test_without_a_thread_to_be_had_putting_does_not_raise(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    got: list[int] = []
    drain = Drain[int]("d", got.extend, limit=3, batch=10, pause_s=0.0)

    def refuse(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        drain.put(1)
    drain.put(2)

    assert drain.close(5)
    assert got == [1, 2]


def test_a_complaint_is_heard_once_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    now = [0.0]
    complaint = Complaint(logging.getLogger("c"), every_s=60.0, mono=lambda: now[0])

    for at in (0.0, 1.0, 59.9, 60.0, 61.0):
        now[0] = at
        complaint.say("at %s", at)

    assert caplog.messages == ["at 0.0", "at 60.0"]

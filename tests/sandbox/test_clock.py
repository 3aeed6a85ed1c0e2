import asyncio
import time

import pytest

from router.sandbox.clock import start_clock


async def test_nobody_wakes_before_his_time(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = start_clock(1000.0, wall=lambda: 1_700_000_000.0, mono=time.monotonic)
    sleep = asyncio.sleep
    # As a loop does, only more so.
    monkeypatch.setattr(asyncio, "sleep", lambda delay_s: sleep(delay_s * 0.9))
    until = clock.now() + 20
    await clock.sleep_until(until)
    assert clock.now() >= until

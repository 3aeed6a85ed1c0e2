import asyncio
import json
import os
import signal
import socket
import sys
from pathlib import Path

import pytest

from router.sandbox.lifeline import orphaned
from router.sandbox.process import Market, StartError
from tests.sandbox.test_fleet import GOOD


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def listens(port: int) -> bool:
    with socket.socket() as wire:
        return wire.connect_ex(("127.0.0.1", port)) == 0


async def test_a_market_serves_its_own_file_and_ends_with_its_block(tmp_path: Path) -> None:
    chosen = tmp_path / "tiny.toml"
    chosen.write_text(GOOD)
    async with Market.start(speed=100, market=chosen) as market:
        assert list(market.rows) == ["a@b"]
        assert market.base_url("a@b") == f"{market.root}/a@b/v1"
        assert await market.ledger() == []
    assert not alive(market.pid)


async def test_a_market_that_cannot_start_says_why(tmp_path: Path) -> None:
    chosen = tmp_path / "bad.toml"
    chosen.write_text(GOOD.replace("ttft_s = 1.0", "ttft = 1.0"))
    with pytest.raises(StartError, match="unknown field `ttft`"):
        async with Market.start(market=chosen):
            pass


async def test_a_port_in_use_is_said(tmp_path: Path) -> None:
    async with Market.start() as first:
        with pytest.raises(StartError, match="in use"):
            async with Market.start(port=first.port):
                pass


async def test_a_market_dies_with_its_parent() -> None:
    line = (
        "import subprocess, sys, time;"
        "child = subprocess.Popen([sys.executable, '-m', 'router.sandbox'], stdout=-1);"
        "print(child.stdout.readline().decode(), flush=True);"
        "time.sleep(60)"
    )
    parent = await asyncio.create_subprocess_exec(
        sys.executable, "-c", line, stdout=asyncio.subprocess.PIPE
    )
    assert parent.stdout is not None
    ready = await parent.stdout.readline()
    assert json.loads(ready)["ready"] is True
    parent.send_signal(signal.SIGKILL)
    await parent.wait()
    for _ in range(300):
        if not listens(json.loads(ready)["port"]):
            break
        await asyncio.sleep(0.01)
    assert not listens(json.loads(ready)["port"])


async def test_an_orphan_notices_without_the_kernels_help() -> None:
    parents = iter([7, 7, 1])
    await asyncio.wait_for(orphaned(7, look=lambda: next(parents), every_s=0.001), 1)

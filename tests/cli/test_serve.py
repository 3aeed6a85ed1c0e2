"""``meritorder serve``, as a process of its own."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path

from tests.cli.child import ENDS_WITHIN_S, Child, environ, serving
from tests.cli.conftest import Run

BODY = {
    "model": "deepseek-r1",
    "messages": [{"role": "user", "content": "Go on."}],
    "stream": True,
}


@contextmanager
def open_stream(child: Child) -> Iterator[HTTPResponse]:
    connection = HTTPConnection("127.0.0.1", child.port, timeout=ENDS_WITHIN_S)
    headers = {"Content-Type": "application/json", "X-SLA-TTFT-Ms": "2000"}
    try:
        connection.request("POST", "/v1/chat/completions", json.dumps(BODY), headers)
        with connection.getresponse() as response:
            yield response
    finally:
        connection.close()


def is_refused(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=ENDS_WITHIN_S).close()
    except ConnectionRefusedError:
        return True
    return False


def test_the_banner_says_what_serves_where_redis_is_and_what_to_try() -> None:
    with serving() as child:
        assert "SANDBOX MARKET" in child.banner
        assert "11 endpoints" in child.banner
        assert "redis      a private server" in child.banner
        assert "X-SLA-TTFT-Ms: 1000" in child.banner
        assert child.stop() == 0


def test_sigterm_lets_a_stream_finish_and_takes_nobody_new() -> None:
    with serving("--speed", "10") as child, open_stream(child) as response:
        assert response.status == 200
        first = response.readline()
        child.process.send_signal(signal.SIGTERM)
        assert any("stopping" in line for line in child.stdout)
        rest = response.read()
        assert first.startswith(b"data: ")
        assert rest.endswith(b"data: [DONE]\n\n")
        assert is_refused(child.port)
        assert child.process.wait(ENDS_WITHIN_S) == 0


def test_a_second_sigterm_stops_at_once() -> None:
    with serving("--speed", "0.5") as child, open_stream(child) as response:
        assert response.readline()
        child.process.send_signal(signal.SIGTERM)
        assert any("stopping" in line for line in child.stdout)
        child.process.send_signal(signal.SIGTERM)
        assert any("stopped at once" in line for line in child.stdout)
        assert child.process.wait(ENDS_WITHIN_S) == 0


def test_ctrl_c_ends_an_idle_proxy_without_a_traceback() -> None:
    with serving() as child:
        child.process.send_signal(signal.SIGINT)
        _, stderr = child.process.communicate(timeout=ENDS_WITHIN_S)
        assert child.process.returncode == 0
        assert "Traceback" not in stderr


def test_a_port_in_use_is_told_with_another_to_take(run: Run) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        result = run("serve", "--port", str(port))
    assert result.exit_code == 2
    assert f"port {port} on 127.0.0.1 is in use" in result.output
    assert f"--port {port + 1}" in result.output


FOREIGN = """[[endpoints]]
id = "claude@bedrock"
provider = "bedrock"
model = "bedrock/us.anthropic.claude-haiku-5-5"
serves = ["claude"]
"""
READY = """
import asyncio, sys
from pathlib import Path
from router.config import load
from router.server.house import open_house

async def main():
    environ = {"AWS_BEARER_TOKEN_BEDROCK": "k"}
    settings = load(Path(sys.argv[1]), environ=environ)
    async with open_house(settings, environ) as house:
        assert house.litellm is not None
        print([name for name in ("litellm", "openai", "rich") if name in sys.modules])

asyncio.run(main())
"""


def test_nothing_heavy_is_imported_on_the_way_to_readiness(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text(FOREIGN)
    done = subprocess.run(
        [sys.executable, "-c", READY, str(file)],
        capture_output=True,
        text=True,
        env=environ(),
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"


def test_the_command_line_itself_imports_nothing_heavy() -> None:
    code = "import router.cli, sys; print([m for m in ('rich', 'aiohttp') if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environ()
    )
    assert done.stdout.strip() == "[]"

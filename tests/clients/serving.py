"""A running proxy for all clients, as an operator starts it: `meritorder serve`."""

import json
import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread
from typing import IO, Any

import pytest

MARKET = {"MERITORDER_SANDBOX__ENABLED": "always", "MERITORDER_SANDBOX__SPEED": "20"}


class Proxy:
    """Where it listens, for OpenAI's clients (`url`) and Anthropic's (`root`), and its log."""

    def __init__(self, root: str, log: IO[str]) -> None:
        self.root = root
        self.url = f"{root}/v1"
        self._lines: SimpleQueue[str] = SimpleQueue()
        Thread(target=self._follow, args=(log,), daemon=True).start()

    def _follow(self, log: IO[str]) -> None:
        for line in log:
            self._lines.put(line)

    def told(self, request_id: str | None) -> dict[str, Any]:
        """The log's line on this request; waits until the request has ended."""
        try:
            while True:
                line = self._lines.get(timeout=10)
                if line.startswith("{") and json.loads(line)["request"] == request_id:
                    return json.loads(line)
        except Empty:
            pytest.fail(f"the log never told of {request_id}")


@contextmanager
def serving(
    folder: Path, configuration: str | None = None, *, market: bool = True
) -> Iterator[Proxy]:
    """Run the command with this configuration, or the shipped one, on the market or not."""
    if configuration is not None:
        (folder / "config.toml").write_text(configuration)
    environ = {**os.environ, **(MARKET if market else {})}
    with subprocess.Popen(
        [os.environ.get("MERITORDER", "meritorder"), "serve", "--port", "0"],
        cwd=folder, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as child:  # fmt: skip
        assert child.stdout is not None
        assert child.stderr is not None
        try:
            banner = re.match(r"meritorder (http://\S+)", child.stdout.readline())
            if banner is None:
                child.terminate()
                pytest.fail(f"the proxy did not start: {child.stderr.read()}")
            yield Proxy(banner[1], child.stderr)
        finally:
            child.terminate()
            child.wait(30)

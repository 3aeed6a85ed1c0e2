"""A real ``meritorder serve`` in a process of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO

ENDS_WITHIN_S = 30


@dataclass(slots=True)
class Child:
    """What was started, and where it listens."""

    process: subprocess.Popen[str]
    port: int
    banner: str

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def stdout(self) -> IO[str]:
        assert self.process.stdout is not None
        return self.process.stdout

    def stop(self) -> int:
        """SIGTERM; return the exit status."""
        self.process.send_signal(signal.SIGTERM)
        self.process.communicate(timeout=ENDS_WITHIN_S)
        return self.process.returncode


def environ(more: Mapping[str, str] | None = None) -> dict[str, str]:
    """This process's environment, without anybody's keys and settings."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.endswith(("_KEY", "_TOKEN")) and not name.startswith("MERITORDER_")
    }
    return {**kept, "COLUMNS": "100", **(more or {})}


@contextmanager
def serving(*flags: str, more: Mapping[str, str] | None = None) -> Iterator[Child]:
    """Serve on a free port, from ready to gone."""
    process = subprocess.Popen(
        [sys.executable, "-m", "router", "serve", "--port", "0", *flags],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environ(more),
    )
    with process:
        try:
            yield _ready(process)
        finally:
            if process.poll() is None:
                process.kill()


def _ready(process: subprocess.Popen[str]) -> Child:
    assert process.stdout is not None
    lines = []
    for line in process.stdout:
        lines.append(line)
        if "-d '{" in line:
            break
    else:
        assert process.stderr is not None
        raise AssertionError(f"it did not start: {process.stderr.read()}")
    port = int(lines[0].rpartition(":")[2])
    return Child(process, port, "".join(lines))

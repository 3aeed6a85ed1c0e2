"""A running aimock (npm): OpenAI's and Anthropic's dialects as nobody here wrote them."""

import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread

import pytest

HERE = Path(__file__).parent
COMMAND = HERE / "node/node_modules/@copilotkit/aimock/dist/cli.js"
FIXTURES = HERE / "aimock/fixtures.json"


@contextmanager
def mocking(fixtures: Path) -> Iterator[str]:
    """Run it with these scripted answers; gives its address."""
    with subprocess.Popen(
        ["node", COMMAND, "--port", "0", "--fixtures", fixtures],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    ) as child:  # fmt: skip
        assert child.stdout is not None
        try:
            said = []
            for line in child.stdout:
                said.append(line)
                listening = re.search(r"listening on (http://\S+)", line)
                if listening is not None:
                    break
            else:
                pytest.fail(f"aimock did not start: {''.join(said)}")
            Thread(target=child.stdout.read, daemon=True).start()
            yield listening[1]
        finally:
            child.terminate()


def configured(aimock: str) -> str:
    """The configuration of a proxy in front of it."""
    return (HERE / "aimock/config.toml").read_text().replace("AIMOCK", aimock)

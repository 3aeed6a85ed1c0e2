"""The README is the first thing that runs: its blocks as they stand, against `meritorder serve`."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO, NamedTuple

import pytest

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
BIN = Path(sys.executable).parent
PORT = 8080
"""Where the README's blocks look for the proxy."""
PATIENCE_S = 60
"""A newcomer's: each block answers within a minute."""


def fenced(language: str) -> list[str]:
    """The fenced blocks that are marked so."""
    found = re.findall(r"^```(\w*)\n(.*?)^```$", README, flags=re.MULTILINE | re.DOTALL)
    return [text for marked, text in found if marked == language]


def only(language: str) -> str:
    """The one fenced block that is marked so."""
    (found,) = fenced(language)
    return found


class Proxy(NamedTuple):
    root: str
    banner: str

    def here(self, text: str) -> str:
        """The block, for the port that was free."""
        return text.replace(f"http://127.0.0.1:{PORT}", self.root)


def at_home(proxy: Proxy) -> bool:
    return proxy.root.endswith(f":{PORT}")


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def newcomer() -> dict[str, str]:
    """An environment without keys and without any setting of ours."""
    told = re.compile(r"MERITORDER_|.*_API_KEY$|.*proxy$", re.IGNORECASE)
    return {name: value for name, value in os.environ.items() if not told.match(name)}


def banner_of(stdout: IO[str]) -> str:
    lines = []
    for line in stdout:
        lines.append(line)
        if line.rstrip().endswith("}'"):
            break
    return "".join(lines)


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    """What `make run` starts, with the shipped configuration and the market at its own speed."""
    log = tmp_path_factory.mktemp("readme") / "log"
    with log.open("w") as errors:
        child = subprocess.Popen(
            [BIN / "meritorder", "serve", "--port", str(PORT if is_free(PORT) else 0)],
            cwd=ROOT, env=newcomer(), stdout=subprocess.PIPE, stderr=errors, text=True,
        )  # fmt: skip
    with child:
        assert child.stdout is not None
        try:
            banner = banner_of(child.stdout)
            root = re.match(r"meritorder (http://\S+)", banner)
            assert root is not None, log.read_text()
            yield Proxy(root[1], banner)
        finally:
            child.terminate()


@pytest.mark.slow
def test_the_curl_answers_with_the_headers_that_the_readme_shows(proxy: Proxy) -> None:
    done = subprocess.run(
        ["sh", "-c", proxy.here(only("sh"))],
        env=newcomer(), capture_output=True, text=True, check=False, timeout=PATIENCE_S,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    head, _, body = done.stdout.partition("\n\n")
    assert re.match(r"HTTP/1\.1 200 ", head), done.stdout
    assert '"chat.completion.chunk"' in body
    assert body.rstrip().endswith("data: [DONE]")
    came = dict(re.findall(r"^([\w-]+): (.*)$", head, flags=re.MULTILINE))
    shown = dict(re.findall(r"^(X-SLA-[\w-]+): (.*)$", only(""), flags=re.MULTILINE))
    assert shown
    assert {*shown} <= {*came}
    assert came["X-SLA-Endpoint"] in {"deepseek-r1@parasail", "deepseek-r1@friendli"}


def test_the_first_screen_has_a_client_of_either_kind() -> None:
    first = "\n".join(README.splitlines()[:45])
    assert "from openai import" in first
    assert "from anthropic import" in first


@pytest.mark.slow
@pytest.mark.parametrize("block", fenced("python"))
def test_the_python_lines_print_an_answer(proxy: Proxy, block: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", proxy.here(block)],
        env=newcomer(), capture_output=True, text=True, check=False, timeout=PATIENCE_S,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.split()) > 10, done.stdout


def test_the_banner_shows_the_curl_of_the_readme(proxy: Proxy) -> None:
    shown = proxy.banner.partition("Try:\n")[2]
    words = only("sh").split()
    assert words[:3] == ["curl", "-iN", f"http://127.0.0.1:{PORT}/v1/chat/completions"]
    assert shown.split() == proxy.here(only("sh")).split()


def test_the_command_that_explains_tells_of_the_running_proxy(proxy: Proxy) -> None:
    line = re.search(r"^    \.venv/bin/meritorder (explain .*)$", README, flags=re.MULTILINE)
    assert line is not None
    done = subprocess.run(
        [BIN / "meritorder", *line[1].split(), *([] if at_home(proxy) else ["--url", proxy.root])],
        cwd=ROOT, env=newcomer(), capture_output=True, text=True, check=False, timeout=PATIENCE_S,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "deepseek-r1@parasail" in done.stdout


def test_every_make_target_that_the_readme_names_exists() -> None:
    lines = re.findall(r"^    make\b(?: ([a-z-]+))?", README, flags=re.MULTILINE)
    inline = re.findall(r"`(?:\S+=\S+ )?make ([a-z-]+)`", README)
    targets = {name for name in [*lines, *inline] if name}
    assert {"run", "test", "demo", "check"} <= targets
    dry = subprocess.run(
        ["make", "--dry-run", *targets], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert dry.returncode == 0, dry.stderr


def test_every_command_that_the_readme_names_exists() -> None:
    named = {*re.findall(r"(?<![\w/])(?:\.venv/bin/)?meritorder ([a-z-]+)[ `\n]", code())}
    assert {"explain", "check", "endpoints", "init"} <= named
    told = subprocess.run(
        [BIN / "meritorder", "--help"], capture_output=True, text=True, check=True
    ).stdout
    assert named <= {*re.findall(r"^  ([a-z-]+)  ", told, flags=re.MULTILINE)}


def test_every_file_and_link_that_the_readme_names_exists() -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)", README)
    files = re.findall(r"`((?:[\w-]+/)*[\w-]+\.(?:py|toml|yml|md)|(?:[\w-]+/)+)`", README)
    assert {"docs/api.md", "config.toml", "router/core/decide.py", "policies/"} <= {*links, *files}
    assert not [name for name in {*links, *files} if not (ROOT / name).exists()]


def test_every_header_that_the_readme_names_is_in_the_page_on_the_interface() -> None:
    page = (ROOT / "docs/api.md").read_text()
    named = {*re.findall(r"X-SLA-[A-Za-z0-9-]+", README)}
    assert len(named) > 10
    assert not [name for name in named if name not in page]


def code() -> str:
    """Everything that is set as code: indented lines, and words between backticks."""
    indented = re.findall(r"^    (.*)$", README, flags=re.MULTILINE)
    return "\n".join([*indented, *(f"{one}`" for one in re.findall(r"`([^`\n]+)`", README)), ""])

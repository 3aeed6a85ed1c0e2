"""Every block of docs/clients.md that can run here runs, as it stands but for the address."""

import os
import subprocess
import sys
import tomllib
import warnings
from pathlib import Path

import pytest
from documented import BLOCKS, SHOWN
from serving import Proxy

HERE = Path(__file__).parent
PYTHON = [title for title, language in BLOCKS if language == "python"]
NODE = [title for title, language in BLOCKS if language == "js"]
AGENTS = ["Claude Code", "aider"]
"""Their blocks are run by `make try-agents`."""


def printed(command: list[str], proxy: Proxy, text: str, **more: str) -> str:
    """What the command prints when it is given the block."""
    done = subprocess.run(
        command, input=text.replace(SHOWN, proxy.root), cwd=HERE / "node",
        env={**os.environ, **more}, capture_output=True, text=True, check=False, timeout=90,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("title", PYTHON)
def test_python_blocks_print_an_answer(
    proxy: Proxy, title: str, capsys: pytest.CaptureFixture[str]
) -> None:
    # In this process, which has the clients loaded: litellm alone takes seconds.
    block = compile(BLOCKS[title, "python"].replace(SHOWN, proxy.root), title, "exec")
    with warnings.catch_warnings(action="ignore"):  # of the client's own doings
        exec(block, {"__name__": "__main__"})  # noqa: S102 - our own page
    assert len(capsys.readouterr().out.split()) > 10


@pytest.mark.parametrize("title", NODE)
def test_node_blocks_print_an_answer(proxy: Proxy, title: str) -> None:
    said = printed(["node", "--input-type=module", "-"], proxy, BLOCKS[title, "js"])
    assert len(said.split()) > 10


def test_the_curl_prints_a_completion(proxy: Proxy) -> None:
    assert '"chat.completion"' in printed(["sh"], proxy, BLOCKS["curl", "sh"])


def test_the_command_of_llm_prints_an_answer(proxy: Proxy, tmp_path: Path) -> None:
    models = BLOCKS["llm", "yaml"].replace(SHOWN, proxy.root)
    (tmp_path / "extra-openai-models.yaml").write_text(models)
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    said = printed(["sh"], proxy, BLOCKS["llm", "sh"], LLM_USER_PATH=str(tmp_path), PATH=path)
    assert len(said.split()) > 10


def test_codex_is_configured_in_toml_for_responses() -> None:
    told = tomllib.loads(BLOCKS["Codex", "toml"])
    provider = told["model_providers"][told["model_provider"]]
    assert provider["base_url"] == f"{SHOWN}/v1"
    assert provider["wire_api"] == "responses"


def test_no_block_is_left_out() -> None:
    ran = {*((title, "python") for title in PYTHON), *((title, "js") for title in NODE)}
    ran |= {("curl", "sh"), ("llm", "yaml"), ("llm", "sh"), ("Codex", "toml")}
    ran |= {(title, "sh") for title in AGENTS}
    assert ran == {*BLOCKS}
    assert len(PYTHON) == 4
    assert len(NODE) == 2

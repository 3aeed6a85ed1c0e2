"""Claude Code, Codex and aider themselves, set up as docs/clients.md says, one task each.

An aimock plays the model: it asks for one call of a tool (aider: answers with one edit), and the
file it names must be there in the end. `make try-agents` installs all three.
"""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from documented import BLOCKS, SHOWN
from mocking import configured, mocking
from serving import Proxy, serving

HERE = Path(__file__).parent
HOMES = {
    "claude": HERE / "claude/node_modules/.bin",
    "codex": HERE / "codex/node_modules/.bin",
    "aider": HERE / "aider/bin",
}
NOTE = "Plants run in the order of their cost.\n"
TASK = "Write the note of the day."
QUESTION = "'What is a merit order?'"
ALONE = "--yes-always --no-git --no-check-update --analytics-disable"


@pytest.fixture
def scripted(tmp_path: Path) -> Iterator[Proxy]:
    """A proxy before an aimock whose answers write the note into the test's folder."""
    fixtures = tmp_path / "fixtures.json"
    work = tmp_path / "work"
    work.mkdir()
    fixtures.write_text((HERE / "fixtures.json").read_text().replace("FOLDER", str(work)))
    (tmp_path / "proxy").mkdir()
    with (
        mocking(fixtures) as aimock,
        serving(tmp_path / "proxy", configured(aimock), market=False) as running,
    ):
        yield running


def said(title: str, language: str, proxy: Proxy, instead: dict[str, str]) -> str:
    """The page's block with the proxy's address and these words exchanged."""
    block = BLOCKS[title, language].replace(SHOWN, proxy.root)
    for word, other in instead.items():
        assert word in block
        block = block.replace(word, other)
    return block


def run(command: str, block: str, folder: Path) -> str:
    """Run the block, which calls the command; gives what was printed."""
    path = f"{HOMES[command]}{os.pathsep}{os.environ['PATH']}"
    if shutil.which(command, path=path) is None:
        pytest.skip(f"{command} is not installed here and could not be")
    done = subprocess.run(
        ["sh"], input=block, cwd=folder, capture_output=True, text=True, check=False, timeout=180,
        env={
            "PATH": path, "HOME": str(folder.parent), "LITELLM_LOCAL_MODEL_COST_MAP": "True",
            "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
        },
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("model", ["claude-scripted", "gpt-scripted"])
def test_claude_code_calls_a_tool_and_ends(scripted: Proxy, tmp_path: Path, model: str) -> None:
    task = f"'{TASK}' --output-format json --allowedTools Write"
    instead = {"claude-sonnet-4": model, QUESTION: task}
    block = said("Claude Code", "sh", scripted, instead)
    told = json.loads(run("claude", block, tmp_path / "work"))
    assert told["result"] == "The note is written."
    assert told["num_turns"] == 2
    assert told["usage"]["output_tokens"] == 66
    assert (tmp_path / "work/note.txt").read_text() == NOTE


@pytest.mark.parametrize("model", ["claude-scripted", "gpt-scripted"])
def test_codex_calls_a_tool_and_ends(scripted: Proxy, tmp_path: Path, model: str) -> None:
    home = tmp_path / ".codex"
    home.mkdir()
    settings = said("Codex", "toml", scripted, {"deepseek-r1": model})
    (home / "config.toml").write_text(settings)
    # The one command it runs is the script's.
    free = "--skip-git-repo-check --dangerously-bypass-approvals-and-sandbox"
    printed = run("codex", f"codex exec {free} '{TASK}' < /dev/null", tmp_path / "work")
    assert printed.strip() == "The note is written."
    assert (tmp_path / "work/note.txt").read_text() == NOTE


@pytest.mark.parametrize("model", ["claude-scripted", "gpt-scripted"])
def test_aider_makes_an_edit(scripted: Proxy, tmp_path: Path, model: str) -> None:
    instead = {"deepseek-r1": model, QUESTION: f"'{TASK}' {ALONE}"}
    printed = run("aider", said("aider", "sh", scripted, instead), tmp_path / "work")
    assert "Applied edit to note.txt" in printed
    assert (tmp_path / "work/note.txt").read_text() == NOTE


@pytest.mark.parametrize("model", ["claude-sonnet-4", "deepseek-r1"])
def test_claude_code_gets_an_answer_from_the_market(
    proxy: Proxy, tmp_path: Path, model: str
) -> None:
    instead = {"claude-sonnet-4": model, QUESTION: f"{QUESTION} --output-format json"}
    told = json.loads(run("claude", said("Claude Code", "sh", proxy, instead), tmp_path))
    assert told["is_error"] is False
    assert len(told["result"].split()) > 10


@pytest.mark.parametrize("model", ["claude-sonnet-4", "deepseek-r1"])
def test_codex_gets_an_answer_from_the_market(proxy: Proxy, tmp_path: Path, model: str) -> None:
    home = tmp_path / ".codex"
    home.mkdir()
    (home / "config.toml").write_text(said("Codex", "toml", proxy, {"deepseek-r1": model}))
    (tmp_path / "work").mkdir()
    asked = f"codex exec --skip-git-repo-check {QUESTION} < /dev/null"
    assert len(run("codex", asked, tmp_path / "work").split()) > 10


def test_aider_gets_an_answer_from_the_market(proxy: Proxy, tmp_path: Path) -> None:
    block = said("aider", "sh", proxy, {QUESTION: f"{QUESTION} {ALONE}"})
    assert len(run("aider", block, tmp_path).split()) > 40

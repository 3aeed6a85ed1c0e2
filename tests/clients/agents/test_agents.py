"""Claude Code and aider themselves, set up as docs/clients.md says, one task each.

An aimock plays the model: it asks for one call of a tool (Claude Code) or answers with one edit
(aider), and the file it names must be there in the end. `make try-agents` installs both.
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
HOMES = {"claude": HERE / "claude/node_modules/.bin", "aider": HERE / "aider/bin"}
NOTE = "Plants run in the order of their cost.\n"
TASK = "Write the note of the day."
QUESTION = "'What is a merit order?'"


@pytest.fixture
def scripted(tmp_path: Path) -> Iterator[Proxy]:
    """A proxy before an aimock whose answers write the note into the test's folder."""
    fixtures = tmp_path / "fixtures.json"
    work = tmp_path / "work"
    work.mkdir()
    fixtures.write_text((HERE / "fixtures.json").read_text().replace("FOLDER", str(work)))
    (tmp_path / "proxy").mkdir()
    with mocking(fixtures) as aimock, serving(tmp_path / "proxy", configured(aimock)) as running:
        yield running


def run(title: str, proxy: Proxy, folder: Path, said: dict[str, str]) -> str:
    """Run the page's block with these words exchanged; gives what was printed."""
    command = title.split(maxsplit=1)[0].lower()
    path = f"{HOMES[command]}{os.pathsep}{os.environ['PATH']}"
    if shutil.which(command, path=path) is None:
        pytest.skip(f"{command} is not installed here and could not be")
    block = BLOCKS[title, "sh"].replace(SHOWN, proxy.root)
    for word, instead in said.items():
        assert word in block
        block = block.replace(word, instead)
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
    said = {"claude-sonnet-4": model, QUESTION: task}
    told = json.loads(run("Claude Code", scripted, tmp_path / "work", said))
    assert told["result"] == "The note is written."
    assert told["num_turns"] == 2
    assert told["usage"]["output_tokens"] == 66
    assert (tmp_path / "work/note.txt").read_text() == NOTE


@pytest.mark.parametrize("model", ["claude-scripted", "gpt-scripted"])
def test_aider_makes_an_edit(scripted: Proxy, tmp_path: Path, model: str) -> None:
    task = f"'{TASK}' --yes-always --no-git --no-check-update --analytics-disable"
    said = {"deepseek-r1": model, QUESTION: task}
    printed = run("aider", scripted, tmp_path / "work", said)
    assert "Applied edit to note.txt" in printed
    assert (tmp_path / "work/note.txt").read_text() == NOTE


@pytest.mark.parametrize("model", ["claude-sonnet-4", "deepseek-r1"])
def test_claude_code_gets_an_answer_from_the_market(
    proxy: Proxy, tmp_path: Path, model: str
) -> None:
    (tmp_path / "work").mkdir()
    said = {"claude-sonnet-4": model, QUESTION: f"{QUESTION} --output-format json"}
    told = json.loads(run("Claude Code", proxy, tmp_path / "work", said))
    assert told["is_error"] is False
    assert len(told["result"].split()) > 10


def test_aider_gets_an_answer_from_the_market(proxy: Proxy, tmp_path: Path) -> None:
    (tmp_path / "work").mkdir()
    said = {QUESTION: f"{QUESTION} --yes-always --no-git --no-check-update --analytics-disable"}
    assert len(run("aider", proxy, tmp_path / "work", said).split()) > 40

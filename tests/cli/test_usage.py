"""Wrong inputs end in one clear message and status 2, never in a traceback."""

from __future__ import annotations

from pathlib import Path

import pytest

from router.cli import main
from tests.cli.conftest import Run

COMMANDS = ("serve", "check", "endpoints", "explain", "doctor", "init", "demo")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (["nix"], "No such command 'nix'"),
        (["serve", "--nix"], "No such option"),
        (["serve", "--port", "abc"], "'abc' is not a valid integer"),
        (["serve", "--port", "99999"], "--port: must be at most 65535"),
        (["serve", "--speed", "0"], "--speed: must be more than 0"),
        (["serve", "--config", "nowhere.toml"], "'nowhere.toml' does not exist"),
        (["serve", "--host", "0.0.0.0"], "keys are needed"),
        (["check", "--config", "nowhere.toml"], "'nowhere.toml' does not exist"),
        (["check", "--config", "/"], "is a directory"),
        (["endpoints", "--config", "nowhere.toml"], "'nowhere.toml' does not exist"),
        (["endpoints", "--model", "gpt-9"], "no endpoint serves 'gpt-9'; served: claude-sonnet-4"),
        (["doctor", "--config", "nowhere.toml"], "'nowhere.toml' does not exist"),
        (["doctor", "--model", "gpt-9"], "no endpoint serves 'gpt-9'; served: claude-sonnet-4"),
        (["doctor", "--speed", "0"], "'--speed'"),
        (["explain"], "Missing argument 'MODEL'"),
        (["explain", "r1", "--prompt", "a", "--prompt-tokens", "9"], "give one of"),
        (["explain", "r1", "--prompt-file", "nowhere.txt"], "'nowhere.txt' does not exist"),
        (["explain", "r1", "--prompt-tokens", "-1"], "not in the range"),
        (["explain", "r1", "--key-env", "NO_SUCH_KEY"], "NO_SUCH_KEY (--key-env) is not set"),
        (["explain", "r1", "--url", "nix"], "no address such as"),
        (["explain", "r1", "--url", "http://127.0.0.1:1"], "nothing listens at"),
        (["demo", "--speed", "0"], "not in the range"),
        (["init", "/dev/null/x"], "cannot write"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_wrong_input_is_told_with_status_2(run: Run, line: list[str], said: str) -> None:
    result = run(*line)
    assert result.exit_code == 2, result.output
    assert said in result.output
    assert "Traceback" not in result.output


def test_what_nobody_foresaw_is_one_line_too(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("the sky fell")

    monkeypatch.setattr("router.cli.init.write_starting_files", broken)
    result = run("init", "somewhere")
    assert result.exit_code == 2
    assert "RuntimeError: the sky fell" in result.output
    assert "meritorder --debug init" in result.output
    assert isinstance(run("--debug", "init", "somewhere").exception, RuntimeError)


def test_help_lists_every_command_and_each_has_its_own(run: Run) -> None:
    listed = run("--help").output
    for name in COMMANDS:
        assert f"  {name} " in listed
        told = run(name, "--help")
        assert told.exit_code == 0
        assert told.output.startswith(f"Usage: meritorder {name}")


def test_the_version_is_the_packages(run: Run) -> None:
    assert run("--version").output.startswith("meritorder, version ")


def test_an_interrupted_command_leaves_no_traceback(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("router.cli.init.write_starting_files", interrupted)
    result = run("init", "somewhere")
    assert result.exit_code == 1
    assert "Traceback" not in result.output


def test_main_is_what_the_distribution_names() -> None:
    text = (Path(__file__).parents[2] / "pyproject.toml").read_text()
    assert 'meritorder = "router.cli:main"' in text
    assert callable(main)

"""``meritorder init``."""

from __future__ import annotations

from pathlib import Path

from tests.cli.conftest import Run


def test_what_was_written_is_named_and_the_next_commands_work(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "new"
    result = run("init", str(folder))
    assert result.exit_code == 0
    assert f"wrote {folder / 'config.toml'}" in result.output
    assert f"wrote {folder / 'policies' / 'interactive.toml'}" in result.output
    assert f"meritorder serve --config {folder / 'config.toml'}" in result.output
    assert run("check", "--config", str(folder / "config.toml")).exit_code == 0


def test_nothing_is_overwritten_unless_forced_and_what_is_there_is_named(
    run: Run, tmp_path: Path
) -> None:
    config = tmp_path / "config.toml"
    config.write_text("mine")
    result = run("init", str(tmp_path))
    assert result.exit_code == 2
    assert f"would overwrite {config}; --force overwrites" in result.output
    assert config.read_text() == "mine"
    assert not (tmp_path / "policies").exists()
    assert run("init", str(tmp_path), "--force").exit_code == 0
    assert config.read_text() != "mine"


def test_without_a_folder_it_writes_here(run: Run, tmp_path: Path, monkeypatch: object) -> None:
    import contextlib

    with contextlib.chdir(tmp_path):
        result = run("init")
    assert "  meritorder serve\n" in result.output
    assert (tmp_path / "config.toml").is_file()

"""``meritorder check``."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Run

ROW = """
[[endpoints]]
id = "r1@deepseek"
provider = "deepseek"
model = "deepseek/deepseek-reasoner"
serves = ["r1"]
context = 65536
api_key_env = "DEEPSEEK_API_KEY"
price = { input = 0.55, output = 2.19 }
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return tmp_path / "config.toml"


def test_the_shipped_configuration_is_fine_and_the_sandbox_is_named(run: Run) -> None:
    result = run("check")
    assert result.exit_code == 0
    assert "config.toml: fine" in result.output
    assert "11 of 11, 11 with a price (served by the SANDBOX MARKET" in result.output


def test_what_was_not_checked_is_said(run: Run) -> None:
    assert "not checked  keys are not tried" in run("check").output


def test_every_mistake_is_told_at_once_with_file_and_key(run: Run, config: Path) -> None:
    config.write_text('[server]\nport = 99999\nhst = "x"\n' + ROW + "contxt = 9\n")
    result = run("check", "--config", str(config))
    assert result.exit_code == 1
    assert f"{config}: [server] port: must be at most 65535" in result.output
    assert f"{config}: [server] hst: unknown key; did you mean 'host'?" in result.output
    assert "[[endpoints]] #1 'r1@deepseek' contxt" in result.output
    assert "3 mistakes; nothing was started" in result.output


def test_a_file_that_is_no_text_is_a_mistake_and_no_traceback(run: Run, config: Path) -> None:
    config.write_bytes(b"\xff\xfe")
    result = run("check", "--config", str(config))
    assert result.exit_code == 1
    assert "is not UTF-8" in result.output


def test_a_door_open_to_the_world_is_a_mistake(
    run: Run, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DEEPSEEK_API_KEY", "x")
    config.write_text('[server]\nhost = "0.0.0.0"\n' + ROW)
    result = run("check", "--config", str(config))
    assert result.exit_code == 1
    assert "keys are needed" in result.output


def test_who_is_left_out_for_lack_of_a_key_is_a_warning(
    run: Run, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = ROW.replace("r1@deepseek", "r1@b").replace("DEEPSEEK_API_KEY", "OTHER_KEY")
    config.write_text(ROW + other)
    monkeypatch.setenv("DEEPSEEK_API_KEY", "x")
    result = run("check", "--config", str(config))
    assert result.exit_code == 0
    assert "1 of 2" in result.output
    assert "r1@b is left out: OTHER_KEY is not in the environment" in result.output


def test_an_unknown_price_is_a_loud_warning(
    run: Run, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = ROW.replace("price = ", "# ").replace("deepseek-reasoner", "no-such-model")
    config.write_text(row)
    monkeypatch.setenv("DEEPSEEK_API_KEY", "x")
    result = run("check", "--config", str(config))
    assert result.exit_code == 0
    assert "NO KNOWN PRICE" in result.output
    assert "0 with a price" in result.output


def test_a_password_in_the_redis_address_is_not_shown(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MERITORDER_REDIS__URL", "redis://:hunter2@redis:6379")
    result = run("check")
    assert "as MERITORDER_REDIS__URL says" in result.output
    assert "hunter2" not in result.output

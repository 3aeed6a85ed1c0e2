"""``meritorder doctor``, against the sandbox market over real HTTP."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Run

ROW = """
[[endpoints]]
id = "{id}"
provider = "{provider}"
model = "{provider}/r1"
serves = ["{serves}"]
base_url = "http://127.0.0.1:9/v1"
api_key_env = "A_{provider}_KEY"
context = 65536
{price}
"""


def a_row(name: str, price: str, serves: str = "r1") -> str:
    provider = name.rpartition("@")[2]
    row = ROW.format(id=name, provider=provider, serves=serves, price=price)
    return row.replace(f"A_{provider}_KEY", f"A_{provider.upper()}_KEY")


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A reseller whose output costs twice what is believed, and two who tell no cost."""
    file = tmp_path / "config.toml"
    file.write_text(
        a_row("deepseek-r1@openrouter", "price = { input = 0.80, output = 1.40 }")
        + a_row("deepseek-r1@parasail", "price = { input = 2, output = 4 }", "other")
        + a_row("deepseek-r1@friendli", "", "dark")
    )
    return file


def examined(run: Run, config: Path, *line: str) -> tuple[int, dict[str, Any]]:
    result = run("doctor", "--speed", "50", "--config", str(config), "--json", *line)
    return result.exit_code, json.loads(result.stdout)


def test_a_price_that_is_half_of_what_is_charged_is_found(run: Run, config: Path) -> None:
    status, told = examined(run, config, "--model", "r1")
    assert status == 1
    assert told["sandbox"] is True
    assert told["well"] is False
    (found,) = told["endpoints"]
    assert found["finding"] == "differs"
    output = found["tokens"]["text"] + found["tokens"]["reasoning"]
    fresh = found["tokens"]["fresh_input"]
    assert output > 0
    assert found["reported_usd"] == pytest.approx((fresh * 0.8 + output * 2.8) / 1e6, abs=1e-9)
    assert found["booked_usd"] == pytest.approx((fresh * 0.8 + output * 1.4) / 1e6, abs=1e-9)
    assert found["suspects"][0]["what"] == "output"
    assert found["suspects"][0]["would_be"] == pytest.approx(2.8, rel=1e-3)


def test_who_tells_no_cost_is_booked_by_its_price_and_is_well(run: Run, config: Path) -> None:
    status, told = examined(run, config, "--model", "other")
    assert status == 0
    (found,) = told["endpoints"]
    assert (found["finding"], found["reported_usd"]) == ("no cost reported", None)
    assert found["booked_usd"] > 0


def test_who_has_no_price_is_not_well(run: Run, config: Path) -> None:
    status, told = examined(run, config, "--model", "dark")
    assert status == 1
    (found,) = told["endpoints"]
    assert (found["finding"], found["booked_usd"]) == ("no known price", None)
    assert "NO KNOWN PRICE" in told["warnings"][0]


def test_the_table_fits_a_screen_and_names_the_price_that_is_wrong(run: Run, config: Path) -> None:
    result = run("doctor", "--speed", "50", "--config", str(config))
    assert result.exit_code == 1
    assert "the SANDBOX MARKET" in result.stdout
    said = " ".join(result.stdout.split())
    assert "output is 2.80, not 1.40" in said
    assert "(price: config)" in said
    assert "deepseek-r1@friendli has no known price" in said
    lines = result.stdout.splitlines()
    assert max(map(len, lines)) <= 100
    assert len(lines) <= 24
    assert "asking 3 endpoints" in result.stderr


def test_who_cannot_be_reached_is_told_and_the_others_are_still_asked(
    run: Run, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a key they are real providers; nobody listens at their address."""
    monkeypatch.setenv("A_OPENROUTER_KEY", "k")
    monkeypatch.setenv("A_FRIENDLI_KEY", "k")
    status, told = examined(run, config)
    assert status == 1
    assert told["sandbox"] is False
    faults = {entry["id"]: entry["fault"] for entry in told["endpoints"]}
    assert set(faults) == {"deepseek-r1@openrouter", "deepseek-r1@friendli"}
    assert all(faults.values())
    assert any("A_PARASAIL_KEY is not in the environment" in text for text in told["warnings"])


def test_each_is_asked_in_what_it_speaks(run: Run, tmp_path: Path) -> None:
    row = '[[endpoints]]\nid = "{0}@{1}"\nprovider = "{1}"\nmodel = "{1}/{2}"\nserves = ["m"]\n'
    file = tmp_path / "config.toml"
    file.write_text(
        row.format("embedding-3", "openai", "text-embedding-3-small")
        + row.format("claude-sonnet-4", "anthropic", "claude-sonnet-4-20250514")
        + "context = 200000\nprice = { input = 3, output = 15 }\n"
    )
    _, told = examined(run, file)
    embedding, claude = sorted(told["endpoints"], key=lambda found: found["booked_usd"])
    assert embedding["tokens"]["fresh_input"] > 0
    assert embedding["tokens"]["text"] == 0
    assert claude["tokens"]["text"] > 0
    assert {found["finding"] for found in (embedding, claude)} == {"no cost reported"}

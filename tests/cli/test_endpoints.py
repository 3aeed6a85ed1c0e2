"""``meritorder endpoints``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import Result

from router.cli.live import draw as draw_survey
from tests.cli.child import Child
from tests.cli.conftest import Run


def test_the_cheapest_answer_stands_first_and_the_dearest_last(run: Run) -> None:
    told = json.loads(run("endpoints", "--json").output)["endpoints"]
    costs = [entry["answer_usd"] for entry in told]
    assert costs == sorted(costs)
    assert [e["id"] for e in told[:2]] == ["embedding-3@openai", "deepseek-r1@deepseek"]


def test_an_answer_costs_its_prompt_and_its_usual_length(run: Run) -> None:
    first = json.loads(run("endpoints", "--model", "deepseek-r1", "--json").output)["endpoints"][0]
    assert first["answer_usd"] == pytest.approx((1000 * 0.55 + 900 * 2.19) / 1e6)


def test_only_who_serves_the_model_is_shown(run: Run) -> None:
    told = json.loads(run("endpoints", "--model", "o3", "--json").output)["endpoints"]
    assert [entry["id"] for entry in told] == ["o3@openai"]


def test_the_table_says_that_the_sandbox_would_serve_and_fits_100_columns(run: Run) -> None:
    result = run("endpoints")
    assert "the SANDBOX MARKET would serve" in result.output
    assert max(map(len, result.output.splitlines())) <= 100
    assert "claude-sonnet-4@anthropic" in result.output
    assert "…" not in result.output


def test_with_a_key_they_are_real_and_the_others_say_what_they_lack(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DEEPSEEK_API_KEY", "x")
    told = json.loads(run("endpoints", "--json").output)
    missing = {entry["id"]: entry["missing"] for entry in told["endpoints"]}
    assert told["sandbox"] is False
    assert missing["deepseek-r1@deepseek"] is None
    assert missing["o3@openai"] == "OPENAI_API_KEY is not set"


def test_an_unknown_price_is_loud_and_last(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = '[[endpoints]]\nid = "{0}"\nprovider = "local"\nmodel = "local/{0}"\nserves = ["m"]\n'
    row += 'context = 4096\nbase_url = "http://127.0.0.1:9/v1"\n'
    config = tmp_path / "config.toml"
    config.write_text(row.format("dark") + row.format("free") + "price = 0\n")
    result = run("endpoints", "--config", str(config))
    assert result.exit_code == 0
    assert "NO KNOWN PRICE: never chosen" in result.output
    assert result.output.index("free") < result.output.index("dark")
    assert "at local" in result.output


@pytest.fixture
def live(run: Run, proxy: Child, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("MY_KEY", "open-sesame")

    def invoke(*line: str) -> Result:
        return run("endpoints", "--live", "--url", proxy.url, "--key-env", "MY_KEY", *line)

    return invoke


def test_a_running_proxy_is_asked_what_it_believes_now(live: Run) -> None:
    result = live("--model", "deepseek-r1")
    assert result.exit_code == 0
    assert "7 endpoints as believed at " in result.output
    assert "deepseek-r1@azure" in result.output
    assert "claude-sonnet-4" not in result.output
    assert max(map(len, result.output.splitlines())) <= 100
    assert "…" not in result.output


def test_what_it_believes_is_told_to_machines_in_the_proxys_own_words(live: Run) -> None:
    told = json.loads(live("--json").output)
    (parasail,) = [e for e in told["endpoints"] if e["id"] == "deepseek-r1@parasail"]
    assert parasail["price"]["output_usd"] == 4
    assert parasail["believed"]["tps_p50"] > parasail["believed"]["tps_p5"] > 0


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (["--model", "gpt-9"], "no endpoint serves 'gpt-9'; served: claude-sonnet-4"),
        (["--config", "pyproject.toml"], "which has its own --config"),
    ],
)
def test_what_cannot_be_shown_live_is_refused_in_words(
    live: Run, line: list[str], said: str
) -> None:
    result = live(*line)
    assert result.exit_code == 2
    assert said in result.output


def test_a_standing_is_told_below_the_table(capsys: pytest.CaptureFixture[str]) -> None:
    believed = {
        "ttft_ms_p50": 450.0,
        "ttft_ms_p95": 900.0,
        "ttft_log_sd": 0.1,
        "ttft_samples": 40,
        "tps_p50": 70.0,
        "tps_p5": 50.0,
        "failure_share": 0.0,
        "cache_hit_share": 0.7,
    }
    endpoint = {
        "id": "r1@x",
        "serves": ["r1"],
        "price": None,
        "believed": believed,
        "standing": {"reason": "rate_limited", "detail": "rate limited for another 5 s"},
        "answers": [{"tokens_mean": 600.0}],
    }
    draw_survey({"at": "now", "endpoints": [endpoint], "classes": []})
    assert "r1@x is not used: rate limited for another 5 s" in capsys.readouterr().out

"""``meritorder explain``, against a real proxy that asks for a key."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from router.cli.merit_order import priced
from tests.cli.child import Child
from tests.cli.conftest import Run


@pytest.fixture
def key(monkeypatch: pytest.MonkeyPatch, run: Run) -> str:
    monkeypatch.setenv("MY_KEY", "open-sesame")
    return "MY_KEY"


@pytest.fixture
def explain(run: Run, proxy: Child, key: str) -> Run:
    def invoke(*line: str) -> Any:
        return run("explain", "--url", proxy.url, "--key-env", key, *line)

    return invoke


def test_the_merit_order_is_drawn_with_who_is_chosen(explain: Run) -> None:
    result = explain("deepseek-r1")
    assert result.exit_code == 0
    assert (
        "goes to deepseek-r1@deepseek: the cheapest, since no bound was declared" in result.output
    )
    assert max(map(len, result.output.splitlines())) <= 100


def test_every_cheaper_one_is_named_with_the_bound_its_limit_and_the_forecast(explain: Run) -> None:
    told = json.loads(explain("deepseek-r1", "--ttft-ms", "6000", "--json").output)
    entries = told["endpoints"]
    chosen = next(n for n, entry in enumerate(entries) if entry["reason"] == "chosen")
    assert chosen > 0
    for entry in entries[:chosen]:
        assert [f["bound"] for f in entry["failed"]] == ["ttft_ms"]
        assert entry["failed"][0]["limit"] == 6000
    drawn = explain("deepseek-r1", "--ttft-ms", "6000").output
    assert "first token 105 s, limit 6.0 s" in drawn
    assert "Nothing was measured yet" in drawn


def test_every_bound_is_told_with_what_it_costs(explain: Run) -> None:
    line = ["deepseek-r1", "--ttft-ms", "6000", "--min-tps", "0.01"]
    wait, pace = json.loads(explain(*line, "--json").output)["shadows"]
    assert (wait["bound"], wait["limit"], wait["relaxed"]) == ("ttft_ms", 6000, 7500)
    assert (pace["bound"], pace["relaxed"], pace["saves_usd"]) == ("min_tps", 0.008, 0)
    drawn = explain(*line).output
    assert "ttft_ms 6000: a step to 7500 would save" in drawn
    assert "min_tps 0.01: a step to 0.008 would save nothing" in drawn


def test_a_bound_that_costs_money_names_who_would_save_it() -> None:
    shadow = {"bound": "ttft_ms", "limit": 1000.0, "relaxed": 1250.0, "endpoint": "r1@x"}
    assert priced({"shadows": [{**shadow, "saves_usd": 0.0012}]}) == [
        "ttft_ms 1000: a step to 1250 would save 0.00120 USD by r1@x"
    ]


def test_a_long_prompt_is_given_by_its_length(explain: Run) -> None:
    result = explain("deepseek-r1", "--prompt-tokens", "100000")
    assert "goes to deepseek-r1@lambda" in result.output
    assert "window 65,536, needs" in result.output


def test_what_is_declared_arrives(explain: Run) -> None:
    line = ["--policy", "batch", "--e2e-ms", "90000", "--percentile", "p90", "--mode", "strict"]
    told = json.loads(explain("reasoning", *line, "--max-tokens", "50", "--json").output)
    assert told["policy"] == "batch"
    assert told["mode"] == "strict"
    assert told["percentile"] == 90
    assert told["bounds"]["e2e_ms"] == 90_000


def test_a_request_that_nobody_would_serve_ends_with_status_1(explain: Run) -> None:
    result = explain("deepseek-r1", "--ttft-ms", "10", "--mode", "strict")
    assert result.exit_code == 1
    assert "nobody would serve it" in result.output


def test_an_unknown_model_is_told_in_the_proxys_words(explain: Run) -> None:
    result = explain("gpt-9")
    assert result.exit_code == 2
    assert "the proxy says (404): The model 'gpt-9' is not served here" in result.output


@pytest.mark.parametrize(
    ("flag", "value", "said"),
    [("--ttft-ms", "1s", "X-SLA-TTFT-Ms"), ("--policy", "nix", "policies here are")],
)
def test_a_wrong_bound_is_told_in_the_proxys_words(
    explain: Run, flag: str, value: str, said: str
) -> None:
    result = explain("deepseek-r1", flag, value)
    assert result.exit_code == 2
    assert "the proxy says (400)" in result.output
    assert said in result.output


def test_a_refused_key_says_which_flag_carries_one(run: Run, proxy: Child) -> None:
    result = run("explain", "deepseek-r1", "--url", proxy.url)
    assert result.exit_code == 2
    assert "the proxy says (401)" in result.output
    assert "--key-env NAME" in result.output


class _Other(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"<html>It works!</html>")

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def somebody_else() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), _Other) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_another_server_at_that_address_is_told_apart(run: Run, somebody_else: str) -> None:
    result = run("explain", "deepseek-r1", "--url", somebody_else)
    assert result.exit_code == 2
    assert "is no meritorder proxy" in result.output


def test_nobody_at_that_address_says_how_to_start_one(run: Run) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        result = run("explain", "r1", "--url", f"http://127.0.0.1:{taken.getsockname()[1]}")
    assert result.exit_code == 2
    assert "start one: meritorder serve" in result.output

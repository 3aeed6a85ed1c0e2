"""``meritorder demo``: its reckoning, and the whole of it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from router.cli.demo.asking import Answer
from router.cli.demo.questions import QUESTIONS
from router.cli.demo.reckoning import cheaper, dearest, elsewhere_usd, nearest, why
from router.cli.demo.warming import ANSWERS, timetable
from router.core.catalogue import Endpoint, EndpointId, ModelName, Price, Prior
from tests.cli.child import ENDS_WITHIN_S, environ


def endpoint(name: str, price: Price, *, family: str = "r1", **prior: float) -> Endpoint:
    return Endpoint(
        id=EndpointId(name),
        provider=name,
        model=name,
        upstream_model=name,
        family=family,
        serves=(ModelName("deepseek-r1"),),
        base_url="",
        context=65_536,
        price=price,
        prior=Prior(**prior),
    )


def entry(name: str, cost: float | None, reason: str, **failed: Any) -> dict[str, Any]:
    return {
        "endpoint": f"r1@{name}",
        "forecast": None if cost is None else {"cost_usd": cost},
        "reason": reason,
        "detail": "",
        "failed": [failed] if failed else [],
    }


CHEAP, DEAR = endpoint("cheap", Price(1, 2)), endpoint("dear", Price(10, 20))
OTHER = endpoint("other", Price(1, 10), family="terse", answer_tokens=300)
ANSWER = Answer(
    QUESTIONS[0], "cheap", {"decision": {"endpoints": []}}, input_tokens=100, output_tokens=900
)


def test_the_same_answer_elsewhere_has_the_same_tokens() -> None:
    assert elsewhere_usd(DEAR, CHEAP, ANSWER, 0.0) == pytest.approx((100 * 10 + 900 * 20) / 1e6)


def test_another_model_would_have_needed_as_many_tokens_as_it_is_expected_to() -> None:
    assert elsewhere_usd(OTHER, CHEAP, ANSWER, 0.0) == pytest.approx((100 * 1 + 300 * 10) / 1e6)


def test_the_dearest_is_found_by_the_answer_and_not_by_the_token() -> None:
    assert dearest([CHEAP, DEAR, OTHER], CHEAP, ANSWER, 0.0)[0] == "dear"


def test_every_cheaper_one_is_named_under_the_bound_that_ruled_it_out() -> None:
    decision = {
        "chosen": {"endpoint": "r1@fast", "forecast": {"cost_usd": 0.004}},
        "endpoints": [
            entry("slow", 0.002, "bound", bound="ttft_ms", limit=1000, predicted=33_000),
            entry("slower", 0.003, "bound", bound="ttft_ms", limit=1000, predicted=45_000),
            entry("fast", 0.004, "chosen"),
            entry("dear", 0.005, "bound", bound="ttft_ms", limit=1000, predicted=2_000),
            entry("small", None, "context", bound="min_context", limit=9000, predicted=4096),
        ],
    }
    assert why(cheaper(decision)) == [
        "first token within 1.0 s: slow 33 s, slower 45 s",
        "a window of 9,000 tokens: small 4,096",
    ]


def test_a_refusal_says_what_would_have_worked() -> None:
    found = {"endpoint": "r1@fast", "relax": {"ttft_ms": 790}, "cost_usd": 0.0041}
    answer = Answer(QUESTIONS[-1], refusal={"availability": {"nearest": found}})
    assert nearest(answer) == "first token within 0.79 s would have worked: r1@fast, 0.00410 USD"


def test_warming_up_starts_the_slow_at_once_and_no_two_together() -> None:
    slow = endpoint("slow", Price(1, 1), ttft_ms=27_000, tps=30, answer_tokens=900)
    fast = endpoint("fast", Price(1, 1), ttft_ms=350, tps=90, answer_tokens=900)
    starts = timetable([fast, slow], speed=5.0)
    times = [at for at, _ in starts]
    assert len(starts) == 2 * ANSWERS
    assert len(set(times)) == len(times)
    assert max(at for at, e in starts if e is slow) < 1
    assert max(at for at, e in starts if e is fast) > 5


COMMAND = [sys.executable, "-m", "router", "demo"]


@pytest.mark.slow
def test_the_demo_asks_eight_budgets_at_once_and_ends_by_itself() -> None:
    done = subprocess.run(
        [*COMMAND, "--json", "--speed", "10"],
        capture_output=True, text=True, env=environ(), check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    asked = {q["question"]: q for q in json.loads(done.stdout)["questions"]}
    assert len(asked) == 8
    assert asked["no bounds"]["endpoint"] == "deepseek-r1@deepseek"
    first = asked["first token within 1 s"]["endpoint"]
    assert first in {"deepseek-r1@parasail", "deepseek-r1@friendli"}
    long = asked["a 100,000-token prompt"]
    assert long["endpoint"] in {"deepseek-r1@lambda", "deepseek-r1@nebius"}
    assert [f["bound"] for e in long["cheaper"] for f in e["failed"]] == ["min_context"]
    terse = asked["any reasoning model, at most 700 tokens"]
    assert terse["endpoint"] == "claude-sonnet-4@anthropic"
    refused = asked["first token within 0.1 s, or refuse"]
    assert refused["refusal"]["status"] == 422
    assert refused["refusal"]["availability"]["nearest"]["relax"]["ttft_ms"] > 100
    for q in asked.values():
        if q["endpoint"]:
            # Beside a silent first there may be a second attempt: both are paid.
            assert q["cost_usd"] <= q["dearest"]["cost_usd"] * 2 * 1.5
            assert q["expected"]["e2e_ms"] > 0
            assert q["measured"]["e2e_ms"] > 0


@pytest.fixture
def ctrl_c() -> Iterator[None]:
    """Heard by what is started: a shell makes what it starts in the background deaf to it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("ctrl_c")
def test_ctrl_c_ends_the_demo_without_a_traceback() -> None:
    with subprocess.Popen(
        [*COMMAND, "--speed", "1"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environ(),
    ) as process:  # fmt: skip
        assert process.stderr is not None
        assert any("getting to know" in line for line in process.stderr)
        process.send_signal(signal.SIGINT)
        _, stderr = process.communicate(timeout=ENDS_WITHIN_S)
    assert process.returncode == 1
    assert "Traceback" not in stderr
    assert "Aborted!" in stderr

"""Policies are files of numbers and words."""

from __future__ import annotations

from pathlib import Path

import pytest

from router.config import SHIPPED, load
from router.core.ask import BoundKind, Mode
from tests.config.writing import complaints, row, written


@pytest.mark.parametrize(
    ("said", "share"), [("95", 0.95), ('"p95"', 0.95), ("99.9", 0.999), ('"p50"', 0.5)]
)
def test_a_percentile_is_a_number_or_a_p_name(tmp_path: Path, said: str, share: float) -> None:
    policy = {"mine": f"[sla]\nttft_ms = 5\npercentile = {said}"}
    sla = load(written(tmp_path, row(), policy), environ={}).policies["mine"].sla
    assert sla.percentile == pytest.approx(share)
    assert sla.bounds[0].percentile == sla.percentile


@pytest.mark.parametrize("said", ["0.95", "100", "49", '"95%"', "true"])
def test_a_share_is_no_percentile(tmp_path: Path, said: str) -> None:
    policy = {"mine": f"[sla]\npercentile = {said}"}
    (line,) = complaints(written(tmp_path, row(), policy))
    assert line.startswith("policies/mine.toml: [sla] percentile: must be a percentile (50 to 99.9")


def test_every_bound_can_be_said(tmp_path: Path) -> None:
    text = "[sla]\n" + "\n".join(f"{kind.value} = 7" for kind in BoundKind)
    policy = load(written(tmp_path, row(), {"all": text}), environ={}).policies["all"]
    assert [(b.kind, b.limit) for b in policy.sla.bounds] == [(kind, 7.0) for kind in BoundKind]


def test_a_policy_takes_the_general_routing_where_it_is_silent(tmp_path: Path) -> None:
    config = row() + "[routing]\nattempts = 7\nmax_wait_s = 8"
    policies = {"mine": "[routing]\nattempts = 1", "mute": ""}
    found = load(written(tmp_path, config, policies), environ={}).policies
    assert (found["mine"].attempts, found["mine"].max_wait_s) == (1, 8.0)
    assert (found["mute"].attempts, found["default"].attempts) == (7, 7)


def test_default_has_no_bounds_unless_the_operator_wrote_some(tmp_path: Path) -> None:
    assert load(written(tmp_path, row()), environ={}).policies["default"].sla.bounds == ()
    file = written(tmp_path, row(), {"default": "[sla]\nttft_ms = 5"})
    assert len(load(file, environ={}).policies["default"].sla.bounds) == 1


def test_a_broken_policy_is_no_unknown_policy(tmp_path: Path) -> None:
    config = row() + '[routing]\ndefault_policy = "mine"'
    (line,) = complaints(written(tmp_path, config, {"mine": "sla = "}))
    assert line == "policies/mine.toml: line 1, column 7: Invalid value"


def test_the_shipped_policies_say_what_they_are_for() -> None:
    policies = load(SHIPPED / "config.toml", environ={}).policies
    assert set(policies) == {"default", "interactive", "agent", "batch", "concise", "strict"}
    assert all(p.description for p in policies.values())
    assert policies["strict"].sla.mode is Mode.STRICT
    assert policies["batch"].sla.mode is Mode.WAIT
    ttft = policies["interactive"].sla.bound(BoundKind.TTFT)
    assert ttft is not None
    assert ttft.limit == 1000

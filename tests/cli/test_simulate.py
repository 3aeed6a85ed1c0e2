"""``meritorder simulate``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from router.simulate.strategies import ALONE, OURS, SHARED
from tests.cli.conftest import Run

SHORT = ("simulate", "market-2025", "--hours", "0.1", "--seeds", "1", "--jobs", "1")


def test_replicas_are_set_against_one_process(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "figures.json"
    asked = [arg for name in (OURS, SHARED, ALONE) for arg in ("--strategy", name)]
    result = run(*SHORT, *asked, "--json", str(file))
    assert result.exit_code == 0
    for name in (SHARED, ALONE):
        assert f"{name} against {OURS}: cost " in result.output
    told = json.loads(file.read_text())["market-2025"]["replicas"]
    assert [row["strategy"] for row in told] == [SHARED, ALONE]
    assert told[0]["cost_standard_error"] is None


def test_who_has_no_redis_server_is_told_what_to_install(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("router.store.private.find_server", lambda: None)
    result = run(*SHORT, "--strategy", SHARED)
    assert result.exit_code == 2
    assert "install valkey-server or redis-server" in result.output

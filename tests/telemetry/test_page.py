"""docs/tracing.md explains every name, and starting does not load what it does not need."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from router.telemetry import names

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "tracing.md").read_text()
NAMES = sorted(v for k, v in vars(names).items() if k.isupper() and isinstance(v, str))


@pytest.mark.parametrize("name", NAMES)
def test_every_name_is_explained(name: str) -> None:
    assert f"`{name.replace('{}', '<kind>')}`" in PAGE


def test_opentelemetry_is_not_loaded_with_the_reporter() -> None:
    code = (
        "import sys, router.telemetry.report as r; r.Reporter(); "
        "r.Reporter(otlp_endpoint='http://127.0.0.1:4318'); "
        "sys.exit(any(m.startswith(('opentelemetry', 'requests')) for m in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False)

    assert done.returncode == 0

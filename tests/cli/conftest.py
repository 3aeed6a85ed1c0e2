"""One proxy for the tests that only ask, and the command line in this process."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

import pytest
from click.testing import CliRunner, Result

from router.cli import main
from tests.cli.child import Child, environ, serving

Run = Callable[..., Result]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a command here, in an environment without keys."""
    clean = environ()
    for name in set(os.environ) - set(clean):
        monkeypatch.delenv(name)
    monkeypatch.setenv("COLUMNS", "100")

    def invoke(*line: str) -> Result:
        return CliRunner().invoke(main, line, prog_name="meritorder")

    return invoke


@pytest.fixture(scope="module")
def proxy() -> Iterator[Child]:
    """A proxy on the fast sandbox market, with a key that it asks for."""
    with serving("--speed", "50", more=_KEYED) as child:
        yield child


_KEYED = {"MERITORDER_SERVER__API_KEYS": "CLI_TEST_KEY", "CLI_TEST_KEY": "open-sesame"}

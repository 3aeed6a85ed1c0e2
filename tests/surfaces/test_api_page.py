"""The page docs/api.md tells the interface as it is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from router.core.ask import Mode
from router.core.faults import FAULTS, Kind
from router.surfaces import terms
from router.surfaces.headers import MAX_HEADER_BYTES, answer_headers
from router.surfaces.http import make_app
from tests.surfaces.house import FakeDispatcher, head, outcome, service
from tests.surfaces.test_chat import ask

PAGE = (Path(__file__).parents[2] / "docs" / "api.md").read_text()


@pytest.mark.parametrize("kind", Kind)
def test_every_fault_stands_on_the_page_with_status_type_and_retry(kind: Kind) -> None:
    spec = FAULTS[kind]
    again = {True: "yes", False: "no", None: "-"}[spec.client_retry]
    assert f"| {spec.status} | `{kind.value}` | `{spec.openai_type}` | {again} |" in PAGE


def test_no_fault_stands_on_the_page_that_is_not() -> None:
    told = re.findall(r"^\| [0-9]{3} \| `([a-z_]+)`", PAGE, re.MULTILINE)
    assert sorted(told) == sorted(Kind)


@pytest.mark.parametrize("name", terms.HEADERS)
def test_every_header_that_is_read_stands_on_the_page(name: str) -> None:
    assert f"`{name}`" in PAGE.lower()


@pytest.mark.parametrize("name", [*terms.BODY_KEYS, *Mode])
def test_every_key_and_mode_stands_on_the_page(name: str) -> None:
    assert f"`{name}`" in PAGE


def test_every_header_that_is_written_stands_on_the_page() -> None:
    found = ask()
    written = answer_headers(head(found, outcome(found)))
    ours = [name for name in written if name.startswith("X-")]
    assert len(ours) == 15
    assert [name for name in [*ours, "X-SLA-Error-Source"] if f"`{name}`" not in PAGE] == []


def test_every_path_and_the_limit_of_a_header_stand_on_the_page() -> None:
    paths = {r.canonical for r in make_app(service(FakeDispatcher())).router.resources()}
    missing = [p for p in paths - {"/{path}"} if f" {p}`" not in PAGE]
    assert missing == []
    assert str(MAX_HEADER_BYTES) in PAGE

"""The page says everything that can be said, and its example works."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from router.config import load, needs_sandbox, resolve
from router.config.endpoint import EndpointRow, LimitsRow, PriorRow
from router.config.layers import variable
from router.config.policies import RoutingTable, SlaTable
from router.config.price import AboveRow, PriceRow, TierRows
from router.config.providers import NOT_OPENAI, PROVIDERS
from router.config.sections import SECTIONS, Strict
from router.config.window import Window
from router.core.surface import Surface
from tests.config.writing import written

PAGE = (Path(__file__).parents[2] / "docs/configuration.md").read_text()


@pytest.mark.parametrize("section", SECTIONS)
def test_every_key_of_a_section_has_a_row_with_its_variable_and_default(section: str) -> None:
    part = PAGE.partition(f"### `[{section}]`")[2].partition("\n#")[0]
    for key, field in SECTIONS[section].model_fields.items():
        (line,) = [row for row in part.splitlines() if row.startswith(f"| `{key}` |")]
        assert variable(section, key) in line
        default = line.split("|")[3].strip().strip("`").strip('"')
        said = {"adaptive": None, "[]": ()}.get(default, default)
        if isinstance(field.default, float):
            assert float(default) == field.default
        elif isinstance(field.default, bool):
            assert default == str(field.default).lower()
        else:
            assert said == (field.default if said in (None, ()) else str(field.default))


@pytest.mark.parametrize("key", EndpointRow.model_fields)
def test_every_key_of_an_endpoint_has_a_row(key: str) -> None:
    assert f"\n| `{key}` |" in PAGE.partition("## `[[endpoints]]`")[2]


@pytest.mark.parametrize("table", [PriceRow, AboveRow, TierRows, PriorRow, LimitsRow, Window])
def test_every_key_inside_an_endpoint_is_named(table: type[Strict]) -> None:
    for key in table.model_fields:
        assert re.search(rf"\b{key}\b", PAGE)


@pytest.mark.parametrize(("name", "table"), [("sla", SlaTable), ("routing", RoutingTable)])
def test_every_key_of_a_policy_has_a_row(name: str, table: type[Strict]) -> None:
    for key in table.model_fields:
        assert f"\n| `[{name}] {key}` |" in PAGE


def test_every_known_provider_is_named() -> None:
    assert ", ".join(name for name, each in PROVIDERS.items() if each.address) in PAGE
    for prefix in NOT_OPENAI - {"bedrock_converse", "cohere_chat"}:
        assert f"`{prefix}/`" in PAGE


def test_who_speaks_responses_is_named() -> None:
    names = [f"`{name}`" for name, p in PROVIDERS.items() if Surface.RESPONSES in p.speaks]
    said = PAGE.partition("every other chat model `chat`, at ")[2].partition(" `responses` too")[0]
    assert " ".join(said.split()) == f"{', '.join(names[:-1])} and {names[-1]}"


def test_the_worked_example_works(tmp_path: Path) -> None:
    config, policy = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    environ = {"TEAM_KEY": "t"}
    settings = load(written(tmp_path, config, {"desk": policy}), environ=environ)
    assert not needs_sandbox(settings, environ)
    alone = resolve(settings, environ, table=lambda _: None)
    assert [e.id for e in alone.endpoints] == ["r1@rack"]
    assert alone.warnings == (
        "r1@deepseek is left out: DEEPSEEK_API_KEY is not in the environment",
    )
    both = resolve(settings, {**environ, "DEEPSEEK_API_KEY": "d"}, table=lambda _: None)
    assert {e.family for e in both.endpoints} == {"deepseek-r1"}

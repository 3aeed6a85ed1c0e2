"""``meritorder endpoints --catalogue``, against the table of the installed litellm."""

from __future__ import annotations

import json
import tomllib
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from router.cli import catalogue
from router.cli.catalogue import Listing
from router.cli.shopping import row_of
from router.config import load, resolve
from router.config.adding import add
from router.config.providers import PROVIDERS
from router.core.catalogue import Price, PriceWindow
from router.core.tariff import TableEntry
from router.upstream.prices import lookup
from tests.cli.conftest import Run

TODAY = datetime.now(UTC).date()


@pytest.fixture
def shop(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run in a folder that has a configuration of its own."""
    monkeypatch.chdir(tmp_path)
    assert run("init").exit_code == 0
    return run


def told(run: Run, *line: str) -> list[dict[str, Any]]:
    result = run("endpoints", "--catalogue", *line, "--json")
    assert result.exit_code == 0, result.output
    found = json.loads(result.output)
    assert isinstance(found, list)
    return found


def rows(file: Path) -> list[dict[str, Any]]:
    found = tomllib.loads(file.read_text())["endpoints"]
    assert isinstance(found, list)
    return found


def test_a_model_is_found_at_everybody_who_sells_it_however_they_write_it(run: Run) -> None:
    found = told(run, "DeepSeek v4")
    assert {"azure-foundry", "deepinfra", "deepseek", "fireworks", "nebius", "novita"} <= {
        each["provider"] for each in found
    }
    assert "fireworks_ai/accounts/fireworks/models/deepseek-v4p1-flash" not in {
        each["model"] for each in told(run, "deepseek-v4-flash")
    }


def test_a_seller_may_be_said_also_where_the_table_leaves_it_out(run: Run) -> None:
    assert {each["provider"] for each in told(run, "openai/gpt-4o")} >= {"openai"}
    assert "openai/gpt-4o" in {each["model"] for each in told(run, "openai/gpt-4o")}
    assert "anthropic" in {each["provider"] for each in told(run, "anthropic/claude")}


def test_the_cheapest_answer_stands_first_and_who_has_no_price_last(run: Run) -> None:
    costs = [each["answer_usd"] for each in told(run, "deepseek-v4")]
    priced = [usd for usd in costs if usd is not None]
    assert priced == sorted(priced)
    assert costs[: len(priced)] == priced
    assert None in costs


def test_one_offer_is_listed_once_under_the_name_that_says_most(run: Run) -> None:
    models = [each["model"] for each in told(run, "deepseek-v4-flash")]
    assert len(models) == len(set(models))
    assert "deepseek/deepseek-v4-flash" in models
    assert "deepseek-v4-flash" not in models
    assert "fireworks_ai/deepseek-v4-flash" not in models
    regions = [each["model"] for each in told(run, "azure/eu/gpt-4o-2024-08-06")]
    assert regions == ["azure/eu/gpt-4o-2024-08-06"]


def test_each_offer_tells_price_window_provider_and_the_variable_of_its_key(run: Run) -> None:
    (found,) = [e for e in told(run, "gpt-4o") if e["model"] == "openai/gpt-4o"]
    assert (found["price"]["input"], found["price"]["output"]) == (2.5, 10)
    assert found["price"]["tiers"] == ["priority", "batch"]
    assert (found["context"], found["api_key_env"]) == (128_000, "OPENAI_API_KEY")
    assert found["id"] == "gpt-4o@openai"


def test_what_ended_and_what_ends_say_so(run: Run) -> None:
    found = told(run, "deepseek")
    ended = {each["ended"] for each in found if each["deprecated"]}
    assert ended == {True, False}
    for each in found:
        end = each["deprecated"] and date.fromisoformat(each["deprecated"])
        assert each["ended"] == bool(end and end <= TODAY)


def test_the_table_marks_them_and_fits_100_columns(run: Run) -> None:
    output = run("endpoints", "--catalogue", "deepseek-v4").output
    assert "NO PRICE: never chosen" in output
    assert "DEPRECATED: was to end on " in output
    assert "deprecated: ends on " in output
    assert "other prices by the hour" in output
    assert max(map(len, output.splitlines())) <= 100
    assert "…" not in output


def test_embeddings_are_in_the_catalogue_and_cost_their_prompt(run: Run) -> None:
    (found,) = [e for e in told(run, "text-embedding-3-small") if e["provider"] == "openai"]
    assert found["speaks"] == ["embeddings"]
    assert found["answer_usd"] == pytest.approx(1000 * 0.02 / 1e6)


def test_a_wrong_name_is_answered_with_those_that_look_like_it(run: Run) -> None:
    result = run("endpoints", "--catalogue", "deepsek-v4-flsh")
    assert result.exit_code == 2
    assert "nothing like 'deepsek-v4-flsh'; did you mean deepseek-v4-flash, " in result.output


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (["--catalogue", "qqqq"], "LiteLLM's table has nothing like 'qqqq'\n"),
        (["--catalogue", "./"], "LiteLLM's table has nothing like './'\n"),
        (["--catalogue", "gpt-4o", "--add", "0"], "'0' is none of the "),
        (["--catalogue", "gpt-4o", "--add", "9999"], "'9999' is none of the "),
        (["--catalogue", "gpt-4o", "--add", "gpt-4o-2024"], "'gpt-4o-2024' could be any of "),
        (
            [
                "--catalogue",
                "amazon.titan-embed-text-v2:0",
                "--add",
                "amazon.titan-embed-text-v2:0",
            ],
            "could only be reached through LiteLLM, which is asked for chat",
        ),
        (["--catalogue", "gpt-4o", "--live"], "neither --live nor --model"),
        (["--catalogue", "gpt-4o", "--config", "config.toml"], "reads no --config, but with --add"),
        (["--add", "1"], "--add takes one of --catalogue MODEL"),
    ],
)
def test_what_cannot_be_done_is_refused_in_words(shop: Run, line: list[str], said: str) -> None:
    result = shop("endpoints", *line)
    assert result.exit_code == 2
    assert said in result.output


def test_without_a_configuration_of_ones_own_there_is_nothing_to_add_to(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = run("endpoints", "--catalogue", "gpt-4o", "--add", "gpt-4o@openai")
    assert result.exit_code == 2
    assert "`meritorder init` writes one" in result.output
    assert list(tmp_path.iterdir()) == []


def test_what_is_added_passes_the_check_and_serves_once_its_key_is_there(
    shop: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "config.toml"
    before = file.read_text()
    result = shop("endpoints", "--catalogue", "deepseek-v4", "--add", "deepseek-v4-pro@deepseek")
    assert result.exit_code == 0, result.output
    assert "DEEPSEEK_API_KEY is not set yet" in result.output
    assert file.read_text().startswith(before)
    assert rows(file)[-1] == {
        "id": "deepseek-v4-pro@deepseek",
        "provider": "deepseek",
        "model": "deepseek/deepseek-v4-pro",
        "serves": ["deepseek-v4-pro"],
        "api_key_env": "DEEPSEEK_API_KEY",
    }
    assert "# Added on " in file.read_text()
    monkeypatch.setenv("DEEPSEEK_API_KEY", "k")
    checked = shop("check")
    assert checked.exit_code == 0, checked.output
    offers = json.loads(shop("endpoints", "--model", "deepseek-v4-pro", "--json").output)
    assert [each["missing"] for each in offers["endpoints"]] == [None]


def test_nothing_is_added_twice_and_no_id_is_given_twice(shop: Run, tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    add_one = ("endpoints", "--catalogue", "gpt-4o-2024-08-06", "--add")
    assert shop(*add_one, "azure/eu/gpt-4o-2024-08-06").exit_code == 0
    once = file.read_text()
    again = shop(*add_one, "azure/eu/gpt-4o-2024-08-06")
    assert again.exit_code == 2
    assert "is there already, as 'gpt-4o-2024-08-06@azure'" in again.output
    assert file.read_text() == once
    other = shop(*add_one, "azure/us/gpt-4o-2024-08-06", "--json")
    assert json.loads(other.output)["added"] == "gpt-4o-2024-08-06@azure-2"
    assert [row["id"] for row in rows(file)[-2:]] == [
        "gpt-4o-2024-08-06@azure",
        "gpt-4o-2024-08-06@azure-2",
    ]
    assert "YOUR-RESOURCE" in rows(file)[-1]["base_url"]
    assert shop("check").exit_code == 0


def test_a_file_with_mistakes_is_left_alone_and_they_are_told(shop: Run, tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text(file.read_text() + "contxt = 3\n")
    before = file.read_text()
    result = shop("endpoints", "--catalogue", "gpt-4o", "--add", "gpt-4o@openai")
    assert result.exit_code == 2
    assert "nothing was added: " in result.output
    assert "did you mean 'context'?" in result.output
    assert file.read_text() == before
    assert {each.name for each in tmp_path.iterdir()} == {"config.toml", "policies"}


def test_a_file_keeps_its_mode_and_a_link_stays_a_link(shop: Run, tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    real = file.rename(tmp_path / "real.toml")
    real.chmod(0o600)
    file.symlink_to(real)
    assert shop("endpoints", "--catalogue", "gpt-4o", "--add", "gpt-4o@openai").exit_code == 0
    assert file.is_symlink()
    assert real.stat().st_mode & 0o777 == 0o600
    assert rows(real)[-1]["id"] == "gpt-4o@openai"


def test_a_provider_we_know_nothing_of_is_reached_through_litellm(
    shop: Run, tmp_path: Path
) -> None:
    wandb = "wandb/deepseek-ai/DeepSeek-V4-Pro-0813"
    result = shop("endpoints", "--catalogue", "deepseek-v4-pro", "--add", wandb)
    assert result.exit_code == 0, result.output
    row = rows(tmp_path / "config.toml")[-1]
    assert (row["provider"], row["dialect"]) == ("wandb", "litellm")
    assert "api_key_env" not in row


def test_a_window_the_table_does_not_know_is_for_the_operator_to_say(shop: Run) -> None:
    result = shop("endpoints", "--catalogue", "perplexity/deepseek-v4-pro-0813", "--add", "1")
    assert result.exit_code == 2
    assert "has no window for 'perplexity/perplexity/deepseek-v4-pro-0813'" in result.output
    assert "[[endpoints]]" in result.output


@pytest.mark.parametrize("name", sorted(PROVIDERS))
def test_a_row_of_every_known_provider_can_be_read_back(
    name: str, tmp_path: Path, run: Run
) -> None:
    """Whatever the table has of a provider, the row that buys it resolves to that provider."""
    known = PROVIDERS[name]
    entry = TableEntry(f"{known.prefixes[0]}/m", "a table", Price(1, 2), 1000)
    listing = Listing(entry, name)
    file = tmp_path / "config.toml"
    file.write_text(
        '[[endpoints]]\nid = "own"\nprovider = "own"\nmodel = "own/m"\nserves = ["m"]\n'
        'context = 1000\nprice = 0\nbase_url = "http://127.0.0.1:9/v1"\n'
    )
    environ = {known.api_key_env: "k"} if known.api_key_env else {}
    added, text = add(file, row_of(listing, 0.0, TODAY), environ)
    file.write_text(file.read_text().replace("YOUR-", "our-"))
    fleet = resolve(load(file, environ=environ), environ, table=lambda _: entry)
    (found,) = [each for each in fleet.endpoints if each.id == added]
    assert (found.provider, found.dialect) == (name, known.dialect)
    assert (found.api_key_env, found.auth_header) == (known.api_key_env, known.auth_header)
    assert found.price is not None
    assert "[[endpoints]]" in text


def test_prices_are_those_of_the_hour() -> None:
    entry = TableEntry(
        "acme/m", "a table", Price(2, 4, windows=(PriceWindow(0, 60, 0.5),)), context=1000
    )
    listing = Listing(entry, None)
    at_night, at_noon = listing.answer_usd(0.0), listing.answer_usd(12 * 3600.0)
    assert at_noon is not None
    assert at_noon == pytest.approx((1000 * 2 + 600 * 4) / 1e6)
    assert at_night == pytest.approx(at_noon / 2)


def test_everything_in_the_table_can_be_listed_and_what_it_names_is_found_again() -> None:
    found = catalogue.find("claude", 0.0)
    assert len(found) > 100
    for each in found:
        if each.seller is not None:
            entry = lookup(each.model)
            assert entry is not None
            assert entry.price == each.entry.price

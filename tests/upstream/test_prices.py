"""LiteLLM's table, read without LiteLLM."""

from __future__ import annotations

import subprocess
import sys
from datetime import date
from importlib import metadata

import msgspec
import pytest

from router.core.catalogue import Capability, Price, PriceWindow
from router.core.tariff import TableEntry
from router.upstream import prices
from router.upstream.prices import entry_of, lookup


def entry(row: dict[str, object], asked: str = "acme/m", name: str = "acme/m") -> TableEntry | None:
    """Read ``row`` out of a table that holds nothing else."""
    full = {"litellm_provider": "acme", "mode": "chat", **row}
    rows = msgspec.json.decode(msgspec.json.encode({name: full}), type=dict[str, msgspec.Raw])
    return entry_of(asked, rows, "a table")


def price(row: dict[str, object]) -> Price | None:
    """Read the price of a row that is there."""
    found = entry({"input_cost_per_token": 3e-7, "output_cost_per_token": 1.2e-6, **row})
    assert found is not None
    return found.price


OFF_PEAK = {
    "input_cost_per_token": 1.5e-7,
    "output_cost_per_token": 6e-7,
    "windows": [
        {"hours_utc": ["00:00-01:00", "10:00-00:00"], "weekdays": [1, 2, 3, 4, 5]},
        {"hours_utc": "00:00-00:00", "weekdays": [6, 7]},
    ],
}


def test_the_installed_table_is_read_without_importing_litellm() -> None:
    script = (
        "import sys\n"
        "from router.upstream.prices import lookup\n"
        "entry = lookup('openai/gpt-4o')\n"
        "assert 'litellm' not in sys.modules\n"
        "print(entry.price.input, entry.context)\n"
    )
    out = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert out.stdout.split() == ["2.5", "128000"]


def test_an_entry_says_which_table_it_came_from() -> None:
    found = lookup("gpt-4o")
    assert found is not None
    assert found.price is not None
    assert found.source == found.price.source == f"litellm {metadata.version('litellm')} table"


def test_what_the_table_does_not_know_is_none() -> None:
    assert lookup("parasail/deepseek-ai/DeepSeek-R1") is None
    assert lookup("sample_spec") is None


def test_without_the_package_nothing_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    assert prices._table.__wrapped__() == ({}, "")


def test_prices_come_per_million_without_noise() -> None:
    assert price({"input_cost_per_token": 5.5e-07, "cache_read_input_token_cost": 1.4e-07}) == (
        Price(0.55, 1.2, cached_input=0.14, source="a table")
    )


def test_the_older_name_of_a_cache_read_is_known() -> None:
    found = price({"input_cost_per_token_cache_hit": 1e-8})
    assert found is not None
    assert found.cached_input == 0.01


def test_a_cache_write_of_nothing_is_unknown_not_free() -> None:
    found = price({"cache_creation_input_token_cost": 0.0})
    assert found is not None
    assert found.cache_write is None


@pytest.mark.parametrize(
    "row",
    [
        {"input_cost_per_token": 0, "output_cost_per_token": 0},
        {"input_cost_per_token": None},
        {"output_cost_per_token": None},
    ],
)
def test_a_price_of_nothing_or_half_a_price_is_unknown(row: dict[str, object]) -> None:
    assert price(row) is None


def test_off_peak_prices_become_windows_where_one_factor_says_it_all() -> None:
    found = price({"off_peak_pricing": OFF_PEAK})
    assert found is not None
    week, weekend = frozenset({1, 2, 3, 4, 5}), frozenset({6, 7})
    assert found.windows == (
        PriceWindow(0, 60, 0.5, week),
        PriceWindow(600, 0, 0.5, week),
        PriceWindow(0, 0, 0.5, weekend),
    )


@pytest.mark.parametrize(
    "change",
    [
        {"output_cost_per_token": 7e-7},
        {"output_cost_per_token": None},
        {"weekday_timezone": "Asia/Shanghai"},
        {"windows": [{"hours_utc": "at night"}]},
    ],
)
def test_off_peak_prices_that_no_factor_describes_are_named_not_guessed(
    change: dict[str, object],
) -> None:
    row: dict[str, object] = {
        "input_cost_per_token": 3e-7,
        "output_cost_per_token": 1.2e-6,
        "off_peak_pricing": {**OFF_PEAK, **change},
    }
    found = entry(row)
    assert found is not None
    assert found.price == Price(0.3, 1.2, source="a table")
    assert found.remarks == ("the table has off-peak prices that are not used; say price_windows",)


def test_dearer_long_prompts_are_named() -> None:
    found = entry({"input_cost_per_token_above_200k_tokens": 1e-6})
    assert found is not None
    assert found.remarks == (
        "long prompts cost more than reckoned: the table's tiers are not used",
    )


def test_flags_become_capabilities_and_silence_says_nothing() -> None:
    found = entry({"supports_function_calling": True, "supports_vision": False})
    assert found is not None
    assert found.capabilities is not None
    assert Capability.TOOLS in found.capabilities
    assert Capability.IMAGES not in found.capabilities
    assert Capability.SEED in found.capabilities
    silent = entry({})
    assert silent is not None
    assert silent.capabilities is None


def test_windows_lengths_and_the_last_day_are_read() -> None:
    found = entry(
        {"max_input_tokens": 1e6, "max_output_tokens": 65536, "deprecation_date": "2026-07-24"}
    )
    assert found == TableEntry(
        "acme/m", "a table", context=1_000_000, max_output=65536, deprecated=date(2026, 7, 24)
    )


def test_a_prefix_may_be_missing_in_the_table_but_only_of_that_provider() -> None:
    assert entry({}, asked="acme/m", name="m") is not None
    assert entry({}, asked="other/m", name="m") is None
    assert entry({}, asked="m", name="m") is not None


@pytest.mark.parametrize("row", [{"mode": "rerank"}, {"max_input_tokens": "many"}])
def test_rows_that_are_no_language_model_or_make_no_sense_are_passed_over(
    row: dict[str, object],
) -> None:
    assert entry(row) is None

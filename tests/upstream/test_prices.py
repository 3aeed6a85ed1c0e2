"""LiteLLM's table, read without LiteLLM."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import date
from importlib import metadata

import msgspec
import pytest

from router.core.catalogue import Capability, Price, PriceWindow, Tier
from router.core.surface import Surface
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
        PriceWindow(600, 1440, 0.5, week),
        PriceWindow(0, 1440, 0.5, weekend),
    )


def test_weekdays_of_another_place_are_moved_to_utc() -> None:
    """Friday evening in UTC is Saturday in Shanghai from 16:00 on."""
    sunday = {"windows": [{"hours_utc": "10:00-02:00", "weekdays": [7]}]}
    found = price({"off_peak_pricing": {**OFF_PEAK, **sunday, "weekday_timezone": "Asia/Shanghai"}})
    assert found is not None
    assert found.windows == (
        PriceWindow(600, 960, 0.5, frozenset({7})),
        PriceWindow(960, 1440, 0.5, frozenset({6})),
        PriceWindow(0, 120, 0.5, frozenset({7})),
    )


@pytest.mark.parametrize(
    "change",
    [
        {"output_cost_per_token": 7e-7},
        {"output_cost_per_token": None},
        {"weekday_timezone": "Europe/Berlin"},
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


def tokens(**usd_per_token: float) -> dict[str, object]:
    """Name prices as the table does: ``input_above_200k_tokens_flex``."""
    kinds = {
        "input": "input_cost_per_token",
        "output": "output_cost_per_token",
        "read": "cache_read_input_token_cost",
        "write": "cache_creation_input_token_cost",
        "hour": "cache_creation_input_token_cost_above_1hr",
        "reasoning": "output_cost_per_reasoning_token",
    }
    named: dict[str, object] = {}
    for name, usd in usd_per_token.items():
        kind, _, suffix = name.partition("_")
        named[kinds[kind] + (f"_{suffix}" if suffix else "")] = usd
    return named


def test_a_cache_kept_for_an_hour_has_its_price() -> None:
    found = price(tokens(write=3.75e-6, hour=6e-6))
    assert found is not None
    assert (found.cache_write, found.cache_write_1h) == (3.75, 6.0)


def test_steps_for_long_prompts_come_in_order_and_fall_back_to_the_first() -> None:
    found = price(
        tokens(
            read=3e-8,
            write=4e-7,
            hour=6e-7,
            input_above_512k_tokens=9e-7,
            output_above_512k_tokens=4e-6,
            input_above_200k_tokens=6e-7,
            output_above_200k_tokens=2e-6,
            read_above_200k_tokens=6e-8,
            hour_above_200k_tokens=1.2e-6,
        )
    )
    assert found == Price(
        0.3,
        1.2,
        0.03,
        0.4,
        source="a table",
        cache_write_1h=0.6,
        above=(
            (200_000, Price(0.6, 2, 0.06, 0.4, source="a table", cache_write_1h=1.2)),
            (512_000, Price(0.9, 4, 0.03, 0.4, source="a table", cache_write_1h=0.6)),
        ),
    )


def test_half_a_step_is_none() -> None:
    found = price(tokens(input_above_200k_tokens=1e-6))
    assert found is not None
    assert found.above == ()


def test_a_written_cache_that_has_a_price_in_a_step_alone_is_not_believed() -> None:
    step = {"input_above_200k_tokens": 1e-6, "output_above_200k_tokens": 2e-6}
    found = price(tokens(**step, write_above_200k_tokens=1e-7))
    assert found is not None
    assert found.above[0][1].cache_write is None


def test_tiers_of_service_have_steps_of_their_own_or_share_the_standard_ones() -> None:
    found = price(
        tokens(
            read=3e-8,
            input_flex=1.5e-7,
            output_flex=6e-7,
            input_priority=6e-7,
            output_priority=2.4e-6,
            read_priority=6e-8,
            input_batches=1.5e-7,
            input_above_200k_tokens=6e-7,
            output_above_200k_tokens=2e-6,
            input_above_200k_tokens_priority=1.2e-6,
            output_above_200k_tokens_priority=4e-6,
        )
    )
    assert found is not None
    long = Price(0.6, 2, 0.03, source="a table")
    long_first = Price(1.2, 4, 0.06, source="a table")
    assert dict(found.tiers) == {
        Tier.FLEX: Price(0.15, 0.6, 0.03, source="a table", above=((200_000, long),)),
        Tier.PRIORITY: Price(0.6, 2.4, 0.06, source="a table", above=((200_000, long_first),)),
    }


def test_ranges_of_a_list_are_steps_and_make_a_price_known() -> None:
    ranges = [
        {"range": [32_000, 128_000], **tokens(input=2.4e-6, output=1.2e-5, reasoning=2e-5)},
        {"range": [0, 32_000], **tokens(input=1.2e-6, output=6e-6, read=2.4e-7)},
    ]
    found = entry({"tiered_pricing": ranges})
    assert found is not None
    assert found.price == Price(
        1.2,
        6,
        0.24,
        source="a table",
        above=((32_000, Price(2.4, 12, source="a table", reasoning=20)),),
    )


@pytest.mark.parametrize(
    "ranges",
    [
        [{"range": [5, 9], "input_cost_per_token": 1e-6, "output_cost_per_token": 1e-6}],
        [{"range": [0], "input_cost_per_token": 1e-6, "output_cost_per_token": 1e-6}],
        [{"range": [0, 9], "input_cost_per_token": 1e-6}],
        [{"max_results_range": [0, 25], "input_cost_per_query": 1e-3}],
    ],
)
def test_ranges_that_leave_prompts_without_a_price_are_no_price(ranges: list[object]) -> None:
    found = entry({"tiered_pricing": ranges})
    assert found is not None
    assert found.price is None


def test_thinking_has_a_price_of_its_own_only_where_it_is_another() -> None:
    dearer = price(tokens(reasoning=4e-6))
    equal = price(tokens(reasoning=1.2e-6))
    assert dearer is not None
    assert equal is not None
    assert (dearer.reasoning, equal.reasoning) == (4.0, None)


def test_sound_and_searches_have_prices_of_their_own() -> None:
    sizes = {f"search_context_size_{size}": usd for size, usd in (("low", 0.01), ("medium", 0.02))}
    found = price(
        {
            **tokens(input_flex=1e-7, output_flex=2e-7),
            "input_cost_per_audio_token": 3.2e-5,
            "output_cost_per_audio_token": 6.4e-5,
            "search_context_cost_per_query": sizes,
        }
    )
    assert found is not None
    for each in (found, found.tiers[0][1]):
        assert (each.audio_input, each.audio_output, each.search) == (32.0, 64.0, 0.02)
    plain = price(tokens())
    assert plain is not None
    assert (plain.audio_input, plain.audio_output, plain.search) == (None, None, 0.0)


def test_the_fast_mode_of_claude_multiplies_its_tokens_and_not_its_searches() -> None:
    sizes = {"search_context_size_medium": 0.01}
    own = {"provider_specific_entry": {"us": 1.1, "fast": 2.0}}
    found = price({**tokens(), **own, "search_context_cost_per_query": sizes})
    assert found is not None
    ((tier, fast),) = found.tiers
    assert tier is Tier.FAST_MODE
    assert (fast.input, fast.output) == (2 * found.input, 2 * found.output)
    assert fast.search == found.search == 0.01


def test_a_fee_for_each_request_is_read() -> None:
    found = price({"input_cost_per_request": 0.005, **tokens(input_flex=1e-7, output_flex=2e-7)})
    assert found is not None
    assert (found.fee, found.tiers[0][1].fee) == (0.005, 0.005)


@pytest.mark.parametrize(
    ("model", "prompt", "tier"),
    [
        ("claude-haiku-5-5", 250_000, None),
        ("gemini/gemini-2.5-pro", 250_000, None),
        ("gemini/gemini-2.5-pro", 1000, "flex"),
        ("gemini/gemini-2.5-pro", 250_000, "priority"),
        ("openai/gpt-5", 1000, "priority"),
        ("deepseek/deepseek-chat", 1000, None),
        ("dashscope/qwen3-max", 100_000, None),
    ],
)
def test_litellms_own_reckoning_of_its_table_comes_to_the_same(
    model: str, prompt: int, tier: str | None
) -> None:
    os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")
    from litellm import cost_calculator
    from litellm.types.utils import PromptTokensDetailsWrapper, Usage

    known = lookup(model)
    assert known is not None
    assert known.price is not None
    usage = Usage(
        prompt_tokens=prompt,
        completion_tokens=700,
        total_tokens=prompt + 700,
        prompt_tokens_details=PromptTokensDetailsWrapper(cached_tokens=400),
    )
    provider, _, bare = model.rpartition("/")
    theirs = cost_calculator.cost_per_token(
        model=bare,
        custom_llm_provider=provider or "anthropic",
        usage_object=usage,
        service_tier=tier,
    )
    ours = known.price.nano_usd(
        fresh=prompt - 400,
        cache_read=400,
        cache_write=0,
        output=700,
        tier=Tier(tier or "standard"),
    )
    assert ours == pytest.approx(1e9 * sum(theirs))


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


def test_openais_reasoning_models_lack_the_older_name_of_the_longest_answer() -> None:
    def lacks(provider: str, *, thinks: bool) -> frozenset[str]:
        found = entry({"litellm_provider": provider, "supports_reasoning": thinks})
        assert found is not None
        return found.lacks

    assert lacks("openai", thinks=True) == lacks("azure", thinks=True) == {"max_tokens"}
    assert lacks("openai", thinks=False) == lacks("xai", thinks=True) == frozenset()


def test_windows_lengths_and_the_last_day_are_read() -> None:
    found = entry(
        {"max_input_tokens": 1e6, "max_output_tokens": 65536, "deprecation_date": "2026-07-24"}
    )
    assert found == TableEntry(
        "acme/m",
        "a table",
        context=1_000_000,
        max_output=65536,
        deprecated=date(2026, 7, 24),
        provider="acme",
    )


def test_an_embedding_costs_its_prompt_alone_and_has_a_window() -> None:
    found = entry({"mode": "embedding", "max_tokens": 8191, "input_cost_per_token": 2e-8})
    assert found is not None
    assert found.price == Price(0.02, 0, source="a table")
    assert found.context == 8191
    assert found.surfaces == {Surface.EMBEDDINGS}


@pytest.mark.parametrize(
    ("row", "surfaces"),
    [
        ({}, set()),
        ({"mode": "completion"}, {Surface.COMPLETIONS}),
        ({"mode": "responses"}, {Surface.RESPONSES}),
        (
            {"supported_endpoints": ["/v1/chat/completions", "/v1/responses", "/v1/batch"]},
            {Surface.CHAT, Surface.RESPONSES},
        ),
        ({"mode": "responses", "supported_endpoints": ["/v1/batch"]}, {Surface.RESPONSES}),
    ],
)
def test_the_table_names_surfaces_one_by_one_or_by_its_mode(
    row: dict[str, object], surfaces: set[Surface]
) -> None:
    found = entry(row)
    assert found is not None
    assert found.surfaces == surfaces


def test_a_prefix_may_be_missing_in_the_table_but_only_of_that_provider() -> None:
    assert entry({}, asked="acme/m", name="m") is not None
    assert entry({}, asked="other/m", name="m") is None
    assert entry({}, asked="m", name="m") is not None


@pytest.mark.parametrize("row", [{"mode": "rerank"}, {"max_input_tokens": "many"}])
def test_rows_that_are_no_language_model_or_make_no_sense_are_passed_over(
    row: dict[str, object],
) -> None:
    assert entry(row) is None

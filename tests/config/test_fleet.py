"""What can be bought, from what was written, the table and the keys at hand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest

from router.config import SHIPPED, ConfigError, Fleet, load, needs_sandbox, resolve
from router.config.banned import banned_litellm
from router.config.providers import PROVIDERS
from router.core.catalogue import Capability, Dialect, Limits, ModelName, Price, PriceWindow, Tier
from router.core.surface import Surface
from router.core.tariff import TableEntry
from tests.config.writing import row, written

TODAY = date(2026, 6, 1)


def nothing(model: str) -> TableEntry | None:
    """Stand for a table that knows nothing."""
    return None


def fleet(
    folder: Path,
    text: str,
    *,
    entry: TableEntry | None = None,
    environ: Mapping[str, str] | None = None,
) -> Fleet:
    """Load and resolve, with one entry for whatever is asked."""
    env = environ or {}
    settings = load(written(folder, text), environ=env)
    return resolve(settings, env, table=lambda _: entry, today=TODAY)


def test_the_shipped_file_without_any_key_is_the_sandbox_market() -> None:
    settings = load(SHIPPED / "config.toml", environ={})
    assert needs_sandbox(settings, {})
    asked: list[str] = []
    market = resolve(
        settings,
        {},
        table=asked.append,
        base_url_of=lambda name: f"http://127.0.0.1:9/{name}",
        today=TODAY,
    )
    assert market.sandboxed
    assert market.warnings == ()
    assert asked == []
    assert len(market.endpoints) == 11
    assert all(e.api_key_env is None for e in market.endpoints)
    assert {e.base_url for e in market.endpoints} == {
        f"http://127.0.0.1:9/{e.id}" for e in market.endpoints
    }


def test_the_shipped_market_is_the_one_of_mid_2025() -> None:
    settings = load(SHIPPED / "config.toml", environ={})
    market = resolve(settings, {}, table=nothing, base_url_of=lambda _: "http://x")
    found = {}
    for e in market.endpoints:
        assert e.price is not None
        found[e.id] = (e.price.input, e.price.output, e.context, e.prior.ttft_ms, e.prior.tps)
    assert found == {
        "deepseek-r1@deepseek": (0.55, 2.19, 65536, 27000, 30),
        "deepseek-r1@azure": (1.375, 5.475, 131072, 2000, 60),
        "deepseek-r1@parasail": (2.0, 4.0, 131072, 450, 70),
        "deepseek-r1@friendli": (3.0, 4.0, 131072, 350, 90),
        "deepseek-r1@lambda": (0.55, 2.19, 163840, 12000, 35),
        "deepseek-r1@nebius": (0.55, 2.19, 163840, 15000, 30),
        "deepseek-r1@openrouter": (0.8, 2.8, 131072, 4000, 40),
        "claude-sonnet-4@anthropic": (3.0, 15.0, 200000, 1200, 70),
        "o3@openai": (2.0, 8.0, 200000, 5400, 110),
        "gemini-2.5-pro@google": (1.25, 10.0, 1048576, 4700, 140),
        "embedding-3@openai": (0.02, 0.0, 8192, 250, 1000),
    }
    r1 = [e for e in market.endpoints if "deepseek-r1" in e.serves]
    assert {e.family for e in r1} == {"deepseek-r1"}
    assert len(r1) == 7
    assert all(
        ("reasoning" in e.serves) is (Surface.EMBEDDINGS not in e.speaks) for e in market.endpoints
    )
    assert [e.id for e in market.endpoints if e.dialect is not Dialect.OPENAI] == [
        "claude-sonnet-4@anthropic"
    ]


def test_with_some_keys_only_their_endpoints_serve_and_the_others_are_named() -> None:
    environ = {"DEEPSEEK_API_KEY": "a", "OPENAI_API_KEY": "b", "AZURE_AI_API_KEY": "c"}
    settings = load(SHIPPED / "config.toml", environ=environ)
    assert not needs_sandbox(settings, environ)
    found = resolve(settings, environ, table=nothing, today=TODAY)
    assert [(e.id, e.base_url, e.api_key_env) for e in found.endpoints] == [
        ("deepseek-r1@deepseek", "https://api.deepseek.com/v1", "DEEPSEEK_API_KEY"),
        ("o3@openai", "https://api.openai.com/v1", "OPENAI_API_KEY"),
        ("embedding-3@openai", "https://api.openai.com/v1", "OPENAI_API_KEY"),
    ]
    assert "FRIENDLI_TOKEN is not in the environment" in "\n".join(found.warnings)
    assert found.warnings[0].startswith("deepseek-r1@azure is left out: base_url is still 'https:")
    assert len(found.warnings) == 8


@pytest.mark.parametrize(
    ("said", "key", "sandbox"),
    [
        ("auto", "", True),
        ("auto", "k", False),
        ("always", "k", True),
        ("never", "", False),
    ],
)
def test_the_sandbox_serves_when_nobody_else_can_or_it_was_asked_for(
    tmp_path: Path, said: str, key: str, sandbox: object
) -> None:
    text = row(api_key_env='"KEY"') + f'[sandbox]\nenabled = "{said}"'
    environ = {"KEY": key}
    assert needs_sandbox(load(written(tmp_path, text), environ=environ), environ) is sandbox


def test_a_server_of_ones_own_needs_no_key(tmp_path: Path) -> None:
    assert not needs_sandbox(load(written(tmp_path, row()), environ={}), {})
    assert fleet(tmp_path, row()).endpoints[0].api_key_env is None


def test_without_sandbox_and_keys_the_error_names_the_variables(tmp_path: Path) -> None:
    text = row(api_key_env='"B"') + row(id='"2"', api_key_env='"A"')
    with pytest.raises(ConfigError) as e:
        fleet(tmp_path, text + '[sandbox]\nenabled = "never"')
    assert str(e.value).endswith(
        "no endpoint can be used; set one of A, B, or let the sandbox serve: "
        '[sandbox] enabled = "auto"'
    )


def test_what_the_market_does_not_have_is_left_out(tmp_path: Path) -> None:
    settings = load(written(tmp_path, row() + row(id='"other"')), environ={})
    market = resolve(settings, {}, table=nothing, base_url_of={"other": "http://x"}.get)
    assert [e.id for e in market.endpoints] == ["other"]
    assert market.warnings == ("r1@here is left out: the sandbox market does not have it",)


def test_an_unknown_price_is_said_loudly_and_is_never_free(tmp_path: Path) -> None:
    found = fleet(tmp_path, row(price=None))
    assert found.endpoints[0].price is None
    (warning,) = found.warnings
    assert warning == (
        "r1@here has NO KNOWN PRICE and will not be chosen: 'here/r1' has none in the table; say "
        "price = { input = ..., output = ... }, or price = 0 if it is free"
    )


@pytest.mark.parametrize("said", ["0", "0.0", "{ input = 0, output = 0 }"])
def test_free_of_charge_must_be_said_and_can_be(tmp_path: Path, said: str) -> None:
    found = fleet(tmp_path, row(price=said))
    assert found.endpoints[0].price == Price(0, 0)
    assert found.warnings == ()


LONG_AND_FAST = """
[endpoints.price]
input = 1
output = 4
cached_input = 0.1
cache_write = 1.25
cache_write_1h = 2
fee = 0.001
[[endpoints.price.above]]
tokens = 400000
input = 4
output = 8
[[endpoints.price.above]]
tokens = 200000
input = 2
output = 6
cached_input = 0.2
[endpoints.price.tiers.flex]
input = 0.5
output = 2
[endpoints.price.tiers.priority]
input = 2
output = 8
reasoning = 9
above = [{ tokens = 300000, input = 5, output = 16 }]
"""


def test_steps_and_tiers_are_whole_prices_that_fall_back_on_what_stands_above(
    tmp_path: Path,
) -> None:
    (found,) = fleet(tmp_path, row(price=None) + LONG_AND_FAST).endpoints

    def price(input_usd: float, output_usd: float, cached: float = 0.1, **more: Any) -> Price:
        kept = {"cache_write": 1.25, "cache_write_1h": 2.0, "fee": 0.001}
        return Price(input_usd, output_usd, cached, **{**kept, **more})

    steps = ((200_000, price(2, 6, 0.2)), (400_000, price(4, 8)))
    first = price(2, 8, reasoning=9, above=((300_000, price(5, 16, reasoning=9)),))
    assert found.price == price(
        1,
        4,
        above=steps,
        tiers=((Tier.FLEX, price(0.5, 2, above=steps)), (Tier.PRIORITY, first)),
    )


ENTRY = TableEntry(
    "r1",
    "a table",
    price=Price(3, 4, windows=(PriceWindow(0, 60, 0.5),), source="a table"),
    context=1000,
    max_output=100,
    capabilities=frozenset({Capability.TOOLS}),
)


def test_the_table_fills_what_the_row_leaves_out(tmp_path: Path) -> None:
    (found,) = fleet(tmp_path, row(price=None, context=None), entry=ENTRY).endpoints
    assert (found.price, found.context, found.max_output) == (ENTRY.price, 1000, 100)
    assert found.capabilities == {Capability.TOOLS}


def test_the_row_overrides_the_table(tmp_path: Path) -> None:
    said = row(max_output="7", capabilities='["seed"]', price_windows="[{ factor = 2 }]")
    (found,) = fleet(tmp_path, said, entry=ENTRY).endpoints
    assert found.price == Price(1, 2, windows=(PriceWindow(0, 1440, 2.0),))
    assert (found.context, found.max_output) == (65536, 7)
    assert found.capabilities == {Capability.SEED}


def test_windows_of_the_row_go_with_the_price_of_the_table(tmp_path: Path) -> None:
    (found,) = fleet(tmp_path, row(price=None, price_windows="[]"), entry=ENTRY).endpoints
    assert found.price == Price(3, 4, source="a table")


def test_the_table_s_off_peak_hours_do_not_touch_a_price_of_the_row(tmp_path: Path) -> None:
    (found,) = fleet(tmp_path, row(), entry=ENTRY).endpoints
    assert found.price == Price(1, 2)


def test_a_window_nobody_knows_is_a_mistake_even_without_a_key(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as e:
        fleet(tmp_path, row() + row(id='"2"', context=None, api_key_env='"GONE"'))
    assert "config.toml: [[endpoints]] #2 '2' context: the price table has none" in str(e.value)


@pytest.mark.parametrize(
    ("day", "said"),
    [
        (date(2026, 5, 1), ("r1@here: 'here/r1' is deprecated and was to end on 2026-05-01",)),
        (date(2026, 7, 1), ("r1@here: 'here/r1' is deprecated and ends on 2026-07-01",)),
        (date(2027, 7, 1), ()),
    ],
)
def test_a_model_near_its_end_is_said(tmp_path: Path, day: date, said: tuple[str, ...]) -> None:
    found = fleet(tmp_path, row(), entry=TableEntry("r1", "a table", deprecated=day))
    assert found.warnings == said


def test_what_the_table_cannot_express_is_passed_on(tmp_path: Path) -> None:
    entry = TableEntry("r1", "a table", price=Price(1, 1), remarks=("tiers are not used",))
    assert fleet(tmp_path, row(price=None), entry=entry).warnings == (
        "r1@here: 'here/r1': tiers are not used",
    )


def test_without_table_or_word_an_endpoint_has_all_but_audio_and_documents(tmp_path: Path) -> None:
    (found,) = fleet(tmp_path, row(lacks='["seed", "temperature"]')).endpoints
    assert frozenset(Capability) - found.capabilities == {
        Capability.AUDIO,
        Capability.DOCUMENTS,
        Capability.SEED,
    }
    assert found.unsupported_params == {"temperature"}


def test_names_follow_from_the_model_where_nothing_is_said(tmp_path: Path) -> None:
    (found,) = fleet(tmp_path, row(model='"parasail/deepseek-ai/DeepSeek-R1"')).endpoints
    assert (found.upstream_model, found.family) == ("deepseek-ai/DeepSeek-R1", "deepseek-r1")
    assert found.serves == (ModelName("r1"),)


FOUR_LINES = """[[endpoints]]
id = "m"
provider = "{0}"
model = "{1}"
serves = ["m"]
"""
KNOWN = TableEntry("m", "a table", price=Price(1, 2), context=1000)


@pytest.mark.parametrize("name", [n for n, each in PROVIDERS.items() if each.address])
def test_four_lines_are_enough_for_a_known_provider(tmp_path: Path, name: str) -> None:
    known = PROVIDERS[name]
    assert known.api_key_env is not None
    text = FOUR_LINES.format(name, f"{known.prefixes[0]}/maker/m")
    (found,) = fleet(tmp_path, text, entry=KNOWN, environ={known.api_key_env: "k"}).endpoints
    assert (found.base_url, found.upstream_model) == (known.base_url, "maker/m")
    assert not known.flat
    assert (found.api_key_env, found.auth_header) == (known.api_key_env, known.auth_header)
    assert (found.dialect, found.speaks) == (known.dialect, known.speaks)
    assert found.unsupported_params == known.lacks - set(Capability)
    assert found.capabilities.isdisjoint(known.lacks)
    assert found.bills_after_cancel == known.bills_after_cancel


@pytest.mark.parametrize("name", PROVIDERS)
def test_no_two_providers_share_a_variable_unless_they_share_an_account(name: str) -> None:
    others = {n for n, p in PROVIDERS.items() if p.api_key_env == PROVIDERS[name].api_key_env}
    aws = {"bedrock", "bedrock-mantle"}
    at_home = {n for n, p in PROVIDERS.items() if p.api_key_env is None}
    assert others in ({name}, aws, at_home)


def test_a_key_goes_to_its_own_provider_s_addresses_and_nowhere_else_unless_told(
    tmp_path: Path,
) -> None:
    def key(base_url: str, **said: str) -> str | None:
        text = row(provider='"azure"', base_url=f'"{base_url}"', **said)
        (found,) = fleet(
            tmp_path, text, environ={"AZURE_OPENAI_API_KEY": "k", "MINE": "k"}
        ).endpoints
        return found.api_key_env

    assert key("https://acme.openai.azure.com/openai/v1") == "AZURE_OPENAI_API_KEY"
    assert key("https://acme.cognitiveservices.azure.com/openai/v1") == "AZURE_OPENAI_API_KEY"
    assert key("https://azure.com.acme.example/openai/v1") is None
    assert key("http://127.0.0.1:9/v1") is None
    assert key("http://127.0.0.1:9/v1", api_key_env='"MINE"') == "MINE"
    assert key("https://acme.openai.azure.com/v1", api_key_env='""') is None


def test_what_the_row_says_goes_before_what_is_known_of_its_provider(tmp_path: Path) -> None:
    said = row(
        provider='"mistral"',
        lacks='["temperature"]',
        auth_header='"x-api-key"',
        bills_after_cancel="false",
        speaks='["completions"]',
    )
    (found,) = fleet(tmp_path, said).endpoints
    assert found.unsupported_params == {"temperature"}
    assert Capability.SEED in found.capabilities
    assert (found.auth_header, found.bills_after_cancel) == ("x-api-key", False)
    assert found.speaks == {Surface.COMPLETIONS}


def test_the_query_of_an_address_is_kept(tmp_path: Path) -> None:
    url = "https://here/openai/deployments/m/?api-version=2024-10-21"
    (found,) = fleet(tmp_path, row(base_url=f'"{url}"')).endpoints
    assert found.base_url == "https://here/openai/deployments/m?api-version=2024-10-21"


def test_a_model_s_name_there_begins_as_its_provider_wants_it(tmp_path: Path) -> None:
    def there(provider: str, model: str) -> str:
        text = row(provider=f'"{provider}"', model=f'"{model}"', api_key_env='""')
        return fleet(tmp_path, text).endpoints[0].upstream_model

    assert there("fireworks", "fireworks_ai/glm-5") == "accounts/fireworks/models/glm-5"
    assert there("fireworks", "fireworks_ai/accounts/acme/models/x") == "accounts/acme/models/x"
    assert there("azure", "azure/eu/gpt-4o") == "gpt-4o"
    assert there("vertex", "vertex_ai/gemini-2.5-pro") == "google/gemini-2.5-pro"
    assert there("openai", "openai/gpt-4o") == there("openai", "gpt-4o") == "gpt-4o"


LISTED = {Surface.CHAT, Surface.COMPLETIONS}


@pytest.mark.parametrize(
    ("provider", "listed", "speaks"),
    [
        ("here", set(), {Surface.CHAT}),
        ("here", {Surface.EMBEDDINGS}, {Surface.EMBEDDINGS}),
        ("openai", set(), {Surface.CHAT, Surface.RESPONSES}),
        ("openai", LISTED, {Surface.CHAT}),
        ("openai", {Surface.RESPONSES}, {Surface.RESPONSES}),
        ("openai", {Surface.COMPLETIONS}, {Surface.COMPLETIONS}),
        ("anthropic", LISTED, {Surface.MESSAGES, Surface.COUNT_TOKENS}),
        ("bedrock", {Surface.RESPONSES}, {Surface.CHAT}),
    ],
)
def test_an_endpoint_speaks_what_its_provider_does_as_far_as_the_table_agrees(
    tmp_path: Path, provider: str, listed: set[Surface], speaks: set[Surface]
) -> None:
    entry = replace(KNOWN, surfaces=frozenset(listed))
    said = row(provider=f'"{provider}"', api_key_env='""')
    assert fleet(tmp_path, said, entry=entry).endpoints[0].speaks == speaks


def test_what_litellm_is_not_asked_for_is_a_mistake_not_a_refusal_later(tmp_path: Path) -> None:
    entry = replace(KNOWN, surfaces=frozenset({Surface.EMBEDDINGS}))
    for said in (
        row(provider='"bedrock"'),
        row(provider='"bedrock"', speaks='["embeddings"]'),
    ):
        with pytest.raises(ConfigError) as told:
            fleet(tmp_path, said, entry=entry)
        assert str(told.value).endswith(
            "[[endpoints]] #1 'r1@here' speaks: LiteLLM is asked for chat alone, not for embeddings"
        )


def test_claude_is_spoken_to_in_its_own_dialect_whoever_sells_it(tmp_path: Path) -> None:
    (found,) = fleet(tmp_path, row(model='"anthropic/claude"')).endpoints
    assert (found.dialect, found.auth_header) == (Dialect.ANTHROPIC, "x-api-key")
    said = row(provider='"deepseek"', dialect='"anthropic"')
    (found,) = fleet(tmp_path, said).endpoints
    assert (found.dialect, found.auth_header) == (Dialect.ANTHROPIC, "x-api-key")
    said = row(provider='"anthropic"', dialect='"openai"')
    (found,) = fleet(tmp_path, said).endpoints
    assert found.dialect is Dialect.OPENAI
    assert found.speaks == {Surface.CHAT}


def test_models_that_do_not_speak_openai_go_through_litellm(tmp_path: Path) -> None:
    said = row(model='"bedrock/x"', base_url=None, provider='"aws"')
    (found,) = fleet(tmp_path, said).endpoints
    assert (found.dialect, found.base_url) == (Dialect.LITELLM, "")


def test_azure_takes_its_key_in_a_header_of_its_own(tmp_path: Path) -> None:
    assert fleet(tmp_path, row(provider='"azure"')).endpoints[0].auth_header == "api-key"
    assert fleet(tmp_path, row()).endpoints[0].auth_header == "authorization"


def test_limits_of_the_row_go_before_those_of_all(tmp_path: Path) -> None:
    text = row(limits="{ gap_s = 3 }") + "[routing]\nconnect_limit_s = 2\ngap_limit_s = 9"
    assert fleet(tmp_path, text).endpoints[0].limits == Limits(2.0, None, 3.0, 1800.0)


@pytest.mark.parametrize("version", ["1.82.7", "1.82.8"])
def test_a_litellm_that_stole_credentials_is_refused(version: str) -> None:
    (mistake,) = banned_litellm(lambda _: version)
    assert str(mistake).startswith(f"litellm {version}: this release (24 March 2026) stole")


def test_another_litellm_or_none_is_welcome() -> None:
    def absent(name: str) -> str:
        raise metadata.PackageNotFoundError(name)

    assert list(banned_litellm(lambda _: "1.106.2")) == []
    assert list(banned_litellm(absent)) == []


def test_a_banned_litellm_stops_the_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bad = list(banned_litellm(lambda _: "1.82.8"))
    monkeypatch.setattr("router.config.settings.banned_litellm", lambda: bad)
    with pytest.raises(ConfigError, match=r"1\.82\.8"):
        load(written(tmp_path, row()), environ={})

from pathlib import Path

import pytest

from router.sandbox.fleet import MarketError, load_fleet, parse_fleet

GOOD = """
[[row]]
id = "a@b"
provider = "b"
model = "m"
price = { input = 1.0, output = 2.0 }
context = 1000
ttft_s = 1.0
ttft_s_per_1k = 0.0
ttft_sigma = 0.0
tokens_per_s = 10.0
answer_tokens = 10
reasoning = "none"
"""


def test_the_shipped_market_holds_every_system_of_mid_2025() -> None:
    fleet = load_fleet()
    assert {row.provider for row in fleet.values()} == {
        "deepseek", "azure", "parasail", "friendli", "lambda", "nebius", "openrouter",
        "anthropic", "openai", "google",
    }  # fmt: skip
    official = fleet[next(iter(fleet))]
    assert (official.price.input, official.price.output) == (0.55, 2.19)
    assert (official.ttft_s, official.context) == (27.0, 65536)


def test_azure_costs_two_and_a_half_times_the_official_price_and_saves_25_seconds() -> None:
    rows = {row.provider: row for row in load_fleet().values()}
    assert rows["azure"].price.input == pytest.approx(2.5 * rows["deepseek"].price.input)
    assert rows["azure"].price.output == pytest.approx(2.5 * rows["deepseek"].price.output)
    assert rows["deepseek"].ttft_s - rows["azure"].ttft_s == 25


def test_the_official_price_buys_a_window_two_and_a_half_times_as_long_elsewhere() -> None:
    rows = {row.provider: row for row in load_fleet().values()}
    for other in ("lambda", "nebius"):
        assert rows[other].context == 2.5 * rows["deepseek"].context
        assert rows[other].price.output == rows["deepseek"].price.output


def test_a_good_row_is_read() -> None:
    assert [row.id for row in parse_fleet(GOOD).values()] == ["a@b"]


@pytest.mark.parametrize(
    ("was", "becomes", "complaint"),
    [
        ("ttft_s = 1.0", "ttft = 1.0", "unknown field `ttft`"),
        ("ttft_s = 1.0", "", "missing required field `ttft_s`"),
        ("ttft_s = 1.0", "ttft_s = 0.0", "ttft_s"),
        ("ttft_s = 1.0", 'ttft_s = "fast"', "ttft_s"),
        ("context = 1000", "context = 1.5", "context"),
        ("input = 1.0", "input = -1.0", "price.input"),
        ("output = 2.0", "out = 2.0", "price"),
        ('reasoning = "none"', 'reasoning = "some"', "reasoning"),
        ('reasoning = "none"', 'reasoning = "hidden"', "reasoning_share"),
        ("[[row]]", "colour = 1\n[[row]]", "unknown key 'colour'"),
        ("[[row]]", "[row]", "no [[row]]"),
        ('"a@b"', '"a b"', "id"),
        ("context = 1000", "context 1000", "line"),
    ],
)
def test_a_mistake_is_named(was: str, becomes: str, complaint: str) -> None:
    with pytest.raises(MarketError) as told:
        parse_fleet(GOOD.replace(was, becomes))
    assert complaint in str(told.value)


def test_all_mistakes_are_reported_at_once() -> None:
    bad = GOOD.replace("ttft_s = 1.0", "") + GOOD.replace("context = 1000", "") + GOOD + GOOD
    with pytest.raises(MarketError) as told:
        parse_fleet(bad)
    lines = str(told.value).splitlines()
    assert len(lines) == 3
    assert "row 1" in lines[0]
    assert "row 2" in lines[1]
    assert "used 2 times" in lines[2]


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(MarketError, match=r"nowhere\.toml"):
        load_fleet(tmp_path / "nowhere.toml")

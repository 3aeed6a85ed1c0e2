"""One agent's conversation of 40 turns that grows to 80,000 tokens, over endpoints with and without
prompt caches: what it costs by the providers' own books, against every endpoint taken alone and
against a proxy that was not told of the caches.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from router.sandbox.process import Market
from tests.acceptance.proxy import Proxy, proxy

TURNS, GROWN_TOKENS = 40, 80_000
WORDS = 1450
"""Of a turn's question: with the answer before it they make it grow by 2,000 tokens."""
SPEED = 200.0
"""Turns are some twenty seconds apart: they must stay within the caches' five minutes."""

KEYS = {"THE_KEY": "k"}

_ROW = """
[[row]]
id = "{id}"
provider = "{provider}"
model = "m"
price = {{ input = {input}, output = {output}{cached} }}
context = 131072
ttft_s = 2.0
ttft_s_per_1k = 0.02
ttft_sigma = 0.1
tokens_per_s = 60.0
answer_tokens = 150
reasoning = "none"
{memory}
"""
_ENDPOINT = """
[[endpoints]]
id = "{id}"
provider = "{provider}"
model = "m"
serves = ["m"]
family = "m"
context = 131072
base_url = "{url}"
api_key_env = "THE_KEY"
price = {{ input = {input}, output = {output}{cached} }}
prior = {{ ttft_ms = 2000, tps = 60, answer_tokens = 150 }}
"""
SELLERS: dict[str, dict[str, Any]] = {
    "plain": {"input": 0.50, "output": 2.0, "cached": None},
    "caching": {"input": 0.60, "output": 2.2, "cached": 0.06},
    "dear-caching": {"input": 0.90, "output": 3.0, "cached": 0.09},
    "half-caching": {"input": 0.55, "output": 2.1, "cached": 0.40},
}


def market_file(folder: Path) -> Path:
    rows = [
        _ROW.format(
            id=f"m@{name}",
            provider=name,
            **{**price, "cached": _cached(price)},
            memory="cache_s = 300.0" if price["cached"] else "",
        )
        for name, price in SELLERS.items()
    ]
    path = folder / "market.toml"
    path.write_text("".join(rows))
    return path


def config_file(folder: Path, market: Market, *, knows_caches: bool) -> Path:
    rows = [
        _ENDPOINT.format(
            id=f"m@{name}",
            provider=name,
            url=market.base_url(f"m@{name}"),
            **{**price, "cached": _cached(price) if knows_caches else ""},
        )
        for name, price in SELLERS.items()
    ]
    path = folder / f"config-{knows_caches}.toml"
    path.write_text("".join(rows))
    return path


def _cached(price: dict[str, Any]) -> str:
    return "" if price["cached"] is None else f", cached_input = {price['cached']}"


async def talk(house: Proxy, market: Market, name: str, **more: Any) -> float:
    """Hold the conversation; return what the providers booked for it, in USD."""
    grow = "word " * WORDS
    messages = [{"role": "user", "content": f"This is {name}. {grow}"}]
    before = len(await market.ledger())
    for turn in range(TURNS):
        reply = await house.ask(
            "m", messages=messages, stream=True, headers={"x-session-id": name}, **more
        )
        assert reply.status == 200, reply.raw
        messages += [
            {"role": "assistant", "content": reply.text},
            {"role": "user", "content": f"Turn {turn}: {grow}"},
        ]
    entries = (await market.ledger())[before:]
    assert len(entries) == TURNS
    assert entries[-1].prompt_tokens == pytest.approx(GROWN_TOKENS, rel=0.15)
    return sum(entry.cost_nano_usd for entry in entries) / 1e9


@pytest.mark.slow
async def test_an_agents_conversation_costs_little_more_than_the_best_endpoint_for_it(
    tmp_path: Path,
) -> None:
    async with Market.start(speed=SPEED, seed=1, market=market_file(tmp_path)) as market:
        routed: dict[bool, float] = {}
        alone: dict[str, float] = {}
        for knows_caches in (False, True):
            config = config_file(tmp_path, market, knows_caches=knows_caches)
            async with proxy(speed=SPEED, config=config, environ=KEYS, adapters=False) as house:
                routed[knows_caches] = await talk(house, market, f"routed {knows_caches}")
        async with proxy(speed=SPEED, config=config, environ=KEYS, adapters=False) as house:
            for name in SELLERS:
                only = {"only": [name]}
                alone[name] = await talk(house, market, f"alone {name}", provider=only)
    best = min(alone.values())
    assert routed[True] <= 1.1 * best, (routed, alone)
    assert routed[True] <= 0.5 * routed[False], (routed, alone)

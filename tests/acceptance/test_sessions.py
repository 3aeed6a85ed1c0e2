"""Conversations through the real proxy: a turn goes where its prompt is still cached, if that is
cheaper. Two providers of one model; the dearer one was given the first turn.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests.acceptance.proxy import Proxy, proxy

CONFIG = """
[[endpoints]]
id = "deepseek-r1@lambda"
provider = "lambda"
model = "deepseek-r1-671b"
serves = ["deepseek-r1"]
context = 163840
base_url = "https://api.lambda.ai/v1"
family = "deepseek-r1"
api_key_env = "LAMBDA_API_KEY"
price = { input = 0.55, output = 2.19, cached_input = 0.14 }

[[endpoints]]
id = "deepseek-r1@deepseek"
provider = "deepseek"
model = "deepseek/deepseek-reasoner"
serves = ["deepseek-r1"]
context = 65536
base_url = "https://api.deepseek.com/v1"
family = "deepseek-r1"
api_key_env = "DEEPSEEK_API_KEY"
price = { input = 0.60, output = 2.19, cached_input = 0.14 }
"""
DEARER, CHEAPER = "deepseek-r1@deepseek", "deepseek-r1@lambda"
MORE = [{"role": "assistant", "content": "Yes."}, {"role": "user", "content": "And now?"}]


@pytest_asyncio.fixture
async def house(tmp_path: Path) -> AsyncIterator[Proxy]:
    config = tmp_path / "config.toml"
    config.write_text(CONFIG)
    async with proxy(speed=50, config=config, adapters=False) as running:
        yield running


def first(name: str, words: int = 10_000) -> list[dict[str, Any]]:
    return [{"role": "user", "content": f"{name} " * words}]


@pytest.mark.parametrize("said", ["x-session-id", "prompt_cache_key"])
async def test_the_next_turn_stays_where_its_prompt_is_cached(house: Proxy, said: str) -> None:
    turn: dict[str, Any] = {"messages": first(said), "max_tokens": 40}
    headers = {said: f"chat of {said}"} if said.startswith("x-") else {}
    if not headers:
        turn[said] = f"chat of {said}"
    began = await house.ask(**turn, headers=headers, provider={"only": ["deepseek"]}, stream=True)
    assert (began.status, began.endpoint) == (200, DEARER)
    turn["messages"] = turn["messages"] + MORE
    strangers = [{}, {"x-session-id": "somebody new"}]
    told = [
        await house.explain(**{**turn, "prompt_cache_key": None}, headers=other)
        for other in strangers
    ]
    assert [t["chosen"]["endpoint"] for t in told] == [CHEAPER, CHEAPER]
    explained = await house.explain(**turn, headers=headers)
    went_on = await house.ask(**turn, headers=headers, stream=True)
    assert went_on.endpoint == explained["chosen"]["endpoint"] == DEARER
    (entry,) = await house.entries(went_on.id, 1)
    assert entry.cached_tokens > 0.9 * entry.prompt_tokens
    (attempt,) = (await house.record(went_on.id)).outcome.attempts
    assert attempt.usage is not None
    assert attempt.usage.cache_read == entry.cached_tokens


async def test_a_bound_that_the_warm_one_misses_wins_over_its_cache(house: Proxy) -> None:
    headers = {"x-session-id": "in a hurry"}
    turn: dict[str, Any] = {"messages": first("hurry"), "max_tokens": 40, "headers": headers}
    await house.ask(**turn, provider={"only": ["deepseek"]}, stream=True)
    told = await house.explain(**turn, sla={"TTFT-Ms": 20_000})
    assert told["chosen"]["endpoint"] == CHEAPER


async def test_a_conversation_that_nobody_named_stays_as_well(house: Proxy) -> None:
    turn: dict[str, Any] = {"messages": first("nobody-named-this"), "max_tokens": 40}
    began = await house.ask(**turn, provider={"only": ["deepseek"]}, stream=True)
    assert began.endpoint == DEARER
    other = await house.explain(messages=first("somebody-else-said") + MORE, max_tokens=40)
    assert other["chosen"]["endpoint"] == CHEAPER
    turn["messages"] = turn["messages"] + MORE
    went_on = await house.ask(**turn, stream=True)
    assert went_on.endpoint == DEARER


async def test_a_compacted_conversation_goes_where_it_is_cheap(house: Proxy) -> None:
    headers = {"x-claude-code-session-id": "compacted"}
    turn: dict[str, Any] = {"messages": first("long"), "max_tokens": 40, "headers": headers}
    await house.ask(**turn, provider={"only": ["deepseek"]}, stream=True)
    assert (await house.explain(**turn))["chosen"]["endpoint"] == DEARER
    turn["messages"] = first("summary")
    anew = {**headers, "x-claude-code-context-compacted": "1"}
    assert (await house.ask(**{**turn, "headers": anew}, stream=True)).endpoint == CHEAPER
    assert (await house.explain(**turn))["chosen"]["endpoint"] == CHEAPER

"""The market's prompt cache, over real HTTP and in the provider's books."""

from typing import Any

import pytest

from router.sandbox.process import Market
from tests.sandbox.caller import R1, call, entry_of

pytestmark = pytest.mark.asyncio(loop_scope="session")

OFFICIAL = "deepseek-r1@deepseek"
SHORT = {"x-sandbox-answer-tokens": "2", "x-sandbox-ttft-s": "1"}


def conversation(name: str, words: int = 3000) -> list[dict[str, Any]]:
    return [{"role": "user", "content": f"{name} " * words}]


async def test_the_next_turn_is_read_from_the_cache_and_billed_so(market: Market) -> None:
    first = conversation("river")
    more = [{"role": "assistant", "content": "Yes."}, {"role": "user", "content": "And now?"}]
    cold = await entry_of(market, (await call(market, OFFICIAL, messages=first, headers=SHORT)).id)
    reply = await call(market, OFFICIAL, messages=first + more, headers=SHORT)
    warm = await entry_of(market, reply.id)
    assert cold.cached_tokens == 0
    assert cold.prompt_tokens - 64 < warm.cached_tokens <= cold.prompt_tokens < warm.prompt_tokens
    assert reply.json["usage"]["prompt_cache_hit_tokens"] == warm.cached_tokens
    fresh = warm.prompt_tokens - warm.cached_tokens
    assert warm.cost_nano_usd == round(fresh * 550 + warm.cached_tokens * 140 + 2 * 2190)


@pytest.mark.parametrize(
    ("endpoint", "name", "words"), [(R1, "forest", 3000), (OFFICIAL, "pond", 500)]
)
async def test_who_has_no_cache_and_what_is_short_are_read_afresh(
    market: Market, endpoint: str, name: str, words: int
) -> None:
    for _ in range(2):
        reply = await call(market, endpoint, messages=conversation(name, words), headers=SHORT)
        assert (await entry_of(market, reply.id)).cached_tokens == 0


async def test_another_beginning_is_another_prompt(market: Market) -> None:
    told = conversation("meadow")
    system = [{"role": "system", "content": "Be brief."}]
    await call(market, OFFICIAL, messages=told, headers=SHORT)
    reply = await call(market, OFFICIAL, messages=system + told, headers=SHORT)
    assert (await entry_of(market, reply.id)).cached_tokens == 0

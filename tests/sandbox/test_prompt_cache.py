"""The market's prompt cache, over real HTTP and in the provider's books."""

from typing import Any

import pytest

from router.sandbox.process import Market
from tests.sandbox.caller import CLAUDE, R1, call, entry_of

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


LONG = "harbour " * 700
FIVE_MINUTES: Any = {"cache_control": {"type": "ephemeral"}}
AN_HOUR: Any = {"cache_control": {"type": "ephemeral", "ttl": "1h"}}


def told(name: str, mark: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """A request whose system prompt bears a mark."""
    system = [{"type": "text", "text": f"{name} {LONG}", **mark}]
    return {"system": system, "max_tokens": 9, "headers": SHORT, **fields}


@pytest.mark.parametrize(("mark", "hour"), [(FIVE_MINUTES, False), (AN_HOUR, True)])
@pytest.mark.parametrize("stream", [True, False])
async def test_what_a_message_marks_is_written_once_and_then_read(
    market: Market, mark: dict[str, Any], *, hour: bool, stream: bool
) -> None:
    asked = told(f"marked {hour} {stream}", mark, stream=stream)
    cold, warm = [await call(market, CLAUDE, **asked) for _ in range(2)]
    first, second = [await entry_of(market, reply.id) for reply in (cold, warm)]
    assert first.cache_write_tokens == second.cached_tokens > 1024
    assert first.cached_tokens == second.cache_write_tokens == 0
    rate = 6000 if hour else 3750
    assert first.cost_nano_usd == first.cache_write_tokens * rate + 7 * 3000 + 2 * 15_000
    assert second.cost_nano_usd == second.cached_tokens * 300 + 7 * 3000 + 2 * 15_000
    usage = cold.events[0]["message"]["usage"] if stream else cold.json["usage"]
    assert usage["input_tokens"] == 7
    assert usage["cache_creation_input_tokens"] == first.cache_write_tokens
    kept = usage["cache_creation"]
    assert kept["ephemeral_1h_input_tokens"] == (first.cache_write_tokens if hour else 0)


async def test_the_mark_moves_on_and_what_it_left_is_still_read(market: Market) -> None:
    first: Any = [{"role": "user", "content": [{"type": "text", "text": f"quay {LONG}"}]}]
    first[0]["content"][0] |= FIVE_MINUTES
    cold = await entry_of(
        market, (await call(market, CLAUDE, messages=first, max_tokens=9, headers=SHORT)).id
    )
    del first[0]["content"][0]["cache_control"]
    more: Any = [
        {"role": "assistant", "content": "Yes."},
        {"role": "user", "content": [{"type": "text", "text": "And now?", **FIVE_MINUTES}]},
    ]
    reply = await call(market, CLAUDE, messages=first + more, max_tokens=9, headers=SHORT)
    warm = await entry_of(market, reply.id)
    assert warm.cached_tokens == cold.cache_write_tokens == cold.prompt_tokens
    assert warm.cache_write_tokens == warm.prompt_tokens - warm.cached_tokens > 0


async def test_a_mark_on_the_whole_request_is_one_on_its_last_block(market: Market) -> None:
    asked: Any = told("whole", {}, **FIVE_MINUTES)
    cold, warm = [await call(market, CLAUDE, **asked) for _ in range(2)]
    entry = await entry_of(market, cold.id)
    assert entry.cache_write_tokens == entry.prompt_tokens
    assert (await entry_of(market, warm.id)).cached_tokens == entry.prompt_tokens


async def test_what_no_request_marks_is_not_remembered(market: Market) -> None:
    for _ in range(2):
        reply = await call(market, CLAUDE, **told("unmarked", {}))
        entry = await entry_of(market, reply.id)
        assert (entry.cached_tokens, entry.cache_write_tokens) == (0, 0)


async def test_a_short_beginning_is_not_cached(market: Market) -> None:
    short = [{"type": "text", "text": "Be brief.", **FIVE_MINUTES}]
    reply = await call(market, CLAUDE, system=short, max_tokens=9, headers=SHORT)
    assert (await entry_of(market, reply.id)).cache_write_tokens == 0


async def test_five_marks_are_one_too_many(market: Market) -> None:
    blocks = [{"type": "text", "text": f"{n}", **FIVE_MINUTES} for n in range(5)]
    reply = await call(market, CLAUDE, system=blocks, max_tokens=9)
    assert reply.status == 400
    assert "Found 5" in reply.json["error"]["message"]

import asyncio
import json
import socket
from typing import Any

import aiohttp
import pytest

from router.sandbox.fleet import EndpointId, Price, load_fleet
from router.sandbox.ledger import KEPT, Ledger, Tab, Usage, cost_nano_usd
from router.sandbox.process import Market
from tests.sandbox.caller import CLAUDE, HELLO, R1, call, entry_of

LIFE = pytest.mark.asyncio(loop_scope="session")
SHORT = {"x-sandbox-answer-tokens": "50"}
ROW = load_fleet()[EndpointId(R1)]
SPEAKING = [row.id for row in load_fleet().values() if not row.dimensions]


def test_every_kind_of_token_has_its_price() -> None:
    usage = Usage(prompt=1000, cached=600, cache_write=100, reasoning=30, text=20)
    price = Price(input=3, output=15, cached_input=0.3, cache_write=3.75)
    assert cost_nano_usd(usage, price) == 300 * 3000 + 600 * 300 + 100 * 3750 + 50 * 15000


def test_without_a_cache_price_a_cached_token_is_a_fresh_one() -> None:
    assert cost_nano_usd(Usage(prompt=10, cached=5), Price(input=0.55, output=1)) == 5500


def test_the_books_number_their_entries_without_a_gap() -> None:
    ledger = Ledger()
    for name in ("a", "b", "c"):
        ledger.enter(ROW, Tab(id=name, at=1.0), now=2.0)
    assert [(entry.seq, entry.id) for entry in ledger.since(1)] == [(2, "b"), (3, "c")]
    assert KEPT > 100_000


@LIFE
@pytest.mark.parametrize("endpoint", SPEAKING)
@pytest.mark.parametrize("stream", [True, False])
async def test_what_the_answer_reports_is_what_is_billed(
    market: Market, endpoint: str, *, stream: bool
) -> None:
    options: dict[str, Any] = (
        {"stream_options": {"include_usage": True}} if endpoint != CLAUDE else {}
    )
    reply = await call(market, endpoint, stream=stream, max_tokens=40, headers=SHORT, **options)
    entry = await entry_of(market, reply.id)
    price = market.rows[EndpointId(endpoint)].price
    assert (entry.prompt_tokens, entry.reasoning_tokens + entry.text_tokens) == (7, 40)
    assert entry.cost_nano_usd == round((7 * price.input + 40 * price.output) * 1000)
    assert (entry.end, entry.stream, entry.endpoint) == ("complete", stream, endpoint)
    assert 0 < (entry.ttft_s or 0) <= entry.duration_s
    assert str(reply.raw).count("40") > 0


@LIFE
@pytest.mark.parametrize("after", [5, 20])
async def test_a_client_that_hangs_up_pays_for_what_was_sent(market: Market, after: int) -> None:
    name = f"gone-{after}"
    heard = 0
    body = {"model": "m", "messages": HELLO, "stream": True}
    heads = {"authorization": "k", "x-request-id": name, "x-sandbox-answer-tokens": "5000"}
    heads["x-sandbox-fault"] = "slow_speed:20"  # 300 tokens in a real second
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{market.base_url(R1)}/chat/completions", json=body, headers=heads) as answer,
    ):
        async for line in answer.content:
            if line.startswith(b"data: {"):
                delta = json.loads(line[6:])["choices"][0]["delta"]
                heard += len((delta.get("reasoning_content") or "").split())
            if heard >= after:
                break
        answer.close()
    entry = await entry_of(market, name)
    assert entry.end == "cancelled"
    assert heard <= entry.reasoning_tokens < heard + 200
    assert entry.cost_nano_usd == 7 * 2000 + entry.reasoning_tokens * 4000


@LIFE
@pytest.mark.parametrize("stream", [True, False])
async def test_hanging_up_during_hidden_thinking_pays_for_the_thoughts(
    market: Market, *, stream: bool
) -> None:
    name = f"thinking-{stream}"
    body = {"model": "m", "messages": HELLO, "stream": stream}
    heads = {"authorization": "k", "x-request-id": name, "x-sandbox-answer-tokens": "50000"}
    url = f"{market.base_url('o3@openai')}/chat/completions"
    with pytest.raises(TimeoutError):
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=0.2)) as session,
            session.post(url, json=body, headers=heads) as answer,
        ):
            await answer.read()
    entry = await entry_of(market, name)
    assert entry.end == "cancelled"
    assert (entry.text_tokens, entry.ttft_s) == (0, None)
    # By the provider's own watch: a busy machine may leave late.
    assert entry.reasoning_tokens == pytest.approx((entry.duration_s - 1) * 110, rel=0.3)


@LIFE
async def test_hanging_up_before_the_first_token_pays_the_prompt(market: Market) -> None:
    with pytest.raises(TimeoutError):
        await call(
            market, headers={"x-sandbox-ttft-s": "300", "x-request-id": "early"}, patience_s=0.1
        )
    entry = await entry_of(market, "early")
    assert (entry.end, entry.cost_nano_usd) == ("cancelled", 7 * 2000)
    assert entry.duration_s < 60


@LIFE
async def test_a_body_that_never_ends_is_entered_when_its_client_goes(market: Market) -> None:
    def half_a_request() -> None:
        with socket.create_connection((market.host, market.port)) as wire:
            head = f"POST /{R1}/v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: k\r\n"
            wire.sendall(f"{head}x-request-id: half\r\ncontent-length: 900\r\n\r\n{{".encode())

    await asyncio.to_thread(half_a_request)
    entry = await entry_of(market, "half")
    assert (entry.end, entry.cost_nano_usd) == ("cancelled", 0)


@LIFE
async def test_a_hundred_at_once_are_entered_once_each(market: Market) -> None:
    before = await market.ledger()
    replies = await asyncio.gather(
        *(call(market, stream=bool(n % 2), headers=SHORT) for n in range(100))
    )
    entries = await market.ledger(since=before[-1].seq if before else 0)
    ids = [entry.id for entry in entries]
    assert sorted(ids) == sorted(reply.id for reply in replies)
    assert {entry.end for entry in entries} == {"complete"}

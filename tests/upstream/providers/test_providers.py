"""Every row of docs/providers.md buys from a server that sells as that provider does."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from router.config.providers import PROVIDERS
from router.core.books import cost_nano_usd
from router.core.catalogue import Dialect, Endpoint
from router.core.faults import Fault, Kind
from router.core.surface import Surface
from router.ports import Call, Upstream
from router.upstream.connector import open_connector
from router.upstream.litellm import LiteLLM
from router.upstream.relay import Relay
from tests.upstream.asking import answer, usage_of
from tests.upstream.providers.page import PAGE, ROWS, Key, endpoint, on_loopback
from tests.upstream.providers.sellers import SELLERS, Refusal, Seller, Voice
from tests.upstream.providers.shop import SAID, Shop, open_shop

KEY = "sk-proj-a-key-nobody-may-see-0123456789"
OTHER_KEY = "sk-proj-another-key-nobody-may-see-9876543210"
SURFACES = {Voice.EMBEDDINGS: Surface.EMBEDDINGS, Voice.MESSAGES: Surface.MESSAGES}

# litellm asks an object of pydantic's for all it has.
pytestmark = pytest.mark.filterwarnings("ignore:Accessing the 'model_:DeprecationWarning")
every = pytest.mark.parametrize("name", SELLERS)
chats = pytest.mark.parametrize(
    "name", [n for n, each in SELLERS.items() if each.voice in (Voice.CHAT, Voice.CONVERSE)]
)
keyed = pytest.mark.parametrize("name", [n for n, each in SELLERS.items() if each.bad_key])
strict = pytest.mark.parametrize("name", [n for n, each in SELLERS.items() if each.refused_fields])


def a_call(seller: Seller, *, stream: bool, wants_usage: bool = False) -> Call:
    """Return what a client asks, our own keys still in it."""
    body: dict[str, object] = {"model": "what the client calls it", "sla": {}, "provider": {}}
    if seller.voice is Voice.EMBEDDINGS:
        body["input"] = "Why is the sky blue?"
    else:
        body |= {"messages": [{"role": "user", "content": "Why?"}], "max_tokens": 64}
    if stream:
        body["stream"] = True
    if wants_usage:
        body["stream_options"] = {"include_usage": True}
    return Call(
        body=json.dumps(body).encode(),
        headers={},
        stream=stream,
        wants_usage=wants_usage,
        attempt_id="attempt-1",
        surface=SURFACES.get(seller.voice, Surface.CHAT),
    )


@pytest.fixture
def bought(name: str, tmp_path: Path) -> Endpoint:
    return endpoint(tmp_path, name, KEY)


@asynccontextmanager
async def at_the_shop(
    name: str, bought: Endpoint, *, key: str = KEY
) -> AsyncIterator[tuple[Upstream, Endpoint, Shop]]:
    """Open the provider's shop and a way to it, with ``key`` in the environment."""
    seller = SELLERS[name]
    expected = KEY if bought.api_key_env else ""
    async with open_shop(seller, key=expected, model=bought.upstream_model) as shop:
        there = replace(bought, base_url=on_loopback(bought.base_url, shop.port))
        environ = Key(key) if bought.api_key_env else Key("")
        if bought.dialect is Dialect.LITELLM:
            litellm = LiteLLM([there], environ=environ, wall=lambda: 0.0)
            litellm.start_loading().join()
            assert litellm.ready, litellm.error
            yield litellm, there, shop
            await litellm.close()
            return
        async with open_connector() as connector:
            yield Relay(connector, [there], environ=environ, wall=lambda: 0.0), there, shop


@pytest.fixture(autouse=True)
def _region(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_REGION_NAME", "us-west-2")


def streams_of(name: str) -> list[bool]:
    return [False] if SELLERS[name].voice is Voice.EMBEDDINGS else [False, True]


@every
async def test_an_answer_is_asked_for_as_the_provider_wants_it_and_counted_as_it_counts(
    name: str, bought: Endpoint
) -> None:
    seller = SELLERS[name]
    async with at_the_shop(name, bought) as (upstream, there, shop):
        for stream in streams_of(name):
            pieces = await answer(upstream, there, a_call(seller, stream=stream))
            usage = usage_of(pieces)
            assert usage == seller.told.usage
            assert cost_nano_usd(usage, seller.told.price) == seller.told.nano_usd
            said = b"".join(piece.data for piece in pieces)
            if seller.voice is not Voice.EMBEDDINGS:
                assert all(part.encode() in said for part in SAID)
    for target, head, body in zip(shop.targets, shop.heads, shop.seen, strict=True):
        assert target in (seller.target, seller.stream_target or seller.target)
        expected = seller.scheme + KEY if bought.api_key_env else None
        assert head.get(seller.header) == expected
        assert str(head).count(KEY) == bool(bought.api_key_env)
        assert body.keys().isdisjoint({"sla", "provider"})
        assert "what the client calls it" not in str(body)
        if seller.voice is not Voice.CONVERSE:
            assert body["model"] == bought.upstream_model
        if seller.voice is Voice.MESSAGES:
            assert head["anthropic-version"]


@chats
async def test_a_client_that_asks_for_usage_in_a_stream_gets_it(
    name: str, bought: Endpoint
) -> None:
    seller = SELLERS[name]
    async with at_the_shop(name, bought) as (upstream, there, _):
        pieces = await answer(upstream, there, a_call(seller, stream=True, wants_usage=True))
    assert usage_of(pieces) == seller.told.usage
    told = b"".join(piece.data for piece in pieces)
    assert b"usage" in told or b"timings" in told


@keyed
async def test_a_refused_key_is_the_operators_and_is_shown_to_nobody(
    name: str, bought: Endpoint
) -> None:
    seller = SELLERS[name]
    assert bought.api_key_env is not None
    async with at_the_shop(name, bought, key=OTHER_KEY) as (upstream, there, _):
        for stream in streams_of(name):
            fault = await _fault(upstream, there, a_call(seller, stream=stream))
            assert fault.kind is Kind.CREDENTIALS
            assert fault.upstream is None
            assert bought.api_key_env in fault.message
            assert OTHER_KEY not in f"{fault.message} {fault!s} {fault!r}"


@every
async def test_every_other_refusal_is_understood_and_passed_on(name: str, bought: Endpoint) -> None:
    seller = SELLERS[name]
    async with at_the_shop(name, bought) as (upstream, there, shop):
        for refusal in seller.refusals:
            shop.mood = refusal
            fault = await _fault(upstream, there, a_call(seller, stream=False))
            assert (fault.kind, refusal.status) == (refusal.kind, refusal.status), fault.message
            _passes(fault, refusal, litellm=there.dialect is Dialect.LITELLM)
            assert KEY not in f"{fault.message} {fault!s} {fault!r}"


def _passes(fault: Fault, refusal: Refusal, *, litellm: bool) -> None:
    if refusal.kind is Kind.CREDENTIALS:
        assert fault.upstream is None
        return
    assert fault.retry_after_s == refusal.wait_s
    assert fault.upstream is not None
    assert fault.upstream.status == refusal.status
    if not litellm:
        assert fault.upstream.body == refusal.body.encode()


@strict
async def test_what_the_provider_refuses_is_known_beforehand(name: str, bought: Endpoint) -> None:
    seller = SELLERS[name]
    lacking = PROVIDERS[bought.provider].lacks
    assert set(seller.refused_fields) <= lacking
    async with at_the_shop(name, bought) as (upstream, there, _):
        call = a_call(seller, stream=False)
        body = {**json.loads(call.body), seller.refused_fields[-1]: {}}
        asking = msgspec.structs.replace(call, body=json.dumps(body).encode())
        assert (await _fault(upstream, there, asking)).kind is Kind.REJECTED


@every
def test_the_row_says_all_that_a_purchase_needs(name: str, bought: Endpoint) -> None:
    assert bought.id == name
    assert bought.price is not None
    assert bought.context >= 4096
    assert bought.provider in PROVIDERS
    spoken = SURFACES.get(SELLERS[name].voice, Surface.CHAT)
    assert spoken in bought.speaks
    assert (bought.api_key_env is None) == (SELLERS[name].bad_key is None)


def test_every_row_of_the_page_has_its_seller_and_every_provider_its_row() -> None:
    assert set(ROWS) == set(SELLERS)
    assert {name for name in PROVIDERS if f'provider = "{name}"' in PAGE} == set(PROVIDERS)


async def _fault(upstream: Upstream, there: Endpoint, call: Call) -> Fault:
    with pytest.raises(Fault) as raised:
        await answer(upstream, there, call)
    return raised.value

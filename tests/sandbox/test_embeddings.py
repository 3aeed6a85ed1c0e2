"""The market's embeddings, read by OpenAI's own client and byte by byte."""

from math import isclose

import pytest

from router.sandbox.process import Market
from tests.sandbox.caller import R1, call, entry_of
from tests.sandbox.test_openai import client

pytestmark = pytest.mark.asyncio(loop_scope="session")

PATH = "/embeddings"
SMALL = "embedding-3@openai"


async def test_the_real_client_reads_vectors_of_length_one(market: Market) -> None:
    async with client(market, SMALL) as ai:
        answer = await ai.embeddings.create(model="any", input=["hello there", "good bye"])
    assert [one.index for one in answer.data] == [0, 1]
    assert all(len(one.embedding) == 1536 for one in answer.data)
    assert all(isclose(sum(x * x for x in one.embedding), 1, rel_tol=1e-3) for one in answer.data)
    assert (answer.usage.prompt_tokens, answer.usage.total_tokens) == (5, 5)
    assert answer.model == "text-embedding-3-small"


async def test_the_same_text_has_the_same_vector_in_either_encoding(market: Market) -> None:
    async with client(market, SMALL) as ai:
        plain = await ai.embeddings.create(
            model="any", input="river", dimensions=4, encoding_format="float"
        )
        packed = await ai.embeddings.create(model="any", input=["sea", "river"], dimensions=4)
    assert packed.data[1].embedding == pytest.approx(plain.data[0].embedding, rel=1e-6)
    assert packed.data[0].embedding != pytest.approx(plain.data[0].embedding, rel=1e-3)


async def test_only_the_input_is_billed(market: Market) -> None:
    reply = await call(market, SMALL, path=PATH, input="x" * 4000)
    entry = await entry_of(market, reply.id)
    assert (entry.prompt_tokens, entry.text_tokens, entry.end) == (1000, 0, "complete")
    assert entry.cost_nano_usd == 1000 * 20


@pytest.mark.parametrize(("given", "tokens"), [([1, 2, 3], 3), ([[1, 2], [3]], 3), (["a", "b"], 2)])
async def test_inputs_may_be_texts_or_tokens(market: Market, given: object, tokens: int) -> None:
    reply = await call(market, SMALL, path=PATH, input=given)
    assert reply.json["usage"]["prompt_tokens"] == tokens


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"input": ""}, "input"),
        ({"input": []}, "input"),
        ({"input": ["a", ""]}, "input"),
        ({"input": ["a", 1]}, "input"),
        ({"input": ["a"] * 2049}, "input"),
        ({"input": "a", "dimensions": 0}, "dimensions"),
        ({"input": "a", "dimensions": 1537}, "dimensions"),
        ({"input": "a", "encoding_format": "hex"}, "encoding_format"),
        ({"input": "x" * 4 * 8192}, None),
    ],
)
async def test_a_bad_body_is_a_400_in_the_true_shape(
    market: Market, fields: dict[str, object], param: str | None
) -> None:
    reply = await call(market, SMALL, path=PATH, body={"model": "m", **fields})
    assert (reply.status, reply.json["error"]["param"]) == (400, param)
    assert (await entry_of(market, reply.id)).cost_nano_usd == 0


async def test_many_inputs_may_together_be_longer_than_the_window(market: Market) -> None:
    reply = await call(market, SMALL, path=PATH, input=["x" * 4 * 8191] * 3)
    assert reply.json["usage"]["prompt_tokens"] == 3 * 8191


@pytest.mark.parametrize(
    ("endpoint", "path", "what"),
    [(R1, PATH, "generate embeddings"), (SMALL, "/chat/completions", "sample")],
)
async def test_a_model_does_what_it_is_made_for(
    market: Market, endpoint: str, path: str, what: str
) -> None:
    reply = await call(market, endpoint, path=path)
    assert reply.status == 403
    assert reply.json["error"]["message"] == f"You are not allowed to {what} from this model"


@pytest.mark.parametrize("fault", ["http_503", "error_mid:1", "die_mid:1", "garbage"])
async def test_faults_strike_here_as_in_chat(market: Market, fault: str) -> None:
    reply = await call(market, SMALL, path=PATH, headers={"x-sandbox-fault": fault})
    assert (await entry_of(market, reply.id)).end == f"fault:{fault.partition(':')[0]}"

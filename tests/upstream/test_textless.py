"""Embeddings and counts of tokens, read: they show no text, and cost their input or nothing."""

import json
from collections.abc import Callable

import pytest

from router.core.answer import Content, Piece, Usage
from router.core.catalogue import Endpoint
from router.core.faults import Fault, Kind
from router.upstream import count_tokens, embeddings
from tests.upstream.asking import an_endpoint

ENDPOINT = an_endpoint()
VECTOR = {"object": "embedding", "index": 0, "embedding": [0.5, -0.25]}


def embedded(usage: object, *vectors: object) -> bytes:
    return json.dumps({"object": "list", "data": vectors, "model": "m", "usage": usage}).encode()


@pytest.mark.parametrize(
    ("told", "usage"),
    [
        pytest.param({"prompt_tokens": 8, "total_tokens": 8}, Usage(fresh_input=8), id="openai"),
        pytest.param({"total_tokens": 8}, Usage(fresh_input=8), id="voyage"),
        pytest.param(
            {"prompt_tokens": 8, "completion_tokens": 0, "total_tokens": 8},
            Usage(fresh_input=8),
            id="mistral",
        ),
        pytest.param(
            {"prompt_tokens": 8, "total_tokens": 8, "cost": 0.00000016},
            Usage(fresh_input=8, reported_cost_nano_usd=160),
            id="openrouter",
        ),
        pytest.param(None, None, id="nothing told"),
        pytest.param({"total_tokens": -1}, None, id="nonsense"),
    ],
)
def test_all_tokens_of_an_embedding_are_its_input(told: object, usage: Usage | None) -> None:
    body = embedded(told, VECTOR, {**VECTOR, "embedding": "AAAAPwAAgL4="})
    assert embeddings.read_whole(body, ENDPOINT) == Piece(
        body, Content.ANSWER, usage=usage, ended=True
    )


def test_no_vector_is_no_content() -> None:
    assert embeddings.read_whole(embedded(None), ENDPOINT).content is Content.NOTHING


def test_a_count_of_tokens_is_free() -> None:
    body = b'{"input_tokens": 2095, "context_management": {"original_input_tokens": 7000}}'
    assert count_tokens.read_whole(body, ENDPOINT) == Piece(
        body, Content.ANSWER, usage=Usage(), ended=True
    )


@pytest.mark.parametrize("read_whole", [embeddings.read_whole, count_tokens.read_whole])
@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b'{"error":{"type":"overloaded_error"}}', Kind.SERVER_ERROR),
        (b'{"data":[{', Kind.BROKEN),
        (b"{}", Kind.GARBAGE),
        (b"[]", Kind.GARBAGE),
        (b'{"data":"none","input_tokens":"many"}', Kind.GARBAGE),
        (b"<html>", Kind.GARBAGE),
        (b"\xff\xfe", Kind.GARBAGE),
    ],
)
def test_anything_else_is_a_fault(
    read_whole: Callable[[bytes, Endpoint], Piece], body: bytes, kind: Kind
) -> None:
    with pytest.raises(Fault) as told:
        read_whole(body, ENDPOINT)
    assert told.value.kind is kind

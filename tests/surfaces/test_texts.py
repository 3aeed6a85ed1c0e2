"""Completions and embeddings, read for routing."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.core.ask import Ask
from router.core.catalogue import Capability
from router.core.faults import Fault
from router.core.policy import DEFAULT_POLICY
from router.core.surface import Surface
from router.core.tokens import guess
from router.surfaces.asking import read_ask
from router.surfaces.sla import SlaReader
from tests.surfaces.house import POLICIES


def ask(surface: Surface, **more: Any) -> Ask:
    raw = json.dumps({"model": "deepseek-r1", **more}).encode()
    slas = SlaReader(POLICIES, DEFAULT_POLICY)
    return read_ask(raw, (), request_id="req-1", slas=slas, surface=surface)


def tokens(given: Any) -> float:
    return guess(ask(Surface.EMBEDDINGS, input=given).prompt)


def test_a_text_is_as_long_as_its_bytes_and_tokens_are_counted() -> None:
    assert tokens("word " * 400) == pytest.approx(500, rel=0.05)
    assert tokens(["word " * 400] * 3) == pytest.approx(1500, rel=0.05)
    assert tokens([7] * 500) == pytest.approx(500, rel=0.05)
    assert tokens([[7] * 500, [8] * 500]) == pytest.approx(1000, rel=0.05)


@given(st.text() | st.lists(st.text()) | st.lists(st.integers(0, 10**6)))
def test_whatever_may_be_embedded_has_a_length(given: Any) -> None:
    assert tokens(given) >= 1


def test_an_embedding_has_no_answer_to_speak_of() -> None:
    found = ask(Surface.EMBEDDINGS, input="a", dimensions=256)
    assert (found.stream, found.max_tokens, found.needs) == (False, 1, frozenset())


def test_a_completion_streams_and_may_need_what_a_chat_needs() -> None:
    found = ask(
        Surface.COMPLETIONS,
        prompt="Once",
        stream=True,
        stream_options={"include_usage": True},
        max_tokens=9,
        n=2,
        logprobs=3,
        seed=1,
    )
    assert (found.stream, found.wants_usage, found.max_tokens) == (True, True, 9)
    assert found.needs == {Capability.SEVERAL_CHOICES, Capability.LOGPROBS, Capability.SEED}


def test_the_prompts_own_log_probabilities_may_be_all_that_is_wanted() -> None:
    found = ask(Surface.COMPLETIONS, prompt="Once", max_tokens=0, echo=True, logprobs=0)
    assert found.max_tokens == 1
    assert found.needs == {Capability.LOGPROBS}


@pytest.mark.parametrize(
    ("surface", "more", "path"),
    [
        (Surface.EMBEDDINGS, {}, "input"),
        (Surface.EMBEDDINGS, {"input": 3}, "input"),
        (Surface.EMBEDDINGS, {"input": ["a", None]}, "input[1]"),
        (Surface.EMBEDDINGS, {"input": "a", "dimensions": 0}, "dimensions"),
        (Surface.COMPLETIONS, {}, "prompt"),
        (Surface.COMPLETIONS, {"prompt": {}}, "prompt"),
        (Surface.COMPLETIONS, {"prompt": "a", "n": 0}, "n"),
        (Surface.COMPLETIONS, {"prompt": "a", "max_tokens": 1.5}, "max_tokens"),
    ],
)
def test_what_is_wrong_is_named_by_its_path(
    surface: Surface, more: dict[str, Any], path: str
) -> None:
    with pytest.raises(Fault) as caught:
        ask(surface, **more)
    assert caught.value.param == path

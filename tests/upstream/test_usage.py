from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.core.answer import Usage
from router.upstream.usage import read_usage

NAMES = (
    "prompt_tokens", "completion_tokens", "total_tokens", "input_tokens", "output_tokens", "cost",
    "prompt_cache_hit_tokens", "cache_creation_input_tokens", "prompt_tokens_details",
    "completion_tokens_details", "cached_tokens", "reasoning_tokens", "cost_in_usd_ticks",
    "is_byok", "cost_details",
)  # fmt: skip
NUMBERS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
ANYTHING = NUMBERS | st.lists(NUMBERS) | st.dictionaries(st.sampled_from(NAMES), NUMBERS)


def read(fields: object) -> Usage | None:
    return read_usage(msgspec.Raw(msgspec.json.encode(fields)))


def counted(prompt: int = 100, output: int = 50, **fields: Any) -> dict[str, Any]:
    return {"prompt_tokens": prompt, "completion_tokens": output, **fields}


@pytest.mark.parametrize(
    ("fields", "usage"),
    [
        pytest.param(counted(), Usage(fresh_input=100, text=50), id="bare"),
        pytest.param(
            counted(
                total_tokens=150,
                prompt_tokens_details={"cached_tokens": 64},
                completion_tokens_details={"reasoning_tokens": 30},
            ),
            Usage(fresh_input=36, cache_read=64, text=20, reasoning=30),
            id="openai",
        ),
        pytest.param(
            counted(
                prompt_cache_hit_tokens=64,
                prompt_cache_miss_tokens=36,
                prompt_tokens_details={"cached_tokens": 64},
            ),
            Usage(fresh_input=36, cache_read=64, text=50),
            id="deepseek counts its hits twice, we once",
        ),
        pytest.param(
            counted(
                prompt_tokens_details={"cached_tokens": 64, "cache_write_tokens": 10}, cost=0.0123
            ),
            Usage(
                fresh_input=26,
                cache_read=64,
                cache_write=10,
                text=50,
                reported_cost_nano_usd=12_300_000,
            ),
            id="openrouter",
        ),
        pytest.param(
            counted(cost=0.001, is_byok=True, cost_details={"upstream_inference_cost": 0.02}),
            Usage(fresh_input=100, text=50, reported_cost_nano_usd=21_000_000),
            id="openrouter with our own key",
        ),
        pytest.param(
            counted(
                total_tokens=180,
                completion_tokens_details={"reasoning_tokens": 30},
                cost_in_usd_ticks=123_450,
            ),
            Usage(fresh_input=100, text=50, reasoning=30, reported_cost_nano_usd=12_345),
            id="xai counts reasoning beside the completion",
        ),
        pytest.param(
            counted(total_tokens=950),
            Usage(fresh_input=100, text=50, reasoning=800),
            id="google shows its thinking in the total only",
        ),
        pytest.param(
            counted(cache_read_input_tokens=30, cache_creation_input_tokens=20),
            Usage(fresh_input=50, cache_read=30, cache_write=20, text=50),
            id="litellm's words",
        ),
        pytest.param(
            {"prompt_tokens": 100, "total_tokens": 150}, Usage(fresh_input=100, text=50), id="total"
        ),
        pytest.param(
            counted(
                prompt_tokens_details=None,
                completion_tokens_details={"reasoning_tokens": None},
                cost="?",
            ),
            Usage(fresh_input=100, text=50),
            id="nulls and nonsense",
        ),
        pytest.param(counted(cost=0), Usage(fresh_input=100, text=50, reported_cost_nano_usd=0)),
        pytest.param({}, None, id="nothing"),
        pytest.param({"prompt_tokens": True, "completion_tokens": "9"}, None, id="no numbers"),
    ],
)
def test_counts_are_disjoint(fields: object, usage: Usage | None) -> None:
    assert read(fields) == usage


@given(st.dictionaries(st.sampled_from(NAMES), ANYTHING))
def test_nothing_raises_and_nothing_is_negative(fields: dict[str, object]) -> None:
    usage = read(fields)
    if usage is not None:
        counts = (usage.fresh_input, usage.cache_read, usage.cache_write, usage.text)
        assert min(*counts, usage.reasoning, usage.reported_cost_nano_usd or 0) >= 0


@given(st.integers(0, 10**9), st.integers(0, 10**9), st.integers(0, 10**9), st.integers(0, 10**9))
def test_what_lies_inside_is_never_added_twice(
    prompt: int, cached: int, output: int, reasoning: int
) -> None:
    cached, reasoning = min(cached, prompt), min(reasoning, output)
    usage = read(
        counted(
            prompt,
            output,
            total_tokens=prompt + output,
            prompt_tokens_details={"cached_tokens": cached},
            completion_tokens_details={"reasoning_tokens": reasoning},
        )
    )
    assert usage is not None
    assert (usage.input, usage.output) == (prompt, output)
    assert (usage.cache_read, usage.reasoning) == (cached, reasoning)


@pytest.mark.parametrize("raw", [b"null", b"[]", b"7", b'"x"', b"{"])
def test_what_is_no_object_counts_nothing(raw: bytes) -> None:
    assert read_usage(msgspec.Raw(raw)) is None

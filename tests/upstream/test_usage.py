import os
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.core.answer import Usage
from router.core.books import cost_nano_usd
from router.upstream.chunk import decode_chunk
from router.upstream.usage import read_usage
from tests.upstream.usages import TOLD, Told

NAMES = (
    "prompt_tokens", "completion_tokens", "total_tokens", "input_tokens", "output_tokens", "cost",
    "prompt_cache_hit_tokens", "prompt_tokens_details",
    "completion_tokens_details", "cached_tokens", "reasoning_tokens", "cost_in_usd_ticks",
    "is_byok", "cost_details", "estimated_cost", "cache_creation", "ephemeral_1h_input_tokens",
    "cache_creation_input_tokens", "cache_read_input_tokens", "num_cached_tokens", "service_tier",
)  # fmt: skip
NUMBERS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
ANYTHING = NUMBERS | st.lists(NUMBERS) | st.dictionaries(st.sampled_from(NAMES), NUMBERS)


def read(fields: object) -> Usage | None:
    return read_usage(msgspec.Raw(msgspec.json.encode(fields)))


def counted(prompt: int = 100, output: int = 50, **fields: Any) -> dict[str, Any]:
    return {"prompt_tokens": prompt, "completion_tokens": output, **fields}


@pytest.mark.parametrize("told", TOLD, ids=lambda told: told.provider)
def test_every_provider_is_read_to_five_disjoint_counts_and_its_cost(told: Told) -> None:
    usage = decode_chunk(msgspec.json.encode(_as_sent(told))).counted
    assert usage == told.usage
    assert cost_nano_usd(usage, told.price) == told.nano_usd


def _as_sent(told: Told) -> dict[str, Any]:
    """Return the answer as it reaches us: from litellm, in litellm's own words."""
    if not told.through:
        return told.answer
    os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")
    return {"usage": _translated(told.through, told.answer).model_dump(exclude_none=True)}


def _translated(through: str, answer: Any) -> Any:
    match through:
        case "anthropic":
            from litellm.llms.anthropic.chat.transformation import AnthropicConfig

            return AnthropicConfig().calculate_usage(answer, reasoning_content=None)
        case "converse":
            from litellm.llms.bedrock.chat.converse_transformation import AmazonConverseConfig

            return AmazonConverseConfig().transform_usage(answer)
        case _:
            from litellm.llms.vertex_ai.gemini import vertex_and_google_ai_studio_gemini as gemini

            return gemini.VertexGeminiConfig.calculate_usage(answer)


def test_every_row_of_the_table_says_where_its_shape_is_documented() -> None:
    assert all(told.documented.startswith("https://") for told in TOLD)
    assert len({told.provider for told in TOLD}) == len(TOLD)


@pytest.mark.parametrize(
    ("fields", "usage"),
    [
        pytest.param(counted(), Usage(fresh_input=100, text=50), id="bare"),
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
        pytest.param(
            counted(
                prompt_tokens_details={"cached_tokens": 900},
                cache_creation={"ephemeral_1h_input_tokens": 900},
            ),
            Usage(cache_read=100, text=50),
            id="no part is larger than the whole",
        ),
        pytest.param(counted(cost=0), Usage(fresh_input=100, text=50, reported_cost_nano_usd=0)),
        pytest.param(
            counted(service_tier="gold"), Usage(fresh_input=100, text=50), id="unknown tier"
        ),
        pytest.param({}, None, id="nothing"),
        pytest.param({"prompt_tokens": True, "completion_tokens": "9"}, None, id="no numbers"),
    ],
)
def test_counts_are_disjoint(fields: object, usage: Usage | None) -> None:
    assert read(fields) == usage


@pytest.mark.parametrize("timings", [None, [], {"cache_n": -1}, {"cache_n": 5}, {"prompt_n": "x"}])
def test_timings_that_make_no_sense_change_nothing(timings: object) -> None:
    sent = {"usage": counted(), "timings": timings}
    usage = decode_chunk(msgspec.json.encode(sent)).counted
    assert usage is not None
    assert (usage.input, usage.output) == (100, 50)
    assert decode_chunk(msgspec.json.encode({"timings": timings})).counted is None


@given(st.dictionaries(st.sampled_from(NAMES), ANYTHING))
def test_nothing_raises_and_nothing_is_negative(fields: dict[str, object]) -> None:
    usage = read(fields)
    if usage is not None:
        counts = (usage.fresh_input, usage.cache_read, usage.cache_write, usage.text)
        assert min(*counts, usage.reasoning, usage.reported_cost_nano_usd or 0) >= 0
        assert 0 <= usage.cache_write_1h <= usage.cache_write


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


@pytest.mark.parametrize(
    "raw",
    [
        b"null", b"[]", b"7", b'"x"', b"{",
        b'{"prompt_tokens":1.5,"x":"\xdd"}', b'{"prompt_tokens":"?",}',
    ],
)  # fmt: skip
def test_what_is_no_object_counts_nothing(raw: bytes) -> None:
    assert read_usage(msgspec.Raw(raw)) is None

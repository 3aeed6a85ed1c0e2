import asyncio
import json
import sys

import pytest

from router.core.faults import Fault, Kind
from router.upstream.litellm import LiteLLM
from router.upstream.openai import Stream
from router.upstream.translated import completion, event, params_of
from tests.upstream.asking import a_call, an_endpoint, answer
from tests.upstream.recorded import COUNTED, COUNTS

ENDPOINT = an_endpoint(model="anthropic/claude-sonnet-4-20250514")


def an_adapter() -> LiteLLM:
    return LiteLLM([ENDPOINT], environ={"THE_KEY": "k"}, wall=lambda: 0.0)


async def test_before_it_is_loaded_calls_fail_at_once_and_say_so() -> None:
    adapter = an_adapter()
    assert not adapter.ready
    with pytest.raises(Fault, match="still being loaded") as told:
        await answer(adapter, ENDPOINT, a_call())
    assert told.value.kind is Kind.CONNECT


async def test_a_release_that_steals_credentials_is_never_imported(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("importlib.metadata.version", lambda name: "1.82.8")
    adapter = an_adapter()
    adapter.start_loading().join()
    assert not adapter.ready
    with pytest.raises(Fault, match=r"1\.82\.8 steals credentials"):
        await answer(adapter, ENDPOINT, a_call())


@pytest.mark.parametrize(
    "name",
    ["api_base", "base_url", "api_key", "mock_response", "num_retries", "extra_headers", "x"],
)
def test_what_would_steer_litellm_itself_is_refused_by_name(name: str) -> None:
    body = json.dumps({"model": "m", "messages": [], name: "http://evil"}).encode()
    with pytest.raises(Fault) as told:
        params_of(body, ENDPOINT)
    assert (told.value.kind, told.value.param) == (Kind.UNTOLD, name)


def test_our_own_keys_and_nulls_are_no_parameters() -> None:
    body = b'{"model":"m","sla":{},"provider":{},"stream":true,"stop":null,"top_k":3}'
    assert params_of(body, ENDPOINT) == {"top_k": 3}


def test_usage_on_the_finish_becomes_a_chunk_of_its_own() -> None:
    last = {"id": "c", "choices": [{"delta": {}, "finish_reason": "stop"}], "usage": COUNTS}
    stream = Stream(ENDPOINT, hide_usage=True)
    piece = stream.feed(event(last, "m"))
    assert (piece.usage, piece.finish) == (COUNTED, "stop")
    assert b"usage" not in piece.data
    assert b'"finish_reason":"stop"' in piece.data


def test_a_chunk_always_names_its_finish_reason_and_nothing_of_litellms_own() -> None:
    chunk = {
        "choices": [{"index": 0, "delta": {"content": "a", "provider_specific_fields": {"b": 1}}}],
        "citations": [],
    }
    assert json.loads(event(chunk, "m").removeprefix(b"data: ")) == {
        "choices": [{"index": 0, "delta": {"content": "a"}, "finish_reason": None}],
        "model": "m",
    }


def test_a_whole_answer_always_has_a_content() -> None:
    answer = {"choices": [{"index": 0, "message": {"role": "assistant"}, "finish_reason": "stop"}]}
    [choice] = json.loads(completion(answer))["choices"]
    assert choice["message"] == {"role": "assistant", "content": None}


def test_a_usage_without_a_prompt_is_nobodys_count() -> None:
    answer = {"choices": [], "usage": {"prompt_tokens": 0, "completion_tokens": 0}}
    assert "usage" not in json.loads(completion(answer))


@pytest.mark.slow
async def test_the_first_answer_does_not_wait_for_imports() -> None:
    """A fresh process: in this one, litellm has long been at work."""
    run = await asyncio.create_subprocess_exec(
        sys.executable, "-c", FIRST_CALL, stdout=asyncio.subprocess.PIPE
    )
    told, _ = await run.communicate()
    assert json.loads(told) == []


FIRST_CALL = """
import asyncio, json, sys
from router.upstream.litellm import Exchange, LiteLLM
from router.upstream.litellm_warming import calls, loopback

adapter = LiteLLM([], environ={"WARM": "k"}, wall=lambda: 0.0)
adapter.start_loading().join()
assert adapter.ready, adapter.error
before = set(sys.modules)

async def main():
    async with loopback() as endpoint:
        for call in calls():
            async with adapter.call(endpoint, call) as reply:
                if not call.stream:
                    await reply.whole()
                    continue
                async for _ in reply.pieces():
                    pass
    await adapter.close()

asyncio.run(main())
print(json.dumps(sorted(set(sys.modules) - before)))
"""

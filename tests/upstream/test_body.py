import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.core.faults import Fault, Kind
from router.core.surface import Surface
from router.upstream.body import edit
from tests.upstream.asking import an_endpoint

NEWER = "max_completion_tokens"
ENDPOINT = an_endpoint(upstream_model='org/m"1\u00e9')
OURS = {"sla", "provider", "models", "model", "session_id"}
NAMES = st.text(min_size=1).filter(lambda name: name not in OURS)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


def edited(body: bytes, *, stream: bool = False, wants_usage: bool = False) -> bytes:
    return edit(body, ENDPOINT, stream=stream, wants_usage=wants_usage)


@given(st.dictionaries(NAMES, VALUES), st.booleans(), st.sampled_from([None, 1, "\t"]))
def test_all_but_our_own_keys_mean_the_same(
    fields: dict[str, object], ascii_only: bool, indent: int | str | None
) -> None:
    body = json.dumps(
        {"model": "asked", "sla": {"ttft_ms": 1}, **fields, "provider": {}, "models": ["b"]},
        ensure_ascii=ascii_only,
        indent=indent,
    )
    sent = json.loads(edited(body.encode("utf-8", "surrogatepass")))
    assert sent == {**fields, "model": ENDPOINT.upstream_model}


@pytest.mark.parametrize(
    "value",
    [
        b"1.10", b"1e400", b"12345678901234567890123456789", b"-0.0", b'"\\u00e9\\/"',
        b'{"b" : 1,\n "a":[ 1 ,2 ],"b":2}', '"\u65e5\u672c"'.encode(), b"null",
    ],
)  # fmt: skip
def test_values_keep_every_byte(value: bytes) -> None:
    body = b'{"model":"m","x":%s , "messages":[{"content":%s}]}' % (value, value)
    sent = edited(body)
    assert b'"x":' + value in sent
    assert b'"messages":[{"content":' + value + b"}]" in sent


def test_of_a_key_given_twice_the_last_counts_and_the_first_does_not_arrive() -> None:
    sent = edited(b'{"model":"a","x":1,"model":"b","x":2,"sla":{},"s\\u006ca":{}}')
    assert msgspec.json.decode(sent) == {"model": ENDPOINT.upstream_model, "x": 2}
    assert sent.count(b'"x"') == sent.count(b'"model"') == 1


@pytest.mark.parametrize(
    ("options", "sent"),
    [
        (None, {"include_usage": True}),
        ("null", {"include_usage": True}),
        ('{"include_usage": false, "x": 1}', {"include_usage": True, "x": 1}),
        ("{}", {"include_usage": True}),
        ('"?"', "?"),
    ],
)
def test_usage_is_asked_for_and_other_options_stay(options: str | None, sent: object) -> None:
    extra = f', "stream_options": {options}' if options else ""
    body = edited(f'{{"model": "m", "stream": true{extra}}}'.encode(), stream=True)
    assert json.loads(body)["stream_options"] == sent


def test_what_the_client_asked_for_itself_stays_as_it_is() -> None:
    options = b'{ "include_usage" : true }'
    body = b'{"model":"m","stream":true,"stream_options":%s}' % options
    assert options in edited(body, stream=True, wants_usage=True)


@pytest.mark.parametrize("wants_usage", [True, False])
def test_an_endpoint_that_does_not_know_the_option_is_not_shown_it(*, wants_usage: bool) -> None:
    shy = an_endpoint(unsupported_params=frozenset({"stream_options"}))
    asking = b',"stream_options":{"include_usage":true}' if wants_usage else b""
    body = b'{"model":"m","stream":true%s}' % asking
    assert b"stream_options" not in edit(body, shy, stream=True, wants_usage=wants_usage)


@pytest.mark.parametrize("surface", Surface)
def test_usage_is_asked_for_only_where_it_does_not_come_unasked(surface: Surface) -> None:
    body = edit(
        b'{"model":"m","stream":true,"sla":{}}',
        ENDPOINT,
        stream=True,
        wants_usage=False,
        surface=surface,
    )
    sent = json.loads(body)
    assert sent["model"] == ENDPOINT.upstream_model
    assert "sla" not in sent
    assert ("stream_options" in sent) is (surface in {Surface.CHAT, Surface.COMPLETIONS})


def test_a_whole_answer_has_no_stream_options() -> None:
    assert b"stream_options" not in edited(b'{"model":"m"}')


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"a":}', b"\xff", b"[" * 100_000])
def test_what_is_no_object_is_refused(body: bytes) -> None:
    with pytest.raises(Fault) as told:
        edited(body)
    assert told.value.kind is Kind.BAD_JSON


@pytest.mark.parametrize(
    ("lacks", "said", "sent"),
    [
        ("max_completion_tokens", b'"max_completion_tokens":7', {"max_tokens": 7}),
        ("max_completion_tokens", b'"max_tokens":7', {"max_tokens": 7}),
        ("max_tokens", b'"max_tokens":7', {"max_completion_tokens": 7}),
        ("max_tokens", b'"max_tokens":9,"max_completion_tokens":10', {"max_completion_tokens": 9}),
        (
            "max_tokens",
            b'"max_tokens":null,"max_completion_tokens":8',
            {NEWER: 8},
        ),
        ("seed", b'"max_tokens":7', {"max_tokens": 7}),
    ],
)
def test_the_longest_answer_is_said_by_the_name_that_the_endpoint_takes(
    lacks: str, said: bytes, sent: dict[str, int]
) -> None:
    there = an_endpoint(unsupported_params=frozenset({lacks}))
    told = json.loads(edit(b'{"model":"m",' + said + b"}", there, stream=False, wants_usage=False))
    assert told == {"model": there.upstream_model, **sent}


def test_completions_have_one_name_for_their_limit() -> None:
    there = an_endpoint(unsupported_params=frozenset({"max_tokens"}))
    body = b'{"model":"m","max_tokens":7}'
    told = edit(body, there, stream=False, wants_usage=False, surface=Surface.COMPLETIONS)
    assert json.loads(told)["max_tokens"] == 7


@pytest.mark.parametrize(
    ("provider", "surface", "kept"),
    [
        ("openai", Surface.CHAT, {"prompt_cache_key": "k"}),
        ("openai", Surface.RESPONSES, {"prompt_cache_key": "k"}),
        ("openrouter", Surface.CHAT, {"prompt_cache_key": "k", "session_id": "s"}),
        ("anthropic", Surface.MESSAGES, {}),
        ("anthropic", Surface.COUNT_TOKENS, {}),
    ],
)
def test_the_name_of_a_conversation_reaches_who_knows_the_word(
    provider: str, surface: Surface, kept: dict[str, str]
) -> None:
    there = an_endpoint(provider=provider)
    body = b'{"model":"m","session_id":"s","prompt_cache_key":"k"}'
    told = json.loads(edit(body, there, stream=False, wants_usage=False, surface=surface))
    assert told == {"model": there.upstream_model, **kept}

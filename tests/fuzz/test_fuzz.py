"""Spoilt requests and spoilt answers: a client's mistake is a 4xx, a provider's a fault told.

``make fuzz`` runs 100,000 cases; the suite runs a few hundred.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from router.core.dialects import way
from router.core.faults import Kind
from router.core.surface import Surface
from tests.fuzz.house import SPEAKS, Case, House, open_house
from tests.fuzz.mutations import (
    byte_spoils,
    data_spoils,
    event_spoils,
    json_spoils,
    spoilt_bytes,
    spoilt_data,
    spoilt_events,
    spoilt_json,
)
from tests.fuzz.right import REQUESTS, STREAMS, whole
from tests.upstream.scripted import JSON, SSE, response

CASES = int(os.environ.get("MERITORDER_FUZZ_CASES", "600"))
"""Of all tests here together."""

PAIRS = [(s, name) for s in Surface for name, speaks in SPEAKS.items() if way(s, speaks)]
_HEADERS = {"Content-Type": "application/json"}

_surfaces = st.sampled_from(list(Surface))
_pairs = st.sampled_from(PAIRS)
_request = st.integers(0, 99)


class Loop:
    """A house and the loop it lives in: hypothesis' tests are no coroutines."""

    def __init__(self, runner: asyncio.Runner, house: House) -> None:
        self._runner = runner
        self._house = house

    def case(
        self,
        surface: Surface,
        body: bytes,
        answer: list[bytes],
        headers: Mapping[str, str] | None = None,
    ) -> Case:
        path = f"/v1{surface.path}"
        sent = {**_HEADERS, **(headers or {})}
        return self._runner.run(self._house.case(path, body, sent, answer=answer))


@pytest.fixture(scope="module")
def loop() -> Iterator[Loop]:
    with asyncio.Runner() as runner:
        opened = open_house()
        house = runner.run(opened.__aenter__())
        try:
            yield Loop(runner, house)
        finally:
            runner.run(opened.__aexit__(None, None, None))


def asked(surface: Surface, model: str, number: int, *, stream: bool) -> dict[str, Any]:
    right = REQUESTS[surface]
    body = {"model": model, **right[number % len(right)]}
    return {**body, "stream": True} if stream and surface.generates else body


def answered(surface: Surface, model: str, number: int, *, stream: bool) -> list[bytes]:
    """The right answer of the model's endpoint to a request on ``surface``."""
    behind = way(surface, SPEAKS[model]) or surface
    if stream and surface.generates:
        streams = STREAMS[behind]
        return response(streams[number % len(streams)])
    return response(whole(behind), content_type=JSON)


def holds(case: Case, surface: Surface) -> None:
    """What must be true whatever happened."""
    assert not case.unforeseen, case.unforeseen
    assert case.status != 500 or case.headers.get("X-SLA-Error-Source") == "upstream", case.body
    assert case.attempts == case.sent, "every request upstream is an attempt in the books"
    assert len(case.records) <= 1
    if case.sent:
        assert len(case.records) == 1, "every request ends in one outcome"
    if case.headers.get("X-SLA-Error-Source") == "upstream":
        assert isinstance(case.json(), dict), "the provider's own words, which we do not choose"
    elif case.status >= 400:
        told = case.json()
        assert isinstance(told["error"], dict)
        assert told["error"]["message"]
        assert (told.get("type") == "error") is surface.is_anthropic
    elif case.is_stream:
        assert ends_well(case.body, surface), case.body[-400:]
    else:
        case.json()


def ends_well(raw: bytes, surface: Surface) -> bool:
    """Whether a stream ended as its dialect's streams end, or with an error in its dialect."""
    last = raw.replace(b"\r\n", b"\n").replace(b"\r", b"\n").rstrip(b"\n").rpartition(b"\n\n")[2]
    match surface:
        case Surface.CHAT | Surface.COMPLETIONS:
            return last.endswith((b"data: [DONE]", b"data:[DONE]"))
        case Surface.MESSAGES:
            return b"message_stop" in last or last.startswith(b"event: error")
        case _:
            ends = (b"response.completed", b"response.incomplete", b"event: error")
            return any(end in last for end in ends)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(("surface", "model"), PAIRS)
def test_what_is_right_passes(loop: Loop, surface: Surface, model: str, stream: bool) -> None:
    for number in range(8):
        body = json.dumps(asked(surface, model, number, stream=stream)).encode()
        case = loop.case(surface, body, answered(surface, model, number, stream=stream))
        holds(case, surface)
        assert case.status == 200 or b"which has no" in case.body, case.body


@settings(max_examples=CASES // 6)
@given(pair=_pairs, number=_request, stream=st.booleans(), spoils=json_spoils)
def test_a_body_with_wrong_values_is_the_clients_mistake(
    loop: Loop, pair: tuple[Surface, str], number: int, stream: bool, spoils: Any
) -> None:
    surface, model = pair
    body = spoilt_json(asked(surface, model, number, stream=stream), spoils)
    answer = answered(surface, model, number, stream=body.get("stream") is True)
    case = loop.case(surface, json.dumps(body).encode(), answer)
    holds(case, surface)
    assert case.status < 500, case.body


@settings(max_examples=CASES // 6)
@given(pair=_pairs, number=_request, stream=st.booleans(), spoils=byte_spoils)
def test_a_body_with_wrong_bytes_is_the_clients_mistake(
    loop: Loop, pair: tuple[Surface, str], number: int, stream: bool, spoils: Any
) -> None:
    surface, model = pair
    right = json.dumps(asked(surface, model, number, stream=stream)).encode()
    body = spoilt_bytes(right, spoils)
    streams = stream and surface.generates and b'"stream": true' in body
    case = loop.case(surface, body, answered(surface, model, number, stream=streams))
    holds(case, surface)
    assert case.status < 500, case.body


_texts = st.text(st.characters(min_codepoint=32, max_codepoint=255, exclude_characters="\x7f"))
_names = st.sampled_from(
    (
        "X-SLA-TTFT-Ms", "X-SLA-E2E-Ms", "X-SLA-Min-TPS", "X-SLA-Max-Cost-USD", "X-SLA-Percentile",
        "X-SLA-Mode", "X-SLA-Policy", "X-SLA-Explain", "X-SLA-Typo", "x-slo-tpot-ms",
        "x-session-id", "session_id", "anthropic-beta", "anthropic-version", "traceparent",
        "tracestate", "Connection", "Accept-Encoding", "Content-Type", "X-Request-Id", "Expect",
        "x-claude-code-session-id", "x-claude-code-request-class", "User-Agent", "Authorization",
    )
)  # fmt: skip
_values = _texts | st.sampled_from(
    (
        "1000", "0", "-1", "1e3", "1e99", "p95", "99.95", "strict", "wait", "true", "close", "gzip",
        "x" * 9000, "application/json; charset=latin-1", "a=b", f"00-{'0' * 32}-{'0' * 16}-01",
    )
)  # fmt: skip


@settings(max_examples=CASES // 6)
@given(pair=_pairs, stream=st.booleans(), headers=st.dictionaries(_names, _values, max_size=4))
def test_wrong_headers_are_the_clients_mistake(
    loop: Loop, pair: tuple[Surface, str], stream: bool, headers: dict[str, str]
) -> None:
    surface, model = pair
    body = json.dumps(asked(surface, model, 0, stream=stream)).encode()
    headers = {name: value.strip() for name, value in headers.items()}
    case = loop.case(surface, body, answered(surface, model, 0, stream=stream), headers)
    holds(case, surface)
    assert case.status < 500 or case.json()["error"]["code"] == Kind.UNAVAILABLE, case.body


_STATUSES = (
    "200 OK", "201 Created", "204 No Content", "301 Moved", "400 Bad", "401 No", "403 No",
    "404 None", "408 Late", "413 Big", "422 No", "429 Many", "500 Sorry", "503 Busy", "529 Over",
)  # fmt: skip
_TYPES = (SSE, JSON, "text/html", "text/plain", "application/json; charset=utf-8", "")


@settings(max_examples=CASES // 2)
@given(
    pair=_pairs,
    number=_request,
    stream=st.booleans(),
    status=st.sampled_from(_STATUSES) | st.just("200 OK"),
    content_type=st.none() | st.sampled_from(_TYPES),
    ends=st.booleans() | st.just(True),
    spoils=st.one_of(
        st.tuples(st.just(spoilt_bytes), byte_spoils),
        st.tuples(st.just(spoilt_events), event_spoils),
        st.tuples(st.just(lambda raw, told: spoilt_data(raw, *told)), data_spoils),
    ),
)
def test_whatever_a_provider_sends_is_an_answer_or_a_fault_that_is_told(  # noqa: PLR0917
    loop: Loop,
    pair: tuple[Surface, str],
    number: int,
    stream: bool,
    status: str,
    content_type: str | None,
    ends: bool,
    spoils: Any,
) -> None:
    surface, model = pair
    behind = way(surface, SPEAKS[model]) or surface
    streams = stream and surface.generates
    right = STREAMS[behind][number % len(STREAMS[behind])] if streams else whole(behind)
    spoil, told = spoils
    answer = response(
        spoil(right, told),
        status=status,
        content_type=(SSE if streams else JSON) if content_type is None else content_type,
        ends=ends,
    )
    body = json.dumps(asked(surface, model, number, stream=stream)).encode()
    case = loop.case(surface, body, answer)
    holds(case, surface)

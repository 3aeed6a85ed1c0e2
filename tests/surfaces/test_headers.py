from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.core.catalogue import EndpointId
from router.core.faults import Fault, Kind
from router.core.surface import Surface
from router.surfaces.headers import MAX_HEADER_BYTES, answer_headers, ms, sift, usd
from tests.surfaces.house import QUICK, head, outcome
from tests.surfaces.test_chat import ask


def test_headers_of_vendors_pass_and_those_of_the_client_stay() -> None:
    passing = [
        ("Anthropic-Beta", "prompt-caching-2024-07-31"),
        ("anthropic-version", "2026-10-21"),
        ("User-Agent", "OpenAI/Python"),
        ("OpenAI-Organization", "org"),
        ("X-Session-Id", "s1"),
        ("X-Slow-Start", "1"),
    ]
    held = [
        ("Host", "localhost"),
        ("Authorization", "Bearer secret"),
        ("X-Api-Key", "secret"),
        ("Cookie", "a=b"),
        ("Content-Length", "12"),
        ("Content-Encoding", "gzip"),
        ("Accept-Encoding", "br"),
        ("Transfer-Encoding", "chunked"),
        ("X-Request-Id", "mine"),
        ("Traceparent", "00-1-1-00"),
        ("tracestate", "a=1"),
        ("Forwarded", "for=1.2.3.4"),
        ("X-Forwarded-For", "1.2.3.4"),
        ("Proxy-Authorization", "Basic x"),
        ("Expect", "100-continue"),
        ("TE", "trailers"),
        ("Trailer", "x"),
        ("Upgrade", "h2c"),
        ("x-llm-d-inference-objective", "fast"),
    ]
    for _ in range(2):  # the second walk knows the names
        found = sift([*passing, *held])
        assert found.forward == {name.lower(): value for name, value in passing}
        assert found.declaring == ()


def test_headers_that_declare_an_sla_are_kept_apart_under_the_name_sent() -> None:
    pairs = [("X-SLA-TTFT-Ms", "1"), ("x-slo-tpot-ms", "2"), ("X-LLM-D-SLO-TTFT-Ms", "3")]
    pairs += [("X-SLA_TTFT", "4"), ("X-Sla", "5")]
    found = sift(pairs)
    assert found.declaring == tuple(pairs)
    assert found.forward == {}


def test_what_connection_nominates_stays_on_its_hop() -> None:
    found = sift([("Connection", "keep-alive, X-Hop"), ("X-Hop", "1"), ("X-End", "2")])
    assert found.forward == {"x-end": "2"}


def test_a_header_sent_twice_is_joined() -> None:
    assert sift([("X-A", "1"), ("x-a", "2")]).forward == {"x-a": "1, 2"}


@pytest.mark.parametrize("name", ["X-Custom", "Cookie", "Authorization", "X-SLA-Policy"])
def test_a_header_that_is_too_long_is_refused_by_its_name(name: str) -> None:
    for _ in range(2):
        with pytest.raises(Fault) as caught:
            sift([("X-Short", "1"), (name, "x" * (MAX_HEADER_BYTES + 1))])
        assert (caught.value.kind, caught.value.param) == (Kind.HEADER_TOO_LARGE, name)


def test_many_headers_may_be_long_together() -> None:
    pairs = [(f"X-H{i}", "x" * 5000) for i in range(5)]
    assert len(sift(pairs).forward) == 5


def test_a_value_that_is_not_utf8_cannot_pass() -> None:
    assert sift([("X-Odd", "caf\udce9"), ("X-Fine", "café")]).forward == {"x-fine": "café"}


@given(st.lists(st.tuples(st.text(min_size=1, max_size=20), st.text(max_size=20))))
def test_sifting_is_total(pairs: list[tuple[str, str]]) -> None:
    found = sift(pairs)
    assert all(name == name.lower() for name in found.forward)


@given(st.floats(0, 1e6))
def test_money_is_printed_without_an_exponent_and_within_a_nano_dollar(amount: float) -> None:
    text = usd(amount)
    assert "e" not in text
    assert len(text.partition(".")[2]) <= 9
    assert float(text) == pytest.approx(amount, abs=5.1e-10, rel=1e-12)


def test_money_and_times_print_plainly() -> None:
    assert [usd(x) for x in (0, 2, 0.00036, 1e-9, 12.5)] == [
        "0",
        "2",
        "0.00036",
        "0.000000001",
        "12.5",
    ]
    assert [ms(x) for x in (0.2, 430.4, 1e7, float("inf"))] == ["0", "430", "10000000", "inf"]


def test_no_name_of_an_operator_can_break_the_header_block() -> None:
    evil = replace(QUICK, id=EndpointId("a\r\nSet-Cookie: x=1"), provider="p\n", model="m\x00é")
    told = answer_headers(msgspec.structs.replace(head(ask()), endpoint=evil))
    assert told["X-SLA-Endpoint"] == "a Set-Cookie: x=1"
    assert not any(set(value) & set("\r\n\0") for value in told.values())


def test_what_a_provider_sends_back_passes_without_what_is_about_its_own_connection() -> None:
    upstream = {"x-ratelimit-remaining": "9", "connection": "close", "content-length": "3"}
    upstream |= {"set-cookie": "a=b", "x-sla-status": "lie", "x-request-id": "theirs"}
    told = answer_headers(msgspec.structs.replace(head(ask()), headers=upstream))
    assert told["x-ratelimit-remaining"] == "9"
    assert not told.keys() & {"connection", "content-length", "set-cookie", "x-sla-status"}
    assert told["X-Request-Id"] == "req-1"
    assert "x-request-id" not in told


def test_anthropics_clients_are_told_our_id_in_their_own_header_too() -> None:
    found = head(ask()._replace(surface=Surface.MESSAGES))
    told = answer_headers(msgspec.structs.replace(found, headers={"request-id": "req_theirs"}))
    assert told["request-id"] == told["X-Request-Id"] == "req-1"


def test_what_was_measured_stands_beside_what_was_expected_on_whole_answers_only() -> None:
    found = ask()
    measured = {"X-SLA-Cost-USD", "X-SLA-TTFT-Ms", "X-SLA-E2E-Ms", "X-SLA-Verdict"}
    assert measured & answer_headers(head(found)).keys() == set()
    assert measured <= answer_headers(head(found, outcome(found))).keys()
    told = answer_headers(head(found, outcome(found, streamed=False)))
    assert measured - told.keys() == {"X-SLA-TTFT-Ms"}

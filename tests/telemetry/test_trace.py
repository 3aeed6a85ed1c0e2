"""W3C trace context: https://www.w3.org/TR/trace-context/."""

from __future__ import annotations

import string
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.sdk.trace.sampling import Decision, TraceIdRatioBased

from router import ports
from router.ports import TraceContext
from router.telemetry.trace import (
    Tracer,
    parse_traceparent,
    parse_tracestate,
)

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
SPAN = "00f067aa0ba902b7"
VALID = f"00-{TRACE}-{SPAN}-01"


def hexes(digits: int) -> st.SearchStrategy[str]:
    return st.text("0123456789abcdef", min_size=digits, max_size=digits).filter(
        lambda s: s.strip("0") != ""
    )


@given(hexes(32), hexes(16), st.integers(0, 255))
def test_a_valid_traceparent_is_read_as_it_was_written(trace: str, span: str, flags: int) -> None:
    context = parse_traceparent(f"00-{trace}-{span}-{flags:02x}")

    assert context == TraceContext(trace, span, sampled=bool(flags & 1))


@pytest.mark.parametrize(
    "header",
    [
        f"ff-{TRACE}-{SPAN}-01",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE.upper()}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}-01-more",
        f"00-{TRACE}-{SPAN}-1",
        f"00-{TRACE}-{SPAN}",
        f"0-{TRACE}-{SPAN}-01",
        f"cc-{TRACE}-{SPAN}-01.more",
        f" {VALID}",
        f"{VALID}\n",
        f"{VALID},{VALID}",
        "",
        "00",
        f"00-{TRACE[:-1]}٣-{SPAN}-01",
    ],
)
def test_what_is_not_exactly_right_starts_a_new_trace(header: str) -> None:
    assert parse_traceparent(header) is None

    context = Tracer(Random(1)).accept(header, "vendor=1")

    assert context.trace_id != TRACE
    assert (context.parent_span_id, context.sampled, context.tracestate) == (None, False, "")


@given(st.text(string.printable, max_size=80))
def test_no_header_makes_it_fail(header: str) -> None:
    context = Tracer(Random(1)).accept(header, header)

    assert len(context.trace_id) == 32


@pytest.mark.parametrize("header", [f"01-{TRACE}-{SPAN}-01", f"01-{TRACE}-{SPAN}-01-later-fields"])
def test_a_later_version_is_read_as_far_as_ours_goes(header: str) -> None:
    assert parse_traceparent(header) == TraceContext(TRACE, SPAN, sampled=True)


@pytest.mark.parametrize(
    ("header", "read"),
    [
        ("congo=t61rcWkgMzE,rojo=00f067aa0ba902b7", "congo=t61rcWkgMzE,rojo=00f067aa0ba902b7"),
        (" a=1 ,\tb=2 ,, ", "a=1,b=2"),
        ("fw529a3039@dt=FfZ5d7a;x, y=1", "fw529a3039@dt=FfZ5d7a;x,y=1"),
        ("0tenant@vendor=a b", "0tenant@vendor=a b"),
        ("a=1,a=2", ""),
        ("A=1", ""),
        ("a=", ""),
        ("a=1=2", ""),
        ("a=\x7f", ""),
        ("tenant@1=2", ""),
        (",".join(f"k{n}=1" for n in range(32)), ",".join(f"k{n}=1" for n in range(32))),
        (",".join(f"k{n}=1" for n in range(33)), ""),
        ("k=" + "v" * 257, ""),
        ("k=" + "v" * 256, "k=" + "v" * 256),
    ],
)
def test_a_tracestate_is_passed_on_or_dropped_whole(header: str, read: str) -> None:
    assert parse_tracestate(header) == read


@given(st.text(max_size=60))
def test_reading_a_tracestate_twice_changes_nothing(header: str) -> None:
    once = parse_tracestate(header)

    assert parse_tracestate(once) == once


def test_a_wrong_tracestate_does_not_cost_the_trace() -> None:
    context = Tracer(Random(1)).accept(VALID, "Not Valid")

    assert context == TraceContext(TRACE, SPAN, sampled=True, tracestate="")


@given(st.integers(0, 2**32), st.floats(0, 1))
def test_what_goes_upstream_is_valid_and_its_flag_is_the_decision_taken(
    seed: int, ratio: float
) -> None:
    tracer = Tracer(Random(seed), ratio)
    context, span = tracer.accept(), tracer.span_id()

    sent = parse_traceparent(tracer.outgoing(context, span))

    assert sent == TraceContext(context.trace_id, span, sampled=context.sampled)


@pytest.mark.parametrize(("flags", "wish"), [("00", False), ("01", True)])
@pytest.mark.parametrize("ratio", [0.0, 1.0])
def test_the_clients_wish_outweighs_the_ratio(flags: str, wish: bool, ratio: float) -> None:
    tracer = Tracer(Random(1), ratio)
    context = tracer.accept(f"00-{TRACE}-{SPAN}-{flags}")

    assert context.sampled is wish
    assert tracer.outgoing(context, SPAN).endswith(flags)


@pytest.mark.parametrize(("ratio", "kept"), [(0.0, 0), (0.1, 2_000), (1.0, 20_000)])
def test_the_ratio_is_the_share_of_new_traces(ratio: float, kept: int) -> None:
    tracer = Tracer(Random(7), ratio)

    assert sum(tracer.accept().sampled is True for _ in range(20_000)) == pytest.approx(
        kept, rel=0.08
    )


def test_our_choice_of_traces_is_opentelemetrys() -> None:
    theirs, tracer = TraceIdRatioBased(0.3), Tracer(Random(3), 0.3)
    for context in (tracer.accept() for _ in range(500)):
        chosen = theirs.should_sample(None, int(context.trace_id, 16), "chat").decision
        assert context.sampled is (chosen is Decision.RECORD_AND_SAMPLE)


def test_ids_are_never_all_zero() -> None:
    class Zero(Random):
        def getrandbits(self, k: int, /) -> int:
            return 0

    tracer: ports.Tracer = Tracer(Zero())

    assert Tracer(Zero()).accept().trace_id == f"{1:032x}"
    assert tracer.span_id() == f"{1:016x}"

from __future__ import annotations

import json
import threading
import time
from io import StringIO
from math import inf

import pytest

from router.core.ask import Bound, BoundKind
from router.core.faults import FAULTS, Fault, Kind, Whose
from router.ports import Record
from router.telemetry.log import Level, json_line, plain_line
from router.telemetry.report import Reporter
from tests.telemetry.receiver import until
from tests.telemetry.records import PARASAIL, a_decision, a_record, an_attempt, unsampled

MISSED = a_record(bounds=(Bound(BoundKind.TTFT, 1.0),), request_id="missed")
FAILED = a_record(
    attempts=(an_attempt(ttft_s=None, fault=Kind.CONNECT, status=None),),
    fault=Fault(Kind.CONNECT, "CANARY"),
    request_id="failed",
)
FINE = a_record(request_id="fine")
LEFT = a_record(
    attempts=(an_attempt(fault=Kind.CANCELLED),),
    fault=Fault(Kind.CANCELLED, "gone"),
    request_id="left",
)
REFUSED = a_record(attempts=(), fault=Fault(Kind.INFEASIBLE, "none"), request_id="refused")


class Terminal(StringIO):
    def isatty(self) -> bool:
        return True


def told(*records: Record, level: str = "info", stream: StringIO | None = None) -> str:
    stream = stream or StringIO()
    reporter = Reporter(log_level=level, stream=stream)
    for record in records:
        reporter.report(record)
    assert reporter.close()
    return stream.getvalue()


def test_a_line_tells_forecast_beside_fact() -> None:
    line = json.loads(told(FINE))

    assert line == {
        "at": "2025-10-09T08:53:22.503+00:00",
        "level": "info",
        "request": "fine",
        "trace": "4bf92f3577b34da6a3ce929d0e0e4736",
        "operation": "chat",
        "model": "deepseek-r1",
        "endpoint": "deepseek-r1@parasail",
        "status": 200,
        "fault": None,
        "attempts": 1,
        "policy": "interactive",
        "verdict": "kept",
        "missed": [],
        "ttft_ms": 502.0,
        "predicted_ttft_ms": 700.0,
        "e2e_ms": 2502.0,
        "predicted_e2e_ms": 9000.0,
        "cost_usd": 0.0025,
        "predicted_cost_usd": 0.0025,
        "estimated": False,
        "overhead_ms": 2.0,
    }


def test_a_failure_is_told_by_its_kind_and_not_by_its_words() -> None:
    text = told(FAILED)

    assert json.loads(text)["fault"] == "upstream_unreachable"
    assert json.loads(text)["status"] == 502
    assert "CANARY" not in text


@pytest.mark.parametrize(
    ("level", "lines"),
    [
        ("debug", ["fine", "missed", "failed", "left", "refused"]),
        ("INFO", ["fine", "missed", "failed", "left", "refused"]),
        ("warning", ["missed", "failed"]),
        ("error", ["failed"]),
        ("critical", []),
    ],
)
def test_the_level_chooses_the_lines(level: str, lines: list[str]) -> None:
    text = told(FINE, MISSED, FAILED, LEFT, REFUSED, level=level)

    assert [json.loads(line)["request"] for line in text.splitlines()] == lines


@pytest.mark.parametrize("kind", Kind)
def test_a_fault_of_the_clients_own_is_information_and_any_other_an_error(kind: Kind) -> None:
    line = json.loads(told(a_record(attempts=(), fault=Fault(kind, "none"))))

    mine = FAULTS[kind].whose in (Whose.CLIENT, Whose.NOBODY)
    assert line["level"] == ("info" if mine else "error")


def test_a_refusal_names_the_bounds_it_missed_as_before() -> None:
    line = json.loads(told(REFUSED))

    assert (line["verdict"], line["missed"], line["status"]) == ("missed", ["ttft_ms"], 422)


def test_a_forecast_without_an_end_is_null() -> None:
    line = json.loads(told(a_record(decisions=(a_decision(PARASAIL, predicted_ms=inf),))))

    assert line["predicted_ttft_ms"] is None


def test_a_line_is_there_within_half_a_second() -> None:
    stream = StringIO()
    reporter = Reporter(stream=stream)
    began = time.monotonic()
    reporter.report(FINE)

    until(lambda: stream.getvalue() != "")
    assert time.monotonic() - began < 0.5
    assert reporter.close()


def test_an_unwanted_record_wakes_no_thread() -> None:
    before = threading.active_count()
    reporter = Reporter(log_level="warning", otlp_endpoint="http://127.0.0.1:9", stream=StringIO())

    reporter.report(a_record(context=unsampled()))

    assert threading.active_count() == before
    assert reporter.close()


def test_an_unknown_level_is_refused_at_once() -> None:
    with pytest.raises(KeyError):
        Reporter(log_level="loud")


def test_a_terminal_gets_words() -> None:
    assert told(MISSED, stream=Terminal()) == (
        "08:53:22 warning  deepseek-r1 -> deepseek-r1@parasail  ok  "
        "ttft 502 ms (700 expected)  e2e 2502 ms (9000 expected)  "
        "0.002500 USD (0.002500 expected)  missed ttft_ms  missed\n"
    )


@pytest.mark.parametrize("line", [json_line, plain_line])
def test_one_request_is_one_line_whatever_it_is_called(line: object) -> None:
    record = a_record(model="m\n\x1b[2Jfake", request_id="a\r\nb\u2028c")
    assert callable(line)

    text = line(record, Level.INFO)

    assert text.isprintable() or json.loads(text)["model"] == record.ask.model
    assert not {"\n", "\r", "\x1b"} & set(text)


def test_a_terminal_that_was_stopped_holds_up_nobody() -> None:
    going = threading.Event()

    class Stopped(StringIO):
        def write(self, text: str, /) -> int:
            going.wait(10)
            return super().write(text)

    stream = Stopped()
    reporter = Reporter(stream=stream, pause_s=0.0)
    for _ in range(500):
        reporter.report(FINE)
    assert not reporter.close(0.05)
    going.set()
    assert reporter.close()
    assert len(stream.getvalue().splitlines()) == 500


def test_an_odd_record_is_counted_and_does_not_silence_the_next() -> None:
    stream = StringIO()
    reporter = Reporter(stream=stream)

    reporter.report(None)  # type: ignore[arg-type]
    reporter.report(FINE)

    assert reporter.close()
    assert reporter.failed == 1
    assert len(stream.getvalue().splitlines()) == 1

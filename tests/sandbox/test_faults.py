import json

import aiohttp
import pytest

from router.sandbox.faults import SPECS, Argument, Fault, Faults, Kind, parse_faults
from router.sandbox.fleet import EndpointId
from router.sandbox.process import Market
from tests.sandbox.caller import CLAUDE, R1, Reply, call, entry_of

LIFE = pytest.mark.asyncio(loop_scope="session")
PROMPT_COST = 7 * 2000
TOKEN_COST = 4000
HERE = EndpointId("a@x")
SILENT = ("hang", "pings_only", "stall_mid")


def parsed(header: str) -> Faults:
    return parse_faults(header, HERE, {"a@x", "b@x"})


def test_every_kind_has_its_line_in_the_table() -> None:
    assert set(SPECS) == set(Kind)


def test_a_fault_without_an_endpoint_holds_everywhere() -> None:
    assert parsed("reset").chosen == (Fault(Kind.RESET),)
    assert parsed("b@x=reset, a@x=die_mid:3,crlf").chosen == (
        Fault(Kind.DIE_MID, 3),
        Fault(Kind.CRLF),
    )
    assert parsed("").chosen == ()


@pytest.mark.parametrize(
    ("header", "complaint"),
    [
        ("boom", "unknown fault 'boom'; kinds are http_400"),
        ("c@x=reset", "unknown endpoint 'c@x'"),
        ("die_mid", "needs a number"),
        ("die_mid:", "takes a number"),
        ("die_mid:-1", "takes a number"),
        ("slow_ttft:nan", "takes a number"),
        ("reset:3", "takes no argument"),
        ("b@x=boom", "unknown fault"),
    ],
)
def test_a_wrong_order_is_named(header: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        parsed(header)


async def struck(
    market: Market, fault: str, *, endpoint: str = R1, path: str | None = None, **fields: object
) -> Reply:
    """Ask for an answer that takes 20 ms; who falls silent is left after a second."""
    headers = {"x-sandbox-fault": fault, "x-sandbox-answer-tokens": "50"}
    patience_s = 1.0 if fault.startswith(SILENT) else 10.0
    return await call(market, endpoint, path=path, headers=headers, patience_s=patience_s, **fields)


async def booked(market: Market, reply: Reply) -> tuple[str, int]:
    entry = await entry_of(market, reply.id)
    return entry.end, entry.cost_nano_usd


@LIFE
async def test_an_unknown_kind_is_a_400_that_lists_the_kinds(market: Market) -> None:
    reply = await struck(market, "boom")
    assert reply.status == 400
    assert all(kind in reply.json["error"]["message"] for kind in Kind)


@LIFE
@pytest.mark.parametrize("kind", [kind for kind in Kind if kind.startswith("http_")])
@pytest.mark.parametrize("endpoint", [R1, CLAUDE])
async def test_a_refusal_has_its_status_and_costs_nothing(
    market: Market, kind: Kind, endpoint: str
) -> None:
    reply = await struck(market, kind, endpoint=endpoint, max_tokens=9)
    assert reply.status == int(kind[5:])
    assert reply.json["error"]["message"]
    assert await booked(market, reply) == (f"fault:{kind}", 0)


@LIFE
async def test_a_429_says_when_to_come_back(market: Market) -> None:
    assert (await struck(market, "http_429:7")).headers["retry-after"] == "7"


@LIFE
@pytest.mark.parametrize("stream", [True, False])
async def test_answers_no_model_had_a_part_in(market: Market, *, stream: bool) -> None:
    noise = await struck(market, "garbage", stream=stream)
    assert noise.status == 200
    with pytest.raises(ValueError, match=r".*"):
        json.loads(noise.raw)
    for fault, status in (("html", 200), ("html_502", 502)):
        page = await struck(market, fault, stream=stream)
        assert page.status == status
        assert page.headers["content-type"].startswith("text/html")
        assert await booked(market, page) == (f"fault:{fault}", 0)


@LIFE
async def test_a_reset_closes_before_the_headers(market: Market) -> None:
    headers = {"x-sandbox-fault": "reset", "x-request-id": "reset-1"}
    with pytest.raises(aiohttp.ClientConnectionError):
        await call(market, headers=headers)
    entry = await entry_of(market, "reset-1")
    assert (entry.end, entry.cost_nano_usd) == ("fault:reset", 0)


@LIFE
@pytest.mark.parametrize("stream", [True, False])
async def test_a_hang_lasts_until_the_client_goes(market: Market, *, stream: bool) -> None:
    headers = {"x-sandbox-fault": "hang", "x-request-id": f"hang-{stream}"}
    with pytest.raises(TimeoutError):
        await call(market, headers=headers, stream=stream, patience_s=0.2)
    entry = await entry_of(market, f"hang-{stream}")
    assert (entry.end, entry.cost_nano_usd) == ("fault:hang", PROMPT_COST)


@LIFE
async def test_silence_after_the_headers(market: Market) -> None:
    mute = await struck(market, "hang_headers", stream=True)
    assert (mute.status, mute.raw) == (200, b"\n<broken off>")
    assert await booked(market, mute) == ("fault:hang_headers", PROMPT_COST)


@LIFE
@pytest.mark.parametrize("endpoint", [R1, CLAUDE])
async def test_signs_of_life_without_content(market: Market, endpoint: str) -> None:
    pings = await struck(market, "pings_only", endpoint=endpoint, stream=True, max_tokens=9)
    assert pings.raw.count(b": keep-alive\n\n") + pings.raw.count(b"event: ping\n") > 5
    assert pings.text == ""
    assert (await booked(market, pings))[0] == "fault:pings_only"


@LIFE
@pytest.mark.parametrize("fault", ["die_mid:12", "stall_mid:12", "error_mid:12", "half_chunk:12"])
async def test_a_fault_midway_bills_the_prompt_and_what_was_sent(
    market: Market, fault: str
) -> None:
    reply = await struck(market, fault, stream=True)
    heard = reply.raw.count(b" ") - reply.raw.count(b"data: ")
    end = f"fault:{fault.partition(':')[0]}"
    assert await booked(market, reply) == (end, PROMPT_COST + 12 * TOKEN_COST)
    assert b"[DONE]" not in reply.raw
    assert heard >= 11


@LIFE
@pytest.mark.parametrize("fault", ["die_mid:12", "stall_mid:12"])
async def test_a_whole_answer_that_breaks_off_was_made_and_is_billed_in_full(
    market: Market, fault: str
) -> None:
    broken = await struck(market, fault)
    assert broken.status == 200
    assert broken.raw.startswith(b'{"id"')
    assert broken.raw.endswith(b"<broken off>")
    end = f"fault:{fault.partition(':')[0]}"
    assert await booked(market, broken) == (end, PROMPT_COST + 50 * TOKEN_COST)


@LIFE
async def test_each_break_looks_as_it_should(market: Market) -> None:
    died = await struck(market, "die_mid:3", stream=True)
    assert died.raw.endswith(b"\n\n\n<broken off>")
    erred = await struck(market, "error_mid:3", stream=True)
    assert set(erred.events[-1]["error"]) == {"message", "type", "param", "code"}
    half = await struck(market, "half_chunk", stream=True)
    assert not half.raw.endswith((b"\n\n", b"<broken off>"))
    document = await struck(market, "half_chunk")
    with pytest.raises(json.JSONDecodeError):
        json.loads(document.raw)
    assert await booked(market, document) == ("fault:half_chunk", PROMPT_COST + 50 * TOKEN_COST)


@LIFE
async def test_an_empty_answer_is_billed_its_prompt_only(market: Market) -> None:
    empty = await struck(market, "empty", stream=True, stream_options={"include_usage": True})
    assert empty.text == ""
    assert empty.events[-1]["usage"]["completion_tokens"] == 0
    assert empty.events[-2]["choices"][0]["finish_reason"] == "stop"
    assert await booked(market, empty) == ("complete", PROMPT_COST)


@LIFE
async def test_usage_can_be_missing_or_on_the_last_choice(market: Market) -> None:
    asked = {"include_usage": True}
    without = await struck(market, "no_usage", stream=True, stream_options=asked)
    assert not any(event["usage"] for event in without.events)
    assert "usage" not in (await struck(market, "no_usage")).json
    last = (await struck(market, "usage_last", stream=True)).events[-1]
    assert last["choices"][0]["finish_reason"] == "stop"
    assert last["usage"]["completion_tokens"] == 50


@LIFE
async def test_done_can_be_missing(market: Market) -> None:
    assert b"[DONE]" not in (await struck(market, "no_done", stream=True)).raw


@LIFE
async def test_a_big_line_is_one_chunk_of_300_kb(market: Market) -> None:
    reply = await struck(market, "big_line", stream=True)
    assert max(map(len, reply.raw.splitlines())) > 300_000
    assert (await entry_of(market, reply.id)).text_tokens == len(reply.text.split())


@LIFE
@pytest.mark.parametrize("fault", ["crlf", "split", "crlf,split"])
async def test_line_ends_and_write_sizes_do_not_change_what_is_said(
    market: Market, fault: str
) -> None:
    reply = await struck(market, fault, stream=True)
    assert len(reply.text.split()) == 20
    assert (b"\r\n\r\n" in reply.raw) == ("crlf" in fault)
    assert (await booked(market, reply))[0] == "complete"


@LIFE
async def test_slowness_can_be_ordered(market: Market) -> None:
    slow = await entry_of(market, (await struck(market, "slow_ttft:20", stream=True)).id)
    assert (slow.ttft_s or 0) > 4
    drag = await entry_of(market, (await struck(market, "slow_speed:20", stream=True)).id)
    assert drag.duration_s - (drag.ttft_s or 0) > 8


def test_only_kinds_that_need_a_number_take_one() -> None:
    needing = {kind for kind, spec in SPECS.items() if spec.argument is Argument.NEEDED}
    assert needing == {
        Kind.DIE_MID,
        Kind.STALL_MID,
        Kind.ERROR_MID,
        Kind.SLOW_TTFT,
        Kind.SLOW_SPEED,
    }

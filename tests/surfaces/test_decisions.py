"""A finished request is told again, whole, to the key that made it and to nobody else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import aiohttp
import msgspec
import pytest

from router.core.ask import BoundKind
from router.core.faults import Fault, Kind
from router.ports import Record
from router.surfaces.door import Door
from router.surfaces.explain import answer_json
from router.surfaces.kept import VERSION, pack, unpack
from tests.surfaces.house import explained, outcome, running
from tests.surfaces.test_chat import ask
from tests.telemetry.records import a_record, an_attempt

KEYS = ("one-key", "another-key")


def owned(key: str) -> str:
    return Door(KEYS).admit({"Authorization": f"Bearer {key}"})


def made(owner: str = "", *, in_full: bool = False) -> Record:
    record = a_record()
    record = msgspec.structs.replace(record, ask=record.ask._replace(owner=owner))
    if in_full:
        told = explained()
        return msgspec.structs.replace(record, decisions=(told.decision,), explained=told)
    return record


async def asked(
    path: str, record: Record | None, headers: Mapping[str, str] | None = None, **more: Any
) -> tuple[int, dict[str, Any]]:
    packed = {} if record is None else {record.ask.id: pack(record)}

    async def decided(name: str) -> bytes | None:
        return packed.get(name)

    async with (
        running(decided=decided, **more) as house,
        aiohttp.ClientSession(house.url) as client,
        client.get(f"/v1/route/decisions/{path}", headers=headers) as answer,
    ):
        return answer.status, await answer.json()


async def test_it_tells_what_an_explained_answer_does() -> None:
    record = made(in_full=True)
    assert record.explained is not None
    status, told = await asked("req-1", record)
    expected = answer_json(record.explained, record.outcome, record.ask)
    assert status == 200
    assert told == msgspec.to_builtins(expected)


async def test_an_ordinary_request_tells_who_was_weighed_and_the_forecast_of_the_chosen() -> None:
    _, told = await asked("req-1", made())
    decision = told["decision"]
    assert decision["decision_id"] == "req-1"
    assert decision["chosen"]["forecast"]["ttft_ms"]
    assert [e["reason"] for e in decision["endpoints"]] == [
        "chosen",
        "in_plan",
        "bound",
        "context",
    ]
    assert set(decision["endpoints"][1]["forecast"]) == {"cost_usd", "p_keep"}
    assert decision["plan"] == [e["endpoint"] for e in decision["endpoints"][:2]]


async def test_it_tells_what_was_measured_counted_and_paid() -> None:
    record = made()
    _, told = await asked("req-1", record)
    facts = record.outcome.facts()
    assert told["measured"]["ttft_ms"] == pytest.approx(facts[BoundKind.TTFT])
    assert told["measured"]["ttfat_ms"] == pytest.approx(facts[BoundKind.TTFAT])
    assert told["bounds"]["ttft_ms"]["verdict"] == "kept"
    assert told["tokens"] == {
        "fresh_input": 100, "cache_read": 15, "cache_write": 5, "text": 71, "reasoning": 30,
    }  # fmt: skip
    assert told["cost_usd"] == 0.0025
    (attempt,) = told["attempts"]
    assert (attempt["fault"], attempt["status"], attempt["cost_usd"]) == (None, 200, 0.0025)


async def test_a_request_that_failed_says_how() -> None:
    tries = (an_attempt(fault=Kind.CONNECT, ttft_s=None, status=None), an_attempt(number=2))
    record = a_record(attempts=tries, fault=Fault(Kind.GAP_TIMEOUT, "silent"))
    _, told = await asked("req-1", record)
    assert (told["fault"], told["verdict"]) == ("upstream_stalled", "missed")
    assert [a["fault"] for a in told["attempts"]] == ["upstream_unreachable", None]


async def test_a_request_that_was_refused_is_told_too() -> None:
    refused = explained(refused=True)
    record = a_record(
        attempts=(), fault=Fault(Kind.INFEASIBLE, "no"), decisions=(refused.decision,)
    )
    _, told = await asked("req-1", record)
    assert (told["fault"], told["decision"]["chosen"], told["tokens"]) == (
        "sla_infeasible",
        None,
        None,
    )
    assert told["decision"]["endpoints"][0]["reason"] == "context"


async def test_only_the_key_that_made_the_request_is_told() -> None:
    record, door = made(owned("one-key")), Door(KEYS)
    mine = {"Authorization": "Bearer one-key"}
    theirs = {"Authorization": "Bearer another-key"}
    assert (await asked("req-1", record, mine, door=door))[0] == 200
    assert (await asked("req-1", record, {"x-api-key": "one-key"}, door=door))[0] == 200
    refused = await asked("req-1", record, theirs, door=door)
    unknown = await asked("req-1", None, theirs, door=door)
    assert refused == unknown
    assert refused[0] == 404
    assert (await asked("req-1", record, None, door=door))[0] == 401


async def test_where_there_are_no_keys_anybody_is_told() -> None:
    assert (await asked("req-1", made("made while there were keys")))[0] == 200


@pytest.mark.parametrize("name", ["req-2", "x" * 300, "a%20b", "..%00"])
async def test_what_is_unknown_or_too_old_is_a_404_that_says_so(name: str) -> None:
    status, told = await asked(name, made())
    assert (status, told["error"]["code"]) == (404, "decision_not_found")
    assert "older than an hour" in told["error"]["message"]


def test_a_key_is_named_by_a_hash_that_is_not_the_one_it_is_compared_by() -> None:
    door = Door(KEYS)
    names = {owned(key) for key in KEYS}
    assert len(names) == 2
    assert not any(name in digest.hex() for name in names for digest, _ in door._owners)
    assert Door().admit({"Authorization": "Bearer one-key"}) == ""


def test_what_another_version_packed_is_unknown() -> None:
    packed = bytearray(pack(made()))
    assert packed[3] == VERSION
    packed[3] = VERSION + 1
    assert unpack(bytes(packed)) is None
    assert unpack(b"\x00") is None


def test_a_packed_request_is_small_and_holds_nothing_that_was_said() -> None:
    found = ask()._replace(session="s" * 24)
    record = msgspec.structs.replace(a_record(), ask=found, outcome=outcome(found))
    packed = pack(record)
    assert len(packed) < 1024
    assert b"s" * 24 not in packed

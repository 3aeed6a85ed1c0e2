"""Names of providers in OpenRouter's wishes: who is called so, and what a slip of the pen does."""

from __future__ import annotations

from typing import Any

import aiohttp
import pytest

from router.core.ask import NO_PREFERENCES, Preferences
from router.core.catalogue import ModelName
from router.core.faults import Fault, Kind
from router.surfaces.names import known_names
from tests.surfaces.house import CHEAP, QUICK, body, running

SERVED = {ModelName("deepseek-r1"): (CHEAP, QUICK)}


def known(**wishes: Any) -> Preferences:
    return known_names(Preferences(**wishes), SERVED)


@pytest.mark.parametrize(
    ("wishes", "param"),
    [
        ({"only": frozenset({"parasial"})}, "provider.only"),
        ({"only": frozenset({"nobody", "no-one"})}, "provider.only"),
        ({"order": ("nobody",), "fallbacks": False}, "provider.order"),
        ({"ignore": frozenset({"parasial"})}, "provider.ignore"),
        ({"ignore": frozenset({"deepseek", "parasial"})}, "provider.ignore"),
    ],
)
def test_a_name_that_leaves_nobody_or_lets_the_ignored_serve_is_refused(
    wishes: dict[str, Any], param: str
) -> None:
    with pytest.raises(Fault) as raised:
        known(**wishes)
    fault = raised.value
    assert (fault.kind, fault.param) == (Kind.BAD_BODY, param)
    assert "parasail" in fault.message


@pytest.mark.parametrize(
    ("wishes", "unknown"),
    [
        ({"only": frozenset({"parasail", "azure"})}, ("provider.only: azure",)),
        ({"order": ("azure", "deepseek-r1@parasail")}, ("provider.order: azure",)),
        ({"order": ("parasial",)}, ("provider.order: parasial",)),
        ({"ignore": frozenset({"azure"})}, ("provider.ignore: azure",)),
        ({"ignore": frozenset({"deepseek"})}, ()),
        ({}, ()),
    ],
)
def test_a_name_that_nobody_has_is_told_and_does_nothing(
    wishes: dict[str, Any], unknown: tuple[str, ...]
) -> None:
    assert known(**wishes).unknown == unknown


def test_who_wishes_nothing_of_anybody_is_left_as_it_is() -> None:
    assert known_names(NO_PREFERENCES, SERVED) is NO_PREFERENCES


async def test_it_is_told_over_http_before_anything_is_sent() -> None:
    async with running() as house, aiohttp.ClientSession(house.url) as client:
        wrong = body(provider={"only": ["parasial"]})
        async with client.post("/v1/chat/completions", json=wrong) as answer:
            refused = await answer.json()
            assert answer.status == 400
        soft = body(provider={"order": ["parasial"]})
        async with client.post("/v1/route/explain", json=soft) as answer:
            told = await answer.json()
    assert refused["error"]["param"] == "provider.only"
    assert house.dispatcher.seen == []
    assert told["unknown_names"] == ["provider.order: parasial"]

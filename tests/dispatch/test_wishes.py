"""Who is asked when the first fails, where the application said who goes first."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from router.core.ask import Ask, Preferences
from router.core.catalogue import ModelName
from router.core.decision import Reason
from router.core.faults import Fault, Kind
from tests.core.market import an_ask, an_endpoint
from tests.dispatch.stage import CHEAP, DEAR, MIDDLE, Stage, failing

V3 = ModelName("v3")
OTHER = replace(an_endpoint("v3@other", 0.1, 0.2), serves=(V3,), family="v3")
DOWN = failing(Kind.SERVER_ERROR, status=503)


def wishing(**wishes: Any) -> Ask:
    return an_ask()._replace(preferences=Preferences(**wishes))


def test_those_named_are_tried_in_their_order_and_then_the_others() -> None:
    scripts = {DEAR.id: [DOWN], MIDDLE.id: [DOWN]}
    ran = Stage(scripts, ask=wishing(order=("dear", "middle"))).play()
    assert ran.upstream.tried == [DEAR.id, MIDDLE.id, CHEAP.id]


def test_without_fallbacks_those_named_are_tried_and_no_other() -> None:
    scripts = {DEAR.id: [DOWN], MIDDLE.id: [DOWN]}
    ran = Stage(scripts, ask=wishing(order=("dear", "middle"), fallbacks=False)).play()
    assert ran.upstream.tried == [DEAR.id, MIDDLE.id]
    assert isinstance(ran.raised, Fault)
    assert ran.raised.kind is Kind.SERVER_ERROR


def test_without_fallbacks_and_an_order_the_best_is_tried_once() -> None:
    ran = Stage({CHEAP.id: [DOWN]}, ask=wishing(fallbacks=False)).play()
    assert ran.upstream.tried == [CHEAP.id]
    assert ran.fault is Kind.SERVER_ERROR


def test_a_model_to_fall_back_on_is_asked_after_everybody_with_the_first() -> None:
    scripts = {CHEAP.id: [DOWN], MIDDLE.id: [DOWN]}
    ran = Stage(scripts, (CHEAP, MIDDLE, OTHER), ask=wishing(models=(V3,))).play()
    assert ran.upstream.tried == [CHEAP.id, MIDDLE.id, OTHER.id]
    assert ran.raised is None


def test_a_model_to_fall_back_on_is_explained_with_the_others() -> None:
    ask = wishing(models=(V3,))._replace(explain=True)
    ran = Stage({}, (CHEAP, OTHER), ask=ask).play()
    explained = ran.record.explained
    assert explained is not None
    (behind,) = explained.rejections
    assert (behind.endpoint, behind.reason) == (OTHER.id, Reason.ORDER)

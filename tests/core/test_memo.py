"""While nothing was learned, the same question has the same answer."""

from __future__ import annotations

from dataclasses import replace

import pytest

from router.core.ask import Ask, Preferences, PromptSize
from router.core.catalogue import Capability, Tier
from router.core.decide import decide
from router.core.memo import ALIKE, MOST_USES, Memo
from router.core.stakes import Stakes
from router.core.surface import Surface
from tests.core.market import NOON, a_candidate, an_ask, an_endpoint, ttft

FLEET = [a_candidate(an_endpoint("r1@parasail", 2, 4)), a_candidate(an_endpoint("r1@azure", 3, 5))]
ASK = an_ask(ttft(1000))._replace(prompt=PromptSize(1000))
DECISION = decide(ASK, FLEET, Stakes(), wall=NOON)


def kept() -> Memo:
    memo = Memo()
    memo.keep(ASK, FLEET, DECISION)
    return memo


def test_a_like_request_on_the_same_board_takes_the_decision() -> None:
    other = ASK._replace(id="another", prompt=PromptSize(int(1000 * (1 + ALIKE / 2))))
    assert kept().find(other, FLEET) is DECISION


def test_any_news_on_the_board_makes_everybody_decide_again() -> None:
    assert kept().find(ASK, list(FLEET)) is None


def test_only_a_few_requests_share_one_draw() -> None:
    memo = kept()
    found = [memo.find(ASK, FLEET) for _ in range(MOST_USES + 3)]
    assert found.count(None) == 4
    assert found[: MOST_USES - 1] == [DECISION] * (MOST_USES - 1)


@pytest.mark.parametrize(
    "other",
    [
        ASK._replace(sla=replace(ASK.sla)),
        ASK._replace(stream=not ASK.stream),
        ASK._replace(max_tokens=5),
        ASK._replace(needs=frozenset({Capability.TOOLS})),
        ASK._replace(params=frozenset({"logit_bias"})),
        ASK._replace(prompt=PromptSize(1100)),
        ASK._replace(prompt=PromptSize(1000, attachments=1)),
        ASK._replace(preferences=Preferences(ignore=frozenset({"azure"}))),
        ASK._replace(surface=Surface.MESSAGES),
        ASK._replace(only_natively="citations"),
        ASK._replace(tier=Tier.FLEX),
    ],
    ids=[
        "sla",
        "stream",
        "max_tokens",
        "needs",
        "params",
        "size",
        "attachments",
        "preferences",
        "surface",
        "only_natively",
        "tier",
    ],
)
def test_whoever_asks_for_something_else_decides_for_himself(other: Ask) -> None:
    assert kept().find(other, FLEET) is None


def test_a_conversation_neither_takes_a_decision_nor_leaves_one() -> None:
    turn = ASK._replace(session="a conversation")
    assert kept().find(turn, FLEET) is None
    memo = Memo()
    memo.keep(turn, FLEET, DECISION)
    assert memo.find(ASK, FLEET) is None

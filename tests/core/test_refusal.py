"""What a person reads of a refusal, without taking its list of endpoints apart."""

from __future__ import annotations

from router.core.catalogue import EndpointId
from router.core.decision import Decision, Explained, Reason, Rejection, Status
from router.core.refusal import refusal
from tests.core.market import an_ask


def words(*rejections: tuple[Reason, str]) -> str:
    out = tuple(
        Rejection(EndpointId(f"r1@{n}"), reason, detail)
        for n, (reason, detail) in enumerate(rejections)
    )
    decision = Decision(Status.BEST_EFFORT, (), out, 500.0)
    return refusal(an_ask(), Explained(decision, (), out)).message


BLIND = (Reason.CAPABILITY, "does not offer images")
NARROW = (Reason.CONTEXT, "window of 4096 tokens, 9000 needed")


def test_the_words_say_what_rules_out_how_many() -> None:
    told = words(NARROW, BLIND, BLIND)
    assert "does not offer images (2 of 3); window of 4096 tokens" in told
    assert words(BLIND).count("images (1 of 1)") == 1


def test_who_would_serve_if_asked_is_no_reason_to_refuse() -> None:
    assert "dearer" not in words((Reason.DEARER, "costs more"), BLIND)
    assert "all bounds at once" in words((Reason.DEARER, "costs more"))


def test_many_reasons_and_long_ones_are_cut_short() -> None:
    many = [(Reason.PARAMETER, f"does not take {n}{'x' * 100_000}") for n in range(50)]
    told = words(*many)
    assert "and 47 other reasons" in told
    assert len(told) < 1200

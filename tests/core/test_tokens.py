"""Bytes to tokens: a guess at once, a ratio per model soon."""

from __future__ import annotations

import pytest

from router.core import tokens
from router.core.answer import Usage
from router.core.ask import PromptSize
from router.core.faults import Kind
from router.core.tokens import TOKENS, Rates
from tests.core.market import an_attempt

NONE = [0.0] * TOKENS.size


def taught(size: PromptSize, reported: int, times: int = 50) -> Rates:
    sums = list(NONE)
    for _ in range(times):
        attempt = an_attempt(usage=Usage(reported // 2, reported - reported // 2, text=600))
        for index, amount in tokens.learned(attempt, size):
            sums[index] += amount
    return tokens.believed(sums)


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        (PromptSize(0), 1),
        (PromptSize(400), 100),
        (PromptSize(0, 300), 150),
        (PromptSize(400, 300, 1), 1250),
    ],
)
def test_the_first_guess_is_by_bytes(size: PromptSize, expected: float) -> None:
    assert tokens.guess(size) == expected
    assert tokens.believed(NONE).prompt_tokens(size) == expected


def test_the_ratio_is_learned_from_what_providers_report() -> None:
    rates = taught(PromptSize(4000), 1300)
    assert rates.prompt_tokens(PromptSize(8000)) == pytest.approx(2600, rel=0.02)


def test_one_report_is_not_yet_believed_in_full() -> None:
    rates = taught(PromptSize(400), 1000, times=1)
    assert 100 < rates.prompt_tokens(PromptSize(400)) < 1000


def test_other_text_is_learned_apart_from_ascii() -> None:
    rates = taught(PromptSize(100, 3000), 1100)
    assert rates.ascii == 1.0
    assert rates.prompt_tokens(PromptSize(100, 3000)) == pytest.approx(1100, rel=0.03)


def test_visible_characters_per_token_are_learned() -> None:
    sums = list(NONE)
    attempt = an_attempt(output=600)._replace(visible_chars=1800)
    for _ in range(50):
        for index, amount in tokens.learned(attempt, PromptSize(400)):
            sums[index] += amount
    assert tokens.believed(sums).visible_tokens(300) == pytest.approx(100, rel=0.02)


def document(around: int) -> Rates:
    """What is believed after fifty whole answers of 1,000 characters with so much around them."""
    sums = list(NONE)
    attempt = an_attempt(output=250)._replace(visible_chars=1000, body_bytes=1000 + around)
    for _ in range(50):
        for index, amount in tokens.learned(attempt, PromptSize(400)):
            sums[index] += amount
    return tokens.believed(sums)


def test_what_stands_around_the_text_of_a_whole_answer_is_learned() -> None:
    assert tokens.believed(NONE).document_tokens(500 + 400) == pytest.approx(100)
    assert document(around=900).document_tokens(900 + 400) == pytest.approx(100, rel=0.03)
    assert document(around=900).document_tokens(30) == 0


def test_an_answer_that_is_mostly_no_text_teaches_no_envelope() -> None:
    assert document(around=300_000).envelope == tokens.ENVELOPE_BYTES


def test_estimates_never_teach() -> None:
    size = PromptSize(400)
    assert not tokens.learned(an_attempt(usage=Usage(9, text=9, estimated=True)), size)
    assert not tokens.learned(an_attempt(ttft_s=None), size)
    broken = tokens.learned(an_attempt(fault=Kind.BROKEN), size)
    assert [index for index, _ in broken] == [0, 1]

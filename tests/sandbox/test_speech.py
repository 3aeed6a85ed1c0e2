import json
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.sandbox.speech import Prose, Recital, content_tokens, text_tokens


@given(st.integers(0, 500), st.integers(500, 3000))
def test_visible_characters_follow_billed_tokens_within_one_percent(
    offset: int, tokens: int
) -> None:
    assert len(Prose(offset).between(0, tokens)) == pytest.approx(4.5 * tokens, rel=0.01)


@given(st.integers(0, 500), st.lists(st.integers(0, 400), min_size=1, max_size=20))
def test_however_prose_is_cut_the_pieces_are_the_whole(offset: int, cuts: list[int]) -> None:
    prose = Prose(offset)
    edges = [0, *sorted(cuts)]
    pieces = [prose.between(a, b) for a, b in pairwise(edges)]
    assert "".join(pieces) == prose.between(0, edges[-1])


def test_a_token_of_prose_is_a_word() -> None:
    assert len(Prose(3).between(0, 700).split()) == 700


def test_prose_needs_no_escaping() -> None:
    prose = Prose().between(0, 500)
    assert json.dumps(prose) == f'"{prose}"'


def test_a_recital_is_four_characters_to_the_token() -> None:
    recital = Recital('{"a":1}xx')
    assert recital.tokens == 3
    assert recital.between(0, 1) + recital.between(1, 3) == '{"a":1}xx'


def test_text_counts_by_its_bytes() -> None:
    assert [text_tokens(text) for text in ("", "a", "abcd", "abcde", "ÄÖÜ")] == [0, 1, 1, 2, 2]


def test_parts_of_either_dialect_are_counted() -> None:
    image: dict[str, object] = {"type": "image_url", "image_url": {"url": "data:"}}
    result = {"type": "tool_result", "content": [{"type": "text", "text": "abcd"}]}
    assert content_tokens([{"type": "text", "text": "abcd"}, image, result, None]) == 1 + 1000 + 1

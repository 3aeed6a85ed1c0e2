from random import Random
from statistics import median, quantiles

import pytest

from router.sandbox.draw import Take, Wish, draw
from router.sandbox.fleet import EndpointId, Row, load_fleet

FLEET = load_fleet()
R1 = FLEET[EndpointId("deepseek-r1@deepseek")]
FAST = FLEET[EndpointId("deepseek-r1@friendli")]
CLAUDE = FLEET[EndpointId("claude-sonnet-4@anthropic")]
O3 = FLEET[EndpointId("o3@openai")]


def takes(row: Row, wish: Wish, n: int = 4000) -> list[Take]:
    return [draw(row, wish, Random(seed)) for seed in range(n)]


@pytest.mark.parametrize(("row", "tokens"), [(R1, 900), (CLAUDE, 300), (O3, 800)])
def test_the_median_answer_is_the_rows(row: Row, tokens: int) -> None:
    lengths = [take.hidden + take.visible for take in takes(row, Wish(500))]
    assert median(lengths) == pytest.approx(tokens, rel=0.03)
    p16, p84 = quantiles(lengths, n=100)[15], quantiles(lengths, n=100)[83]
    assert p84 / p16 == pytest.approx(2.718 ** (2 * 0.4), rel=0.06)


@pytest.mark.parametrize("row", [R1, FAST, CLAUDE])
def test_the_median_wait_at_500_tokens_is_the_rows(row: Row) -> None:
    assert median(t.ttft_s for t in takes(row, Wish(500))) == pytest.approx(row.ttft_s, rel=0.02)


def test_the_wait_grows_with_the_prompt() -> None:
    short, long = draw(R1, Wish(500), Random(7)), draw(R1, Wish(50_500), Random(7))
    assert long.ttft_s / short.ttft_s == pytest.approx((27 + 50 * 0.08) / 27)


def test_hidden_thinking_is_a_wait_and_is_billed() -> None:
    take = draw(O3, Wish(500, answer_tokens=1000), Random(1))
    assert (take.hidden, take.reasoning, take.text) == (600, 0, 400)
    assert take.ttft_s > 600 / take.tokens_per_s
    assert take.thought(0) == 0
    assert 250 < take.thought(take.ttft_s - 300 / take.tokens_per_s) <= 300
    assert take.thought(take.ttft_s) == 600


def test_a_limit_eats_the_thinking_first() -> None:
    take = draw(O3, Wish(500, max_tokens=100, answer_tokens=1000), Random(1))
    assert (take.hidden, take.text, take.cut) == (100, 0, True)
    take = draw(R1, Wish(500, max_tokens=700, answer_tokens=1000), Random(1))
    assert (take.reasoning, take.text, take.cut) == (600, 100, True)


def test_the_first_token_falls_due_at_the_ttft_and_the_last_at_the_end() -> None:
    take = draw(R1, Wish(500, ttft_s=2.0, answer_tokens=10), Random(1))
    assert take.due(1.999) == 0
    assert take.due(2.0) == 1
    assert take.due(take.duration_s) == 10
    assert take.duration_s == pytest.approx(2.0 + 9 / take.tokens_per_s)


def test_a_slow_down_stretches_the_same_draw() -> None:
    plain = draw(O3, Wish(500), Random(3))
    slow = draw(O3, Wish(500, ttft_factor=5.0, speed_factor=0.5), Random(3))
    assert slow.visible == plain.visible
    assert slow.tokens_per_s == plain.tokens_per_s / 2
    assert slow.ttft_s > 5 * plain.ttft_s


def test_the_same_chance_draws_the_same_answer() -> None:
    assert draw(R1, Wish(500), Random("x")) == draw(R1, Wish(500), Random("x"))

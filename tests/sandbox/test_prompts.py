"""How long a row remembers a prompt."""

from router.sandbox.fleet import EndpointId, load_fleet
from router.sandbox.prompts import Prompts

ROW = load_fleet()[EndpointId("deepseek-r1@deepseek")]
PROMPT = ((b"one", 1000), (b"two", 2000))


def test_a_prompt_is_forgotten_when_it_was_not_read_for_long_and_reading_keeps_it() -> None:
    prompts = Prompts()
    assert prompts.cached(ROW, PROMPT, now=0) == 0
    assert prompts.cached(ROW, PROMPT, now=ROW.cache_s - 1) == 1984
    assert prompts.cached(ROW, PROMPT, now=2 * ROW.cache_s - 2) == 1984
    assert prompts.cached(ROW, PROMPT, now=3 * ROW.cache_s) == 0

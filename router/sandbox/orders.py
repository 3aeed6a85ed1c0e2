"""What a request orders of the sandbox itself, by header, beside what it asks of the provider."""

from dataclasses import replace

from multidict import CIMultiDictProxy

from router.sandbox.ask import Ask, Refusal
from router.sandbox.draw import Take, Wish
from router.sandbox.faults import Faults, Kind, parse_faults
from router.sandbox.fleet import Fleet, Row
from router.sandbox.script import Weather
from router.sandbox.speech import Recital

FAULT = "x-sandbox-fault"
ANSWER_TOKENS = "x-sandbox-answer-tokens"
TTFT_S = "x-sandbox-ttft-s"
_BIG_TOKENS = 66_700

Headers = CIMultiDictProxy[str]


def _number(headers: Headers, name: str) -> float | None:
    """A header as a number >= 0, None where absent. Raises Refusal 400."""
    text = headers.get(name)
    if text is None:
        return None
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0 <= number < float("inf"):
        raise Refusal(400, f"{name} takes a number >= 0, not {text!r}", param=name)
    return number


def ordered_faults(headers: Headers, row: Row, fleet: Fleet) -> Faults:
    """The faults ordered for this row. Raises Refusal 400."""
    try:
        return parse_faults(",".join(headers.getall(FAULT, [])), row.endpoint, fleet)
    except ValueError as error:
        raise Refusal(400, str(error), code="unknown_fault", param=FAULT) from None


def wish(  # noqa: PLR0917 - everything that has a say
    headers: Headers, row: Row, ask: Ask, faults: Faults, sky: Weather, cached: int
) -> Wish:
    """What the draw must respect: no wait for `cached` tokens. Raises Refusal 400 for a header
    that is no number.
    """
    tokens = _number(headers, ANSWER_TOKENS)
    room = row.context - ask.prompt_tokens
    return Wish(
        prompt_tokens=ask.prompt_tokens - cached,
        max_tokens=room if ask.max_tokens is None else ask.max_tokens,
        answer_tokens=None if tokens is None else int(tokens),
        said_tokens=None if ask.said is None else Recital(ask.said).tokens,
        ttft_s=_number(headers, TTFT_S),
        ttft_factor=sky.ttft_factor * faults.argument(Kind.SLOW_TTFT, 1.0),
        speed_factor=sky.speed_factor / max(faults.argument(Kind.SLOW_SPEED, 1.0), 1e-6),
    )


def distorted(take: Take, faults: Faults) -> Take:
    """The take as faults of manner change it."""
    if faults.has(Kind.EMPTY):
        return replace(take, hidden=0, reasoning=0, text=0, cut=False)
    if faults.has(Kind.BIG_LINE):
        return replace(take, hidden=0, reasoning=0, text=_BIG_TOKENS, tokens_per_s=1e9, cut=False)
    return take

"""Looking ahead over a conversation: a turn should go where the *later* turns will be cheap.

Whoever served the last turn holds its prompt in the cache. Backwards over the turns to come, each
is served either where the last one was, warm, or anywhere else, cold.
"""

from __future__ import annotations

from collections.abc import Sequence


def later_usd(
    warm: Sequence[Sequence[float]], cold: Sequence[Sequence[float]], go_on: float = 1.0
) -> list[list[float]]:
    """Expected cost of all turns after each turn, by the endpoint that serves that turn.

    ``warm[k][e]`` is the cost of the k-th later turn at endpoint e if e served the turn before
    it, ``cold[k][e]`` if not; ``go_on`` the chance that another turn follows. Element 0 of what is
    returned is for the present turn, the last (zeros) for the last one.
    """
    value = [0.0] * (len(cold[0]) if cold else 0)
    levels = [value]
    for stay, move in zip(reversed(warm), reversed(cold), strict=True):
        elsewhere = min(m + v for m, v in zip(move, value, strict=True))
        value = [go_on * min(s + v, elsewhere) for s, v in zip(stay, value, strict=True)]
        levels.append(value)
    return levels[::-1]

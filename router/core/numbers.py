"""What the forecast and the decision need of the normal distribution."""

from __future__ import annotations

from functools import lru_cache
from math import erf, sqrt
from statistics import NormalDist
from typing import Final

_SQRT2 = sqrt(2)
_STANDARD = NormalDist()


def normal_cdf(z: float) -> float:
    """P(Z <= z) of the standard normal."""
    return 0.5 * (1 + erf(z / _SQRT2))


@lru_cache(maxsize=2048)
def normal_quantile(p: float) -> float:
    """Return z with P(Z <= z) = p, for p in (0, 1)."""
    return _STANDARD.inv_cdf(p)


DEVIATE_BITS: Final = 12
DEVIATES: Final = tuple(
    _STANDARD.inv_cdf((i + 0.5) / 2**DEVIATE_BITS) for i in range(2**DEVIATE_BITS)
)
"""The standard normal at evenly spaced probabilities: a random index draws from it, four times
as fast as ``random.gauss``, out to 3.7 standard deviations."""

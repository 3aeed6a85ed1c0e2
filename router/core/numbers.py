"""Two functions of the normal distribution that the forecast leans on."""

from __future__ import annotations

from functools import lru_cache
from math import erf, sqrt
from statistics import NormalDist

_SQRT2 = sqrt(2)
_STANDARD = NormalDist()


def normal_cdf(z: float) -> float:
    """P(Z <= z) of the standard normal."""
    return 0.5 * (1 + erf(z / _SQRT2))


@lru_cache(maxsize=2048)
def normal_quantile(p: float) -> float:
    """Return z with P(Z <= z) = p, for p in (0, 1)."""
    return _STANDARD.inv_cdf(p)

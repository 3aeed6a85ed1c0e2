"""Chance that does not depend on the order of asking: common random numbers.

What endpoint e does with request i at attempt k is drawn from a hash of (seed, i, k, e), so that
every strategy meets the same market whatever it asked before.
"""

from __future__ import annotations

from hashlib import blake2b
from math import exp, log, sqrt
from statistics import NormalDist
from struct import Struct
from typing import Final

from router.core.numbers import normal_cdf
from router.simulate.scenario import Noise

_STANDARD: Final = NormalDist()
_KEY: Final = Struct("<4q")
_EIGHT: Final = Struct("<8Q")
_UNIT: Final = 2.0**-64


def uniforms(seed: int, request: int, attempt: int, endpoint: int) -> tuple[float, ...]:
    """Return eight independent numbers in (0, 1) that belong to these four."""
    digest = blake2b(_KEY.pack(seed, request, attempt, endpoint)).digest()
    return tuple([(x + 0.5) * _UNIT * _INSIDE for x in _EIGHT.unpack(digest)])


_INSIDE: Final = 1 - 2.0**-52
"""Keeps the largest below 1 after rounding."""

normal = _STANDARD.inv_cdf


def residual(noise: Noise, u: float, mode: float) -> float:
    """Return the log of a wait's ratio to its level, at two uniforms."""
    if noise.family == "heavy":
        scale = noise.spread / sqrt(2)
        return scale * log(2 * u) if u < 0.5 else -scale * log(2 * (1 - u))  # noqa: PLR2004 - median
    z = noise.spread * normal(u)
    if noise.family == "bimodal" and mode < noise.slow_share:
        z += log(noise.slow_factor)
    return z


def residual_cdf(noise: Noise, x: float) -> float:
    """P(residual <= x): what ``residual`` draws from."""
    if noise.family == "heavy":
        scale = noise.spread / sqrt(2)
        return exp(x / scale) / 2 if x < 0 else 1 - exp(-x / scale) / 2
    quick = normal_cdf(x / noise.spread)
    if noise.family == "lognormal":
        return quick
    slow = normal_cdf((x - log(noise.slow_factor)) / noise.spread)
    return (1 - noise.slow_share) * quick + noise.slow_share * slow

"""Where an endpoint stands just now against what hours have shown: a factor on waits, and on speed.

It is learned twice, over minutes (``FAST``) and over seconds (``SHARP``), each as a displacement
from the slower one. Endpoints mostly stay where they are, and when they do not they go far: another
fleet behind the name, a queue, a neighbour's batch. So how far one may have moved is a mixture of
two normals, a narrow one and a wide one (spike and slab; Mitchell and Beauchamp, 1988), and so is
what is believed after ``n`` residuals of mean ``m`` and noise ``s2``:

    v_i = sd_i^2 + s2/n                            how far m would lie, had it stayed (or moved)
    P(moved | m) ~ p_moves * N(m; 0, v_moves)
    displacement = sd_i^2 / v_i * m                the posterior mean of a normal, for each of both

A few small residuals are noise and are shrunk to nearly nothing; a large mean is believed nearly as
it is. One normal in the middle follows the noise on quiet days and is too slow in a storm.

What an endpoint was seen to do last is not forgotten as soon as nobody looks: a slow-down that made
everybody leave rather goes on for a while. Either it still stands (with a chance that falls over
``LASTS_S``), or the endpoint is back where the minutes have it; mean and variance are those of
that mixture.
"""

from __future__ import annotations

from math import exp, log, sqrt
from typing import Final, NamedTuple

from router.core.decay import Group

FAST: Final = Group("fast", 240.0, 6)
"""TTFT residuals n, sum; their innovations n, sum of squares; log tokens/s n, sum (half-life:
study, 120 s alike, longer dearer; of speed 600 s there)."""
SHARP: Final = Group("sharp", 20.0, 4)
"""TTFT residuals n, sum; log tokens/s n, sum. 20 s: at 2 requests/s a 5x slow-down is believed as
1.6x after 10 s, 2.2x after 20 s, 4.1x after a minute (noise 0.2 and 0.4 alike)."""

LASTS_S: Final = 300.0
"""How long what was seen last goes on, on average, once nobody looks. Replayed, 5 and 10 minutes
forecast storms and ordinary markets alike; the shorter finds a recovery sooner."""
HEARD_N: Final = 5.0
"""Answers' worth of the last evidence that counts on however long ago it was, as long as minutes
hold so many. Replayed, 10 forecast a storm better still, but at a request in two seconds one of
fifteen recoveries was not found within seven minutes."""
NOTHING: Final = 1e-12
"""Evidence that weighs less is none, or dividing by it would overflow; after two epochs a whole
answer still weighs 2e-10."""
CERTAIN: Final = 50.0
"""Log odds beyond which more makes no difference, and exp would overflow."""

_FADES = SHARP.half_life_s / (LASTS_S * log(2))
"""exp(-idle / LASTS_S) is the share of faded evidence to this power. Idle is how long it has been
below ``HEARD_N`` answers' worth: a busy endpoint becomes so about a minute after its last answer,
one that is used once a minute always is a little."""


class Moves(NamedTuple):
    """How far (sd of the log) something moves: a share ``p_moves`` of the time, and else."""

    stays_sd: float
    moves_sd: float
    p_moves: float

    @property
    def var(self) -> float:
        """Variance of a displacement of which nothing was seen."""
        return self.stays_sd**2 + self.p_moves * (self.moves_sd**2 - self.stays_sd**2)


class Restless(NamedTuple):
    """How an endpoint moves within minutes and within seconds."""

    minutes: Moves
    seconds: Moves


WAITS: Final = Restless(Moves(0.2, 0.8, 0.2), Moves(0.06, 0.7, 0.1))
SPEEDS: Final = Restless(Moves(0.08, 0.4, 0.1), Moves(0.05, 0.4, 0.05))
"""Chosen among seven sets by how well waits and speeds of `agents` and `volatile` were forecast
(five seeds each): docs/decision.md, "Steady or moved". Speed moves less than waits, which queues
make."""


class Displaced(NamedTuple):
    """Posterior mean and variance of a displacement; ``trust`` is the share of what was seen that
    is believed.
    """

    mean: float
    var: float
    trust: float


def displaced(n: float, mean: float, noise_var: float, moves: Moves) -> Displaced:
    """Believe a displacement from ``n`` residuals of this mean."""
    if n <= NOTHING:
        return Displaced(0.0, moves.var, 0.0)
    stays_sd, moves_sd, p = moves
    error_var, square = noise_var / n, mean * mean
    stays_var, moves_var = stays_sd * stays_sd + error_var, moves_sd * moves_sd + error_var
    apart = square * (1 / stays_var - 1 / moves_var) / 2
    odds = p / (1 - p) * sqrt(stays_var / moves_var) * exp(min(apart, CERTAIN))
    moved = odds / (1 + odds)
    stayed, near, far = 1 - moved, stays_sd * stays_sd / stays_var, moves_sd * moves_sd / moves_var
    trust = stayed * near + moved * far
    of_each = (stayed * near * near + moved * far * far) * square
    return Displaced(trust * mean, trust * error_var + of_each - trust * trust * square, trust)


def level(
    fast: tuple[float, float], sharp: tuple[float, float], noise_var: float, restless: Restless
) -> tuple[float, float]:
    """Return mean and sd of a level from (n, sum) over minutes and over seconds.

    Of evidence of seconds that has faded, ``HEARD_N`` answers' worth (or what minutes hold) count
    on. By how much it has faded tells how long nobody has looked, and so the chance that it still
    stands.
    """
    most, total = fast
    slow = displaced(most, total / most if most > NOTHING else 0.0, noise_var, restless.minutes)
    n, total = sharp
    faded = 1.0
    if NOTHING < n < HEARD_N and n < most:
        kept = min(most, HEARD_N)
        faded = n / kept
        n, total = kept, total / faded
    around = total / n - slow.mean if n > NOTHING else 0.0
    quick = displaced(n, around, noise_var, restless.seconds)
    # As if ``trust`` did not depend on the mean, which is so but between staying and moving.
    seen = (1 - quick.trust) ** 2 * slow.var + quick.var
    if faded == 1:
        return slow.mean + quick.mean, sqrt(seen)
    stands, unseen = faded**_FADES, slow.var + restless.seconds.var
    var = stands * seen + (1 - stands) * (unseen + stands * quick.mean**2)
    return slow.mean + stands * quick.mean, sqrt(var)

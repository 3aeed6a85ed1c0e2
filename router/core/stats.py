"""What one endpoint delivers: outcomes in, decaying sums out, and what the sums say.

**Wait.** TTFT grows with the prompt, so it is a line ``a + b x`` (x = thousands of uncached prompt
tokens), fitted by least squares of relative errors over hours. Endpoints also *move* within
minutes: their level (``level``) is a factor on that line. Of a busy endpoint that turns five times
slower, half of that (in the log) is believed after twenty seconds and nearly nine tenths after a
minute. A deserted one is tried again within minutes without a timer, since it may well have
recovered.

What remains is noise, known in two ways. Its spread over minutes (``noise_sd``) says what one wait
is worth as evidence, and which is an outlier. Its shape over hours is kept as a histogram, which
chances are read from: tails are what a percentile is about, and no formula of ours knows them.

Not all doubt is worth a trial. Where an endpoint stands just now is forgotten within minutes, so
finding out pays as far as others will use it by then (``reuse``); what is left of that doubt is
noise to whoever chooses.

**Speed.** Log tokens per second: a slow mean, with the same two levels on top.

**Habits.** How many tokens it spends on an answer against others that serve the model, and which
share of a prompt it should remember it really reads from its cache.

**Failures.** A rate over a minute on top of a rate over hours.

A whole answer (``stream: false``) shows only its end. It is split between wait and decoding in
the proportion that was expected, and each half counts by its share. One that was cut off is rather
a long answer than a slow endpoint: it counts for less, by how much of its noise is its length's.

What is marked (study) is told in docs/decision.md, "The study behind the constants".
"""

from __future__ import annotations

from math import copysign, exp, hypot, log, sqrt
from typing import Final, NamedTuple

from router.core.answer import Usage
from router.core.catalogue import Prior
from router.core.decay import Group, Increment
from router.core.faults import FAULTS, Kind
from router.core.level import FAST, SHARP, SPEEDS, WAITS, level
from router.core.measure import CUT_OFF, Attempt
from router.core.numbers import normal_cdf

LINE: Final = Group("line", 2 * 3600.0, 6)
"""n, then w, wx, wxx, wy, wxy with w = 1/expected^2 (half-life: study, 30 min to 6 h alike)."""
SHAPE: Final = Group("shape", 2 * 3600.0, 60)
"""Histogram of log residuals once the level is taken off (half-life: study, as the line's)."""
SPEED: Final = Group("speed", 4 * 3600.0, 3)
"""log tokens/s n, sum; sum of squared innovations, as far as they are noise (half-life: study)."""
FAILS: Final = Group("fails", 60.0, 2)
FAILS_SLOW: Final = Group("fails_slow", 6 * 3600.0, 2)
"""Attempts n, of which failed (half-lives: study)."""
HABITS: Final = Group("habits", 24 * 3600.0, 6)
"""Answers n, sum of their tokens over the model's mean; prompt tokens (thousands) that should have
been cached, and that were; answers with hidden thinking n, sum of the seconds before it began. A
day, so that all hours count: a guess, not measured."""
GROUPS: Final = (LINE, SHAPE, SPEED, FAST, SHARP, FAILS, FAILS_SLOW, HABITS)

PRIOR_LINE_SD = 0.50
"""How far (log) a declared or default prior may be off. A guess, not measured: more tries
newcomers longer, less believes what is declared."""
PRIOR_DOUBT_N = 1.0
"""Observations that a prior's own doubt counts as: a plain choice; with n more it is 1/(1 + n)."""
PRIOR_NOISE_VAR, PRIOR_NOISE_N = 0.40**2, 3.0
"""Noise of waits, and the observations' worth of belief in it (study)."""
PRIOR_SPEED_SD, PRIOR_SPEED_N = 0.30, 3.0
"""Noise of speeds, which is also how far their prior may be off (a guess, not measured), and the
answers' worth of belief in both (study)."""
PRIOR_SHAPE_SD, PRIOR_SHAPE_N = 0.30, 8.0
"""Noise before any was seen: a normal (its sd a guess, not measured), in pseudo-counts (study,
whose were of all endpoints together)."""
PRIOR_FAIL, PRIOR_FAIL_N = 0.01, 3.0
"""Share of attempts that fail, and the attempts' worth of belief in it (study)."""
FAIL_SHRINK_N = 5.0
"""Attempts' worth of belief that this minute fails as often as the hours. A guess, not measured:
less flees from single failures, more stays with what has just broken."""
PRIOR_CACHE_HIT, PRIOR_CACHE_K = 0.7, 30.0
"""A prompt cache is believed to hit so often until so many thousands of tokens said otherwise
(study)."""
PRIOR_VERBOSITY_N = 30.0
"""Answers' worth of belief that an endpoint is as verbose as its model (study)."""
VERBOSITY_NOISE, VERBOSITY_DOUBT = 0.42, 2.0
"""Spread of one answer against its model's mean (lognormal, sigma .4), and how many standard errors
of the mean are taken for chance (two, as is usual): endpoints of one model rarely differ, and who
chose by chance would never look again."""
PRIOR_IDLE_N = 2.0
"""Answers' worth of belief in the declared time before hidden thinking begins: little, since it is
hardly ever declared exactly. A guess, not measured."""
CLIP_SD = 2.5
"""Residuals further out than this many sd enter as this many (study)."""
SHARP_REACH = 1.5
"""The level of seconds sees further out (log; 4.5x), or a sharp change would be cut small. How far
is a guess: endpoints that turn five times slower are what it is held to."""
CENSORED_EXTRA = 0.25
"""'At least this long' enters as this much (log) longer (study)."""

SHAPE_LOW, SHAPE_STEP = -2.5, 0.1
"""Where the histogram begins (log), and its cells: from 1/12 to 33 times what was expected, told to
10 %, a quarter of the usual noise (cells: study)."""
STEADY = SHAPE_STEP / 4
"""Doubt that changed by less would blur the shape by less than half a cell: it stays as it is."""
MIN_A_S, MIN_B_S, MAX_B_S = 0.02, 0.0005, 2.0
"""Bounds of the fitted line, since prompts of one size fit any slope. Guesses meant to lie beyond
what is sold: an empty prompt in 20 ms, 500 to 2 million prompt tokens/s."""
NEW_BELOW, HOLD_WHILE_NEW, HOLD = 20, 1.5, 0.3
"""Observations below which the prior line weighs more, and its weights: a few waits of one prompt
size tell no line (study)."""
PSEUDO_PROMPTS_K = (0.5, 40.0)
"""Prompt sizes (thousands of tokens) at which the prior line is held by pseudo-observations: a
short and a long one, or its slope were free (study: 1 and 40)."""


class Expected(NamedTuple):
    """How many tokens an answer should show, and the spread (sd of their log) of that."""

    visible_tokens: float
    spread: float


_WENT_WELL: Final[list[Increment]] = [(FAILS, ((0, 1.0),)), (FAILS_SLOW, ((0, 1.0),))]
_FAILED: Final[list[Increment]] = [
    (FAILS, ((0, 1.0), (1, 1.0))),
    (FAILS_SLOW, ((0, 1.0), (1, 1.0))),
]
_CENSORED = frozenset({
    Kind.CANCELLED,
    Kind.OUTRUN,
    Kind.FIRST_TOKEN_TIMEOUT,
    Kind.TOTAL_TIMEOUT,
})  # fmt: skip


class Stats(NamedTuple):
    """What is believed of one endpoint now. Times in seconds, speeds as log tokens/s.

    ``shape[i]`` is the probability that a log residual lies below ``SHAPE_LOW + i * SHAPE_STEP``
    when the level is known; ``wide`` the same when it is only believed (``level_sd``), ``blurred``
    when it is known but for the doubt that is not worth a trial, ``trial_sd`` being the other.
    ``speed_sd`` is the noise of one answer's speed, ``speed_level_sd`` the doubt about its mean,
    again with a part that is worth a trial, and ``speed_blurred_sd`` the noise with the other part.
    ``recent`` counts the observations of the last seconds, ``lately`` those of the last minutes.
    ``cache_hit`` is the share of a remembered prompt that is read from the cache; ``verbosity``
    tokens against its model's mean; ``idle_s`` the seconds before hidden thinking begins (besides
    the prompt's), if any was seen.
    """

    a_s: float
    b_s: float
    level: float
    level_sd: float
    noise_sd: float
    trial_sd: float
    shape: tuple[float, ...]
    wide: tuple[float, ...]
    blurred: tuple[float, ...]
    speed: float
    speed_sd: float
    speed_level_sd: float
    speed_trial_sd: float
    speed_blurred_sd: float
    p_fail: float
    ttft_samples: int
    speed_samples: int
    recent: float
    lately: float
    cache_hit: float
    verbosity: float
    idle_s: float | None

    @property
    def speed_wide_sd(self) -> float:
        """Spread (log) of the next answer's speed: its noise and the doubt about its mean."""
        return hypot(self.speed_sd, self.speed_level_sd)

    def log_line(self, prompt_k: float) -> float:
        """Return log of the expected TTFT in seconds before the level is applied."""
        return log(self.a_s + self.b_s * prompt_k)

    def tokens_after(
        self, elapsed_s: float, prompt_k: float, *, hidden: float, most: float, tps: float | None
    ) -> float:
        """Expect how many tokens there are ``elapsed_s`` seconds in, of at most ``most``.

        ``hidden`` of them are usually thought before the first content and lie inside the wait;
        ``tps`` is this answer's own speed, where it was seen.
        """
        speed = tps or exp(self.speed)
        if hidden and self.idle_s is not None:
            made = (elapsed_s - self.idle_s - self.b_s * prompt_k) * speed
        else:
            made = hidden + (elapsed_s - exp(self.log_line(prompt_k) + self.level)) * speed
        return min(max(0.0, made), most)


def fitted_line(prior: Prior, sums: list[float]) -> tuple[float, float]:
    """Fit ``a`` (seconds) and ``b`` (seconds per 1K tokens), held by two prior observations."""
    n, w, wx, wxx, wy, wxy = sums
    a0, b0 = max(MIN_A_S, prior.ttft_ms / 1000), prior.ttft_ms_per_1k / 1000
    hold = HOLD_WHILE_NEW if n < NEW_BELOW else HOLD
    for x in PSEUDO_PROMPTS_K:
        y = a0 + b0 * x
        pseudo = hold / (y * y)
        w += pseudo
        wx += pseudo * x
        wxx += pseudo * x * x
        wy += pseudo * y
        wxy += pseudo * x * y
    det = w * wxx - wx * wx
    if det <= 1e-12 * w * wxx:
        return max(MIN_A_S, wy / w), b0
    b = (w * wxy - wx * wy) / det
    b = min(max(b, MIN_B_S), MAX_B_S)
    return max(MIN_A_S, (wy - b * wx) / w), b


def shape_cdf(sums: list[float]) -> tuple[float, ...]:
    """Return P(residual <= edge) at the 61 edges, with ``PRIOR_SHAPE_N`` normal pseudo-counts."""
    total = sum(sums) + PRIOR_SHAPE_N
    below, cdf = 0.0, [0.0]
    for count, prior in zip(sums, _PRIOR_SHAPE, strict=True):
        below += count + prior
        cdf.append(below / total)
    return tuple(cdf)


def widened(cdf: tuple[float, ...], sd: float) -> tuple[float, ...]:
    """Blur a CDF on the residual grid by a normal of this sd (three-point Gauss-Hermite)."""
    shift = round(sd * sqrt(3) / SHAPE_STEP)
    if not shift:
        return cdf
    size = len(cdf)
    shift = min(shift, size)
    low = (0.0,) * shift + cdf[: size - shift]
    high = cdf[shift:] + (1.0,) * shift
    return tuple([a / 6 + b / 1.5 + c / 6 for a, b, c in zip(low, cdf, high, strict=True)])


def believed(
    prior: Prior,
    sums: dict[str, list[float]],
    before: Stats | None = None,
    reuse: float = 1.0,
) -> Stats:
    """Turn decayed sums (by group name) into beliefs.

    Without a ``shape`` among the sums the distribution of ``before`` still stands: it changes
    over hours, and costs more to read than everything else together. ``reuse`` is the share of
    today's news that will serve somebody before it is forgotten.
    """
    line, speed, fast, sharp = sums["line"], sums["speed"], sums["fast"], sums["sharp"]
    a, b = fitted_line(prior, line)
    noise_var = (fast[3] + PRIOR_NOISE_VAR * PRIOR_NOISE_N) / (fast[2] + PRIOR_NOISE_N)
    wait, passing_sd = level((fast[0], fast[1]), (sharp[0], sharp[1]), noise_var, WAITS)
    lasting = PRIOR_LINE_SD**2 / (PRIOR_DOUBT_N + line[0])
    trial_sd = sqrt(reuse * passing_sd**2 + lasting)
    untried_sd = sqrt(1 - reuse) * passing_sd
    level_sd = sqrt(passing_sd**2 + lasting)

    n, total, squares = speed
    mean = (total + PRIOR_SPEED_N * log(prior.tps)) / (n + PRIOR_SPEED_N)
    speed_var = (squares + PRIOR_SPEED_N * PRIOR_SPEED_SD**2) / (n + PRIOR_SPEED_N)
    pace, pace_sd = level(
        (fast[4], fast[5] - fast[4] * mean),
        (sharp[2], sharp[3] - sharp[2] * mean),
        speed_var,
        SPEEDS,
    )

    fails, slow, habits = sums["fails"], sums["fails_slow"], sums["habits"]
    rate = (slow[1] + PRIOR_FAIL * PRIOR_FAIL_N) / (slow[0] + PRIOR_FAIL_N)
    cells = sums.get("shape")
    if cells is None and before is not None:
        shape, steady = before.shape, abs(before.level_sd - level_sd) < STEADY
        wide = before.wide if steady else widened(shape, level_sd)
        blurred = before.blurred if steady else widened(shape, untried_sd)
    else:
        shape = shape_cdf(cells or [0.0] * SHAPE.size)
        wide, blurred = widened(shape, level_sd), widened(shape, untried_sd)
    pace_lasting = PRIOR_SPEED_SD**2 / (PRIOR_DOUBT_N + n)
    return Stats(
        a_s=a,
        b_s=b,
        level=wait,
        level_sd=level_sd,
        noise_sd=sqrt(noise_var),
        trial_sd=trial_sd,
        shape=shape,
        wide=wide,
        blurred=blurred,
        speed=mean + pace,
        speed_sd=sqrt(speed_var),
        speed_level_sd=sqrt(pace_sd**2 + pace_lasting),
        speed_trial_sd=sqrt(reuse * pace_sd**2 + pace_lasting),
        speed_blurred_sd=sqrt(speed_var + (1 - reuse) * pace_sd**2),
        p_fail=(fails[1] + FAIL_SHRINK_N * rate) / (fails[0] + FAIL_SHRINK_N),
        ttft_samples=round(line[0]),
        speed_samples=round(n),
        recent=max(sharp[0], sharp[2]),
        lately=max(fast[0], fast[4]),
        cache_hit=(habits[3] + PRIOR_CACHE_HIT * PRIOR_CACHE_K) / (habits[2] + PRIOR_CACHE_K),
        verbosity=_verbosity(habits[0], habits[1]),
        idle_s=_idle_s(prior, habits[4], habits[5]),
    )


def _idle_s(prior: Prior, n: float, total_s: float) -> float | None:
    """Mean seconds before hidden thinking; ``None`` while less than one whole answer tells."""
    declared = prior.idle_s
    if declared is not None:
        n, total_s = n + PRIOR_IDLE_N, total_s + PRIOR_IDLE_N * declared
    return total_s / n if n >= 1 else None


def _verbosity(n: float, total: float) -> float:
    n, total = n + PRIOR_VERBOSITY_N, total + PRIOR_VERBOSITY_N
    chance = VERBOSITY_DOUBT * VERBOSITY_NOISE / sqrt(n)
    beyond = total / n - 1
    return 1 + max(0.0, abs(beyond) - chance) * (1 if beyond > 0 else -1)


def is_outlier(attempt: Attempt, stats: Stats, prompt_k: float) -> bool:
    """Whether this attempt's wait lies further out than noise explains.

    Outliers in a row are a change of level: see ``learned``.
    """
    if attempt.first is None:
        return False
    raw = log(max(attempt.first - attempt.sent, 1e-4)) - stats.log_line(prompt_k)
    return abs(raw - stats.level) > CLIP_SD * stats.noise_sd


def learned(
    attempt: Attempt,
    stats: Stats,
    prompt_k: float,
    *,
    expected: Expected | None = None,
    in_a_row: bool = False,
) -> list[Increment]:
    """Return what one finished attempt adds to the sums; ``prompt_k`` in thousands of tokens.

    An endpoint is not blamed for a client that left or for a request it rightly refused.
    ``expected`` is the answer's length: who cut off a whole answer learns nothing without it.
    ``in_a_row`` says that this attempt and the one before it were outliers: the level is on the
    move, so neither the line of hours nor the shape of the noise learns from it.
    """
    found: list[Increment] = []
    fault = attempt.fault
    if fault is None or FAULTS[fault].blames:
        found += _WENT_WELL if fault is None else _FAILED
    if attempt.first is not None:
        found += _wait(attempt.first - attempt.sent, stats, prompt_k, levels_only=in_a_row)
        tps = attempt.tps if fault is None else None
        if tps is not None:
            found += _pace(log(tps), stats)
    elif fault in _CENSORED and attempt.streamed:
        found += _censored(attempt.e2e_s, stats, prompt_k)
    elif fault in _CENSORED and expected is not None:
        found += _cut_off(attempt.e2e_s, stats, prompt_k, expected)
    elif fault is None and not attempt.streamed:
        found += _whole(attempt, stats, prompt_k)
    return found


def habits(
    attempt: Attempt,
    usage: Usage,
    stats: Stats,
    *,
    expected_tokens: float | None,
    warm_tokens: float,
) -> list[Increment]:
    """Return what reported usage tells of an endpoint's habits.

    ``expected_tokens`` is its model's mean answer once that is well known, ``warm_tokens`` what it
    should remember of the prompt.
    """
    found: list[Increment] = []
    whole = attempt.complete and attempt.finish not in CUT_OFF and usage.output > 0
    if whole and expected_tokens is not None:
        found.append((HABITS, ((0, 1.0), (1, usage.output / expected_tokens))))
    should = min(warm_tokens, usage.input) / 1000
    if should > 0:
        found.append((HABITS, ((2, should), (3, min(usage.cache_read / 1000, should)))))
    hidden = usage.output - attempt.visible_tokens
    if attempt.complete and hidden > 0 and attempt.tps is not None and attempt.ttft_s is not None:
        read_s = stats.b_s * (usage.fresh_input + usage.cache_write) / 1000
        idle_s = attempt.ttft_s - hidden / attempt.tps - read_s
        found.append((HABITS, ((4, 1.0), (5, idle_s))))
    return found


def _wait(
    ttft_s: float, stats: Stats, prompt_k: float, *, share: float = 1.0, levels_only: bool = False
) -> list[Increment]:
    expected = stats.a_s + stats.b_s * prompt_k
    reach = CLIP_SD * stats.noise_sd
    around = log(max(ttft_s, 1e-4)) - log(expected) - stats.level
    clipped = _clipped(around, reach)
    sharply = stats.level + _clipped(around, max(reach, SHARP_REACH))
    sharp = (SHARP, ((0, share), (1, share * sharply)))
    level = ((0, share), (1, share * (stats.level + clipped)))
    if levels_only:
        return [sharp, (FAST, level)]
    y = expected * exp(stats.level + clipped)
    w = share / (expected * expected)
    wx = w * prompt_k
    found: list[Increment] = [
        sharp,
        (FAST, (*level, (2, share), (3, share * clipped * clipped))),
        (LINE, ((0, share), (1, w), (2, wx), (3, wx * prompt_k), (4, w * y), (5, wx * y))),
    ]
    if share == 1.0:
        cell = int((around - SHAPE_LOW) / SHAPE_STEP)
        found.append((SHAPE, ((min(max(cell, 0), SHAPE.size - 1), 1.0),)))
    return found


def _clipped(around: float, reach: float) -> float:
    return around if -reach < around < reach else copysign(reach, around)


def _censored(elapsed_s: float, stats: Stats, prompt_k: float) -> list[Increment]:
    around = log(max(elapsed_s, 1e-4)) - stats.log_line(prompt_k) - stats.level
    if around <= 0:
        return []
    at_least = around + CENSORED_EXTRA
    reach = CLIP_SD * stats.noise_sd
    sharply = stats.level + min(at_least, max(reach, SHARP_REACH))
    return [
        (FAST, ((0, 1.0), (1, stats.level + min(at_least, reach)))),
        (SHARP, ((0, 1.0), (1, sharply))),
    ]


def _pace(
    log_tps: float, stats: Stats, *, share: float = 1.0, levels_only: bool = False
) -> list[Increment]:
    """Learn one answer's speed. Of its squared innovation only what is noise counts as such: the
    rest is what was not known of the level.
    """
    around = log_tps - stats.speed
    reach = CLIP_SD * stats.speed_wide_sd
    clipped = _clipped(around, reach)
    weighed = share * (stats.speed + _clipped(around, max(reach, SHARP_REACH)))
    found: list[Increment] = [
        (FAST, ((4, share), (5, weighed))),
        (SHARP, ((2, share), (3, weighed))),
    ]
    if not levels_only:
        noise = (clipped * stats.speed_sd / stats.speed_wide_sd) ** 2
        found.append((SPEED, ((0, share), (1, weighed), (2, share * noise))))
    return found


def _whole(attempt: Attempt, stats: Stats, prompt_k: float) -> list[Increment]:
    wait_s, decode_s = _parts_s(stats, prompt_k, attempt.visible_tokens)
    share = wait_s / (wait_s + decode_s)
    ratio = max(attempt.e2e_s, 1e-4) / (wait_s + decode_s)
    found = _wait(wait_s * ratio, stats, prompt_k, share=share)
    if decode_s > 0:
        found += _pace(stats.speed - log(ratio), stats, share=1 - share)
    return found


def _cut_off(
    elapsed_s: float, stats: Stats, prompt_k: float, expected: Expected
) -> list[Increment]:
    wait_s, decode_s = _parts_s(stats, prompt_k, expected.visible_tokens)
    ratio = max(elapsed_s, 1e-4) / (wait_s + decode_s)
    if ratio <= 1:
        return []
    share = wait_s / (wait_s + decode_s)
    noise = (share * stats.noise_sd) ** 2 + ((1 - share) * stats.speed_sd) ** 2
    trust = noise / (noise + ((1 - share) * expected.spread) ** 2)
    later = ratio * exp(CENSORED_EXTRA)
    found = _wait(wait_s * later, stats, prompt_k, share=trust * share, levels_only=True)
    if decode_s > 0:
        slower, weight = stats.speed - log(later), trust * (1 - share)
        found += _pace(slower, stats, share=weight, levels_only=True)
    return found


def _parts_s(stats: Stats, prompt_k: float, tokens: float) -> tuple[float, float]:
    wait_s = (stats.a_s + stats.b_s * prompt_k) * exp(stats.level)
    return wait_s, tokens / exp(stats.speed)


_PRIOR_SHAPE = tuple(
    PRIOR_SHAPE_N
    * (
        normal_cdf((SHAPE_LOW + (i + 1) * SHAPE_STEP) / PRIOR_SHAPE_SD)
        - normal_cdf((SHAPE_LOW + i * SHAPE_STEP) / PRIOR_SHAPE_SD)
    )
    for i in range(SHAPE.size)
)

"""How long answers are expected to be where nothing was seen: a model's part and a workload's part.

Some models are wordy and some work is long; together they explain most of an answer's length. So
the mean of log tokens of a (model, workload) pair is taken as ``model + workload``, each a normal
around what was declared (the model's prior) or around nothing (the workload), plus what is
peculiar to the pair. A pair that never met starts from the sum of its two neighbours, which keeps
a class from being locked into the one model it knows (study). What is marked so is told in
docs/decision.md, "The study behind the constants".

The workload is told by its policy. A class of requests is a workload under certain bounds, asked of
a certain model: it starts from its workload's answers.

The fit is the posterior mode of that linear model, found by alternating between models and
workloads: each step is a weighted mean, exact given the other side, and a few steps suffice.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import hypot, log, sqrt
from typing import Final, NamedTuple

ANSWER_SD: Final = 0.4
"""Spread (log) of one answer around its pair's mean. A guess, not measured; simulated markets draw
0.45 to 0.5 (``simulate/study``). Less believes few answers sooner."""
PAIR_SD: Final = 0.2
"""How far a pair may lie from the sum of its parts. Also the most that hundreds of answers of one
pair can tell of its neighbours. A guess, not measured: less believes neighbours too soon."""
MODEL_SD, WORKLOAD_SD, CLASS_SD = 0.5, 0.7, 0.15
"""How far a model lies from its declared length, workloads from each other, and the classes of one
workload: people who declare other bounds ask much the same. Guesses, not measured; what is
seen outweighs them after a few answers."""
ROUNDS: Final = 8
"""Of alternating. Of 300 random tables of 2 to 8 models and workloads, 95 % were then within 0.02
(log) of the mode: a tenth of ``PAIR_SD``."""
LOW, HIGH = log(4.0), log(16_000.0)
"""The log tokens between which answers are told apart: a word, and more than most give (study)."""

Pair = tuple[str, str]
"""Model family and workload."""


class Seen(NamedTuple):
    """Answers of one pair: how many, and the mean of their log tokens."""

    answers: float
    mean_log: float


class Outlook(NamedTuple):
    """The mean of log tokens that is expected, and how far off (sd) it may be."""

    mean_log: float
    sd: float

    def of_class(self, seen: Seen | None) -> Outlook:
        """Expect one class of a pair, of which ``seen`` answers in all classes are known."""
        if seen is None:
            return Outlook(self.mean_log, hypot(self.sd, CLASS_SD))
        held, told = 1 / PAIR_SD**2, seen.answers / ANSWER_SD**2
        mean_log = (held * self.mean_log + told * seen.mean_log) / (held + told)
        return Outlook(mean_log, hypot(1 / sqrt(held + told), CLASS_SD))


@dataclass(frozen=True, slots=True)
class Effects:
    """The fitted parts, by model and by workload, each with its remaining variance."""

    models: Mapping[str, tuple[float, float]]
    workloads: Mapping[str, tuple[float, float]]

    def outlook(self, pair: Pair, prior_log: float) -> Outlook:
        """Expect the length of a pair's answers; ``prior_log`` is what its model declares."""
        model, model_var = self.models.get(pair[0], (prior_log, MODEL_SD**2))
        part, part_var = self.workloads.get(pair[1], (0.0, WORKLOAD_SD**2))
        if not self.workloads:
            part_var = 0.0
        mean_log = min(max(model + part, LOW), HIGH)
        return Outlook(mean_log, sqrt(model_var + part_var + PAIR_SD**2))


NOTHING: Final = Effects({}, {})


def fitted(seen: Mapping[Pair, Seen], prior_log: Mapping[str, float]) -> Effects:
    """Fit models and workloads to what was seen; ``prior_log`` by model, log tokens."""
    weight = {pair: 1 / (ANSWER_SD**2 / s.answers + PAIR_SD**2) for pair, s in seen.items()}
    models = {model: (prior_log[model], MODEL_SD**2) for model, _ in seen}
    workloads = dict.fromkeys((part for _, part in seen), (0.0, WORKLOAD_SD**2))
    for _ in range(ROUNDS):
        for side, spread, held in ((0, MODEL_SD, models), (1, WORKLOAD_SD, workloads)):
            other = workloads if side == 0 else models
            precision = dict.fromkeys(held, 1 / spread**2)
            total = {k: (prior_log[k] if side == 0 else 0.0) / spread**2 for k in held}
            for pair, s in seen.items():
                key, across = pair[side], pair[1 - side]
                precision[key] += weight[pair]
                total[key] += weight[pair] * (s.mean_log - other[across][0])
            held.update({k: (total[k] / precision[k], 1 / precision[k]) for k in held})
    return Effects(models, workloads)

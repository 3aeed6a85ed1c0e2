"""A pair of model and class that never met starts from the sum of its neighbours."""

from __future__ import annotations

from math import exp, log, sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.core.effects import HIGH, LOW, MODEL_SD, NOTHING, PAIR_SD, Seen, fitted

PRIOR = {"r1": log(900), "claude": log(900), "o3": log(900)}
MODELS = {"r1": log(900), "claude": log(300), "o3": log(600)}
CLASSES = {"chat": 0.0, "code": log(3), "summary": log(0.4)}


def test_before_anything_was_seen_the_declared_length_stands() -> None:
    found = NOTHING.outlook(("r1", "chat"), log(900))
    assert found.mean_log == log(900)
    assert found.sd == pytest.approx(sqrt(MODEL_SD**2 + PAIR_SD**2))


def test_a_pair_that_never_met_is_expected_from_both_its_sides() -> None:
    seen = {
        (model, part): Seen(200, MODELS[model] + CLASSES[part])
        for model in MODELS
        for part in CLASSES
        if (model, part) != ("claude", "code")
    }
    found = fitted(seen, PRIOR).outlook(("claude", "code"), PRIOR["claude"])
    assert exp(found.mean_log) == pytest.approx(900, rel=0.12)


def test_a_new_model_starts_from_its_declared_length_in_the_class_asked_for() -> None:
    seen = {("r1", part): Seen(200, MODELS["r1"] + CLASSES[part]) for part in CLASSES}
    effects = fitted(seen, PRIOR)
    code = effects.outlook(("o3", "code"), PRIOR["o3"])
    chat = effects.outlook(("o3", "chat"), PRIOR["o3"])
    assert 2.2 < exp(code.mean_log - chat.mean_log) < 3.2


def test_what_was_seen_narrows_what_is_expected_of_the_neighbours() -> None:
    few = fitted({("r1", "chat"): Seen(3, log(500))}, PRIOR).outlook(("r1", "code"), PRIOR["r1"])
    many = fitted(
        {(m, "chat"): Seen(300, log(500)) for m in PRIOR}, PRIOR
    ).outlook(("r1", "code"), PRIOR["r1"])  # fmt: skip
    assert many.sd < few.sd
    assert log(500) < few.mean_log < log(900)


@given(
    st.dictionaries(
        st.tuples(st.sampled_from(sorted(PRIOR)), st.sampled_from(sorted(CLASSES))),
        st.builds(Seen, st.floats(1, 1e9), st.floats(0, 10)),
    )
)
def test_no_history_makes_an_outlook_that_is_not_a_number(
    seen: dict[tuple[str, str], Seen],
) -> None:
    effects = fitted(seen, PRIOR)
    for model, declared in PRIOR.items():
        for part in (*CLASSES, "new"):
            found = effects.outlook((model, part), declared)
            assert 0 < found.sd < 2
            assert LOW <= found.mean_log <= HIGH

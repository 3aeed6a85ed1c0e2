from __future__ import annotations

import hmac
import pickle
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict

from router.core.faults import Fault, Kind
from router.surfaces.door import Door

KEYS = ("sk-one", "sk-two", "schlüssel")


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": "Bearer {}"},
        {"authorization": "bearer {}"},
        {"x-api-key": "{}"},
        {"X-Api-Key": "{}", "Authorization": "Bearer other"},
        {"X-Api-Key": "other", "Authorization": "Bearer {}"},
    ],
)
def test_a_known_key_comes_in_by_either_header(key: str, headers: dict[str, str]) -> None:
    shown = CIMultiDict({name: value.format(key) for name, value in headers.items()})
    assert Door(KEYS).admit(shown) == Door(KEYS).admit({"x-api-key": key})


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer "},
        {"Authorization": "Bearer sk-on"},
        {"Authorization": "sk-one"},
        {"Authorization": "Basic sk-one"},
        {"x-api-key": ""},
        {"x-api-key": "sk-one2"},
        {"x-api-key": "\udcff"},
        {"cookie": "sk-one"},
    ],
)
def test_everybody_else_stays_outside(headers: dict[str, str]) -> None:
    with pytest.raises(Fault) as refused:
        Door(KEYS).admit(CIMultiDict(headers))
    assert refused.value.kind is Kind.UNAUTHENTICATED


def test_without_keys_the_door_is_open() -> None:
    assert Door().open
    assert Door().admit({}) == ""
    assert not Door(KEYS).open


def test_an_empty_key_would_admit_everybody_and_is_refused() -> None:
    with pytest.raises(ValueError, match="empty"):
        Door(["sk-one", ""])


def test_every_key_is_compared_whichever_matches(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[bytes] = []
    real = hmac.compare_digest

    def counting(first: bytes, second: bytes) -> bool:
        compared.append(second)
        return real(first, second)

    door = Door(KEYS)
    monkeypatch.setattr(hmac, "compare_digest", counting)
    for key in (*KEYS, "unknown"):
        compared.clear()
        with suppress(Fault):
            door.admit({"x-api-key": key})
        assert len(compared) == len(KEYS)


def test_the_door_does_not_keep_the_keys() -> None:
    assert b"sk-one" not in pickle.dumps(Door(KEYS))


@given(st.text())
def test_no_text_opens_the_door_or_breaks_it(key: str) -> None:
    if key not in KEYS:
        with pytest.raises(Fault, match="API key"):
            Door(KEYS).admit({"x-api-key": key, "Authorization": f"Bearer {key}"})

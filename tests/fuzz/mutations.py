"""Ways of spoiling what is right: JSON by its nodes, events by their order, bytes by themselves."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

from hypothesis import strategies as st

Path = tuple[Any, ...]

ODD_VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 0.5, 1e300, 2**63, -(2**70), "", "x", "null", "\u0000", "\ud7ff",
    "data: [DONE]\n\n", [], {}, [[]], [{}], {"": {}}, [None], ["x", 1], {"type": "x"},
    {"type": None}, {"type": ["text"]}, {"error": {"message": "m"}},
)  # fmt: skip
ODD_BYTES = (
    b"", b"\x00", b"\xff", b"\xed\xa0\x80", b'"', b"{", b"}", b"[", b"]", b",", b":", b"\\",
    b"\\u12", b"\r", b"\n", b"\n\n", b"\r\n\r\n", b"data: ", b"event: x\n", b": hm\n\n",
    b"data: [DONE]\n\n", b"data: {}\n\n", b"data: null\n\n", b"NaN", b"1e999", b"[" * 2000,
)  # fmt: skip

_position = st.floats(0, 1, exclude_max=True)


def paths(value: Any, at: Path = ()) -> Iterator[Path]:
    """Every place in a JSON value."""
    yield at
    if isinstance(value, dict):
        for key in value:
            yield from paths(value[key], (*at, key))
    elif isinstance(value, list):
        for index in range(len(value)):
            yield from paths(value[index], (*at, index))


def changed(value: Any, at: Path, change: Callable[[Any, Any], None]) -> Any:
    """Return a copy in which ``change(parent, key)`` was made at a place below the top."""
    copy = json.loads(json.dumps(value))
    parent = copy
    for key in at[:-1]:
        parent = parent[key]
    change(parent, at[-1])
    return copy


def _replace(by: Any) -> Callable[[Any, Any], None]:
    def change(parent: Any, key: Any) -> None:
        parent[key] = by

    return change


def _delete(parent: Any, key: Any) -> None:
    del parent[key]


def _wrap(parent: Any, key: Any) -> None:
    parent[key] = [parent[key]]


def _double(parent: Any, key: Any) -> None:
    if isinstance(parent, list):
        parent.append(parent[key])
    else:
        parent[f"{key}_"] = parent[key]


_changes = st.one_of(
    st.sampled_from(ODD_VALUES).map(_replace), st.sampled_from((_delete, _wrap, _double))
)


def spoilt_json(value: Any, spoils: list[tuple[float, Callable[[Any, Any], None]]]) -> Any:
    for position, change in spoils:
        places = [at for at in paths(value) if at]
        if places:
            value = changed(value, places[int(position * len(places))], change)
    return value


json_spoils = st.lists(st.tuples(_position, _changes), min_size=1, max_size=3)


def spoilt_bytes(raw: bytes, spoils: list[tuple[float, float, bytes]]) -> bytes:
    """Put odd bytes in place of others: at a position, of a length (both shares)."""
    for position, length, odd in spoils:
        at = int(position * len(raw))
        raw = raw[:at] + odd + raw[at + int(length**4 * (len(raw) - at)) :]
    return raw


byte_spoils = st.lists(
    st.tuples(_position, _position, st.sampled_from(ODD_BYTES)), min_size=1, max_size=3
)


def spoilt_events(raw: bytes, spoils: list[tuple[int, float, float]]) -> bytes:
    """Drop events, say them twice, or move them."""
    events = [event + b"\n\n" for event in raw.split(b"\n\n") if event]
    for kind, one, other in spoils:
        if not events:
            break
        at, to = int(one * len(events)), int(other * len(events))
        event = events.pop(at)
        if kind == 1:
            events[at:at] = [event, event]
        elif kind == 2:
            events.insert(to, event)
    return b"".join(events)


event_spoils = st.lists(st.tuples(st.integers(0, 2), _position, _position), min_size=1, max_size=3)


def spoilt_data(raw: bytes, which: float, spoils: Any) -> bytes:
    """Spoil the JSON of one event."""
    events = raw.split(b"\n\n")
    told = [n for n, event in enumerate(events) if b"data: {" in event]
    if told:
        at = told[int(which * len(told))]
        before, mark, data = events[at].partition(b"data: ")
        try:
            value = json.loads(data)
        except ValueError:
            return raw
        events[at] = before + mark + json.dumps(spoilt_json(value, spoils)).encode()
    return b"\n\n".join(events)


data_spoils = st.tuples(_position, json_spoils)

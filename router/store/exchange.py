"""The words of `sync.lua` in Python: what is sent to it, and what it answers.

Batches and totals travel as MessagePack, one argument each way: twelve hundred numbers as Redis
arguments would cost this process milliseconds of encoding. Doubles go through it unchanged.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from math import isfinite

import msgspec

from router.store.journal import Batch

SCRIPT = files("router.store").joinpath("sync.lua").read_text(encoding="utf-8")
PAGE_KEYS = 100
"""Keys per answer: reading that many full ones holds the event loop for about two milliseconds."""
_LATEST_S = 7 * 86_400
"""How long a time is kept after it last moved, where its batch does not say."""

_Sums = list[tuple[str, list[float]]]
_Stamps = list[tuple[str, float]]
_PULLED = msgspec.msgpack.Decoder(tuple[_Sums, _Stamps])
_ENCODER = msgspec.msgpack.Encoder()


@dataclass(frozen=True, slots=True)
class Place:
    """Where a replica stands: whose data it knows, up to which change."""

    generation: str = ""
    sequence: int = 0


@dataclass(frozen=True, slots=True)
class Pulled:
    """One answer. ``more`` says that it stopped at its limit, at ``place``."""

    place: Place
    more: bool
    totals: dict[str, dict[int, float]]
    latest: dict[str, float]


def home(prefix: str) -> str:
    """What all keys begin with: schema version 2, one cluster slot."""
    return f"{{{prefix}:2}}:"


def head(prefix: str) -> str:
    """The key that `sync.lua` derives all others from."""
    return f"{home(prefix)}head"


def arguments(place: Place, batch: Batch | None, *, new_generation: str) -> Sequence[str | bytes]:
    """ARGV of one call."""
    where = (new_generation, place.generation, str(place.sequence), str(PAGE_KEYS))
    return (*where, "", b"") if batch is None else (*where, batch.id, pack(batch))


def pack(batch: Batch) -> bytes:
    """The batch as the script reads it.

    An amount that is not finite is left out: Redis would refuse it in the middle of the batch.
    """
    sums = [
        (
            key,
            max(1, batch.ttl_s[key]),
            [x for pair in fields.items() if isfinite(pair[1]) for x in pair],
        )
        for key, fields in batch.sums.items()
    ]
    stamps = [
        (name, at, batch.ttl_s.get(name, _LATEST_S))
        for name, at in batch.latest.items()
        if isfinite(at)
    ]
    return _ENCODER.encode((sums, stamps))


def read(answer: object) -> Pulled | str:
    """What the script said; only the generation if it was another one than we named.

    Raises ValueError if this is no answer of the script.
    """
    match answer:
        case [bytes(generation)]:
            return generation.decode()
        case [bytes(generation), int(upto), int(more), bytes(pulled)]:
            sums, stamps = _PULLED.decode(pulled)
            totals = {key: _by_field(flat) for key, flat in sums}
            return Pulled(Place(generation.decode(), upto), bool(more), totals, dict(stamps))
        case _:
            raise ValueError("no answer of our script")


def _by_field(flat: list[float]) -> dict[int, float]:
    """Pairs of field and total, as HGETALL lists them."""
    return dict(zip(map(int, flat[::2]), flat[1::2], strict=True))

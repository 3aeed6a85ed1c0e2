"""What is shared between processes, as the board keeps it: sums to push, sums pulled.

``Redis is never waited for``: the sharing task takes a batch, sends it when it can, and brings
back what others did. A batch keeps its id until it is acknowledged, so that sending it twice
counts once.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from router.core.decay import Group, Increment
from router.store.cells import MAX_CELLS, Cell, Slot
from router.store.sessions import CACHE_LASTS_S, TURN, Sessions

GRAIN_S: Final = 0.02
"""A thousandth of the shortest half-life: what an observation may weigh too little is 0.07 %."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Amounts by key and index that Redis does not have yet; ``latest`` merge by maximum.

    ``ttl_s`` is how long a key or a name must live; a name that is not in it lives a week.
    """

    id: str
    sums: Mapping[str, Mapping[int, float]]
    ttl_s: Mapping[str, int]
    latest: Mapping[str, float]


class Journal:
    """Every decaying sum of this process, by (subject, group), and its conversations."""

    def __init__(
        self,
        groups: Iterable[Group],
        wall: Callable[[], float],
        catch_up: Callable[[], None] = lambda: None,
    ) -> None:
        """``catch_up`` is called before anything is pushed: to add what waited to be."""
        self._groups = {group.name: group for group in groups}
        self._wall = wall
        self._catch_up = catch_up
        self.sessions = Sessions()
        self._cells: dict[tuple[str, str], Cell] = {}
        self._dirty: dict[str, Slot] = {}
        self._batch: Batch | None = None
        self._sent: list[Slot] = []
        self._latest: dict[str, float] = {}
        self._own_latest: dict[str, float] = {}
        self._news: dict[str, float] = {}
        self._weighed_s = 0.0
        self._weights: dict[str, tuple[int, float]] = {}
        self.version = 0
        self.touched: set[str] = set()

    def cell(self, subject: str, group: Group) -> Cell | None:
        """Return the sums of a subject, made on first use; ``None`` when there are too many."""
        key = (subject, group.name)
        cell = self._cells.get(key)
        if cell is None and len(self._cells) < MAX_CELLS:
            cell = self._cells[key] = Cell(subject, group)
        return cell

    def read(self, subject: str, group: Group, wall_s: float) -> list[float]:
        """Return the sums of a subject as they weigh at ``wall_s``; zeros if there are none."""
        cell = self._cells.get((subject, group.name))
        return [0.0] * group.size if cell is None else cell.read(wall_s)

    def add(self, subject: str, told: Iterable[Increment], wall_s: float) -> None:
        """Count what one event tells: it weighs in decisions at once and is pushed later.

        Within ``GRAIN_S`` instants are one.
        """
        if not 0 <= wall_s - self._weighed_s < GRAIN_S:
            self._weighed_s, self._weights = wall_s, {}
        for group, amounts in told:
            name = group.name
            cell = self._cells.get((subject, name)) or self.cell(subject, group)
            if cell is None:
                continue
            epoch, weight = self._weights.get(name) or self._weigh(group)
            slot = cell.slots.get(epoch) or cell.slot(epoch)
            total, pending = slot.total, slot.pending
            for index, amount in amounts:
                weighed = amount * weight
                total[index] += weighed
                pending[index] += weighed
            self._dirty[slot.key] = slot

    def _weigh(self, group: Group) -> tuple[int, float]:
        """Return the epoch of this instant, and what an observation weighs in it."""
        epoch = group.epoch(self._weighed_s)
        found = self._weights[group.name] = epoch, group.weight(self._weighed_s, epoch)
        return found

    def note(self, name: str, wall_s: float) -> None:
        """Note a time; the maximum over all processes counts."""
        if wall_s > self._latest.get(name, 0.0):
            self._latest[name] = self._own_latest[name] = self._news[name] = wall_s

    @property
    def times(self) -> Mapping[str, float]:
        """The latest times noted by anyone, by name (unix seconds)."""
        return self._latest

    @property
    def unpushed(self) -> int:
        """How many sums wait to be pushed."""
        waiting = len(self._batch.sums) if self._batch else 0
        return waiting + len(self._dirty)

    def take(self) -> Batch | None:
        """Freeze what is unpushed as a batch, or give the one still unacknowledged again."""
        self._catch_up()
        if self._batch is None and (self._dirty or self._news):
            turns = self.sessions.news(self._wall())
            sums, ttl = {}, dict.fromkeys(turns, CACHE_LASTS_S)
            for key, slot in self._dirty.items():
                sums[key], ttl[key] = slot.freeze(), slot.group.ttl_s
                self._sent.append(slot)
            self._batch = Batch(secrets.token_hex(8), sums, ttl, {**self._news, **turns})
            self._dirty, self._news = {}, {}
        return self._batch

    def acknowledge(self, batch: Batch) -> None:
        """Take note that Redis holds this batch."""
        if self._batch is not None and self._batch.id == batch.id:
            self._settle_batch()

    def absorb(
        self, totals: Mapping[str, Mapping[int, float]], latest: Mapping[str, float]
    ) -> None:
        """Take Redis' totals of changed sums, and times and turns others noted."""
        now = self._wall()
        for key, values in totals.items():
            subject, name, number = key.rsplit("/", 2)
            group = self._groups.get(name)
            cell = None if group is None else self.cell(subject, group)
            if cell is not None and group is not None and int(number) >= group.epoch(now) - 1:
                cell.absorb(int(number), values)
                self.touched.add(subject)
        for name, wall_s in latest.items():
            if name.startswith(TURN):
                self.sessions.hear(name, wall_s)
            else:
                self._latest[name] = max(wall_s, self._latest.get(name, 0.0))
        self.version += 1
        if self.version % 256 == 0:
            for cell in self._cells.values():
                cell.forget(now)

    def rebase(self) -> None:
        """Redis lost its data: forget what was pulled; all of our own is unpushed again.

        Turns are not: they cool within minutes.
        """
        self._settle_batch()
        self._dirty = {}
        for cell in self._cells.values():
            for slot in cell.slots.values():
                slot.recall()
                if any(slot.pending):
                    self._dirty[slot.key] = slot
            self.touched.add(cell.subject)
        self._news = dict(self._own_latest)

    def _settle_batch(self) -> None:
        for slot in self._sent:
            slot.inflight = {}
        self._sent, self._batch = [], None

"""One sum in its epochs: added to, frozen, pulled and forgotten."""

from __future__ import annotations

import pytest

from router.core.decay import Group
from router.store.cells import Cell, Slot
from router.store.journal import Journal

SUMS = Group("sums", 10.0, 2)
START = SUMS.epoch_s * 5


def add(cell: Cell, amounts: list[tuple[int, float]], wall_s: float) -> Slot:
    journal = Journal([SUMS], lambda: wall_s)
    journal._cells[cell.subject, SUMS.name] = cell
    journal.add(cell.subject, [(SUMS, amounts)], wall_s)
    return cell.slots[SUMS.epoch(wall_s)]


def test_an_epoch_ends_without_a_jump() -> None:
    cell = Cell("e", SUMS)
    add(cell, [(0, 8.0)], START - 10)
    before, after = cell.read(START - 1e-6)[0], cell.read(START + 1e-6)[0]
    assert before == pytest.approx(4.0)
    assert after == pytest.approx(before, rel=1e-5)


def test_two_epochs_are_added() -> None:
    cell = Cell("e", SUMS)
    add(cell, [(0, 1.0)], START - 10)
    add(cell, [(0, 1.0)], START)
    assert cell.read(START) == pytest.approx([1.5, 0])
    assert {slot.key for slot in cell.slots.values()} == {"e/sums/4", "e/sums/5"}


def test_what_is_frozen_is_own_and_read_on() -> None:
    cell = Cell("e", SUMS)
    slot = add(cell, [(0, 1.0)], START)
    assert slot.freeze() == {0: 1.0}
    assert not any(slot.pending)
    assert slot.own == [1.0, 0.0]
    assert cell.read(START)[0] == 1.0


def test_recalling_twice_gives_the_same_once() -> None:
    cell = Cell("e", SUMS)
    slot = add(cell, [(0, 1.0)], START)
    slot.freeze()
    add(cell, [(0, 2.0)], START)
    cell.absorb(5, {0: 100.0})
    assert cell.read(START)[0] == 103.0
    for _ in range(2):
        slot.recall()
        assert slot.pending == [3.0, 0.0]
        assert cell.read(START)[0] == 3.0


def test_epochs_that_weigh_nothing_are_dropped() -> None:
    cell = Cell("e", SUMS)
    for epoch in range(6):
        add(cell, [(0, 1.0)], epoch * SUMS.epoch_s)
    cell.forget(START)
    assert sorted(cell.slots) == [4, 5]

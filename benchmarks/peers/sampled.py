"""``meritorder`` under a sampling profiler: where the CPU goes, cheaply.

``python sampled.py FILE serve ...``. Every few milliseconds of CPU (the kernel's tick) the main
thread notes its stack; at the end the stacks are written, one a line: ``count frame;frame;...``
with the innermost last. C code counts for the Python line that called it, or that it called
next. Samples begin with SIGUSR1, after the warm-up.
"""

from __future__ import annotations

import signal
import sys
from collections import Counter
from pathlib import Path
from types import CodeType, FrameType

EVERY_S = 0.002
_stacks: Counter[tuple[tuple[CodeType, int], ...]] = Counter()


def _note(_number: int, frame: FrameType | None) -> None:
    stack = []
    while frame is not None:
        stack.append((frame.f_code, frame.f_lineno))
        frame = frame.f_back
    _stacks[tuple(stack)] += 1


def _begin(_number: int, _frame: FrameType | None) -> None:
    _stacks.clear()
    signal.setitimer(signal.ITIMER_PROF, EVERY_S, EVERY_S)


def _write(file: Path) -> None:
    lines = []
    for stack, count in _stacks.items():
        frames = [f"{c.co_filename}:{line}:{c.co_qualname}" for c, line in reversed(stack)]
        lines.append(f"{count} {';'.join(frames)}")
    file.write_text("\n".join(lines), encoding="utf-8")


if __name__ == "__main__":
    from router.cli import main

    signal.signal(signal.SIGPROF, _note)
    signal.signal(signal.SIGUSR1, _begin)
    target = Path(sys.argv.pop(1))
    try:
        main()
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        _write(target)

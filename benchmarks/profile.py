"""Where the proxy's CPU goes: samples of its main thread under load, by function and by line."""

from __future__ import annotations

import tempfile
from collections import Counter
from pathlib import Path
from typing import Final

from benchmarks import relay
from benchmarks.child import ROOT
from benchmarks.finding import Finding
from benchmarks.load import PACED, WHOLE, Load
from benchmarks.table import table

_SHOWN: Final = 40
_EVERYWHERE: Final = 0.97
_OURS: Final = f"{ROOT}/router/"


async def measure(*, short: bool) -> Finding:
    """Sample under whole answers and under paced streams."""
    finding = Finding("profile: shares of the proxy's main thread")
    for load, count in ((WHOLE, 4000 if short else 20_000), (PACED, 80 if short else 400)):
        with tempfile.TemporaryDirectory(prefix="bench-") as folder:
            file = Path(folder) / "stacks"
            await relay.profile(load, count, file)
            finding.text.extend(_told(load, file.read_text(encoding="utf-8")))
    return finding


def _told(load: Load, stacks: str) -> list[str]:
    """Two tables: functions with all they call, and the lines of ours that cost most."""
    total = 0
    within: Counter[str] = Counter()
    itself: Counter[str] = Counter()
    lines: Counter[str] = Counter()
    for stack in stacks.split("\n"):
        number, _, rest = stack.partition(" ")
        count, frames = int(number), rest.split(";")
        names = [_name(frame) for frame in frames]
        total += count
        itself[names[-1]] += count
        for name in set(names):
            within[name] += count
        ours = next((frame for frame in reversed(frames) if frame.startswith(_OURS)), None)
        if ours is not None:
            lines[_line(ours)] += count
    functions = [
        [name, f"{count / total:.1%}", f"{itself[name] / total:.1%}"]
        for name, count in within.most_common()
        if count < total * _EVERYWHERE
    ]
    head = [f"{load.title}: {total} samples", "with callees", "itself"]
    told = [[line, f"{count / total:.1%}"] for line, count in lines.most_common(_SHOWN)]
    return [
        table(head, functions[:_SHOWN]),
        table([f"{load.title}: lines of ours, what they call elsewhere included", "share"], told),
    ]


def _name(frame: str) -> str:
    """``folder/file.py name``, the line left out."""
    file, _, name = frame.split(":", 2)
    return f"{'/'.join(Path(file).parts[-2:])} {name}"


def _line(frame: str) -> str:
    file, line, name = frame.split(":", 2)
    return f"{file.removeprefix(f'{ROOT}/')}:{line} {name}"

"""``meritorder``, telling which modules were loaded at the moment it began to listen.

``python watched.py FILE serve ...``: the banner is what the proxy says when it listens; with its
first line ``sys.modules`` is written to ``FILE``, before anything else is started.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TextIO, cast


class _Ear:
    """Stands in for ``sys.stdout``, and takes note of the first text."""

    def __init__(self, stream: TextIO, file: Path) -> None:
        self._stream = stream
        self._file: Path | None = file

    def write(self, text: str) -> int:
        if self._file is not None:
            self._file.write_text("\n".join(sorted(sys.modules)), encoding="utf-8")
            self._file = None
        return self._stream.write(text)

    def __getattr__(self, name: str) -> object:
        return getattr(self._stream, name)


if __name__ == "__main__":
    from router.cli import main

    sys.stdout = cast("TextIO", _Ear(sys.stdout, Path(sys.argv.pop(1))))
    main()

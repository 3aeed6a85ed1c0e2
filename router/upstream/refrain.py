"""What the chunks of one stream have in common, so that most of them need no parsing.

Chunk after chunk comes with the same bytes but for the few characters that are new. Once a chunk
has been parsed, the bytes before and after its text are known; another chunk with just these, and
between them characters that mean themselves in JSON, is the same document with another text. That
the place was the right one is not guessed: the chunk is parsed again with another text in it
(``~`` stands nowhere in JSON but inside strings).
"""

from __future__ import annotations

from typing import Final

import msgspec

from router.core.answer import Content, Piece
from router.core.tuples import new
from router.upstream.chunk import Message, decode_chunk, look

_PROBE: Final = b"~"


class Refrain:
    """One refrain: ``before``, a text of this ``content``, ``after``."""

    __slots__ = ("_after", "_before", "_content", "_is_thought", "_start", "_stop")

    def __init__(self, before: bytes, after: bytes, content: Content) -> None:
        self._before = before
        self._after = after
        self._start = len(before)
        self._stop = -len(after)
        self._content = content
        self._is_thought = content is not Content.ANSWER

    def piece(self, raw: bytes) -> Piece | None:
        """Return the piece of an event that fits, or ``None``."""
        if not (raw.startswith(self._before) and raw.endswith(self._after)):
            return None
        # What is no UTF-8 becomes unprintable, as are the characters JSON wants escaped.
        text = str(raw[self._start : self._stop], "utf-8", "surrogateescape")
        if not text or '"' in text or "\\" in text or not text.isprintable():
            return None
        chars = len(text)
        thought = chars if self._is_thought else 0
        return new(Piece, (raw, self._content, chars, thought, None, None, None, False))


def learn(raw: bytes, message: Message) -> Refrain | None:
    """Return the refrain of an event whose only choice is ``message``, if it shows.

    The chunk must hold nothing else worth noting: no usage, no reason why it ended.
    """
    text = message.content or message.reasoning_content or message.reasoning
    if not isinstance(text, str) or not text.isprintable():
        return None
    before, found, after = raw.partition(f':"{text}"'.encode())
    if not found:
        before, found, after = raw.partition(f': "{text}"'.encode())
    if not found:
        return None
    before, after = before + found[: found.index(b'"') + 1], b'"' + after
    content, chars, thought = look(message)
    probe = b"".join((before, _PROBE, text.encode(), after))
    try:
        choices = decode_chunk(probe.removeprefix(b"data: ")).choices
    except msgspec.DecodeError:
        return None
    delta = choices[0].delta if choices else None
    more = (content, chars + 1, thought + 1 if thought else 0)
    if delta is None or chars != len(text) or look(delta) != more:
        return None
    return Refrain(before, after, content)

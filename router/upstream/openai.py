"""Reading OpenAI's chat completions as they pass by: streams and whole answers, into pieces.

Bytes go to the client as they came, with these exceptions:

* a chunk that holds nothing but the usage, which we asked for, is kept from a client that did not;
* a stream that ended properly (every answer begun has its ``finish_reason``) without ``[DONE]``
  gets one, because clients wait for it;
* an error object inside a stream is not passed: the surface ends the stream in its own dialect;
* nothing after ``[DONE]`` is passed.
"""

from __future__ import annotations

from router.core.answer import Content, Piece
from router.core.catalogue import Endpoint
from router.core.tuples import new
from router.upstream.chunk import (
    NOTHING,
    Choice,
    Seen,
    decode_chunk,
    is_given,
    look,
    look_at_text,
)
from router.upstream.reading import Reading, decoded, error_fault, garbage
from router.upstream.refrain import learn
from router.upstream.unreadable import UNREADABLE

DONE = b"data: [DONE]\n\n"

_LESSONS = 8
_FRAME = len(b"data: \n\n")
_NO_CONTENT = Content.NOTHING


class Stream(Reading):
    """One stream under way, of chat chunks or of the older completions'."""

    __slots__ = ("_begun", "_finished", "_hide", "_lessons")

    def __init__(self, endpoint: Endpoint, *, hide_usage: bool) -> None:
        super().__init__(endpoint)
        self._hide = hide_usage
        self._lessons = _LESSONS
        self._begun = 0
        self._finished: set[object] = set()

    def _owed(self) -> bytes | None:
        return DONE if len(self._finished) > self._begun else None

    def _piece(self, raw: bytes, data: bytes) -> Piece:
        if not data:
            return Piece(raw)
        try:
            chunk = decode_chunk(data)
        except UNREADABLE as exc:
            return self._unread(raw, data, exc)
        usage = chunk.counted if chunk.usage or chunk.timings or chunk.x_groq is not None else None
        if chunk.error and is_given(chunk.error):
            return self._failed(chunk.told_error, usage)
        choices = chunk.choices
        if not choices:
            return Piece(b"" if self._hide and is_given(chunk.usage) else raw, usage=usage)
        if len(choices) == 1:
            choice = choices[0]
            message = choice.delta
            seen = look_at_text(choice.text) if message is None else look(message)
            finish = choice.finish_reason
            if finish is not None or choice.index:
                finish = self._note(choice)
        else:
            seen, finish = look_at_all(choices)
            for choice in choices:
                self._note(choice)
        content, chars, reasoning_chars = seen
        if content is not _NO_CONTENT:
            self._content = True
            if self._lessons and finish is None and usage is None:
                self._learn(raw, data, choices)
        return new(Piece, (raw, content, chars, reasoning_chars, usage, finish, None, False))

    def _learn(self, raw: bytes, data: bytes, choices: list[Choice]) -> None:
        """Look for a refrain, a few times: after the thinking comes another one."""
        message = choices[0].delta
        if message is None or len(choices) > 1 or choices[0].index:
            return
        if len(raw) == len(data) + _FRAME and raw.startswith(b"data: "):
            self._lessons -= 1
            refrain = learn(raw, message)
            if refrain is not None:
                self._known = refrain.piece

    def _note(self, choice: Choice) -> str | None:
        index = choice.index if isinstance(choice.index, int) else 0
        self._begun = max(self._begun, index)
        if not isinstance(choice.finish_reason, str):
            return None
        self._finished.add(index)
        return choice.finish_reason


def read_whole(body: bytes, endpoint: Endpoint) -> Piece:
    """Read a whole answer: one piece, ended. Raises ``Fault``, also for an error sent as 200."""
    chunk = decoded(decode_chunk, body, endpoint, "chat completion")
    if is_given(chunk.error):
        raise error_fault(endpoint, chunk.told_error)
    if chunk.choices is None:
        raise garbage(endpoint, "JSON that is no chat completion")
    seen, finish = look_at_all(chunk.choices)
    return new(Piece, (body, *seen, chunk.counted, finish, None, True))


def look_at_all(choices: list[Choice]) -> tuple[Seen, str | None]:
    """Add up several choices: the best content, all characters, the first finish reason."""
    if len(choices) == 1 and (message := choices[0].message) is not None:
        reason = choices[0].finish_reason
        return look(message), reason if isinstance(reason, str) else None
    seen = [
        look_at_text(c.text) if (message := c.delta or c.message) is None else look(message)
        for c in choices
    ]
    reasons = (c.finish_reason for c in choices if isinstance(c.finish_reason, str))
    best = max((content for content, _, _ in seen), default=NOTHING[0])
    total = best, sum(chars for _, chars, _ in seen), sum(thought for _, _, thought in seen)
    return total, next(reasons, None)

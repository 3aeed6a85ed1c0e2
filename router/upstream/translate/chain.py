"""Two translations, one after the other."""

from __future__ import annotations

from typing import Final

from router.core.catalogue import Endpoint
from router.upstream.translate.translation import Speaker, Translation

_BETWEEN: Final = b'{"stream_options":{"include_usage":true}}'
"""What the one in the middle is taken to have asked for: every count there is."""


class Chained:
    """What the first speaker says, said on by the second."""

    __slots__ = ("_first", "_second")

    def __init__(self, first: Speaker, second: Speaker) -> None:
        self._first = first
        self._second = second

    def feed(self, data: bytes) -> bytes:
        """Take events of the endpoint's and return those of the client's that they make."""
        said = self._first.feed(data)
        return self._second.feed(said) if said else b""

    def close(self) -> bytes:
        """Return what is still to be said."""
        said = self._first.close()
        return (self._second.feed(said) if said else b"") + self._second.close()


def chain(front: Translation, behind: Translation) -> Translation:
    """Return the translation by way of what stands between ``front`` and ``behind``."""

    def request(body: bytes, endpoint: Endpoint) -> bytes:
        return behind.request(front.request(body, endpoint), endpoint)

    def stream(body: bytes, created_s: int) -> Speaker:
        return Chained(behind.stream(_BETWEEN, created_s), front.stream(body, created_s))

    def whole(body: bytes, answer: bytes, created_s: int) -> bytes:
        return front.whole(body, behind.whole(_BETWEEN, answer, created_s), created_s)

    return Translation(request, stream, whole)

"""How an answer sounds: the interface every surface gives to the stage.

A voice renders bytes and knows nothing of time; the stage decides when they are sent.
"""

from collections.abc import Mapping
from typing import Protocol

from router.sandbox.ask import Answer, Ask, Refusal
from router.sandbox.fleet import Row, UsageStyle
from router.sandbox.ledger import Usage


class Voice(Protocol):
    """One answer on one surface. Every method returns whole SSE events, or none (b"")."""

    def opening(self) -> bytes:
        """What comes before any content."""

    def keepalive(self) -> bytes:
        """A sign of life without content."""

    def reasoning(self, text: str) -> bytes:
        """A piece of visible reasoning."""

    def turn(self) -> bytes:
        """What comes between reasoning and answer, or before an answer without reasoning."""

    def text(self, text: str) -> bytes:
        """A piece of the answer, or of a tool call's arguments."""

    def closing(self, usage: Usage, style: UsageStyle, *, done: bool) -> bytes:
        """Why it ended, what it costs, and that nothing follows."""

    def failing(self) -> bytes:
        """An error in the middle of the stream."""

    def whole(self, reasoning: str, text: str, usage: Usage, style: UsageStyle) -> bytes:
        """The answer as one JSON document."""


class Manner(Protocol):
    """A surface in its dialect: a module with these functions."""

    def parse(self, raw: bytes) -> Ask:
        """The request. Raises Refusal."""

    def voice(self, answer: Answer) -> Voice:
        """The voice for one answer."""

    def too_long(self, row: Row, ask: Ask) -> Refusal:
        """The refusal of a prompt that does not fit the row's window."""

    def refusal(self, why: Refusal, number: int) -> bytes:
        """The JSON body of a refusal."""

    def headers(self, number: int) -> Mapping[str, str]:
        """What this provider adds to every response."""

    def admits(self, headers: Mapping[str, str]) -> bool:
        """Whether the request brought a key."""

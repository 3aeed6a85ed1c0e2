"""Spans by OTLP/HTTP.

What is worth keeping goes into a bounded queue; a thread makes the spans and sends them. A receiver
that is down, hangs or refuses costs spans and one warning a minute, never a request.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, Protocol
from urllib.parse import urlsplit

from router.ports import Record
from router.telemetry.complaint import Complaint
from router.telemetry.drain import LOG, Drain
from router.telemetry.sample import is_worth_keeping
from router.telemetry.spans import Span, spans_of

HELD: Final = 2048
"""Requests that wait to be sent."""

BATCH: Final = 16
"""Requests sent at once. Encoding one takes a quarter of a millisecond of the interpreter, and
sixteen about what it grants a thread in one go."""

PAUSE_S: Final = 1.0


class Sends(Protocol):
    """Something that delivers spans, blocking."""

    def send(self, spans: Sequence[Span]) -> str | None:
        """Deliver; ``None`` when they were taken, else why not, in words without secrets."""
        ...

    def close(self) -> None:
        """Give up what is under way."""
        ...


class Exporter:
    """Sends the spans of what is worth keeping to one receiver.

    ``endpoint`` is ``http://host:4318`` or a full path; ``connect`` makes the sender of a URL and
    a service name, in the exporting thread.
    """

    def __init__(
        self,
        endpoint: str,
        *,
        service_name: str,
        pause_s: float = PAUSE_S,
        connect: Callable[[str, str], Sends] | None = None,
    ) -> None:
        self._url = traces_url(endpoint)
        self._service_name = service_name
        self._connect = connect or _connect
        self._sender: Sends | None = None
        self._trouble = Complaint(LOG)
        self._drain: Drain[Record] = Drain(
            "telemetry-export", self._send, limit=HELD, batch=BATCH, pause_s=pause_s
        )
        self.lost = 0
        """Requests whose spans the receiver did not take."""

    @property
    def dropped(self) -> int:
        """Requests whose spans did not arrive: never sent, or not taken."""
        return self._drain.dropped + self.lost

    def take(self, record: Record) -> None:
        """Export the record if it is worth keeping."""
        if is_worth_keeping(record.context, record.outcome):
            self._drain.put(record)

    def stop(self) -> None:
        """Send what is held, and take no more; returns at once."""
        self._drain.stop()

    def close(self, limit_s: float) -> bool:
        """Stop, and wait for at most ``limit_s`` seconds; whether all was handed over."""
        done = self._drain.close(limit_s)
        if self._sender is not None:
            self._sender.close()
        return done

    def _send(self, batch: list[Record]) -> None:
        if self._sender is None:
            self._sender = self._connect(self._url, self._service_name)
        trouble = self._sender.send([span for record in batch for span in spans_of(record)])
        if trouble is not None:
            self.lost += len(batch)
            self._trouble.say(
                "traces do not arrive at %s (%s); %d requests lost so far",
                _address(self._url),
                trouble,
                self.dropped,
            )


def traces_url(endpoint: str) -> str:
    """Complete ``http://host:4318`` to the path for traces; a path that was given is kept."""
    parts = urlsplit(endpoint)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("otlp_endpoint must be http(s)://host[:port][/v1/traces]")
    return parts._replace(path="/v1/traces").geturl() if parts.path in ("", "/") else endpoint


def _address(url: str) -> str:
    """Host and port, without a user name, password or query."""
    return urlsplit(url).netloc.rpartition("@")[2]


def _connect(url: str, service_name: str) -> Sends:
    from router.telemetry.otlp import Sender

    return Sender(url, service_name)

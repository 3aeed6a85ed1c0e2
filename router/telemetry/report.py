"""Where finished requests are told: to the log, and to a tracing backend where there is one.

When a record comes, a moment after its request, it is decided whether anybody wants it, and where
the log does, its line is made at once: it takes a hundredth of the record's memory. What can block,
the terminal and the network, has a bounded queue and a thread of its own, woken a few times a
second. So telling cannot harm what it tells of; whatever fails is counted, logged once a minute,
and ends here.
"""

from __future__ import annotations

import sys
import time
from typing import Final, Protocol, TextIO

from router.ports import Record
from router.telemetry.complaint import Complaint
from router.telemetry.drain import LOG
from router.telemetry.export import PAUSE_S as EXPORT_PAUSE_S
from router.telemetry.export import Exporter
from router.telemetry.log import PAUSE_S, Journal, Level

CLOSE_S: Final = 3.0


class Part(Protocol):
    """Something that is told of finished requests and passes it on."""

    @property
    def dropped(self) -> int:
        """How many it could not pass on."""
        ...

    def take(self, record: Record) -> None:
        """Pass it on if it is of interest; returns at once."""
        ...

    def stop(self) -> None:
        """Pass on what is held, take no more, return at once."""
        ...

    def close(self, limit_s: float) -> bool:
        """Stop and wait; whether all was passed on in time."""
        ...


class Reporter:
    """``ports.Telemetry``. ``sample`` (0..1) is the share of ordinary requests that are traced.

    Without ``otlp_endpoint`` nothing of OpenTelemetry is loaded. ``log_level`` is the least level
    of a request line: ``info`` all, ``warning`` missed and failed, ``error`` failed, ``critical``
    none. ``pause_s`` and ``export_pause_s`` are how long lines and traces may gather.
    """

    def __init__(
        self,
        *,
        otlp_endpoint: str = "",
        sample: float = 0.01,
        service_name: str = "meritorder",
        log_level: str = "info",
        stream: TextIO | None = None,
        pause_s: float = PAUSE_S,
        export_pause_s: float = EXPORT_PAUSE_S,
    ) -> None:
        self.ratio = sample if otlp_endpoint else 0.0
        """The share of new traces that is exported: what ``Tracer`` must be given."""
        self._parts: list[Part] = []
        if otlp_endpoint:
            self._parts.append(
                Exporter(otlp_endpoint, service_name=service_name, pause_s=export_pause_s)
            )
        journal = Journal(sys.stderr if stream is None else stream, log_level, pause_s=pause_s)
        if journal.level < Level.CRITICAL:
            self._parts.append(journal)
        self._trouble = Complaint(LOG)
        self.failed = 0
        """How often a record could not be told because something raised."""

    @property
    def dropped(self) -> int:
        """Lines and traces given up: a queue was full, or nobody took them."""
        return sum(part.dropped for part in self._parts)

    def report(self, record: Record) -> None:
        """Take the record; returns at once and never raises."""
        try:
            for part in self._parts:
                part.take(record)
        except Exception as error:  # noqa: BLE001 - one odd record does not silence the rest
            self.failed += 1
            self._trouble.say("a request could not be told: %s", type(error).__name__)

    def close(self, limit_s: float = CLOSE_S) -> bool:
        """Pass on what is held, for at most ``limit_s`` seconds; whether all was. Blocks."""
        deadline = time.monotonic() + limit_s
        done = True
        for part in self._parts:
            part.stop()
        for part in self._parts:
            done &= part.close(max(0.0, deadline - time.monotonic()))
        return done

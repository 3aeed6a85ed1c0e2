"""Where finished requests are told: to the log, and to a tracing backend where there is one.

On the request's way a record is put into a queue, and that is all. One thread looks at each record
once (fact beside forecast, verdict) and hands it to the parts, which have queues and threads of
their own for what can block: the terminal, the network. So telling cannot harm what it tells of;
whatever fails is counted, logged once a minute, and ends here.
"""

from __future__ import annotations

import sys
import time
from typing import Final, Protocol, TextIO

from router.ports import Record
from router.telemetry.complaint import Complaint
from router.telemetry.drain import LOG, Drain
from router.telemetry.export import PAUSE_S as EXPORT_PAUSE_S
from router.telemetry.export import Exporter
from router.telemetry.log import Journal, Level
from router.telemetry.summary import Summary, summarise

HELD: Final = 8192
BATCH: Final = 256
PAUSE_S: Final = 0.1
CLOSE_S: Final = 3.0


class Part(Protocol):
    """Something that is told of finished requests and passes it on."""

    @property
    def dropped(self) -> int:
        """How many it could not pass on."""
        ...

    def take(self, record: Record, summary: Summary) -> None:
        """Return at once."""
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
    none. ``pause_s`` is how long records may gather before they are told.
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
        journal = Journal(sys.stderr if stream is None else stream, log_level)
        if journal.level < Level.CRITICAL:
            self._parts.append(journal)
        self._drain: Drain[Record] = Drain(
            "telemetry", self._tell, limit=HELD, batch=BATCH, pause_s=pause_s
        )
        self._trouble = Complaint(LOG)
        self.failed = 0
        """How often a record could not be told because something raised."""

    @property
    def dropped(self) -> int:
        """Records, lines and traces given up: a queue was full, or nobody took them."""
        return self._drain.dropped + sum(part.dropped for part in self._parts)

    def report(self, record: Record) -> None:
        """Take the record; returns at once and never raises."""
        if self._parts:
            self._drain.put(record)

    def close(self, limit_s: float = CLOSE_S) -> bool:
        """Pass on what is held, for at most ``limit_s`` seconds; whether all was. Blocks."""
        deadline = time.monotonic() + limit_s
        done = self._drain.close(limit_s)
        for part in self._parts:
            part.stop()
        for part in self._parts:
            done &= part.close(max(0.0, deadline - time.monotonic()))
        return done

    def _tell(self, records: list[Record]) -> None:
        for record in records:
            try:
                summary = summarise(record)
                for part in self._parts:
                    part.take(record, summary)
            except Exception as error:  # noqa: BLE001 - one odd record does not silence the rest
                self.failed += 1
                self._trouble.say("a request could not be told: %s", type(error).__name__)

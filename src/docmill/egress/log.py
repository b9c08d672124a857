"""What a session asked for, as events of its log: one by one up to a number, then only counted."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from docmill.egress.hosts import Authority
from docmill.egress.policy import Caps
from docmill.egress.streams import Meter
from docmill.records.egress import Egress, EgressSummary

Record = Callable[[Egress | EgressSummary], None]
Verdict = Literal["allowed", "refused", "failed"]
_LONGEST = 200
_NOBODY = Authority("", 0)


@dataclass(slots=True)
class Entry:
    """One request while it is carried out."""

    meter: Meter
    started: float = field(default_factory=time.monotonic)
    method: str = "?"
    authority: Authority = _NOBODY
    path: str = ""
    credentials: tuple[str, ...] = ()
    verdict: Verdict = "failed"
    reason: str = "internal_error"
    """Both stay so if nothing was said of how the request ended."""
    status: int | None = None

    def event(self) -> Egress:
        """Its event, once it is over."""
        return Egress(
            method=self.method[:20],
            host=self.authority.host[:_LONGEST],
            port=self.authority.port,
            path=self.path.partition("?")[0][:_LONGEST],
            verdict=self.verdict,
            reason=self.reason,
            credentials=self.credentials,
            status=self.status,
            sent=self.meter.sent,
            received=self.meter.received,
            seconds=round(time.monotonic() - self.started, 3),
        )


class SessionLog:
    """The entries of one session."""

    def __init__(self, record: Record, caps: Caps) -> None:
        self._record = record
        self._caps = caps
        self._counts = dict[Verdict, int]()
        self.total = Meter(caps)

    def entry(self) -> Entry:
        """A request that begins."""
        return Entry(Meter(self._caps))

    def close(self, entry: Entry) -> None:
        """A request is over."""
        self._counts[entry.verdict] = self._counts.get(entry.verdict, 0) + 1
        if sum(self._counts.values()) <= self._caps.events:
            self._record(entry.event())

    def summarize(self) -> None:
        """The session is over; says nothing if nothing was asked for."""
        requests = sum(self._counts.values())
        if requests:
            summary = EgressSummary(
                allowed=self._counts.get("allowed", 0),
                refused=self._counts.get("refused", 0),
                failed=self._counts.get("failed", 0),
                unlisted=max(0, requests - self._caps.events),
                sent=self.total.sent,
                received=self.total.received,
            )
            self._record(summary)

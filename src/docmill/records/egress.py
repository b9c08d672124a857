"""What a session's log tells about its way out: each request, and their sum. Events by nature."""

from typing import Literal

from docmill.base import Frozen


class Egress(Frozen):
    """Something inside the sandbox asked for a host; stored when that was over."""

    type: Literal["docmill.egress"] = "docmill.egress"
    method: str
    """`CONNECT` for a tunnel, whose content nobody sees; `?` if it was no request at all."""
    host: str
    port: int
    path: str = ""
    """Without the query."""
    verdict: Literal["allowed", "refused", "failed"]
    reason: str = ""
    """Why it was refused or failed: `host_not_allowed`, `address_not_public`, `sni_mismatch`, …"""
    credentials: tuple[str, ...] = ()
    """Names of those the broker put into the request."""
    status: int | None = None
    """The host's answer, where it could be seen."""
    sent: int = 0
    """Bytes to the host."""
    received: int = 0
    """Bytes from it."""
    seconds: float = 0.0


class EgressSummary(Frozen):
    """All that was asked for while one sandbox was up."""

    type: Literal["docmill.egress_summary"] = "docmill.egress_summary"
    allowed: int = 0
    refused: int = 0
    failed: int = 0
    unlisted: int = 0
    """Requests beyond the number that has an event each."""
    sent: int = 0
    """Bytes."""
    received: int = 0
    """Bytes."""

"""What became of each hand-over and each notice of a run: `store` keeps it, `runs show` prints it.

Nothing of it changes how the run ended.
"""

from datetime import UTC, datetime
from typing import Literal

from docmill.base import Frozen
from docmill.records.results import RunInfo

DeliveryKind = Literal["results", "notice"]


class Delivery(Frozen):
    """One that was tried, or is still to be."""

    kind: DeliveryKind
    position: int
    """Place in the pipeline's `results` or `notify`, from 0."""
    target: str
    """Where it goes, for people: `webhook https://hooks.example/docmill`."""
    state: Literal["pending", "done", "failed"] = "pending"
    """`pending` stays if the process died before it was tried."""
    attempts: int = 0
    detail: str = ""
    """What it came to in a few words: `1,204 rows`, `status 503`."""
    places: tuple[str, ...] = ()
    """Files or tables that were written."""
    at: datetime | None = None
    """When it was tried last."""


def run_key(info: RunInfo) -> str:
    """Tells a run apart from those of other workspaces that deliver to the same place."""
    return f"{info.pipeline}/{info.id}@{info.started.astimezone(UTC):%Y%m%dT%H%M%S.%fZ}"

"""Which folder or bucket is watched for documents, and what becomes of them."""

from typing import Annotated, Literal

from pydantic import Field

from docmill.base import Frozen


class Watch(Frozen):
    """A folder or bucket whose drops start a run."""

    path: str
    """Folder, or an fsspec address such as `s3://bucket/in/`."""
    settle_seconds: Annotated[float, Field(ge=0)] = 10
    """How long a file must not have changed before it counts."""
    ready: Annotated[str, Field(pattern=r"^[^/]+$")] | None = None
    """Name of a file, such as `_READY`, that says a folder is complete; nothing begins without."""
    poll_seconds: Annotated[float, Field(ge=0.2)] = 5
    """How often to look where nobody tells of changes; else every minute at most."""
    events: Annotated[str, Field(pattern=r"^(auto|none|https?://.+)$")] = "auto"
    """Who tells of changes: the operating system (`auto`, of a local folder), nobody (`none`), or
    the URL of an SQS queue that the bucket sends its notifications to."""
    largest: Annotated[int, Field(ge=1)] = 10_000
    """Documents of one run; a drop with more becomes several."""
    deliver: str = "reports"
    """Where reports go: beside the watched folder, or an address of its own."""
    after: Literal["move", "mark", "leave"] = "move"
    """What becomes of documents that were read: moved to `done`, a note beside each, or nothing."""
    done: str = "done"
    """Where documents that were read go."""
    quarantine: str = "quarantine"
    """Where documents that failed go, each with a note that says why."""
    every_minutes: Annotated[int, Field(ge=0)] = 5
    """How often the deployment `NAME/watch` looks; 0: only when it is called."""

"""How many processes read the documents of one run: a pipeline's `scale`."""

from typing import Annotated

from pydantic import Field

from docmill.base import Frozen


class Scale(Frozen):
    """Sharing a run among several machines, or several processes of one."""

    shards: Annotated[int, Field(ge=0, le=100)] = 0
    """Most processes at once that read documents, each started by a worker of the work pool, with
    `concurrency` sessions each; 0: the run's own process reads them all."""
    lease_seconds: Annotated[float, Field(ge=3, le=3600)] = 30
    """A shard that hasn't been heard of for so long is dead: others take over its documents."""

"""How `docmill deploy` registers pipelines with Prefect, and where their runs take place."""

from typing import Annotated, Any

from pydantic import Field, model_validator

from docmill.base import Frozen


class Deploy(Frozen):
    """Deployments of the workspace's pipelines, and how workers find the workspace."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$")] | None = None
    """What deployments of this workspace are known by, wherever it lies; if left out, the folder's
    name and a digest of its path."""
    work_pool: str = "docmill"
    """Pool whose workers run the pipelines; made if it isn't there."""
    pool_type: str = "process"
    """Kind of the pool where it is made: `process`, `docker`, `kubernetes`."""
    work_queue: str | None = None
    """Queue of the pool; its default one if left out."""
    job_variables: dict[str, Any] = {}
    """What the pool's jobs are to be given: `image`, `env`, ... as the pool knows them."""
    workspace: str | None = None
    """Address that `docmill deploy` puts a snapshot of the workspace to, for workers to fetch:
    `s3://bucket/docmill/` or a folder that all of them see. If it and `pull` are left out, workers
    find the workspace at the same path as here."""
    storage_options: dict[str, Any] = {}
    """What the address's fsspec driver needs besides the environment; secrets as Prefect's blocks:
    `key: "{{ prefect.blocks.secret.bucket-key }}"`."""
    include: tuple[str, ...] = ()
    """Patterns of further files that belong to a snapshot: `lib/**/*.py`."""
    pull: tuple[dict[str, Any], ...] = ()
    """Steps that bring the workspace to a worker, in Prefect's words (`git_clone`, ...)."""

    @model_validator(mode="after")
    def _one_way(self) -> "Deploy":
        if self.workspace is not None and self.pull:
            raise ValueError("`workspace` and `pull` are two ways to the same end; give one")
        return self

"""A workspace: `docmill.yaml` and everything its folders hold, read and valid."""

from pathlib import Path

from docmill.base import Frozen
from docmill.spec.agent import Agent
from docmill.spec.environment import Environment
from docmill.spec.pipeline import Pipeline


class Endpoint(Frozen):
    """A server that speaks the Messages API."""

    base_url: str
    """Address without `/v1`: `http://127.0.0.1:11434`."""
    api_key_env: str | None = None
    """Name of the environment variable that holds the key; the key itself is in no file."""
    api_key_file: str | None = None
    """File that holds the key, outside the workspace."""


class WorkspaceConfig(Frozen):
    """`docmill.yaml`; every key may be left out."""

    endpoints: dict[str, Endpoint] = {}
    """Servers for `model: ENDPOINT/MODEL`, by name."""
    prices: str | None = None
    """Path of a price table that overrides the one built in."""
    state: str = ".docmill"
    """Folder of run state."""
    reports: str = "reports"
    """Folder that reports are written to."""


class Workspace(Frozen):
    """All specs of a workspace, cross-checked."""

    root: Path
    config: WorkspaceConfig = WorkspaceConfig()
    agents: dict[str, Agent] = {}
    environments: dict[str, Environment] = {}
    pipelines: dict[str, Pipeline] = {}

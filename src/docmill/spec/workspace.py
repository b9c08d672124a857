"""A workspace: `docmill.yaml` and everything its folders hold, read and valid."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from docmill.base import Frozen
from docmill.spec.agent import Agent
from docmill.spec.deploy import Deploy
from docmill.spec.environment import Environment
from docmill.spec.pipeline import Pipeline

BUILT_IN_ENDPOINT = "anthropic"
"""Name of the endpoint that is there without docmill.yaml, which may change any of its keys."""


class Capabilities(Frozen):
    """What an endpoint can do beyond messages and tools; `docmill doctor --model` finds out."""

    json_schema: bool = False
    """Keeps to a JSON Schema in its final answer: the record needs no tool call."""
    strict_tools: bool = False
    """Keeps to the input schema of tools."""
    caching: bool = False
    """Caches prompt prefixes marked with `cache_control`."""
    count_tokens: bool = False
    """Counts the tokens of a request before it is made."""
    images: bool = False
    """Reads pictures of pages."""
    documents: bool = False
    """Reads PDF files."""
    batches: bool = False
    """Takes batches at a lower price, for `mode: batch`."""
    thinking: bool = False
    """Thinks before it answers, as hard as `effort` says."""


class Rates(Frozen):
    """How fast an endpoint may be asked; beyond this docmill slows down when it is told to."""

    concurrency: Annotated[int, Field(ge=1, le=1000)] = 50
    """Most calls at once."""
    tokens_per_minute: Annotated[int, Field(ge=1)] | None = None
    """Input and output tokens per minute; None: only what the endpoint refuses."""
    requests_per_minute: Annotated[int, Field(ge=1)] | None = None
    """Calls per minute."""


class Endpoint(Frozen):
    """A server that speaks the Messages API."""

    base_url: str | None = None
    """Address without `/v1`: `http://127.0.0.1:11434`. Bedrock and Vertex know their own."""
    service: Literal["messages", "bedrock", "vertex"] = "messages"
    """Who it is: a Messages API server, or Claude on Amazon Bedrock or Google Vertex."""
    api_key_env: str | None = None
    """Name of the environment variable that holds the key; the key itself is in no file."""
    api_key_file: str | None = None
    """File that holds the key, outside the workspace."""
    region: str | None = None
    """Region of Bedrock or Vertex."""
    project: str | None = None
    """Project of Vertex."""
    stall_seconds: Annotated[float, Field(gt=0)] = 120
    """An answer that brings nothing for so long is given up and asked for again."""
    capabilities: Capabilities = Capabilities()
    rates: Rates = Rates()


Days = Annotated[float, Field(ge=0)]


class Retention(Frozen):
    """What `docmill runs prune` forgets; what was found and what it cost is always kept.

    Nothing is forgotten that no key here, and no option of the command, gives an age to. A run of
    `docmill runs keep` is spared.
    """

    days: Days | None = None
    """Runs that ended longer ago, with their reports; left out: none."""
    newest: Annotated[int, Field(ge=1)] = 3
    """Runs of each pipeline that stay whatever their age."""
    journal_days: Days | None = None
    """Journals of sessions that no younger run refers to: `docmill show` has no trace of them."""
    picture_days: Days | None = None
    """Pictures of pages that only older runs show; their reports lose them, and say so."""
    after_runs: bool = False
    """Carried out by itself when a run has ended, at most once a day."""


class WorkspaceConfig(Frozen):
    """`docmill.yaml`; every key may be left out."""

    endpoints: dict[str, Endpoint] = {}
    """Servers for `model: ENDPOINT/MODEL`, by name."""
    prices: str | None = None
    """Path of a price table that overrides the one built in."""
    state: str = ".docmill"
    """Folder of run state."""
    blobs: str | None = None
    """Where texts and pictures of pages are kept: a folder, or an fsspec address such as
    `s3://bucket/blobs` that several machines share; `blobs` in the folder of run state if left
    out."""
    reports: str = "reports"
    """Folder that reports are written to."""
    retention: Retention = Retention()
    """How long runs are kept."""
    deploy: Deploy = Deploy()
    """Deployments with Prefect."""


class Workspace(Frozen):
    """All specs of a workspace, cross-checked."""

    root: Path
    config: WorkspaceConfig = WorkspaceConfig()
    agents: dict[str, Agent] = {}
    environments: dict[str, Environment] = {}
    pipelines: dict[str, Pipeline] = {}

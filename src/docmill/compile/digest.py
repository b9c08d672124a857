"""What makes two sessions on one document equal: the digest behind the document's key.

`DECISIVE` and `IRRELEVANT` name every field of every spec class; a field in neither can't be
digested, and a test says so first. Verdicts aren't sessions: checks and reference are irrelevant.
"""

import hashlib
import json
from collections.abc import Mapping
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Any, cast

from pydantic import BaseModel

import docmill
from docmill.output.imports import source_file
from docmill.output.shape import RecordShape
from docmill.spec.agent import EMBEDDED, TOOLSET, Agent
from docmill.spec.environment import Environment
from docmill.spec.pipeline import Pipeline

ENGINE_FORMAT = 1
"""Raised when sessions of before and after can't be compared: other prompts of the loop, other
layout of pages, other meaning of a record."""
ANOTHER_TIME = {"limits", "concurrency", "scale", "notify", "results"}
"""Keys of a pipeline with which a run may go on differently."""
TOOL_VERSIONS = (TOOLSET, "submit_record_1", "view_page_1", "grade_1")
READERS = ("pypdf", "pypdfium2")
"""Packages that take a document's words and pictures."""

_RULES_SOURCES = ("models/rules", "quantities", "documents", "output", "sandboxes/toolbox")
"""Packages that decide what the embedded model finds; running it anew costs nothing."""


def _table(**fields: str) -> dict[str, frozenset[str]]:
    return {name: frozenset(words.split()) for name, words in fields.items()}


DECISIVE = _table(
    Agent="name description model system tools mcp_servers skills multiagent metadata",
    ModelChoice="id effort speed",
    PermissionPolicy="type",
    ToolDefaults="enabled permission_policy",
    ToolConfig="name enabled permission_policy",
    AgentToolset="type default_config configs",
    CustomTool="type name description input_schema",
    McpToolDefaults="enabled permission_policy",
    McpToolConfig="name enabled permission_policy",
    McpToolset="type mcp_server_name default_config configs",
    McpServer="type name url",
    McpProgram="type name command env",
    Environment="name description config docmill",
    CloudConfig="type packages networking",
    Packages="pip apt npm",
    LimitedNetworking="type allowed_hosts allow_mcp_servers allow_package_managers",
    UnrestrictedNetworking="type",
    SandboxBlock="backend base_image runtime limits outputs",
    OutputLimits="files size",
    SandboxLimits="memory cpus pids disk seconds output",
    Pipeline="agent environment record outcome",
    Outcome="description rubric max_iterations",
    Documents="present hostile ocr ocr_languages",
    Hostile="hidden_text instructions text_layer active_content structure",
    RecordSpec="fields repairs",
    Field="type unit description aliases section pick required enum pattern fields",
)
"""Class → fields that are in the key."""

IRRELEVANT = _table(
    # where the schema lies; what it says is in the resolved fields, schema and sources
    RecordSpec="json_schema python",
    Pipeline="name description documents reference checks expectations limits retries concurrency "
    "scale failure_threshold report schedule watch vault mode notify results",
    # which files there are and which are refused unread; a finished session depends on none of it
    Documents="path glob exclude max_size max_pages password_env",
    # limits end a session unfinished; they don't change what a finished one found
    Limits="usd_per_document usd_per_run turns output_tokens minutes minutes_per_run "
    "approval_minutes",
    Retries="attempts delay_seconds jitter calls outage_minutes",
    FailureThreshold="count share",
    Scale="shards lease_seconds",
    # whether a run starts, not what it finds
    SandboxLimits="strict",
    SandboxBlock="oci_runtime",
    ReportSettings="title formats pictures max_picture_mb",
    Schedule="cron timezone overlap",
    # who hears of a run and who gets its results, when it is over
    Notice="on webhook secret plain_http block to details",
    SecretSource="env file keyring prefect_secret",
    Results="to formats table database_env rows",
    VaultEntry="env file keyring prefect_secret hosts header prefix",
    Watch="path settle_seconds ready poll_seconds events largest deliver after done quarantine "
    "every_minutes",
    # verdicts are computed anew from the stored record
    Reference="path sheet key columns version",
    ReferenceColumns="parameter min max nominal tolerance unit clause condition",
    ReferenceCheck="name severity when type fields guard_band",
    ToleranceCheck="name severity when type field nominal tolerance min max guard_band",
    ExpressionCheck="name severity when type expression message",
    UniqueCheck="name severity when type fields",
    ConsistentCheck="name severity when type field per",
    Expectation="type kwargs severity",
    # where a model answers and what it costs, not which model it is
    WorkspaceConfig="endpoints prices state blobs reports deploy retention",
    Retention="days newest journal_days picture_days after_runs",
    Deploy="name work_pool pool_type work_queue job_variables workspace storage_options include "
    "pull",
    Endpoint="base_url service api_key_env api_key_file region project stall_seconds capabilities "
    "rates",
    Capabilities="json_schema strict_tools caching count_tokens images documents batches thinking",
    Rates="concurrency tokens_per_minute requests_per_minute",
)
"""Class → fields that are not in the key, each group with its reason."""


def canonical(data: Any) -> str:
    """JSON with sorted keys and no spaces: the same data is always the same text."""
    return json.dumps(
        data, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )


def digest(data: Any) -> str:
    """sha256 of the canonical JSON."""
    return hashlib.sha256(canonical(data).encode("utf-8", "surrogatepass")).hexdigest()


def decisive(value: object) -> Any:
    """The decisive part of a spec object as plain data, down through everything it holds.

    Raises:
        KeyError: a field is in neither table.
    """
    if isinstance(value, BaseModel):
        name = type(value).__name__
        wanted, other = DECISIVE.get(name, frozenset()), IRRELEVANT.get(name, frozenset())
        undecided = set(type(value).model_fields) - wanted - other
        if undecided:
            raise KeyError(f"{name}: {', '.join(sorted(undecided))}")
        return {field: decisive(getattr(value, field)) for field in sorted(wanted)}
    if isinstance(value, Mapping):
        mapping = cast("Mapping[str, object]", value)
        return {key: decisive(item) for key, item in mapping.items()}
    if isinstance(value, (list, tuple)):
        return [decisive(item) for item in cast("list[object]", value)]
    return value


def session_digest(
    *, pipeline: Pipeline, agent: Agent, environment: Environment, shape: RecordShape, system: str
) -> str:
    """sha256 of all that decides what a session finds, except the document itself."""
    return digest(
        {
            "engine_format": ENGINE_FORMAT,
            "agent": decisive(agent),
            "environment": decisive(environment),
            "models": [
                {"id": choice.id, "version": model_version(choice.id)} for choice in agent.models
            ],
            "present": decisive(pipeline.documents),
            "tools": TOOL_VERSIONS,
            "readers": reader_versions(),
            "prompts": {"system": system, "outcome": decisive(pipeline.outcome)},
            "record": {
                "repairs": pipeline.record.repairs,
                "fields": decisive(shape.fields),
                # the order of fields is the order of the record
                "order": list(shape.fields),
                "schema": shape.json_schema,
                "bounds": {path: [str(b) for b in bounds] for path, bounds in shape.bounds.items()},
                "model": model_source(shape),
            },
        }
    )


def spec_digest(
    *,
    pipeline: Pipeline,
    agent: Agent,
    environment: Environment,
    session: str,
    references: Mapping[str, str],
) -> str:
    """sha256 of everything but limits, concurrency and scale: with others a run may go on.

    `session` is the session digest, `references` file → sha256.
    """
    return digest(
        {
            "session": session,
            "pipeline": pipeline.model_dump(mode="json", exclude=ANOTHER_TIME),
            "agent": agent.model_dump(mode="json"),
            "environment": environment.model_dump(mode="json"),
            "references": dict(references),
        }
    )


def model_source(shape: RecordShape) -> str:
    """sha256 of the file of the user's own model, whose validators decide too; else empty."""
    if shape.model is None:
        return ""
    file = source_file(shape.model)
    return _files_digest([file]) if file else ""


@lru_cache(maxsize=1)
def reader_versions() -> dict[str, str]:
    """Versions of the packages that the toolbox reads documents with: another one, other words.

    They are those beside docmill: whatever interpreter a sandbox runs has the same.
    """
    return {name: version(name) for name in READERS}


@lru_cache(maxsize=8)
def model_version(model_id: str) -> str:
    """Version of the embedded model: a digest of its sources. Others are named by their id."""
    if model_id != EMBEDDED:
        return ""
    package = Path(docmill.__file__).parent
    return _files_digest(
        [file for source in _RULES_SOURCES for file in sorted((package / source).rglob("*.py"))]
    )


def _files_digest(files: list[Path]) -> str:
    whole = hashlib.sha256()
    for file in files:
        whole.update(hashlib.sha256(file.read_bytes()).digest())
    return whole.hexdigest()

"""What a run is going to do, as frozen data: made by `compile`, carried out by `flow`."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from docmill.records.results import DocumentInfo, ReferenceInfo
from docmill.spec.agent import Agent
from docmill.spec.environment import Environment
from docmill.spec.fields import Field
from docmill.spec.pipeline import Pipeline


@dataclass(frozen=True, slots=True)
class CompiledPipeline:
    """A pipeline with everything it names resolved; pure data, same input gives the same digest."""

    root: Path
    """The workspace."""
    pipeline: Pipeline
    agent: Agent
    environment: Environment
    fields: dict[str, Field]
    """Fields of the record, whichever way the pipeline gives them."""
    record_schema: dict[str, Any]
    """JSON Schema of `submit_record`'s input."""
    system: str
    """System prompt: the agent's own, the rules of evidence, the fields."""
    session_digest: str
    """sha256 of all that decides what a session finds, except the document: agent, record schema,
    environment, model, tool versions, prompts, engine format."""
    spec_digest: str
    """sha256 of everything, checks, reference and report settings included; not of limits and
    concurrency, with which a run may go on differently."""
    references: tuple[ReferenceInfo, ...] = ()

    def document_key(self, sha256: str) -> str:
        """Key of a document's session, for the store and for Prefect's cache."""
        return hashlib.sha256(f"{self.session_digest}:{sha256}".encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class PlannedDocument:
    """One file of the batch before anything was run."""

    info: DocumentInfo
    location: str
    """Absolute path or fsspec address."""
    key: str
    """`CompiledPipeline.document_key`; empty if the document can't be run."""
    code: str = ""
    """Why it can't be run: `document_empty`, `document_too_large`, `document_not_supported`, ..."""
    message: str = ""
    remedy: str = ""
    cached: bool = False
    """An earlier run has finished a session with this key."""


@dataclass(frozen=True, slots=True)
class BatchPlan:
    """A compiled pipeline and the documents it found."""

    compiled: CompiledPipeline
    documents: tuple[PlannedDocument, ...]
    excluded: tuple[str, ...] = ()
    """Files that were found and left out, by name."""

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
    """sha256 of everything, checks, reference and report settings included; not of limits, scale
    and concurrency, with which a run may go on differently."""
    references: tuple[ReferenceInfo, ...] = ()
    preamble: str = ""
    """The system prompt without the fields."""
    base_digest: str = ""
    """`session_digest` without the record's fields: sessions with the same one can share what they
    found of fields they have in common. Empty: records are asked for as a whole."""

    def document_key(self, sha256: str) -> str:
        """Key of a document's session, for the store and for Prefect's cache."""
        return hashlib.sha256(f"{self.session_digest}:{sha256}".encode()).hexdigest()

    def base_key(self, sha256: str) -> str:
        """Key of a document's sessions whatever fields they asked for; empty if there is none."""
        if not self.base_digest:
            return ""
        return hashlib.sha256(f"{self.base_digest}:{sha256}".encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Earlier:
    """A finished session that has the same base as one that is planned."""

    session: str
    fields: dict[str, Field]
    """What its record was made of."""


@dataclass(frozen=True, slots=True)
class Reuse:
    """What is taken over from an earlier session on a document, and what is asked for anew."""

    earlier: Earlier
    kept: tuple[str, ...]
    """Fields defined as they were, in record order."""
    asked: tuple[str, ...]
    """The other fields of the record; none if fields were only removed or moved."""


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
    """An earlier run has finished a session with this key, or with all fields of this one."""
    reuse: Reuse | None = None
    """No session with this key is finished, but one that knows some of the fields."""


@dataclass(frozen=True, slots=True)
class BatchPlan:
    """A compiled pipeline and the documents it found."""

    compiled: CompiledPipeline
    documents: tuple[PlannedDocument, ...]
    excluded: tuple[str, ...] = ()
    """Files that were found and left out, by name."""

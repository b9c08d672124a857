"""A compiled pipeline and its documents: what a run would do, before it does anything."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from docmill.documents.find import find_documents
from docmill.plan import BatchPlan, CompiledPipeline, PlannedDocument

KnownKeys = Callable[[Sequence[str]], set[str]]
"""Which of these document keys have a finished session in the store."""


def plan_batch(
    compiled: CompiledPipeline, known_keys: KnownKeys, *, cache: Path | None = None
) -> BatchPlan:
    """Find the pipeline's documents and mark those the store already knows.

    `cache` is a folder for the hashes of unchanged files (`cache_folder` of the workspace); without
    it every file is read anew.

    Raises:
        PrerequisiteError: the documents' folder doesn't exist or can't be listed.
    """
    found = find_documents(compiled.pipeline.documents, compiled.root, cache=cache)
    keyed = [_with_key(compiled, document) for document in found.documents]
    known = known_keys(sorted({document.key for document in keyed if document.key}))
    return BatchPlan(
        compiled,
        tuple(replace(document, cached=document.key in known) for document in keyed),
        found.excluded,
    )


def _with_key(compiled: CompiledPipeline, document: PlannedDocument) -> PlannedDocument:
    if document.code:
        return document
    return replace(document, key=compiled.document_key(document.info.sha256))

"""A compiled pipeline and its documents: what a run would do, before it does anything."""

from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from dataclasses import replace
from pathlib import Path
from typing import Literal, get_args

from docmill.documents.find import find_documents
from docmill.plan import BatchPlan, CompiledPipeline, Earlier, PlannedDocument, Reuse
from docmill.spec.agent import EMBEDDED
from docmill.spec.fields import Field

KnownKeys = Callable[[Sequence[str]], set[str]]
"""Which of these document keys have a finished session in the store."""
KnownBases = Callable[[Sequence[str]], Mapping[str, Sequence[Earlier]]]
"""Finished sessions with these base keys, the newest first."""


def plan_batch(
    compiled: CompiledPipeline,
    known_keys: KnownKeys,
    *,
    known_bases: KnownBases = lambda _: {},
    cache: Path | None = None,
) -> BatchPlan:
    """Find the pipeline's documents and mark those the store already knows, as a whole or in part.

    `cache` is a folder for the hashes of unchanged files (`cache_folder` of the workspace); without
    it every file is read anew.

    Raises:
        PrerequisiteError: the documents' folder doesn't exist or can't be listed.
    """
    found = find_documents(compiled.pipeline.documents, compiled.root, cache=cache)
    keyed = [_with_key(compiled, document) for document in found.documents]
    known = known_keys(sorted({document.key for document in keyed if document.key}))
    keyed = [replace(document, cached=document.key in known) for document in keyed]
    return BatchPlan(compiled, tuple(_in_part(compiled, keyed, known_bases)), found.excluded)


def _with_key(compiled: CompiledPipeline, document: PlannedDocument) -> PlannedDocument:
    if document.code:
        return document
    return replace(document, key=compiled.document_key(document.info.sha256))


def _in_part(
    compiled: CompiledPipeline, documents: Sequence[PlannedDocument], known_bases: KnownBases
) -> Iterator[PlannedDocument]:
    bases = {
        document.info.id: compiled.base_key(document.info.sha256)
        for document in documents
        if compiled.base_digest
        and not (document.code or document.cached or document.info.duplicate_of)
    }
    keys = sorted(set(bases.values()))
    known: Mapping[str, Sequence[Earlier]] = known_bases(keys) if keys else {}
    for document in documents:
        reuse = best_reuse(compiled.fields, known.get(bases.get(document.info.id, ""), ()))
        # Whether the embedded model reads the other fields as before is known by looking only.
        done = reuse is not None and not reuse.asked and not _embedded(compiled)
        yield replace(document, reuse=reuse, cached=document.cached or done)


def best_reuse(fields: Mapping[str, Field], known: Sequence[Earlier]) -> Reuse | None:
    """What can be taken over from the session that knows most; None if none knows anything.

    A field counts as known if its whole definition is what it was; a list with all its columns.
    """
    best: Reuse | None = None
    for earlier in known:
        kept = tuple(name for name, field in fields.items() if earlier.fields.get(name) == field)
        if kept and (best is None or len(kept) > len(best.kept)):
            asked = tuple(name for name in fields if name not in kept)
            best = Reuse(earlier, kept, asked)
    return best


def _embedded(compiled: CompiledPipeline) -> bool:
    return any(choice.id == EMBEDDED for choice in compiled.agent.models)


DocumentKind = Literal["new", "changed", "again", "partly", "cached", "duplicate", "skipped"]
"""What a run makes of a document. `changed`: its name is known with another content; `again`: its
content is known, but no finished session is of use; `partly`: one is, for some of the fields."""
KINDS: tuple[DocumentKind, ...] = get_args(DocumentKind)


def kind_of(
    document: PlannedDocument, before: Mapping[str, str], contents: Set[str]
) -> DocumentKind:
    """`before`: name → sha256 of documents that earlier runs had; `contents`: sha256 of such."""
    if document.code:
        return "skipped"
    if document.info.duplicate_of:
        return "duplicate"
    if document.cached:
        return "cached"
    if document.reuse is not None:
        return "partly"
    known = before.get(document.info.name)
    if known is not None and known != document.info.sha256:
        return "changed"
    return "again" if document.info.sha256 in contents else "new"

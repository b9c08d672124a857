"""Finds the documents of a batch: which files, how large, what content, which can't be used.

`sources` lists, `sniff` looks at first bytes, `hashes` remembers. Opens no document with a parser;
whether a document was processed before is known to `compile` and the store.
"""

import hashlib
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from docmill.documents.globs import glob_matches
from docmill.documents.hashes import HashCache, Seen
from docmill.documents.names import shown_name, unique_ids
from docmill.documents.sniff import HEAD, PDF, sniff
from docmill.documents.sources import Candidate, Listing, list_files, open_location
from docmill.errors import DocumentError
from docmill.plan import PlannedDocument
from docmill.records.results import DocumentInfo
from docmill.spec.pipeline import Documents
from docmill.spec.sizes import parse_size

_CHUNK = 1 << 20
_FIELDS = {"id", "name", "sha256", "size", "media_type"}
"""What is known of a found document; all of a batch share this set."""


class Found(NamedTuple):
    """The documents of a batch in order of name, and what was left out."""

    documents: tuple[PlannedDocument, ...]
    """`key` is still empty; `code` says why one can't be run."""
    excluded: tuple[str, ...]
    """Names of files the pipeline excludes, and of what is no regular file, with the reason."""


class _Problem(NamedTuple):
    code: str
    message: str
    remedy: str


def find_documents(spec: Documents, root: Path, *, cache: Path | None = None) -> Found:
    """All documents the pipeline's `documents` name; `root` is the workspace.

    `cache` is a folder for hashes of earlier calls; None reads every file anew.

    Raises:
        PrerequisiteError: the folder doesn't exist or can't be listed.
        ValueError: `max_size` is not a size (`compile` has said so before).
    """
    limit = parse_size(spec.max_size)
    listing = list_files(spec.path, root)
    chosen, excluded = choose(spec, listing)
    remembered = HashCache(cache, listing.base)
    ids = unique_ids([candidate.name for candidate in chosen])
    documents: list[PlannedDocument] = []
    first_with: dict[str, str] = {}
    for candidate, identifier in zip(chosen, ids, strict=True):
        document = _document(candidate, identifier, limit, remembered)
        if not document.code:
            first = first_with.setdefault(document.info.sha256, identifier)
            if first != identifier:
                info = document.info.model_copy(update={"duplicate_of": first})
                document = replace(document, info=info)
        documents.append(document)
    remembered.save()
    return Found(tuple(documents), (*excluded, *listing.left_out))


def read_document(location: str, *, sha256: str, max_bytes: int) -> bytes:
    """The bytes of a found document, proven to be the ones that were hashed.

    Raises:
        DocumentError: it is gone, can't be read, grew beyond `max_bytes`, or has changed since.
    """
    try:
        with open_location(location) as stream:
            content = stream.read(max_bytes + 1)
    except OSError as error:
        raise DocumentError(
            f"The file can't be read any more: {error.strerror or type(error).__name__}.",
            code="document_unreadable",
            remedy="Put it back and run again.",
        ) from error
    if len(content) > max_bytes or hashlib.sha256(content).hexdigest() != sha256:
        raise DocumentError(
            "The file has changed since the run began.",
            code="document_changed",
            remedy="Run again when it is complete.",
        )
    return content


def choose(spec: Documents, listing: Listing) -> tuple[list[Candidate], list[str]]:
    """The files that are documents, and the names of those the pipeline excludes."""
    if listing.single:
        return listing.candidates, []
    chosen: list[Candidate] = []
    excluded: list[str] = []
    for candidate in listing.candidates:
        if not glob_matches(spec.glob, candidate.name):
            continue
        if _excluded(spec.exclude, candidate.name):
            excluded.append(shown_name(candidate.name))
        else:
            chosen.append(candidate)
    return chosen, excluded


def _excluded(patterns: Sequence[str], name: str) -> bool:
    """A pattern without `/` is about the file's own name in any folder."""
    return any(
        glob_matches(pattern if "/" in pattern else f"**/{pattern}", name) for pattern in patterns
    )


def _document(
    candidate: Candidate, identifier: str, limit: int, remembered: HashCache
) -> PlannedDocument:
    seen = remembered.get(candidate.location, candidate.stamp)
    problem: _Problem | None = None
    if candidate.size > limit:
        seen, problem = Seen("", candidate.size, "", ""), _too_large(candidate.size, limit)
    elif seen is None:
        seen, problem = _read(candidate, limit, remembered)
    problem = problem or _unusable(seen)
    # Validated, each would hold a set of its fields' names of its own: half of what it takes.
    info = DocumentInfo.model_construct(
        _FIELDS,
        id=identifier,
        name=shown_name(candidate.name),
        sha256=seen.sha256,
        size=max(seen.size, 0),
        media_type=sys.intern(seen.media_type or "application/octet-stream"),
    )
    code, message, remedy = problem or ("", "", "")
    return PlannedDocument(info, candidate.location, "", code, message, remedy)


def _read(candidate: Candidate, limit: int, remembered: HashCache) -> tuple[Seen, _Problem | None]:
    if not _is_text(candidate.location):
        message = "Its name is not valid UTF-8."
        return Seen("", candidate.size, "", ""), _unreadable(message, "Rename the file.")
    digest, size, head = hashlib.sha256(), 0, b""
    try:
        with open_location(candidate.location) as stream:
            while chunk := stream.read(_CHUNK):
                head += chunk[: HEAD - len(head)]
                size += len(chunk)
                if size > limit:
                    return Seen("", size, "", ""), _too_large(size, limit)
                digest.update(chunk)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        message = f"The file can't be read: {reason}."
        return Seen("", candidate.size, "", ""), _unreadable(message, "Check its permissions.")
    kind = sniff(head)
    seen = Seen(digest.hexdigest(), size, kind.media_type, kind.words)
    if size == candidate.size:
        remembered.put(candidate.location, candidate.stamp, seen, changed=candidate.changed)
    return seen, None


def _is_text(location: str) -> bool:
    try:
        location.encode()
    except UnicodeEncodeError:
        return False
    return True


def _unusable(seen: Seen) -> _Problem | None:
    if seen.size == 0:
        return _Problem(
            "document_empty", "The file is empty (0 bytes).", "Copy it again from its source."
        )
    if seen.media_type != PDF:
        return _Problem(
            "document_not_supported",
            f"The file is not a PDF; it is {seen.words}.",
            "Convert it to PDF, or leave it out with `documents.exclude`.",
        )
    return None


def _unreadable(message: str, remedy: str) -> _Problem:
    return _Problem("document_unreadable", message, remedy)


def _too_large(size: int, limit: int) -> _Problem:
    return _Problem(
        "document_too_large",
        f"The file has {_megabytes(size)}, more than the limit of {_megabytes(limit)}.",
        "Raise `documents.max_size`, or split the document.",
    )


def _megabytes(size: int) -> str:
    return f"{size / 2**20:.1f} MiB" if size >= 2**20 else f"{size} bytes"

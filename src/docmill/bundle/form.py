"""The form of a bundle: names of its parts, its manifest, and how a line of a table is written.

docs/bundles.md is written from here. Reads and writes no files.
"""

import json
from collections.abc import Mapping
from typing import Any, Literal

from sqlalchemy import Table

from docmill.base import Frozen
from docmill.store.schema import charges, documents, events, origins, runs, seals, sessions

FORMAT = "docmill.bundle/1"
MANIFEST = "manifest.json"
README = "README.txt"
TABLES: Mapping[str, Table] = {
    f"store/{table.name}.jsonl": table
    for table in (runs, documents, sessions, events, charges, origins, seals)
}
"""Parts with one row of a table per line, in the order of the table's key."""
BLOBS, REPORT, DOCUMENTS = "blobs/", "report/", "documents/"
"""Folders: blobs and documents by sha256, the report's files by name."""
WORDS = """\
A run of docmill, with all that its report was made from.

    docmill verify THIS_FILE

checks the hash chains and derives every cell of the report again, offline. manifest.json names each
part with its sha256; report/ holds the report as it was handed out; store/ the journals, records,
verdicts and charges; blobs/ the specs, the reference standard, the prices and the words of pages.
"""


class Part(Frozen):
    """One file of the bundle."""

    name: str
    sha256: str
    size: int
    """Bytes, unpacked."""


class Manifest(Frozen):
    """What a bundle says of itself."""

    format: Literal["docmill.bundle/1"] = FORMAT
    docmill_version: str
    """That exported it; `run` has the one that ran."""
    run: str
    """`run-0007`."""
    pipeline: str
    seal: str
    """Head of the run's chain as it was sealed when the run ended; empty if it never was."""
    head: str
    """Head of the chain as it was when the bundle was made; another one: the store was changed."""
    own_templates: bool = False
    """The workspace's templates aren't docmill's."""
    missing: tuple[str, ...] = ()
    """What the store no longer had, one sentence each."""
    parts: tuple[Part, ...]


def line(row: Mapping[str, Any]) -> bytes:
    """A row as a line of JSON, keys sorted."""
    text = json.dumps(dict(row), ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    return text.encode("utf-8", "surrogatepass") + b"\n"

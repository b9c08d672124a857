"""Writes a run into one zip: the same run gives the same bytes, wherever and whenever.

Rows go from the store into the file a few at a time. Holds back whatever isn't the run's: no other
run, no endpoint, no key.
"""

import hashlib
import json
import os
import re
import tempfile
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

from sqlalchemy import Column, Connection, Table, select

from docmill.batch.pruned import pruned_parts
from docmill.batch.state import State
from docmill.bundle import form
from docmill.bundle.form import Manifest, Part
from docmill.errors import RunError
from docmill.records.results import RunInfo
from docmill.store.runs import run_id
from docmill.store.schema import charges, documents, events, origins, runs, seals, sessions
from docmill.store.seals import RunSeal, Seals, cut, run_sessions

EPOCH = (1980, 1, 1, 0, 0, 0)
LONGEST_SECRET = 10_000
SHORTEST_SECRET = 8
"""Characters: a shorter one would be found by chance."""
_HASH = re.compile(rb'"(?:layout|blob)":"([0-9a-f]{64})"')


@dataclass(frozen=True, slots=True)
class Exported:
    """A bundle that was written."""

    path: Path
    manifest: Manifest
    sealed: RunSeal | None
    """As the run ended."""
    found: RunSeal
    """As the store has it now."""

    @property
    def unchanged(self) -> bool:
        """Whether the store still is what was sealed; true for a run that never was."""
        return not self.manifest.seal or self.manifest.seal == self.manifest.head


@dataclass(frozen=True, slots=True)
class Wanted:
    """What goes into a bundle beside the store's rows."""

    report: Path
    """Folder of the run's report; may be missing."""
    own_templates: bool = False
    """Whether the report was made with templates that aren't docmill's."""
    document: Callable[[str, str], bytes | None] | None = None
    """Bytes of a document by name and sha256; None: without the documents."""
    secrets: Mapping[str, str] = field(default_factory=dict[str, str])
    """Name → value of what must not be in the bundle: keys, tokens, passwords."""


@dataclass
class _Writer:
    archive: zipfile.ZipFile
    secrets: Mapping[str, str]
    parts: list[Part] = field(default_factory=list[Part])

    def add(self, name: str, chunks: Iterable[bytes]) -> None:
        entry = zipfile.ZipInfo(name, EPOCH)
        entry.compress_type = zipfile.ZIP_DEFLATED
        entry.external_attr = 0o644 << 16
        entry.create_system = 3
        digest, size, before = hashlib.sha256(), 0, b""
        with self.archive.open(entry, "w", force_zip64=True) as file:
            for chunk in chunks:
                self._look_for_secrets(name, before + chunk)
                before = chunk[-LONGEST_SECRET:]
                digest.update(chunk)
                size += len(chunk)
                file.write(chunk)
        self.parts.append(Part(name=name, sha256=digest.hexdigest(), size=size))

    def _look_for_secrets(self, name: str, content: bytes) -> None:
        for secret, value in self.secrets.items():
            escaped = json.dumps(value)[1:-1]
            if value.encode() in content or escaped.encode() in content:
                raise RunError(
                    f"The value of {secret} stands in {name}: a document, a tool or an agent has "
                    "spelt it out. No bundle was written.",
                    remedy=f"Change that key, then find where it comes from; {name} of this run "
                    "can't be handed on.",
                )


def export_run(state: State, number: int, wanted: Wanted, target: Path) -> Exported:
    """Write the bundle of a run that has ended; `target` is whole or isn't there.

    Raises:
        RunNotFoundError: there is no such run.
        OSError: it can't be written.
    """
    info = state.runs.info(number)
    keeper = Seals(state.engine)
    sealed, found = keeper.of_run(number), keeper.check(number)
    handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(handle, "wb") as file, zipfile.ZipFile(file, "w") as archive:
            writer = _Writer(archive, wanted.secrets)
            with state.engine.connect() as connection:
                made = _Export(state, connection, number, writer, found)
                made.write(wanted)
            manifest = _manifest(info, wanted, sealed, found, made)
            writer.add(form.MANIFEST, [manifest.model_dump_json(indent=1).encode(), b"\n"])
        Path(temporary).chmod(0o644)
        Path(temporary).replace(target)
    finally:
        Path(temporary).unlink(missing_ok=True)
    return Exported(target, manifest, sealed, found)


def _manifest(
    info: RunInfo, wanted: Wanted, sealed: RunSeal | None, found: RunSeal, made: "_Export"
) -> Manifest:
    return Manifest(
        docmill_version=version("docmill"),
        run=info.id,
        pipeline=info.pipeline,
        seal=sealed.head if sealed else "",
        head=found.head,
        own_templates=wanted.own_templates,
        missing=tuple(made.missing),
        parts=tuple(sorted(made.writer.parts, key=lambda part: part.name)),
    )


class _Export:
    """One pass over the run."""

    def __init__(
        self, state: State, connection: Connection, number: int, writer: _Writer, found: RunSeal
    ) -> None:
        self._state = state
        self._connection = connection
        self._number = number
        self.writer = writer
        self._found = found
        self._sessions = run_sessions(connection, number)
        self._blobs: set[str] = set()
        self.missing: list[str] = []

    def write(self, wanted: Wanted) -> None:
        """All parts but the manifest."""
        self.writer.add(form.README, [form.WORDS.encode()])
        self._tables()
        self._write_blobs()
        self._report(wanted.report)
        if wanted.document is not None:
            self._documents(wanted.document)

    def _tables(self) -> None:
        of_run = {runs: runs.c.number, documents: documents.c.run, origins: origins.c.run}
        seal_names = sorted([*self._sessions, run_id(self._number)])
        ids: dict[Table, tuple[Column[Any], Sequence[Any]]] = {
            **{table: (column, [self._number]) for table, column in of_run.items()},
            sessions: (sessions.c.session, self._sessions),
            events: (events.c.session, self._sessions),
            charges: (charges.c.session, self._sessions),
            seals: (seals.c.subject, seal_names),
        }
        for name, table in form.TABLES.items():
            column, values = ids[table]
            self.writer.add(name, self._lines(table, column, values))
        self.missing += pruned_parts(self._state, self._number).sentences

    def _lines(self, table: Table, column: Column[Any], ids: Sequence[Any]) -> Iterator[bytes]:
        keys = [key.name for key in table.primary_key.columns]
        for some in cut(ids):
            query = select(table).where(column.in_(some)).order_by(*table.primary_key.columns)
            if table is not events:
                rows = [dict(row) for row in self._connection.execute(query).mappings()]
                # no database's idea of alphabets decides
                rows.sort(key=lambda row: tuple(row[key] for key in keys))
                yield from self._noted(rows)
                continue
            for one in some:  # a journal at a time: they are most of a run
                query = select(table).where(column == one).order_by(events.c.position)
                yield from self._noted(
                    dict(row) for row in self._connection.execute(query).mappings()
                )

    def _noted(self, rows: Iterable[Mapping[str, Any]]) -> Iterator[bytes]:
        """Lines of rows; the blobs they refer to are to be written after them."""
        for row in rows:
            if "blob" in row:
                self._blobs.add(row["blob"])
            if "body" in row:
                self._blobs |= {found.decode() for found in _HASH.findall(row["body"].encode())}
            until = self._found.open.get(row.get("session", ""))
            if until is None:
                yield form.line({**row, "owner": ""} if "owner" in row else row)
            elif "findings" in row:  # as it was when the run ended
                yield form.line({**row, "state": "open", "findings": None})
            elif "position" not in row or row["position"] < until:
                yield form.line(row)

    def _write_blobs(self) -> None:
        gone = 0
        for name in sorted(self._blobs):
            try:
                self.writer.add(f"{form.BLOBS}{name}", [self._state.blobs.get(name)])
            except KeyError:
                gone += 1
        if gone:
            self.missing.append(
                f"{gone} blobs (words of pages, long results of tools) were pruned."
            )

    def _report(self, folder: Path) -> None:
        files = [path for path in sorted(folder.rglob("*")) if _is_plain(path, folder)]
        for path in files:
            name = path.relative_to(folder).as_posix()
            self.writer.add(f"{form.REPORT}{name}", _content(path))
        if not files:
            self.missing.append("The report isn't in its folder: docmill report writes it anew.")

    def _documents(self, read: Callable[[str, str], bytes | None]) -> None:
        written: set[str] = set()
        gone: list[str] = []
        for result in self._state.reader(self._number).documents():
            name, sha256 = result.document.name, result.document.sha256
            if sha256 in written:
                continue
            data = read(name, sha256)
            if data is None:
                gone.append(name)
            else:
                written.add(sha256)
                self.writer.add(f"{form.DOCUMENTS}{sha256}", [data])
        if gone:
            self.missing.append(
                f"{len(gone)} documents are gone or have changed, {gone[0]!r} for one."
            )


def _is_plain(path: Path, folder: Path) -> bool:
    inside = path.resolve().is_relative_to(folder.resolve())
    return inside and path.is_file() and not path.is_symlink()


def _content(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(1 << 20):
            yield chunk

"""Files an agent left in its sandbox: taken out at the session's end, checked again, kept by hash.

The toolbox finds them; nothing it says is believed. `report.outputs` puts them beside the report.
"""

import asyncio
import re
import unicodedata
from collections.abc import Iterator, Set
from typing import Any, NamedTuple, cast

from docmill.errors import SandboxError, ToolError
from docmill.events import OutputsCollected
from docmill.records.outputs import OutputFile, RefusedOutput
from docmill.sandboxes.base import OUTPUTS, Sandbox
from docmill.session.bench import Workbench
from docmill.session.journal import Journal
from docmill.spec.sizes import parse_size
from docmill.store.sessions import Findings
from docmill.tools.toolset import toolset

SECONDS = 60.0
DEPTH = 8
MAX_NAME = 200
MAX_REFUSED = 50
_INERT = (
    "avro bmp csv docx gif ics jpeg jpg json jsonl md ndjson ods odt parquet pdf png pptx rst tiff "
    "toml tsv txt webp xlsx yaml yml zip"
)
"""Kinds of files that a browser shows or saves and never runs; others get `.bin` for a kind."""
_PLAIN = re.compile(r"[^\w.-]+")
_DEVICES = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\.|$)", re.IGNORECASE)
"""Names that mean a device to Windows."""


class Found(NamedTuple):
    """What the toolbox says it has found."""

    files: tuple[tuple[str, int], ...]
    refused: tuple[RefusedOutput, ...]


async def collect_outputs(
    bench: Workbench, sandbox: Sandbox, journal: Journal
) -> OutputsCollected | None:
    """Keep what the agent has left, and note it in the journal; None if there is nothing to tell.

    Raises:
        SandboxError: the sandbox was lost, or its toolbox made something up.
    """
    limits = bench.compiled.environment.docmill.outputs
    harmless = {tool.name for tool in toolset(bench.compiled.agent) if not tool.changes_files}
    if not limits.files or journal.tools <= harmless:
        return None
    most, size = limits.files, parse_size(limits.size)
    told = await sandbox.call(
        "outputs", {"files": most, "bytes": size, "depth": DEPTH}, timeout=SECONDS
    )
    found = read_found(told)
    kept: list[OutputFile] = []
    refused = list(found.refused)
    for name, _ in found.files:
        problem = name_problem(name, {file.name for file in kept})
        if len(kept) >= most:
            problem = f"more than {most} files"
        data = None if problem else await _content(sandbox, name, size)
        if data is None:
            refused.append(RefusedOutput(name=_shown(name), reason=problem or "it has changed"))
            continue
        size -= len(data)
        sha256 = await asyncio.to_thread(bench.blobs.put, data)
        file = plain_name(name, {file.file.casefold() for file in kept})
        kept.append(OutputFile(name=name, file=file, size=len(data), sha256=sha256))
    if not kept and not refused:
        return None
    event = OutputsCollected(files=tuple(kept), refused=tuple(refused[:MAX_REFUSED]))
    journal.add(event)
    return event


def with_outputs(findings: Findings, outputs: OutputsCollected | None) -> Findings:
    """The findings with the files that came with them."""
    if outputs is None:
        return findings
    return findings.model_copy(
        update={"outputs": outputs.files, "refused_outputs": outputs.refused}
    )


async def _content(sandbox: Sandbox, name: str, most: int) -> bytes | None:
    """A file's bytes; None if it is no longer what it was found to be."""
    try:
        return await sandbox.get(f"{OUTPUTS}/{name}", max_bytes=most)
    except ToolError:
        return None


def read_found(told: object) -> Found:
    """The toolbox's answer as data of the form it must have.

    Raises:
        SandboxError: it hasn't; something else than our toolbox answers.
    """
    try:
        answer = cast("dict[str, Any]", told)
        files = tuple((_text(name), int(size)) for name, size in answer["files"])
        refused = [
            RefusedOutput(name=_shown(_text(name)), reason=_shown(_text(reason)))
            for name, reason in answer["refused"]
        ]
        more = int(answer["more"])
    except (KeyError, TypeError, ValueError) as error:
        raise SandboxError("The sandbox gave a malformed answer.", code="sandbox_lost") from error
    if more > 0:
        refused.append(RefusedOutput(name="…", reason=f"and {more} more"))
    return Found(files, tuple(refused))


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("not a text")
    return value


def name_problem(name: str, taken: Set[str]) -> str:
    """Why a name can't be that of a file in the folder; empty if it can."""
    parts = name.split("/")
    if not name.isprintable() or any(part in ("", ".", "..") for part in parts):
        return "a name that can't be one"
    if len(name) > MAX_NAME or len(parts) > DEPTH:
        return f"a path longer than {MAX_NAME} characters or {DEPTH} folders"
    return "told twice" if name in taken else ""


def plain_name(name: str, taken: Set[str]) -> str:
    """A name for the file beside the report: one part, no dots in front, a kind that is inert.

    `taken`: names that others have, folded in case.
    """
    flat = unicodedata.normalize("NFC", name.replace("/", "__"))
    plain = _PLAIN.sub("_", flat).lstrip("._-")[-100:].lstrip("._-") or "file"
    if _DEVICES.match(plain):
        plain = f"_{plain}"
    stem, dot, kind = plain.rpartition(".")
    if not dot or kind.casefold() not in _INERT.split():
        stem, kind = plain, "bin"
    return next(each for each in _numbered(stem, kind) if each.casefold() not in taken)


def _numbered(stem: str, kind: str) -> Iterator[str]:
    yield f"{stem}.{kind}"
    number = 2
    while True:
        yield f"{stem}-{number}.{kind}"
        number += 1


def _shown(text: str) -> str:
    """A text from inside that breaks no line and no terminal."""
    return "".join(sign if sign.isprintable() else "\ufffd" for sign in text)[:MAX_NAME]

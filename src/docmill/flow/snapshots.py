"""A workspace as one file: what a worker on another machine needs, named by its content.

`deployments` registers a pull step that hands it to `fetching`, which unpacks it. The same files
make the same bytes. Imports no prefect; no state, report or hidden file is ever in a snapshot.
"""

import hashlib
import importlib
import io
import stat
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from docmill.documents.sources import is_address
from docmill.errors import KeyProblem, PrerequisiteError, SpecError
from docmill.spec.load import AGENTS, CONFIG, ENVIRONMENTS, PIPELINES, LoadedWorkspace

LARGEST = 256 * 1024 * 1024
"""Bytes of all files of a snapshot; more are documents that belong into a bucket."""
_ALWAYS = (CONFIG, AGENTS, ENVIRONMENTS, PIPELINES, "reports/templates")
_EPOCH = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A packed workspace."""

    data: bytes
    files: tuple[str, ...]
    """Relative to the workspace."""

    @property
    def sha256(self) -> str:
        """Of the whole file; what a worker checks."""
        return hashlib.sha256(self.data).hexdigest()


def pack(loaded: LoadedWorkspace) -> Snapshot:
    """The workspace's specs and every file in it that they name.

    Raises:
        SpecError: it is larger than `LARGEST`; the message names the largest part.
    """
    files = sorted(set(_files(loaded)), key=str)
    _check_size(loaded, files)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for file in files:
            entry = zipfile.ZipInfo(file.as_posix(), _EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = (stat.S_IFREG | 0o444) << 16
            archive.writestr(entry, (loaded.root / file).read_bytes())
    return Snapshot(buffer.getvalue(), tuple(file.as_posix() for file in files))


def put(snapshot: Snapshot, address: str, *, name: str, options: dict[str, Any]) -> str:
    """Store a snapshot where it isn't yet; returns its own address.

    Raises:
        PrerequisiteError: the place can't be written, or its driver isn't installed.
    """
    target = snapshot_address(snapshot, address, name=name)
    filesystem, path = file_system(target, options)
    try:
        if filesystem.exists(path) and filesystem.size(path) == len(snapshot.data):
            return target
        filesystem.makedirs(path.rpartition("/")[0], exist_ok=True)
        filesystem.pipe_file(path, snapshot.data)
    except store_errors() as error:
        raise PrerequisiteError(
            f"The snapshot of the workspace can't be put to {target}: {reason(error)}.",
            remedy="Check deploy.workspace in docmill.yaml, and the credentials in the environment",
        ) from error
    return target


def snapshot_address(snapshot: Snapshot, address: str, *, name: str) -> str:
    """Where a snapshot lies; another one lies elsewhere."""
    return f"{address.rstrip('/')}/{name}-{snapshot.sha256[:16]}.zip"


def absolute(address: str, root: Path) -> str:
    """The address of a place; a path is relative to the workspace."""
    return address if "://" in address else (root / Path(address).expanduser()).as_uri()


def file_system(address: str, options: dict[str, Any]) -> tuple[Any, str]:
    """fsspec's file system of an address, and the path in it.

    Raises:
        PrerequisiteError: its driver isn't installed, or refuses the options.
    """
    # costs a fifth of a second
    core = importlib.import_module("fsspec.core")
    try:
        filesystem, path = core.url_to_fs(address, **options)
    except ImportError as error:
        scheme = address.partition("://")[0]
        extra = "'docmill[s3]'" if scheme in ("s3", "s3a") else f"the fsspec driver of {scheme}"
        raise PrerequisiteError(
            f"{address} needs a driver that is not installed: {error}.",
            remedy=f"pip install {extra}",
        ) from error
    except (TypeError, ValueError) as error:
        raise PrerequisiteError(
            f"{address} is not a place that fsspec can open: {error}.",
            remedy="Check deploy.workspace and deploy.storage_options in docmill.yaml",
        ) from error
    return filesystem, str(path)


def store_errors() -> tuple[type[Exception], ...]:
    """What reading and writing raises; s3fs lets errors of the library below it through."""
    below = sys.modules.get("botocore.exceptions")
    return (OSError, below.BotoCoreError) if below else (OSError,)


def reason(error: Exception) -> str:
    """Why a file couldn't be read or written, in a few words."""
    return getattr(error, "strerror", None) or str(error) or type(error).__name__


def _files(loaded: LoadedWorkspace) -> Iterator[Path]:
    """Relative to the root."""
    for place in (*_ALWAYS, *_named(loaded)):
        yield from _below(loaded, place)
    for pattern in ("*.py", *loaded.workspace.config.deploy.include):
        for found in loaded.root.glob(pattern):
            yield from _below(loaded, found.relative_to(loaded.root).as_posix())


def _named(loaded: LoadedWorkspace) -> Iterator[str]:
    """Paths that specs of the workspace name."""
    workspace = loaded.workspace
    if workspace.config.prices:
        yield workspace.config.prices
    for pipeline in workspace.pipelines.values():
        yield pipeline.documents.path
        if pipeline.reference:
            yield pipeline.reference.path
        if pipeline.record.json_schema:
            yield pipeline.record.json_schema
        if pipeline.record.python:
            module = pipeline.record.python.partition(":")[0].replace(".", "/")
            yield from (f"{module}.py", module, f"{module.partition('/')[0]}")


def _below(loaded: LoadedWorkspace, place: str) -> Iterator[Path]:
    """Visible files at or below a path, if it lies in the workspace; links are followed."""
    root = loaded.root
    if is_address(place):
        return
    start = root / place.removeprefix("file://")
    found = [start] if start.is_file() else sorted(start.rglob("*"))
    for path in found:
        if not path.is_relative_to(root) or ".." in path.relative_to(root).parts:
            continue
        file = path.relative_to(root)
        if path.is_file() and not _left_out(loaded, file):
            yield file


def _left_out(loaded: LoadedWorkspace, file: Path) -> bool:
    config = loaded.workspace.config
    if any(part.startswith(".") or part == "__pycache__" for part in file.parts):
        return True
    below = PurePosixPath(file.as_posix())
    if below.is_relative_to(config.state):
        return True
    return below.is_relative_to(config.reports) and not below.is_relative_to("reports/templates")


def _check_size(loaded: LoadedWorkspace, files: list[Path]) -> None:
    parts: dict[str, int] = {}
    for file in files:
        part = "/".join(file.parts[:2])
        parts[part] = parts.get(part, 0) + (loaded.root / file).stat().st_size
    if sum(parts.values()) <= LARGEST:
        return
    largest = max(parts, key=lambda part: parts[part])
    problem = KeyProblem(
        ("deploy", "workspace"),
        f"a snapshot of the workspace would have {sum(parts.values()) >> 20} MiB, "
        f"{parts[largest] >> 20} of them in {largest}; it may have {LARGEST >> 20}",
        "put the documents into a bucket, and its address into documents.path",
    )
    raise SpecError([loaded.locate(CONFIG, problem)])

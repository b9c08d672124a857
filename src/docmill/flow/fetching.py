"""Where a run of a deployment finds its workspace on the worker's machine; `pulling` calls this.

`enter` goes to a folder; `fetch` has a snapshot unpacked, read-only, to be used again by later
runs. What a run keeps lies beside, for all snapshots and clones of a workspace: `keep_state`.
"""

import contextlib
import hashlib
import os
import shutil
import socket
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from io import BytesIO
from pathlib import Path, PurePosixPath
from typing import Any, NoReturn

from docmill.errors import PrerequisiteError
from docmill.flow.snapshots import file_system, reason, store_errors
from docmill.spec.load import load_workspace

HOME = "DOCMILL_WORKER_HOME"
"""Environment variable of a worker: folder for workspaces it has fetched."""
ARCHIVE = "snapshot.zip"


def enter(*, directory: str) -> dict[str, str]:
    """A folder that is there; without a pull step Prefect copies the whole folder for every run.

    Raises:
        PrerequisiteError: it isn't there.
    """
    if not Path(directory).is_dir():
        raise PrerequisiteError(
            f"The workspace {directory} is not on this machine ({socket.gethostname()}).",
            remedy="Run the worker where it is, or set deploy.workspace or deploy.pull in its "
            "docmill.yaml and deploy again: docmill deploy",
        )
    return {"directory": directory}


def fetch(
    *,
    address: str,
    sha256: str,
    name: str,
    storage_options: Mapping[str, Any] | None = None,
) -> dict[str, str]:
    """The folder of the unpacked workspace, as Prefect wants it from a pull step.

    Raises:
        PrerequisiteError: it can't be had, or isn't what was deployed.
    """
    home = worker_home() / name
    folder = home / sha256[:16]
    if not folder.is_dir():
        _unpack(_checked(_download(address, dict(storage_options or {})), address, sha256), folder)
    _verify(folder, address, sha256)
    current = home / "current"
    with contextlib.suppress(OSError):
        # For whoever looks: `cd …/current && docmill runs list`.
        draft = home / f".current-{os.getpid()}"
        draft.symlink_to(folder.name)
        draft.replace(current)
    return {"directory": str(folder / "workspace")}


def worker_home() -> Path:
    """Where a worker keeps the workspaces it has fetched."""
    given = os.environ.get(HOME)
    if given:
        return Path(given).expanduser().absolute()
    data = os.environ.get("XDG_DATA_HOME") or str(Path.home() / ".local" / "share")
    return Path(data) / "docmill" / "workspaces"


def keep_state(workspace: Path, home: Path) -> None:
    """Link state and reports to where they outlive the workspace, and the next one finds them."""
    loaded = load_workspace(workspace)
    config = loaded.workspace.config
    links = {config.state: home / "state"}
    for pipeline in loaded.workspace.pipelines:
        links[f"{config.reports}/{pipeline}"] = home / "reports" / pipeline
    for place, target in links.items():
        link = workspace / place
        if Path(place).is_absolute() or link.exists():
            continue
        target.mkdir(parents=True, exist_ok=True)
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(target)


def _download(address: str, options: dict[str, Any]) -> bytes:
    filesystem, path = file_system(address, options)
    try:
        return bytes(filesystem.cat_file(path))
    except store_errors() as error:
        raise PrerequisiteError(
            f"The workspace can't be fetched from {address}: {reason(error)}.",
            remedy="Deploy again: docmill deploy; or give the worker credentials for that place",
        ) from error


def _checked(data: bytes, address: str, sha256: str) -> bytes:
    found = hashlib.sha256(data).hexdigest()
    if found != sha256:
        raise PrerequisiteError(
            f"{address} is not what was deployed: its sha256 is {found}, not {sha256}.",
            remedy="Find out who changed it; then deploy again: docmill deploy",
        )
    return data


def _unpack(data: bytes, folder: Path) -> None:
    """Whole or not at all; another process may do the same at the same time."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        (draft / ARCHIVE).write_bytes(data)
        workspace = draft / "workspace"
        workspace.mkdir()
        for name, content in _entries(data):
            target = workspace / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
        keep_state(workspace, folder.parent)
        _lock(draft)
        with contextlib.suppress(OSError):
            # Fails if the other process was faster; then there is the same already.
            draft.rename(folder)
    finally:
        if draft.is_dir():
            _remove(draft)


def _entries(data: bytes) -> Iterator[tuple[str, bytes]]:
    with zipfile.ZipFile(BytesIO(data)) as archive:
        for entry in archive.infolist():
            parts = PurePosixPath(entry.filename).parts
            if entry.is_dir() or ".." in parts or PurePosixPath(entry.filename).is_absolute():
                _tampered(entry.filename)
            yield entry.filename, archive.read(entry)


def _lock(folder: Path) -> None:
    for path in (*folder.rglob("*"),):
        if not path.is_symlink():
            path.chmod(0o555 if path.is_dir() else 0o444)


def _remove(folder: Path) -> None:
    for path in (folder, *folder.rglob("*")):
        if path.is_dir() and not path.is_symlink():
            path.chmod(0o755)
    shutil.rmtree(folder)


def _verify(folder: Path, address: str, sha256: str) -> None:
    """Refuse a folder in which something was changed since it was unpacked."""
    try:
        data = (folder / ARCHIVE).read_bytes()
        _checked(data, str(folder / ARCHIVE), sha256)
        workspace = folder / "workspace"
        known: set[Path] = set()
        for name, content in _entries(data):
            known.add(workspace / name)
            if (workspace / name).read_bytes() != content:
                _tampered(str(workspace / name))
        for path in workspace.rglob("*"):
            if path.is_file() and path not in known and path.parent.name != "__pycache__":
                _tampered(str(path))
    except OSError as error:
        raise PrerequisiteError(
            f"The workspace fetched from {address} is not whole: {reason(error)}.",
            remedy=f"Have it fetched again: rm -r {folder}",
        ) from error


def _tampered(file: str) -> NoReturn:
    raise PrerequisiteError(
        f"{file} is not as it was deployed.",
        remedy="Find out who changed it; then remove the folder, and it is fetched again",
    )

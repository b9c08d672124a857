"""The report's folder: written under a hidden name beside its place, then moved there in one step.

Knows nothing of what is in a report.
"""

import os
import shutil
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager
from glob import escape
from pathlib import Path

LATEST = "latest"
_STALE_SECONDS = 3600


@contextmanager
def whole_or_nothing(folder: Path) -> Generator[Path]:
    """A temporary folder that becomes `folder` when the block ends well, and vanishes otherwise.

    A report already there is replaced. Left-overs of killed processes are swept after an hour.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    _sweep(folder)
    working = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        yield working
        working.chmod(0o755)
        _replace(working, folder)
    finally:
        shutil.rmtree(working, ignore_errors=True)


def point_latest(folder: Path) -> Path:
    """Make `latest` beside `folder` show this report; a copy where links can't be made."""
    latest = folder.parent / LATEST
    fresh = Path(tempfile.mkdtemp(prefix=f".{LATEST}.", dir=folder.parent))
    try:
        link = fresh / LATEST
        try:
            link.symlink_to(folder.name, target_is_directory=True)
        except OSError:
            shutil.copytree(folder, link)
        if link.is_symlink() and not (latest.is_dir() and not latest.is_symlink()):
            link.replace(latest)
        else:
            _replace(link, latest)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    return latest


def _replace(source: Path, target: Path) -> None:
    """Move `source` to `target`; what stood there goes aside first, and then away."""
    if not os.path.lexists(target):
        source.rename(target)
        return
    aside = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    target.rename(aside / "old")
    source.rename(target)
    shutil.rmtree(aside, ignore_errors=True)


def _sweep(folder: Path) -> None:
    for left in folder.parent.glob(f".{escape(folder.name)}.*"):
        if left.is_dir() and time.time() - left.stat().st_mtime > _STALE_SECONDS:
            shutil.rmtree(left, ignore_errors=True)

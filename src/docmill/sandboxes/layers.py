"""Content-keyed, read-only folders that sandboxes mount: built once, atomically, under a lock.

`runtime` decides what goes in. A layer's name carries the hash of its recipe, so a changed recipe
makes a new one and a running sandbox keeps the old.
"""

import fcntl
import hashlib
import os
import pwd
import re
import shutil
import stat
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from docmill.errors import PrerequisiteError

ROOT_CACHE = Path("/var/cache/docmill")
_DRAFT = "building-"
_NAME = re.compile(r"[a-z]+-[0-9a-f]{20}")
_FORMAT = "1"
"""Part of every key; raised when the way layers are built changes."""


def default_cache() -> Path:
    """Where layers lie: a system folder for root, whose home others can't read; else the home."""
    if os.geteuid() == 0:
        return ROOT_CACHE
    try:
        home = Path(pwd.getpwuid(os.geteuid()).pw_dir)
    except KeyError:  # a user that only a container's engine knows; then the environment tells
        home = Path.home()
    return home / ".cache" / "docmill"


def key_of(parts: Sequence[str]) -> str:
    """A short name for a recipe."""
    return hashlib.sha256("\n".join((_FORMAT, *parts)).encode()).hexdigest()[:20]


def readable_by_all(path: Path) -> bool:
    """Whether any user can reach and read a file or folder."""
    path = path.absolute()
    try:
        if not path.stat().st_mode & stat.S_IROTH:
            return False
        return all(folder.stat().st_mode & stat.S_IXOTH for folder in path.parents)
    except OSError:
        return False


class KeptLayer(NamedTuple):
    """A layer as it lies in the store."""

    path: Path
    size: int
    """Bytes."""
    used: float
    """When a sandbox was made with it last, in seconds since 1970."""


class LayerStore:
    """A folder of layers."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def prepare(self) -> None:
        """Make the folder and see that only its owner can write there.

        Raises:
            PrerequisiteError: it can't be made, or somebody else could plant programs in it.
        """
        try:
            self.folder.mkdir(mode=0o755, parents=True, exist_ok=True)
            found = self.folder.stat()
        except OSError as error:
            raise PrerequisiteError(
                f"The sandbox's cache {self.folder} can't be made: {error.strerror}.",
                remedy="Name another folder for it, or mend its permissions",
            ) from error
        if found.st_uid != os.geteuid() or found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
            raise PrerequisiteError(
                f"The sandbox's cache {self.folder} can be written by others.",
                remedy=f"chown {os.geteuid()} {self.folder} && chmod 755 {self.folder}",
            )
        if os.geteuid() == 0 and not readable_by_all(self.folder):
            raise PrerequisiteError(
                f"The sandbox's cache {self.folder} can't be read by the sandbox's user.",
                remedy=f"chmod o+rx {self.folder} and the folders above it",
            )

    def path(self, kind: str, recipe: Sequence[str]) -> Path:
        """Where the layer with this recipe is, or will be."""
        return self.folder / f"{kind}-{key_of(recipe)}"

    def layer(self, kind: str, recipe: Sequence[str], build: Callable[[Path], None]) -> Path:
        """The layer with this recipe; `build` fills an empty folder the first time.

        Raises:
            PrerequisiteError: the disk is full or the cache can't be written.
        """
        final = self.path(kind, recipe)
        if final.is_dir():
            with suppress(OSError):  # so that `prune` sees when it was used last
                os.utime(final)
            return final
        try:
            self.prepare()
            with self._locked(final.name):
                if not final.is_dir():
                    self._build(final, build)
        except OSError as error:
            raise PrerequisiteError(
                f"The sandbox's cache {self.folder} can't be written: {error.strerror or error}.",
                remedy=f"Make room or mend the permissions of {self.folder}",
            ) from error
        return final

    def layers(self) -> list[KeptLayer]:
        """All that are finished, the latest used first."""
        found = [path for path in self.folder.glob("*-*") if _NAME.fullmatch(path.name)]
        kept = [KeptLayer(path, _size(path), path.stat().st_mtime) for path in found]
        return sorted(kept, key=lambda layer: -layer.used)

    def prune(self, seconds: float) -> list[KeptLayer]:
        """Remove those that weren't used for so long; returns them.

        A sandbox that has one mounted and runs for longer than that loses it.
        """
        if not self.folder.is_dir():
            return []
        with self._locked(""):
            old = [layer for layer in self.layers() if layer.used <= time.time() - seconds]
            for layer in old:
                # Under another name first: a build that is interrupted here leaves no half layer.
                gone = self.folder / f"{_DRAFT}{layer.path.name}"
                layer.path.rename(gone)
                shutil.rmtree(gone, ignore_errors=True)
        return old

    def _build(self, final: Path, build: Callable[[Path], None]) -> None:
        draft = self.scratch(final.name)
        try:
            build(draft)
            draft.chmod(0o755)
            draft.rename(final)
        finally:
            shutil.rmtree(draft, ignore_errors=True)

    def scratch(self, name: str) -> Path:
        """An empty folder for whoever builds the layer of that name; swept if that one is killed.

        It starts like the layer's name, so that only those who hold its lock touch it.
        """
        return Path(tempfile.mkdtemp(prefix=f"{_DRAFT}{name}.", dir=self.folder))

    @contextmanager
    def _locked(self, name: str) -> Generator[None]:
        """Be the only one to build the layer of that name, or, without a name, any at all."""
        fd = os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            place = int(key_of((name,))[:8], 16) if name else 0
            length = 1 if name else 0  # 0: to the end
            # A part of the file for each layer, so that a long download holds nobody else up.
            words = (fcntl.F_WRLCK, os.SEEK_SET, place, length, 0)
            fcntl.fcntl(fd, fcntl.F_OFD_SETLKW, struct.pack("hhqqi4x", *words))
            for stale in self.folder.glob(f"{_DRAFT}{name}*"):  # whoever made it is dead
                shutil.rmtree(stale, ignore_errors=True)
            yield
        finally:
            os.close(fd)


def _size(folder: Path) -> int:
    paths = (Path(each, name) for each, _, names in os.walk(folder) for name in names)
    return sum(path.lstat().st_size for path in paths)


def copy_file(source: Path, target: Path) -> None:
    """Copy one file, readable for all, times kept so that compiled twins stay valid."""
    target.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    shutil.copy2(source, target)
    target.chmod(0o755 if source.stat().st_mode & stat.S_IXUSR else 0o644)


def compile_folder(
    folder: Path, inside: str, *, checked: bool = False, python: Path | None = None
) -> None:
    """Compile all modules of a folder that will be mounted at `inside`, for docmill's own Python.

    `checked`: keep twins that are newer than their source, as a copied standard library has them.
    `python`: compile for this one.
    """
    command = [str(python or sys.executable), "-I", "-S", "-m", "compileall", "-q", "-j", "0"]
    command += ["-s", str(folder), "-p", inside]
    command += [] if checked else ["--invalidation-mode", "unchecked-hash"]
    # Modules for other Python versions in a package don't compile; they are never imported.
    subprocess.run([*command, str(folder)], check=False, capture_output=True)

"""The root file system of the image, made of this machine: programs, their libraries, a runtime.

What bubblewrap mounts of the host is copied here, because the engine may be on another machine; of
/usr only a shell and the tools a document's reader uses. `image` has the engine take it over.
"""

import os
import re
import subprocess
import tarfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import IO, NamedTuple

from docmill.sandboxes.commandline import TEMPORARY
from docmill.sandboxes.docker.form import DOOR
from docmill.sandboxes.runtime import INSIDE, Runtime

_PROGRAMS = """
[ awk b2sum base32 base64 basename bash bzip2 cat chmod chown cksum cmp comm cp csplit cut curl dash
date dd df diff dir dirname du echo egrep env expand expr factor false fgrep file find fmt fold gawk
grep groups gunzip gzip head hexdump hostname iconv id install join jq kill link ln locale ls
md5sum mkdir mkfifo mknod mktemp more mv nl nohup nproc numfmt od paste patch pathchk pdfinfo
pdftoppm pdftotext pr printenv printf ps ptx pwd readlink realpath rev rm rmdir sed seq sh
sha1sum sha224sum sha256sum sha384sum sha512sum shred shuf sleep sort split stat stdbuf strings stty
sum sync tac tail tar tee tesseract test timeout touch tr true truncate tsort tty uname unexpand
uniq unlink unxz unzip uptime users vdir wc which who whoami xargs xxd xz yes zcat zip mawk setsid
unshare mount chroot dmesg
"""
"""Those there are on this machine; more does no harm, for a hostile document may bring its own."""
_FOR_NODE = "node"
"""Fifty times as large as all others together, so only where Node packages are asked for."""
_DATA = (
    "/usr/lib/locale/C.utf8",
    "/usr/share/misc/magic.mgc",
    "/usr/share/tesseract-ocr",
    "/usr/share/zoneinfo/UTC",
)
_FOLDERS = ("/usr/bin", "/bin", "/usr/sbin", "/sbin")
_LINKS = ("bin", "sbin", "lib", "lib32", "lib64")
_EMPTY = ("proc", "sys", "dev", "workspace", DOOR[1:])
_FOUND = re.compile(r"(?:=>\s+)?(/\S+) \(0x[0-9a-f]+\)")
_NOT_STDLIB = ("config-", "site-packages", "dist-packages", "test", "idlelib", "ensurepip")


class Entry(NamedTuple):
    """A file or link of the image."""

    inside: str
    outside: Path
    """The file whose bytes it has; a link's own path where `outside` is one."""


def recipe(runtime: Runtime) -> tuple[str, ...]:
    """What decides the file system's content, without reading it."""
    parts = [runtime.python, *(f"{mount.outside} {mount.inside}" for mount in runtime.mounts)]
    for path in (
        *_programs(runtime),
        *map(Path, _DATA),
        Path(runtime.python),
        Path("/etc/ld.so.cache"),
    ):
        if path.exists():
            found = path.stat()
            parts.append(f"{path} {found.st_size} {found.st_mtime_ns}")
    return (*parts, Path(__file__).read_text())


def write(runtime: Runtime, file: IO[bytes]) -> None:
    """Write it as a tar archive; everything belongs to root and can be read by all.

    Raises:
        OSError: no space, or a file can't be read.
    """
    entries = _collect(runtime)
    with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name in _LINKS:
            top = Path("/", name)
            if top.is_symlink():
                _add_link(archive, name, str(top.readlink()).lstrip("/"))
        _add_link(archive, TEMPORARY[1:], "workspace/.tmp")
        for folder in sorted(_folders(entries)):
            _add_folder(archive, folder)
        for inside in sorted(entries):
            _add(archive, entries[inside])


def _collect(runtime: Runtime) -> dict[str, Entry]:
    """Every file by its path inside, without a leading slash."""
    entries: dict[str, Entry] = {}
    mounted = [mount for mount in runtime.mounts if mount.outside.name != "empty"]
    for mount in mounted:
        entries |= _by_path(_tree(mount.outside, mount.inside))
    programs = list(_programs(runtime))
    own = Path(runtime.python)
    if own.is_relative_to("/usr") and not any(own.is_relative_to(m.inside) for m in mounted):
        entries |= _by_path(_standard_library(own))
        programs.append(own)
    entries |= _by_path(entry for path in programs for entry in _chain(path))
    for folder in filter(os.path.exists, _DATA):
        entries |= _by_path(_tree(Path(folder), folder))
    for entry in tuple(entries.values()):
        if entry.inside.startswith(f"{INSIDE}/etc/"):
            name = entry.inside.removeprefix(INSIDE)
            entries[name[1:]] = Entry(name, entry.outside)
    binaries = [entry.outside for entry in entries.values() if _is_binary(entry.outside)]
    for library in _libraries(binaries):
        real = f"{library.parent.resolve()}/{library.name}"
        entries.setdefault(real[1:], Entry(real, library.resolve()))
    return entries


def _by_path(entries: Iterable[Entry]) -> dict[str, Entry]:
    return {entry.inside[1:]: entry for entry in entries}


def _programs(runtime: Runtime) -> Iterator[Path]:
    """Those of the list that are here, each once."""
    names = _PROGRAMS.split()
    for name in (*names, _FOR_NODE) if runtime.reserves else names:
        for folder in _FOLDERS:
            path = Path(folder, name)
            if path.exists():
                yield Path(os.path.realpath(folder), name)
                break


def _chain(path: Path) -> Iterator[Entry]:
    """A program and the links that lead to it (`awk` → /etc/alternatives/awk → mawk)."""
    for _ in range(8):
        yield Entry(str(path), path)
        if not path.is_symlink():
            return
        target = path.parent / path.readlink()
        path = Path(os.path.realpath(target.parent), target.name)


def _tree(outside: Path, inside: str) -> Iterator[Entry]:
    """All files and links of a folder, or the one file."""
    if not outside.is_dir():
        yield Entry(inside, outside)
        return
    for folder, folders, names in os.walk(outside):
        place = Path(inside, os.path.relpath(folder, outside))
        linked = [name for name in folders if Path(folder, name).is_symlink()]
        for name in (*names, *linked):
            yield Entry(str(place / name), Path(folder, name))


def _standard_library(python: Path) -> Iterator[Entry]:
    """Modules of an interpreter that lies in /usr."""
    library = python.parent.parent / "lib" / python.name
    for folder, folders, names in os.walk(library):
        folders[:] = [name for name in folders if not name.startswith(_NOT_STDLIB)]
        for name in names:
            if ".opt-" not in name:
                yield Entry(str(Path(folder, name)), Path(folder, name))


def _is_binary(path: Path) -> bool:
    """Whether it is a program or a shared library."""
    if path.is_symlink() or not path.is_file():
        return False
    if not (os.access(path, os.X_OK) or ".so" in path.name):
        return False
    with path.open("rb") as file:
        return file.read(4) == b"\x7fELF"


def _libraries(binaries: Sequence[Path]) -> set[Path]:
    """What the dynamic linker finds for them in the system's folders."""
    done = subprocess.run(
        ["ldd", *map(str, binaries)], capture_output=True, check=False, env={}, cwd="/"
    )
    found = {Path(path) for path in _FOUND.findall(done.stdout.decode("utf-8", "replace"))}
    return {path for path in found if path.is_relative_to("/usr") or path.parts[1][:3] == "lib"}


def _folders(entries: Iterable[str]) -> set[str]:
    """All folders there have to be."""
    found: set[str] = set(_EMPTY)
    for name in (*entries, *_EMPTY):
        found |= {str(folder) for folder in Path(name).parents}
    return found - {"."}


def _add_folder(archive: tarfile.TarFile, name: str) -> None:
    info = tarfile.TarInfo(name)
    # Podman gives what it mounts there the mode of this folder, whatever it is told.
    info.type, info.mode = tarfile.DIRTYPE, 0o1777 if name == "workspace" else 0o755
    archive.addfile(info)


def _add_link(archive: tarfile.TarFile, name: str, target: str) -> None:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = tarfile.SYMTYPE, target
    archive.addfile(info)


def _add(archive: tarfile.TarFile, entry: Entry) -> None:
    name = entry.inside[1:]
    if entry.outside.is_symlink():
        _add_link(archive, name, str(entry.outside.readlink()))
        return
    if not entry.outside.is_file():
        return
    with entry.outside.open("rb") as file:
        found = os.fstat(file.fileno())
        info = tarfile.TarInfo(name)
        info.size, info.mtime = found.st_size, found.st_mtime
        info.mode = 0o755 if found.st_mode & 0o100 else 0o644
        archive.addfile(info, file)

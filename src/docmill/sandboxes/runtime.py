"""What a sandbox runs: the interpreter, the packages asked for, the toolbox; as folders to mount.

The interpreter is the system's where that is of docmill's version: it lies in /usr, which is there
anyway. Else docmill's own, in place where the sandbox's user can read it, and copied where not (a
Python in root's home). Packages are those installed at hand; nothing is downloaded.
"""

import os
import shutil
import sys
import sysconfig
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import Distribution
from importlib.util import MAGIC_NUMBER
from pathlib import Path
from typing import NamedTuple

from docmill.errors import PrerequisiteError
from docmill.sandboxes import boot
from docmill.sandboxes.layers import LayerStore, compile_folder, copy_file, readable_by_all
from docmill.sandboxes.packages import collect, copy_packages, recipe_of

INSIDE = "/opt/docmill"
UID = 1000
"""The user inside, whichever it is outside."""
_SYSTEM_PREFIX = Path("/usr")
_VERSION = f"{sys.version_info.major}.{sys.version_info.minor}"
_TOOLBOX = Path(__file__).parent / "toolbox"
_SKIPPED = frozenset(("test", "tests", "idlelib", "tkinter", "turtledemo", "ensurepip", "lib2to3"))
_NOT_STDLIB = ("config-", "site-packages", "dist-packages")


class Mount(NamedTuple):
    """A folder of the host and where it appears inside, read-only."""

    outside: Path
    inside: str


@dataclass(frozen=True, slots=True)
class Runtime:
    """Everything a sandbox mounts to run, besides /usr."""

    python: str
    """The interpreter's path inside."""
    mounts: tuple[Mount, ...]


def build_runtime(
    store: LayerStore, *, runtime: str, packages: tuple[str, ...], dropped: bool
) -> Runtime:
    """The runtime of an environment, built if it isn't there yet.

    `dropped`: the sandbox runs under another user than this process.

    Raises:
        PrerequisiteError: another Python version or a package that isn't installed here.
    """
    if runtime not in ("python3", f"python{_VERSION}"):
        raise PrerequisiteError(
            f"The environment asks for {runtime}; docmill runs on Python {_VERSION} here.",
            remedy=f"Set runtime: python3, or install docmill with {runtime}",
        )
    python, mounts = _interpreter(store, dropped=dropped)
    distributions = collect(packages)
    site = store.layer(
        "packages", (sys.version, *recipe_of(distributions)), lambda d: _fill(d, distributions)
    )
    sources = {path.name: path.read_bytes() for path in sorted(_TOOLBOX.glob("*.py"))}
    toolbox = store.layer(
        "toolbox",
        (
            *(sys.version, python, *_system_etc(), *boot.recipe()),
            *(f"{name} {data!r}" for name, data in sources.items()),
        ),
        lambda folder: _write_toolbox(folder, sources, python),
    )
    covers = _covers(mounts, toolbox / "empty")
    ours = (Mount(toolbox, INSIDE), Mount(site, f"{INSIDE}/packages"))
    return Runtime(python, (*mounts, *covers, *ours))


def _interpreter(store: LayerStore, *, dropped: bool) -> tuple[str, tuple[Mount, ...]]:
    """The interpreter's path and what to mount for it; system paths are mounted anyway."""
    if _is_twin(_SYSTEM_PREFIX):
        return str(_SYSTEM_PREFIX / "bin" / f"python{_VERSION}"), ()
    executable = Path(os.path.realpath(sys.executable))
    prefix = Path(sys.base_prefix).resolve()
    stdlib = Path(sysconfig.get_path("stdlib")).resolve()
    if not executable.is_relative_to(prefix):
        raise PrerequisiteError(
            f"The interpreter {executable} lies outside its prefix {prefix}.",
            remedy="Install docmill with a usual Python (the system's, pyenv or uv)",
        )
    if prefix == Path("/usr"):
        return str(executable), ()
    if not dropped or (readable_by_all(stdlib) and readable_by_all(executable)):
        return str(executable), (Mount(prefix, str(prefix)),)
    found = executable.stat()
    recipe = (sys.version, str(executable), str(found.st_size), str(found.st_mtime_ns))

    def build(folder: Path) -> None:
        for source in _interpreter_files(prefix, stdlib, executable):
            copy_file(source, folder / source.relative_to(prefix))
        compile_folder(folder / stdlib.relative_to(prefix), str(stdlib), checked=True)

    return str(executable), (Mount(store.layer("python", recipe, build), str(prefix)),)


def _is_twin(prefix: Path) -> bool:
    """Whether there is a complete Python of this version that runs the same compiled modules."""
    library = prefix / "lib" / f"python{_VERSION}"
    suffix = str(sysconfig.get_config_var("EXT_SUFFIX"))
    twin = library / "encodings" / "__pycache__" / f"utf_8.{sys.implementation.cache_tag}.pyc"
    wanted = (
        *(prefix / "bin" / f"python{_VERSION}", library / "ctypes" / "__init__.py"),
        *(library / "lib-dynload" / f"_{name}{suffix}" for name in ("ctypes", "json", "hashlib")),
    )
    try:
        return all(map(readable_by_all, wanted)) and twin.read_bytes()[:4] == MAGIC_NUMBER
    except OSError:
        return False


def _interpreter_files(prefix: Path, stdlib: Path, executable: Path) -> Iterator[Path]:
    """The executable, its shared library, the standard library without tests and packages."""
    yield executable
    yield from (prefix / "lib").glob("libpython*.so*")
    for folder, folders, names in os.walk(stdlib):
        folders[:] = [
            name for name in folders if name not in _SKIPPED and not name.startswith(_NOT_STDLIB)
        ]
        yield from (Path(folder, name) for name in names if ".opt-" not in name)


def _covers(mounts: Sequence[Mount], empty: Path) -> Iterator[Mount]:
    """Empty folders over the machine's own programs and the packages of an interpreter in place."""
    own = Path(sys.base_prefix).resolve()
    prefixes = [prefix for prefix in (own,) if (prefix, str(prefix)) in mounts]
    candidates = [] if mounts and own.is_relative_to("/usr/local") else [Path("/usr/local")]
    for prefix in (_SYSTEM_PREFIX, *prefixes):
        names = (f"python{_VERSION}/site-packages", f"python{_VERSION}/dist-packages")
        candidates += [prefix / "lib" / name for name in (*names, "python3/dist-packages")]
    return (Mount(empty, str(folder)) for folder in candidates if folder.is_dir())


def _system_etc() -> Iterator[str]:
    """When the two parts of `/etc` that are copied changed last."""
    for path in (Path("/etc/alternatives"), Path("/etc/ld.so.cache")):
        if path.exists():
            yield str(path.stat().st_mtime_ns)


def _fill(folder: Path, distributions: Sequence[Distribution]) -> None:
    copy_packages(distributions, folder)
    compile_folder(folder, f"{INSIDE}/packages")


def _write_toolbox(folder: Path, sources: Mapping[str, bytes], python: str) -> None:
    """The toolbox as a package, `bin` with the interpreter's usual names, and a small `/etc`."""
    (folder / "toolbox").mkdir()
    for name, data in sources.items():
        (folder / "toolbox" / name).write_bytes(data)
    compile_folder(folder / "toolbox", f"{INSIDE}/toolbox")
    boot.write(folder / boot.NAME, sources, f"{INSIDE}/toolbox")
    for name in ("packages", "empty"):
        (folder / name).mkdir()
    (folder / "bin").mkdir()
    for name in ("python", "python3", f"python{_VERSION}"):
        (folder / "bin" / name).symlink_to(python)
    etc = folder / "etc"
    etc.mkdir()
    if Path("/etc/alternatives").is_dir():
        shutil.copytree("/etc/alternatives", etc / "alternatives", symlinks=True)
    if Path("/etc/ld.so.cache").is_file():
        copy_file(Path("/etc/ld.so.cache"), etc / "ld.so.cache")
    (etc / "passwd").write_text(f"agent:x:{UID}:{UID}::/tmp:/bin/bash\n")
    (etc / "group").write_text(f"agent:x:{UID}:\n")
    (etc / "hosts").write_text("127.0.0.1 localhost\n")
    (etc / "nsswitch.conf").write_text("passwd: files\ngroup: files\nhosts: files\n")

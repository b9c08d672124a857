"""What a sandbox runs: the interpreter, the packages asked for, the toolbox; as folders to mount.

`interpreters` finds the Python, `packages` copies what is installed at hand, `building` downloads
the rest. Starts nothing.
"""

import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import Distribution
from pathlib import Path

from docmill.sandboxes import boot
from docmill.sandboxes.base import Packages
from docmill.sandboxes.building import debian, node, wheels
from docmill.sandboxes.building.layer import (
    INSIDE,
    LAYERS,
    SITE,
    Contents,
    Paths,
    read_contents,
)
from docmill.sandboxes.building.way import Supply
from docmill.sandboxes.interpreters import Interpreter, Mount, find_interpreter, place
from docmill.sandboxes.layers import LayerStore, compile_folder, copy_file
from docmill.sandboxes.packages import NotInstalledError, collect, copy_packages, recipe_of

UID = 1000
"""The user inside, whichever it is outside."""
_SYSTEM_PREFIX = Path("/usr")
_TOOLBOX = Path(__file__).parent / "toolbox"


@dataclass(frozen=True, slots=True)
class Runtime:
    """Everything a sandbox mounts to run, besides /usr."""

    python: str
    """The interpreter's path inside."""
    mounts: tuple[Mount, ...]
    paths: Paths = ()
    """What Debian and Node packages would have in /usr."""
    reserves: bool = False
    """Whether programs reserve far more address space than they use, as Node does."""


def build_runtime(
    store: LayerStore,
    *,
    runtime: str,
    packages: Packages,
    dropped: bool,
    supply: Supply | None = None,
) -> Runtime:
    """The runtime of an environment, built if it isn't there yet.

    Packages that are installed beside docmill are copied; others are downloaded once, by pip, apt
    and npm with the settings they have on this machine. `dropped`: the sandbox runs under another
    user than this process; `supply`: where downloads come from, None: nothing is downloaded.

    Raises:
        PrerequisiteError: a Python version or a package that can't be had, or has to be downloaded
            where there is no supply.
    """
    interpreter = find_interpreter(runtime)
    python, mounts = place(store, interpreter, dropped=dropped)
    site = _site(store, interpreter, packages.pip, supply)
    more = [*debian.layers(store, packages.apt, supply)]
    more += node.layers(store, packages.npm, supply)
    toolbox = _toolbox(store, interpreter, python)
    covers = _covers(interpreter, mounts, toolbox / "empty")
    ours = (
        Mount(toolbox, INSIDE),
        Mount(site, SITE),
        *(Mount(layer.folder, layer.inside) for layer in more),
    )
    paths = tuple(path for layer in more for path in layer.paths)
    return Runtime(python, (*mounts, *covers, *ours), paths, reserves=bool(packages.npm))


def is_at_hand(runtime: str, packages: Packages) -> bool:
    """Whether nothing has to be downloaded: docmill's own Python, and what lies beside docmill.

    Raises:
        PrerequisiteError: there is no such Python.
    """
    if packages.apt or packages.npm or not find_interpreter(runtime).is_own:
        return False
    try:
        collect(packages.pip)
    except NotInstalledError:
        return False
    return True


def downloaded(store: LayerStore, *, runtime: str, packages: Packages) -> tuple[Contents, ...]:
    """What is in the layers of an environment that were downloaded; of those that are built.

    Raises:
        PrerequisiteError: there is no such Python.
    """
    found = (read_contents(path) for path in _downloads(store, runtime, packages))
    return tuple(contents for contents in found if contents is not None)


def is_built(store: LayerStore, *, runtime: str, packages: Packages) -> bool:
    """Whether all that has to be downloaded for an environment is there.

    Raises:
        PrerequisiteError: there is no such Python.
    """
    return all(path.is_dir() for path in _downloads(store, runtime, packages))


def _downloads(store: LayerStore, runtime: str, packages: Packages) -> list[Path]:
    """Where the layers lie, or will, that are downloaded."""
    interpreter = find_interpreter(runtime)
    paths: list[Path] = []
    if not is_at_hand(runtime, Packages(packages.pip)):
        paths.append(store.path(wheels.KIND, wheels.recipe_for(interpreter, packages.pip)))
    if packages.apt:
        paths.append(store.path(debian.KIND, debian.recipe_for(packages.apt)))
    if packages.npm:
        paths.append(store.path(node.KIND, node.recipe_for(packages.npm)))
    return paths


def _site(
    store: LayerStore, interpreter: Interpreter, pip: tuple[str, ...], supply: Supply | None
) -> Path:
    """The layer of Python packages: copied from those beside docmill if these will do."""
    if interpreter.is_own:
        try:
            distributions = collect(pip)
        except NotInstalledError:
            pass
        else:
            return store.layer(
                "packages",
                (sys.version, *recipe_of(distributions)),
                lambda folder: _fill(folder, distributions),
            )
    return wheels.layer(store, interpreter, pip, supply)


def _toolbox(store: LayerStore, interpreter: Interpreter, python: str) -> Path:
    """The layer of the toolbox, compiled for the interpreter."""
    sources = {path.name: path.read_bytes() for path in sorted(_TOOLBOX.glob("*.py"))}
    return store.layer(
        "toolbox",
        (
            *(interpreter.version, python, *_system_etc(), *boot.recipe()),
            *(f"{name} {data!r}" for name, data in sources.items()),
        ),
        lambda folder: _write_toolbox(folder, sources, python, interpreter),
    )


def _covers(interpreter: Interpreter, mounts: Sequence[Mount], empty: Path) -> Iterator[Mount]:
    """Empty folders over the machine's own programs and the packages of an interpreter in place."""
    own = interpreter.prefix
    prefixes = [prefix for prefix in (own,) if (prefix, str(prefix)) in mounts]
    candidates = [] if mounts and own.is_relative_to("/usr/local") else [Path("/usr/local")]
    for prefix in (_SYSTEM_PREFIX, *prefixes):
        library = f"python{interpreter.name}"
        names = (f"{library}/site-packages", f"{library}/dist-packages")
        candidates += [prefix / "lib" / name for name in (*names, "python3/dist-packages")]
    return (Mount(empty, str(folder)) for folder in candidates if folder.is_dir())


def _system_etc() -> Iterator[str]:
    """When the two parts of `/etc` that are copied changed last."""
    for path in (Path("/etc/alternatives"), Path("/etc/ld.so.cache")):
        if path.exists():
            yield str(path.stat().st_mtime_ns)


def _fill(folder: Path, distributions: Sequence[Distribution]) -> None:
    copy_packages(distributions, folder)
    compile_folder(folder, SITE)


def _write_toolbox(
    folder: Path, sources: Mapping[str, bytes], python: str, interpreter: Interpreter
) -> None:
    """The toolbox as a package, `bin` with the interpreter's usual names, and a small `/etc`."""
    (folder / "toolbox").mkdir()
    for name, data in sources.items():
        (folder / "toolbox" / name).write_bytes(data)
    compile_folder(folder / "toolbox", f"{INSIDE}/toolbox", python=interpreter.executable)
    if interpreter.is_own:
        boot.write(folder / boot.NAME, sources, f"{INSIDE}/toolbox")
    else:
        boot.write_with(interpreter.executable, folder / boot.NAME, f"{INSIDE}/toolbox")
    for name in ("packages", *LAYERS, "empty"):
        (folder / name).mkdir()
    (folder / "bin").mkdir()
    for name in ("python", "python3", f"python{interpreter.name}"):
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

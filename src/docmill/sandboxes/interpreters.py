"""The Python a sandbox runs: docmill's own, or one of another version found on this machine.

Mounted in place where the sandbox's user can read it, copied where not (a Python in root's home).
Downloads none. `runtime` says what else is mounted.
"""

import json
import os
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import MAGIC_NUMBER
from pathlib import Path
from typing import NamedTuple

from docmill.errors import PrerequisiteError
from docmill.managers.settings import user_home
from docmill.sandboxes.layers import LayerStore, compile_folder, copy_file, readable_by_all

OLDEST = (3, 9)
"""The first version that runs the toolbox."""
_SYSTEM_PREFIX = Path("/usr")
_SKIPPED = frozenset(("test", "tests", "idlelib", "tkinter", "turtledemo", "ensurepip", "lib2to3"))
_NOT_STDLIB = ("config-", "site-packages", "dist-packages")
_HOMES = (
    ".local/share/uv/python/cpython-{0}.*/bin/python{0}",
    ".pyenv/versions/{0}.*/bin/python{0}",
)
"""Where uv and pyenv keep theirs, below a user's home."""
_QUESTION = (
    "import importlib.util as u, json, sys, sysconfig as s; print(json.dumps({"
    "'prefix': sys.base_prefix, 'stdlib': s.get_path('stdlib'), 'version': sys.version, "
    "'name': '%d.%d' % sys.version_info[:2], 'magic': u.MAGIC_NUMBER.hex(), "
    "'cache_tag': sys.implementation.cache_tag, 'suffix': s.get_config_var('EXT_SUFFIX')}))"
)


class Mount(NamedTuple):
    """A folder of the host and where it appears inside, read-only."""

    outside: Path
    inside: str


@dataclass(frozen=True, slots=True)
class Interpreter:
    """A Python of this machine."""

    executable: Path
    prefix: Path
    stdlib: Path
    name: str
    """`3.12`."""
    version: str
    """All that `sys.version` says."""
    magic: str
    """First bytes of its compiled modules, in hex."""
    cache_tag: str
    suffix: str
    """Of its extension modules."""

    @property
    def is_own(self) -> bool:
        """Whether docmill runs on it."""
        return self.version == sys.version


def own_interpreter() -> Interpreter:
    """The one docmill runs on."""
    return Interpreter(
        executable=Path(os.path.realpath(sys.executable)),
        prefix=Path(sys.base_prefix).resolve(),
        stdlib=Path(sysconfig.get_path("stdlib")).resolve(),
        name=f"{sys.version_info.major}.{sys.version_info.minor}",
        version=sys.version,
        magic=MAGIC_NUMBER.hex(),
        cache_tag=str(sys.implementation.cache_tag),
        suffix=str(sysconfig.get_config_var("EXT_SUFFIX")),
    )


def find_interpreter(runtime: str, home: Path | None = None) -> Interpreter:
    """The Python an environment's `runtime` means; `home`: of the user whose Pythons are looked at.

    Raises:
        PrerequisiteError: there is none of that version here.
    """
    own = own_interpreter()
    wanted = runtime.removeprefix("python")
    if wanted in ("3", own.name):
        return own
    if tuple(map(int, wanted.split("."))) < OLDEST:
        raise PrerequisiteError(
            f"The environment asks for {runtime}, which is too old for sandboxes.",
            remedy=f"Set runtime: python3, or python{'.'.join(map(str, OLDEST))} or newer",
        )
    for path in _candidates(wanted, home or user_home()):
        found = _look(path)
        if found is not None and found.name == wanted:
            return found
    raise PrerequisiteError(
        f"The environment asks for {runtime}, which isn't installed here; docmill runs on Python "
        f"{own.name}.",
        remedy=f"uv python install {wanted} (or apt-get install {runtime}), or set runtime: "
        "python3 in the environment",
    )


def _candidates(wanted: str, home: Path) -> Iterator[Path]:
    yield from (Path("/usr/bin") / f"python{wanted}", Path("/usr/local/bin") / f"python{wanted}")
    for pattern in _HOMES:
        yield from sorted(home.glob(pattern.format(wanted)), reverse=True)


@lru_cache(16)
def _look(path: Path) -> Interpreter | None:
    """What an executable says of itself; None if it doesn't run."""
    if not os.access(path, os.X_OK):
        return None
    try:
        done = subprocess.run(
            [str(path), "-I", "-S", "-c", _QUESTION],
            capture_output=True, timeout=20, check=True, env={}, cwd="/",
        )  # fmt: skip
        told: dict[str, str] = json.loads(done.stdout)
    except (OSError, subprocess.SubprocessError, ValueError):
        return None
    return Interpreter(
        executable=Path(os.path.realpath(path)),
        prefix=Path(told.pop("prefix")).resolve(),
        stdlib=Path(told.pop("stdlib")).resolve(),
        **told,
    )


def place(
    store: LayerStore, interpreter: Interpreter, *, dropped: bool
) -> tuple[str, tuple[Mount, ...]]:
    """The interpreter's path inside and what to mount for it; /usr is mounted anyway.

    `dropped`: the sandbox runs under another user than this process.

    Raises:
        PrerequisiteError: it is put together in a way that can't be mounted.
    """
    if _is_twin(_SYSTEM_PREFIX, interpreter):
        return str(_SYSTEM_PREFIX / "bin" / f"python{interpreter.name}"), ()
    executable, prefix, stdlib = interpreter.executable, interpreter.prefix, interpreter.stdlib
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
    recipe = (interpreter.version, str(executable), str(found.st_size), str(found.st_mtime_ns))

    def build(folder: Path) -> None:
        for source in _files(prefix, stdlib, executable):
            copy_file(source, folder / source.relative_to(prefix))
        inside = folder / stdlib.relative_to(prefix)
        compile_folder(inside, str(stdlib), checked=True, python=executable)

    return str(executable), (Mount(store.layer("python", recipe, build), str(prefix)),)


def _is_twin(prefix: Path, interpreter: Interpreter) -> bool:
    """Whether there is a complete Python of this version that runs the same compiled modules."""
    library = prefix / "lib" / f"python{interpreter.name}"
    twin = library / "encodings" / "__pycache__" / f"utf_8.{interpreter.cache_tag}.pyc"
    parts = ("ctypes", "json", "hashlib")
    wanted = (
        *(prefix / "bin" / f"python{interpreter.name}", library / "ctypes" / "__init__.py"),
        *(library / "lib-dynload" / f"_{part}{interpreter.suffix}" for part in parts),
    )
    try:
        return all(map(readable_by_all, wanted)) and twin.read_bytes()[:4].hex() == (
            interpreter.magic
        )
    except OSError:
        return False


def _files(prefix: Path, stdlib: Path, executable: Path) -> Iterator[Path]:
    """The executable, its shared library, the standard library without tests and packages."""
    yield executable
    yield from (prefix / "lib").glob("libpython*.so*")
    for folder, folders, names in os.walk(stdlib):
        folders[:] = [
            name for name in folders if name not in _SKIPPED and not name.startswith(_NOT_STDLIB)
        ]
        yield from (Path(folder, name) for name in names if ".opt-" not in name)

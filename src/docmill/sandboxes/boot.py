"""How the toolbox starts: the modules it needs at once, compiled, in one file.

Found one by one they would take three times as long. `runtime` writes the file into the layer,
`commandline` runs it; all other modules are found beside it when first needed.
"""

import __future__

import marshal
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from docmill.errors import PrerequisiteError

NAME = "toolbox.start"
_MODULES = ("errors", "system", "codec", "wire", "server")
"""In the order in which they need each other."""
_FUTURE = b"from __future__ import annotations\n"
_LOADER = b"""
def start(folder, modules):
    import sys

    make = type(sys)
    package = sys.modules["toolbox"] = make("toolbox")
    package.__path__ = [folder]
    for name, code in modules:
        module = sys.modules["toolbox." + name] = make("toolbox." + name)
        module.__package__ = "toolbox"
        setattr(package, name, module)
        exec(code, module.__dict__)
    package.server.main()


start(folder, modules)
"""


_WRITER = """
import pathlib, sys
code, file, sources, folder = sys.argv[1:]
names = {"__file__": code, "__name__": "boot"}
text = pathlib.Path(code).read_text().replace("from docmill", "pass  # ")
exec(compile(text, code, "exec"), names)
found = {path.name: path.read_bytes() for path in pathlib.Path(sources).glob("*.py")}
names["write"](pathlib.Path(file), found, folder)
"""


def write(file: Path, sources: Mapping[str, bytes], folder: str) -> None:
    """Write the file for modules that will lie in `folder` inside; `sources`: name.py → source."""
    modules = tuple(
        (name, _compiled(sources[f"{name}.py"], f"{folder}/{name}.py")) for name in _MODULES
    )
    loader = _compiled(_LOADER, f"{folder}/{NAME}")
    file.write_bytes(marshal.dumps((loader, {"folder": folder, "modules": modules})))


def write_with(python: Path, file: Path, folder: str) -> None:
    """The same for another Python, whose compiled code differs.

    Raises:
        PrerequisiteError: it can't compile the toolbox.
    """
    sources = Path(__file__).parent / "toolbox"
    words = [str(python), "-I", "-S", "-c", _WRITER, __file__, str(file), str(sources), folder]
    done = subprocess.run(words, capture_output=True, check=False, env={}, cwd="/")
    if done.returncode != 0:
        complaint = done.stderr.decode("utf-8", "replace").strip().rpartition("\n")[2]
        raise PrerequisiteError(
            f"{python} can't run sandboxes: {complaint}", remedy="Set runtime: python3"
        )


def program(file: str) -> str:
    """What the interpreter is told to run."""
    return f"import marshal;exec(*marshal.loads(open({file!r},'rb').read()))"


def recipe() -> tuple[str, ...]:
    """What decides the file's content besides the sources: how this module makes it."""
    return (Path(__file__).read_text(),)


def _compiled(source: bytes, name: str) -> Any:
    """Without docstrings, and without the import that `from __future__` stands for."""
    source = source.replace(_FUTURE, b"\n")
    flags = __future__.annotations.compiler_flag
    return compile(source, name, "exec", flags=flags, dont_inherit=True, optimize=2)

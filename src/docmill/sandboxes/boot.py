"""How the toolbox starts: the modules it needs at once, compiled, in one file.

Found one by one they would take three times as long. `runtime` writes the file into the layer,
`commandline` runs it; all other modules are found beside it when first needed.
"""

import __future__

import marshal
from collections.abc import Mapping
from pathlib import Path
from typing import Any

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


def write(file: Path, sources: Mapping[str, bytes], folder: str) -> None:
    """Write the file for modules that will lie in `folder` inside; `sources`: name.py → source."""
    modules = tuple(
        (name, _compiled(sources[f"{name}.py"], f"{folder}/{name}.py")) for name in _MODULES
    )
    loader = _compiled(_LOADER, f"{folder}/{NAME}")
    file.write_bytes(marshal.dumps((loader, {"folder": folder, "modules": modules})))


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

"""The user's own record model: imported from the workspace without leaving a trace in the process.

The workspace is on the module path only while the model is being imported, so two workspaces may
both have a `models.py`. An import inside a function of the user's, made later, is not found.
"""

import importlib
import inspect
import re
import sys
import threading
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from weakref import WeakKeyDictionary

from pydantic import BaseModel

from docmill.errors import KeyProblem
from docmill.output.shape import RecordSpecError

USER_FAULTS = (
    ArithmeticError, AssertionError, AttributeError, BufferError, EOFError, ImportError,
    LookupError, NameError, OSError, ReferenceError, RuntimeError, SyntaxError, TypeError,
    ValueError,
)  # fmt: skip
"""What the user's code may raise that is their mistake; anything else is a bug of ours."""
_REFERENCE = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*:[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*")
_LOCK = threading.Lock()
_SOURCES: WeakKeyDictionary[type[BaseModel], Path] = WeakKeyDictionary()
"""Their modules are forgotten after the import, so nobody else knows."""


def import_model(reference: str, root: Path) -> type[BaseModel]:
    """The pydantic model `module:Model` names, complete and independent of the module path.

    Raises:
        RecordSpecError: the reference is malformed, can't be imported or is no pydantic model.
    """
    if not _REFERENCE.fullmatch(reference):
        raise _wrong(f"`{reference}` isn't of the form `module:Model`", "e.g. `models:TestReport`")
    module_name, _, name = reference.partition(":")
    try:
        with _workspace_on_path(root.resolve()):
            found: object = importlib.import_module(module_name)
            for part in name.split("."):
                found = getattr(found, part)
            if isinstance(found, type) and issubclass(found, BaseModel):
                found.model_rebuild()
                file = getattr(sys.modules.get(found.__module__), "__file__", None)
                if file:
                    _SOURCES[found] = Path(file)
    except USER_FAULTS as error:
        problem = f"`{reference}` can't be imported: {type(error).__name__}: {error}"
        raise _wrong(problem, f"it has to be importable with {root} on the module path") from error
    if not (isinstance(found, type) and issubclass(found, BaseModel)):
        raise _wrong(f"`{reference}` is no pydantic model", "derive it from `pydantic.BaseModel`")
    return found


def source_file(model: type[BaseModel]) -> Path | None:
    """The file a model is defined in, also once `import_model` has forgotten its module."""
    known = _SOURCES.get(model)
    if known is None:
        with suppress(TypeError):  # made at run time
            found = inspect.getsourcefile(model)
            known = Path(found) if found else None
    return known


def _wrong(message: str, remedy: str) -> RecordSpecError:
    return RecordSpecError([KeyProblem(("python",), message, remedy)])


@contextmanager
def _workspace_on_path(root: Path) -> Generator[None]:
    with _LOCK:
        before, bytecode = set(sys.modules), sys.dont_write_bytecode
        sys.path.insert(0, str(root))
        sys.dont_write_bytecode = True
        importlib.invalidate_caches()
        try:
            yield
        finally:
            sys.dont_write_bytecode = bytecode
            sys.path.remove(str(root))
            for name in set(sys.modules) - before:
                if _lies_in(getattr(sys.modules[name], "__file__", None), root):
                    del sys.modules[name]


def _lies_in(file: str | None, root: Path) -> bool:
    return file is not None and Path(file).resolve().is_relative_to(root)

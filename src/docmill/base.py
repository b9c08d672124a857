"""The base of every data class that crosses a boundary: YAML, journal, report.

Frozen and closed: an unknown key is an error, never a default. Behaviour lives in the layers above.
"""

import ast
import inspect
import textwrap
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from pydantic import BaseModel, ConfigDict, GetJsonSchemaHandler
from pydantic_core import CoreSchema


class Frozen(BaseModel):
    """Immutable data with no unknown keys; attribute docstrings become JSON Schema descriptions."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    # Pydantic can do this by itself, but then it parses every class's source at each import.
    @classmethod
    def __get_pydantic_json_schema__(
        cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler, /
    ) -> dict[str, Any]:
        schema = handler(core_schema)
        properties = handler.resolve_ref_schema(schema).get("properties", {})
        for name, text in attribute_docstrings(cls).items():
            entry = properties.get(cls.model_fields[name].alias or name)
            if entry is not None:
                entry.setdefault("description", text)
        return schema


def attribute_docstrings(model: type[BaseModel]) -> dict[str, str]:
    """What stands below each field in the source of the class and of those it inherits from."""
    texts: dict[str, str] = {}
    for base in reversed(model.__mro__):
        if issubclass(base, Frozen) and base is not Frozen:
            texts |= dict(_attribute_docstrings(base))
    return {name: text for name, text in texts.items() if name in model.model_fields}


def _attribute_docstrings(model: type[Frozen]) -> Iterator[tuple[str, str]]:
    try:
        source = inspect.getsource(model)
    except (OSError, TypeError):  # made at run time, by `create_model`
        return
    (definition,) = ast.parse(textwrap.dedent(source)).body
    assert isinstance(definition, ast.ClassDef)
    for attribute, after in pairwise(definition.body):
        match attribute, after:
            case (
                ast.AnnAssign(target=ast.Name(id=name)),
                ast.Expr(value=ast.Constant(value=str(text))),
            ):
                yield name, inspect.cleandoc(text)
            case _:
                pass

"""Keys that this version reads, checks and does nothing with: said by `plan` and in the reference.

A spec written for a hosted agent service may use them, and stays valid; nobody is to believe that
they are in force.
"""

from collections.abc import Iterator
from typing import Any, cast

from docmill.base import Frozen

KEYS = frozenset(
    {
        "Agent.multiagent",
        "Agent.skills",
    }
)
"""`Class.key` of the spec classes."""


def dormant(spec: Frozen, path: str) -> Iterator[str]:
    """Paths of the keys in a spec that are set and have no effect."""
    for name, field in type(spec).model_fields.items():
        value: Any = getattr(spec, name)
        place = f"{path}.{name}"
        if f"{type(spec).__name__}.{name}" in KEYS:
            if value != field.default:
                yield place
            continue
        values = cast("tuple[Any, ...]", value if isinstance(value, tuple) else (value,))
        for inner in values:
            if isinstance(inner, Frozen):
                yield from dormant(inner, place)

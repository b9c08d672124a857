"""What differs between two states of a deployment, field by field. Pure; used by `deployments`."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple, cast

LONGEST = 300
"""Characters of a value that are shown."""


class Difference(NamedTuple):
    """One field that is not what it is to be; None: it isn't there."""

    field: str
    """`schedule`, `job_variables.env.HOME`, `pull_steps[0].branch`."""
    before: str | None
    after: str | None

    def __str__(self) -> str:
        if self.before is None:
            return f"{self.field}: {self.after}"
        return f"{self.field}: {self.before} → {'none' if self.after is None else self.after}"


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[Difference, ...]:
    """Fields that differ, by name; empty values count as none."""
    old, new = dict(_flat(before)), dict(_flat(after))
    return tuple(
        Difference(name, old.get(name), new.get(name))
        for name in sorted({*old, *new})
        if old.get(name) != new.get(name)
    )


def _flat(value: object, path: str = "") -> Iterator[tuple[str, str]]:
    """Leaves by path."""
    if isinstance(value, Mapping):
        for key, inner in cast("Mapping[str, object]", value).items():
            yield from _flat(inner, f"{path}.{key}" if path else key)
    elif isinstance(value, Sequence) and not isinstance(value, str):
        items = cast("Sequence[object]", value)
        if all(isinstance(item, str) for item in items):
            yield from _flat(", ".join(map(str, items)), path)
            return
        for number, inner in enumerate(items):
            yield from _flat(inner, f"{path}[{number}]")
    elif value not in ("", None):
        text = str(value)
        yield path, text if len(text) <= LONGEST else f"{text[:LONGEST]}…"

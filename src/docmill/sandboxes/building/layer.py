"""What the kinds of built layers share: where they appear inside, and the list of what is in them.

The list is written last; a folder without one was never finished. Builds nothing itself.
"""

import json
import shutil
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from docmill.sandboxes.layers import LayerStore

INSIDE = "/opt/docmill"
SITE = f"{INSIDE}/packages"
LAYERS = ("apt", "npm")
LIST = "docmill-layer.json"
Paths = tuple[tuple[str, tuple[str, ...]], ...]
"""Variable → folders inside that are put before those it has."""


class Layer(NamedTuple):
    """A built folder and where it appears inside, read-only."""

    folder: Path
    inside: str
    paths: Paths = ()


@dataclass(frozen=True, slots=True)
class Contents:
    """What a layer was asked to hold, and what it holds."""

    manager: str
    """pip, apt or npm."""
    asked: tuple[str, ...]
    installed: Mapping[str, str]
    """Name → exact version, of all that came along too."""
    python: str = ""
    """The version the packages are for, if they are Python's."""


def write_contents(folder: Path, contents: Contents) -> None:
    """Write the list into a layer that is complete."""
    data = {
        "manager": contents.manager,
        "python": contents.python,
        "asked": list(contents.asked),
        "installed": dict(sorted(contents.installed.items())),
        "built": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    (folder / LIST).write_text(json.dumps(data, indent=2) + "\n")


@contextmanager
def downloads(store: LayerStore, kind: str, recipe: Sequence[str]) -> Generator[Path]:
    """A folder beside a layer that is being built, for what is unpacked into it."""
    folder = store.scratch(store.path(kind, recipe).name)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def read_contents(folder: Path) -> Contents | None:
    """The list of a layer; None if it has none, as those copied from this machine have."""
    try:
        data: dict[str, Any] = json.loads((folder / LIST).read_text())
        return Contents(
            manager=str(data["manager"]),
            asked=tuple(map(str, data["asked"])),
            installed={str(name): str(version) for name, version in data["installed"].items()},
            python=str(data["python"]),
        )
    except (OSError, ValueError, KeyError, AttributeError):
        return None

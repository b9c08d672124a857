"""The pull steps that deployments name: `fetching`, with what goes wrong told by the flow.

Prefect's UI shows nothing of a pull step that fails; so it is noted down where the flow starts, and
`deployed` raises it.
"""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from docmill.errors import PrerequisiteError
from docmill.flow import fetching

PROBLEM = "docmill-problem.json"


def enter(*, directory: str) -> dict[str, str]:
    """Pull step: a folder that is there."""
    return _noted(lambda: fetching.enter(directory=directory))


def fetch(
    *, address: str, sha256: str, name: str, storage_options: Mapping[str, Any] | None = None
) -> dict[str, str]:
    """Pull step: a snapshot, unpacked."""
    return _noted(
        lambda: fetching.fetch(
            address=address, sha256=sha256, name=name, storage_options=storage_options
        )
    )


def _noted(pull: Callable[[], dict[str, str]]) -> dict[str, str]:
    try:
        return pull()
    except PrerequisiteError as error:
        # Prefect runs steps in an empty folder of the flow run's own.
        note = {"message": error.message, "remedy": error.remedy}
        Path(PROBLEM).write_text(json.dumps(note), encoding="utf-8")
        return {"directory": str(Path.cwd())}


def require_pulled(folder: Path) -> None:
    """Raise what a pull step noted down.

    Raises:
        PrerequisiteError: the workspace isn't here.
    """
    note = folder / PROBLEM
    if note.is_file():
        told = json.loads(note.read_text(encoding="utf-8"))
        raise PrerequisiteError(told["message"], remedy=told["remedy"])

"""`docmill init`: a workspace made of the folders that ship with the package.

They are the root folders of docmill's own repository, so the examples can't drift from the code.
"""

import shutil
from pathlib import Path

from docmill.errors import PrerequisiteError
from docmill.packaged import packaged_workspace

PARTS = (
    "docmill.yaml",
    ".schema",
    "agent_specs",
    "pipelines",
    "sandbox",
    "sample_data/README.md",
    "sample_data/datasheets",
    "sample_data/invoices",
    "sample_data/material-certificates",
    "sample_data/spec-check",
    "reports/templates",
)
"""What of the repository's root makes a workspace; the wheel holds the same."""
_IGNORED = ".docmill/\nreports/*\n!reports/templates/\n"


def make_workspace(folder: Path) -> list[str]:
    """Make a workspace; returns the names of its pipelines.

    Raises:
        PrerequisiteError: the folder has something in it, or can't be made.
    """
    template = packaged_workspace()
    try:
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise PrerequisiteError(
                f"{folder} exists and is not empty; nothing was changed.",
                remedy="Name another folder: docmill init NAME",
            )
        folder.mkdir(parents=True, exist_ok=True)
        for part in PARTS:
            source, target = template / part, folder / part
            target.parent.mkdir(parents=True, exist_ok=True)
            if source.is_dir():
                shutil.copytree(source, target)
            else:
                shutil.copy(source, target)
        (folder / ".gitignore").write_text(_IGNORED)
    except OSError as error:
        raise PrerequisiteError(
            f"{folder} can't be written: {error.strerror or error}.",
            remedy="Name a folder that can be: docmill init NAME",
        ) from error
    return sorted(path.stem for path in (folder / "pipelines").glob("*.yaml"))

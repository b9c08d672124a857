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
LAX = (
    "    strict: false # where the workspace was made memory is limited per process only;\n"
    "    # what mends it: docmill doctor --sandbox\n"
)
_LIMITS = "  limits:\n"
_IGNORED = ".docmill/\nreports/*\n!reports/templates/\n"


def make_workspace(folder: Path, *, strict: bool = True) -> list[str]:
    """Make a workspace; returns the names of its pipelines.

    `strict`: False lets its environments do with what limits this machine has.

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
        if not strict:
            _relax(folder / "sandbox")
    except OSError as error:
        raise PrerequisiteError(
            f"{folder} can't be written: {error.strerror or error}.",
            remedy="Name a folder that can be: docmill init NAME",
        ) from error
    return sorted(path.stem for path in (folder / "pipelines").glob("*.yaml"))


def _relax(environments: Path) -> None:
    """Write into the environments that they do without limits for a sandbox as a whole."""
    for path in environments.glob("*.yaml"):
        path.write_text(path.read_text().replace(_LIMITS, _LIMITS + LAX))

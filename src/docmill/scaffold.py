"""`docmill init`: a workspace made of the folders that ship with the package.

They are the root folders of docmill's own repository, so the examples can't drift from the code.
"""

import shutil
from importlib.resources import files
from pathlib import Path

from docmill.errors import PrerequisiteError

PARTS = (
    "docmill.yaml",
    "agent_specs",
    "pipelines",
    "sandbox",
    "sample_data",
    "reports/templates",
)
"""What of the repository's root makes a workspace."""
_LEFT_OUT = shutil.ignore_patterns("__pycache__", "make", "__init__.py")
_IGNORED = ".docmill/\nreports/*\n!reports/templates/\n"


def template_folder() -> Path:
    """The folder the parts are copied from: inside the installed package, or the checkout's root.

    Raises:
        PrerequisiteError: the installation lacks it.
    """
    packaged = Path(str(files("docmill"))) / "_workspace"
    checkout = Path(__file__).parents[2]
    for folder in (packaged, checkout):
        if (folder / "pipelines").is_dir():
            return folder
    raise PrerequisiteError(
        "This installation of docmill lacks its example workspace.",
        remedy="Install it again: pip install --force-reinstall docmill",
    )


def make_workspace(folder: Path) -> list[str]:
    """Make a workspace; returns the names of its pipelines.

    Raises:
        PrerequisiteError: the folder has something in it, or can't be made.
    """
    template = template_folder()
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
                shutil.copytree(source, target, ignore=_LEFT_OUT)
            else:
                shutil.copy(source, target)
        (folder / ".gitignore").write_text(_IGNORED)
    except OSError as error:
        raise PrerequisiteError(
            f"{folder} can't be written: {error.strerror or error}.",
            remedy="Name a folder that can be: docmill init NAME",
        ) from error
    return sorted(path.stem for path in (folder / "pipelines").glob("*.yaml"))

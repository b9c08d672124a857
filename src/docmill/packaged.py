"""Where the workspace that ships with docmill lies: in the wheel, else in the checkout's root.

`scaffold` copies it, `report` takes its templates from it. Copies and reads nothing itself.
"""

from pathlib import Path

from docmill.errors import PrerequisiteError

PACKAGE = Path(__file__).parent


def packaged_workspace(package: Path = PACKAGE) -> Path:
    """The folder with the example pipelines, documents and report templates.

    Raises:
        PrerequisiteError: the installation lacks it.
    """
    for folder in (package / "_workspace", package.parents[1]):
        if (folder / "reports" / "templates").is_dir() and (folder / "pipelines").is_dir():
            return folder
    raise PrerequisiteError(
        "This installation of docmill lacks its example workspace and report templates.",
        remedy="Install it again: pip install --force-reinstall docmill",
    )

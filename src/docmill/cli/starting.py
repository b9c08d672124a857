"""`docmill init` and `version`: what needs no workspace."""

from importlib.metadata import version as installed
from pathlib import Path

from docmill.cli.console import put, put_json
from docmill.scaffold import make_workspace


def init(folder: Path, *, json: bool) -> None:
    """Make a workspace and say what to do next."""
    pipelines = make_workspace(folder)
    if json:
        put_json({"workspace": str(folder.resolve()), "pipelines": pipelines})
        return
    put(f"{folder}: a workspace with the pipelines {', '.join(pipelines)}.")
    put("Next:")
    if folder.resolve() != Path.cwd():
        put(f"  cd {folder}")
    put("  docmill run spec-check")


def version(*, json: bool) -> None:
    """Print which docmill this is."""
    if json:
        put_json({"docmill": installed("docmill")})
    else:
        put(f"docmill {installed('docmill')}")

"""`docmill init`: a workspace to begin with."""

from pathlib import Path

from docmill.cli.console import put
from docmill.scaffold import make_workspace


def init(folder: Path) -> None:
    """Make it and say what to do next."""
    pipelines = make_workspace(folder)
    put(f"{folder}: a workspace with the pipelines {', '.join(pipelines)}.")
    put("Next:")
    if folder != Path():
        put(f"  cd {folder}")
    put("  docmill run spec-check")

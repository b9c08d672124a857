"""`docmill init` and `version`: what needs no workspace."""

from importlib.metadata import version as installed
from pathlib import Path

from docmill.cli.console import put, put_json, talk
from docmill.errors import PrerequisiteError
from docmill.scaffold import make_workspace


def init(folder: Path, *, json: bool) -> None:
    """Make a workspace and say what to do next.

    Its first run is to work as it is: where this machine lacks limits, the environments say so.
    """
    loose = _loose()
    pipelines = make_workspace(folder, strict=not loose)
    if loose:
        talk(
            f"This machine can't limit {' and '.join(loose)} of a sandbox as a whole, so "
            f"{folder / 'sandbox'} says `strict: false`. What mends it: docmill doctor --sandbox"
        )
    if json:
        put_json({"workspace": str(folder.resolve()), "pipelines": pipelines})
        return
    put(f"{folder}: a workspace with the pipelines {', '.join(pipelines)}.")
    put("Next:")
    if folder.resolve() != Path.cwd():
        put(f"  cd {folder}")
    put("  docmill run spec-check")


def _loose() -> tuple[str, ...]:
    """Limits that aren't in force here; none if no sandbox can be had, for a run says that."""
    from docmill.sandboxes import open_backend
    from docmill.sandboxes.opening import loose_limits
    from docmill.settings import load_settings

    try:
        return loose_limits(open_backend(load_settings().sandbox).probe())
    except PrerequisiteError:
        return ()


def version(*, json: bool) -> None:
    """Print which docmill this is."""
    if json:
        put_json({"docmill": installed("docmill")})
    else:
        put(f"docmill {installed('docmill')}")

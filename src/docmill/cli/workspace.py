"""Which workspace and which pipeline a command is about."""

from dataclasses import replace
from pathlib import Path

from docmill.errors import Problem, SpecError
from docmill.settings import Settings, load_settings
from docmill.spec.load import LoadedWorkspace, find_workspace, load_workspace
from docmill.spec.overrides import PLACE, override_model, override_pipeline

MODEL = "model="
"""The one key that isn't the pipeline's own."""


def here(pipeline: str | None = None) -> tuple[LoadedWorkspace, Settings]:
    """The workspace the command was called in, and the environment's settings.

    A command about one pipeline names it: the others need not be read.

    Raises:
        PrerequisiteError: there is none.
    """
    settings = load_settings()
    root = settings.workspace or find_workspace(Path.cwd())
    only = pipeline and _name(pipeline)
    return load_workspace(root, only=only), settings


def chosen(loaded: LoadedWorkspace, name: str | None) -> str:
    """The pipeline asked for, or the only one there is.

    Raises:
        SpecError: none was named and there are several, or none.
    """
    if name is not None:
        return _name(name)
    names = sorted(loaded.workspace.pipelines)
    if len(names) == 1:
        return names[0]
    loaded.check()
    remedy = f"name one of: {', '.join(names)}" if names else "write one into pipelines/"
    raise SpecError([Problem(PLACE, 0, 0, "PIPELINE", "which pipeline?", remedy)])


def _name(given: str) -> str:
    """Also as Prefect writes it: `spec-check/default`."""
    return given.removesuffix("/default")


def overridden(loaded: LoadedWorkspace, name: str, settings: list[str]) -> LoadedWorkspace:
    """The workspace with `-c KEY=VALUE` applied to one pipeline, `model=NAME` to its agent.

    Raises:
        SpecError: a key or value doesn't fit.
    """
    workspace = loaded.workspace
    if not settings or name not in workspace.pipelines:
        return loaded
    own = [setting for setting in settings if not setting.startswith(MODEL)]
    pipeline = override_pipeline(workspace.pipelines[name], own)
    agents = workspace.agents
    for setting in settings:
        if setting.startswith(MODEL) and pipeline.agent in agents:
            agent = override_model(agents[pipeline.agent], setting.removeprefix(MODEL))
            agents = {**agents, pipeline.agent: agent}
    pipelines = {**workspace.pipelines, name: pipeline}
    workspace = workspace.model_copy(update={"pipelines": pipelines, "agents": agents})
    return replace(loaded, workspace=workspace, settings=tuple(settings))

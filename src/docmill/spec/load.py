"""Reads a workspace: YAML files → frozen models, with every mistake of every file at its place.

`yamlfile` reads, `translate` validates, `links` checks what one file says about another. Opens no
document and no reference standard; `compile` does that.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar, cast

from pydantic import BaseModel

from docmill.errors import KeyProblem, PrerequisiteError, Problem, SpecError
from docmill.spec.agent import Agent
from docmill.spec.environment import Environment
from docmill.spec.links import BUILT_IN_ENVIRONMENT, link_problems
from docmill.spec.locate import Locator
from docmill.spec.pipeline import Pipeline
from docmill.spec.translate import validate
from docmill.spec.workspace import Workspace, WorkspaceConfig
from docmill.spec.yamlfile import KeyPath, Mark, read_yaml

CONFIG = "docmill.yaml"
AGENTS = "agent_specs"
ENVIRONMENTS = "sandbox"
PIPELINES = "pipelines"

M = TypeVar("M", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class LoadedWorkspace:
    """A workspace as far as it could be read, and everything that is wrong with it."""

    workspace: Workspace
    """The specs that are valid."""
    problems: tuple[Problem, ...]
    """Mistakes of all files, in order of file and line."""
    locators: Mapping[str, Locator] = field(default_factory=dict[str, Locator])
    """File relative to the root → places of its keys."""
    settings: tuple[str, ...] = ()
    """`KEY=VALUE` by which a pipeline isn't as its file has it."""

    @property
    def root(self) -> Path:
        """The workspace's folder."""
        return self.workspace.root

    @property
    def state_folder(self) -> Path:
        """Folder of run state, absolute."""
        return self.root / self.workspace.config.state

    @property
    def cache_folder(self) -> Path:
        """Folder for what can be lost: hashes of documents, verdicts on expectations."""
        return self.state_folder / "cache"

    def reports_folder(self, pipeline: str) -> Path:
        """Where a pipeline's reports are."""
        return self.root / self.workspace.config.reports / pipeline

    def locate(self, file: str, problem: KeyProblem) -> Problem:
        """A mistake found later (compile, checks) at the nearest place of its file."""
        locator = self.locators.get(file)
        return locator.place(problem) if locator else Locator(file).place(problem)

    def problems_in(self, *files: str) -> tuple[Problem, ...]:
        """Mistakes of these files only."""
        return tuple(problem for problem in self.problems if problem.file in files)

    def check(self) -> "LoadedWorkspace":
        """Itself, if there is no mistake in any file.

        Raises:
            SpecError: with all of them.
        """
        if self.problems:
            raise SpecError(self.problems)
        return self


def pipeline_file(name: str) -> str:
    """File of a pipeline, relative to the workspace."""
    return f"{PIPELINES}/{name}.yaml"


def agent_file(name: str) -> str:
    """File of an agent, relative to the workspace."""
    return f"{AGENTS}/{name}.yaml"


def environment_file(name: str) -> str:
    """File of an environment, relative to the workspace."""
    return f"{ENVIRONMENTS}/{name}.yaml"


def find_workspace(start: Path) -> Path:
    """The workspace `start` lies in: the nearest folder upward that holds `docmill.yaml`, or both
    `pipelines/` and `agent_specs/`.

    Raises:
        PrerequisiteError: there is none.
    """
    start = start.absolute()
    for folder in (start, *start.parents):
        if (folder / CONFIG).is_file():
            return folder
        if (folder / PIPELINES).is_dir() and (folder / AGENTS).is_dir():
            return folder
    raise PrerequisiteError(
        f"No workspace in {start} or any folder above it ({CONFIG} was looked for).",
        remedy="Make one: docmill init NAME",
    )


def load_workspace(root: Path, *, only: str | None = None) -> LoadedWorkspace:
    """Read and validate every spec of the workspace; mistakes are gathered, not raised.

    With `only`, of the pipelines no more than the one of that name is read, if there is one.

    Raises:
        PrerequisiteError: `root` is not a folder.
    """
    if not root.is_dir():
        raise PrerequisiteError(f"{root} is not a folder.", remedy="Make one: docmill init NAME")
    reading = _Reading(root.absolute())
    config = reading.config()
    agents = reading.folder(AGENTS, Agent)
    environments = reading.folder(ENVIRONMENTS, Environment)
    pipelines = reading.folder(PIPELINES, Pipeline, only=only)
    environments.setdefault(BUILT_IN_ENVIRONMENT, Environment(name=BUILT_IN_ENVIRONMENT))
    workspace = Workspace(
        root=reading.root,
        config=config,
        agents=agents,
        environments=environments,
        pipelines=pipelines,
    )
    for file, problem in link_problems(workspace, reading.data):
        reading.add(file, problem)
    return LoadedWorkspace(workspace, reading.sorted(), reading.locators)


class _Reading:
    """One pass over the files."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.problems: list[Problem] = []
        self.locators: dict[str, Locator] = {}
        self.data: dict[str, Any] = {}
        """File → what it holds; None where it can't be read."""

    def add(self, file: str, problem: KeyProblem, *, at_key: bool = False) -> None:
        locator = self.locators.get(file) or Locator(file)
        self.problems.append(locator.place(problem, at_key=at_key))

    def sorted(self) -> tuple[Problem, ...]:
        order = {CONFIG: 0, AGENTS: 1, ENVIRONMENTS: 2, PIPELINES: 3}
        unique = dict.fromkeys(self.problems)
        return tuple(
            sorted(
                unique, key=lambda p: (order.get(p.file.split("/")[0], 9), p.file, p.line, p.column)
            )
        )

    def config(self) -> WorkspaceConfig:
        if not (self.root / CONFIG).exists():
            return WorkspaceConfig()
        return self.file(CONFIG, WorkspaceConfig, empty={}) or WorkspaceConfig()

    def folder(self, folder: str, model: type[M], *, only: str | None = None) -> dict[str, M]:
        found: dict[str, M] = {}
        paths = list(self._yaml_files(folder))
        for path in [path for path in paths if path.stem == only] or paths:
            spec = self.file(f"{folder}/{path.name}", model)
            self._check_name(f"{folder}/{path.name}", path.stem)
            if spec is not None:
                found[path.stem] = spec
        return found

    def _check_name(self, file: str, name: str) -> None:
        data = self.data[file]
        given: object = cast("dict[str, Any]", data).get("name") if isinstance(data, dict) else None
        # a name that isn't allowed at all has been reported by then
        reported = any(p.file == file and p.key == "name" for p in self.problems)
        if isinstance(given, str) and given != name and not reported:
            remedy = f"write `name: {name}`, or rename the file to {given}.yaml"
            self.add(file, KeyProblem(("name",), f"`{given}` is not the file's name", remedy))

    def _yaml_files(self, folder: str) -> Iterable[Path]:
        if not (self.root / folder).is_dir():
            return
        for path in sorted((self.root / folder).iterdir()):
            if path.name.startswith(".") or path.is_dir():
                continue
            if path.suffix == ".yml":
                self.problems.append(
                    Problem(f"{folder}/{path.name}", 0, 0, "", "is not read", "name it with .yaml")
                )
            elif path.suffix == ".yaml":
                yield path

    def file(self, file: str, model: type[M], *, empty: Any = None) -> M | None:
        self.data[file] = None
        try:
            content = (self.root / file).read_bytes()
        except OSError as error:
            reason = error.strerror or "unknown reason"
            self.problems.append(Problem(file, 0, 0, "", f"can't be read: {reason}", "mend it"))
            return None
        yaml = read_yaml(content)
        self.locators[file] = Locator(file, yaml.marks)
        for found in yaml.problems:
            problem = self.locators[file].place(KeyProblem(found.path, found.message, found.remedy))
            self.problems.append(problem._replace(line=found.place.line, column=found.place.column))
        if not yaml.readable:
            return None
        data = self.data[file] = empty if yaml.data is None else yaml.data
        if data is None:
            self.add(file, KeyProblem((), "the file is empty", "write it, or remove the file"))
            return None
        checked = validate(model, data, _raw(yaml.marks))
        for finding in checked.problems:
            self.add(file, finding.problem, at_key=finding.at_key)
        return None if yaml.problems else checked.model


def _raw(marks: Mapping[KeyPath, Mark]) -> dict[KeyPath, str | None]:
    return {path: mark.raw for path, mark in marks.items()}

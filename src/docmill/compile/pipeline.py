"""Compiles one pipeline: everything it names resolved, everything it says cross-checked.

The same workspace gives the same result; nothing is written but the remembered verdict on
expectations. `batch` adds documents.
"""

from collections.abc import Iterator
from typing import NamedTuple

from docmill.compile.cron import schedule_problems
from docmill.compile.digest import session_digest, spec_digest
from docmill.compile.forms import environment_problems, size_problem
from docmill.compile.growth import base_digest
from docmill.compile.judging import (
    Standard,
    check_problems,
    expectation_problems,
    read_standard,
)
from docmill.compile.networking import network_note, vault_problems
from docmill.compile.prompt import preamble
from docmill.documents.globs import glob_problem
from docmill.errors import KeyProblem, Problem, SpecError
from docmill.output.fields import resolve_record
from docmill.output.shape import RecordShape, RecordSpecError
from docmill.output.telling import with_fields
from docmill.plan import CompiledPipeline
from docmill.records.results import ReferenceInfo
from docmill.spec.load import CONFIG, LoadedWorkspace, agent_file, environment_file, pipeline_file
from docmill.spec.pipeline import Documents, Pipeline
from docmill.spec.suggest import remedy_for


def compile_pipeline(
    loaded: LoadedWorkspace, name: str, *, verify_expectations: bool = True
) -> CompiledPipeline:
    """The pipeline `name`, ready to be planned and run.

    `verify_expectations` asks Great Expectations about the declared expectations, which takes
    seconds the first time and is remembered in the state folder.

    Raises:
        SpecError: with every mistake of the files this pipeline is made of.
    """
    pipeline = _require(loaded, name)
    resolved, problems = _resolve(loaded, pipeline, verify_expectations=verify_expectations)
    if resolved is None or problems:
        raise SpecError(problems)
    agent = loaded.workspace.agents[pipeline.agent]
    environment = loaded.workspace.environments[pipeline.environment]
    note = network_note(environment, agent, pipeline)
    beginning = preamble(agent, pipeline.outcome, network=note)
    system = with_fields(beginning, resolved.shape.fields)
    session = session_digest(
        pipeline=pipeline,
        agent=agent,
        environment=environment,
        shape=resolved.shape,
        system=system,
    )
    return CompiledPipeline(
        root=loaded.root,
        pipeline=pipeline,
        agent=agent,
        environment=environment,
        fields=resolved.shape.fields,
        record_schema=resolved.shape.json_schema,
        system=system,
        session_digest=session,
        spec_digest=spec_digest(
            pipeline=pipeline,
            agent=agent,
            environment=environment,
            session=session,
            references={info.path: info.sha256 for info in resolved.references},
        ),
        references=resolved.references,
        preamble=beginning,
        base_digest=base_digest(
            pipeline=pipeline, agent=agent, environment=environment, preamble=beginning
        ),
    )


def check_workspace(
    loaded: LoadedWorkspace, *, verify_expectations: bool = True
) -> tuple[Problem, ...]:
    """Every mistake of the workspace: those found at loading and those only compiling shows."""
    problems = [*loaded.problems, *_config_problems(loaded)]
    for name, environment in loaded.workspace.environments.items():
        file = environment_file(name)
        problems += [loaded.locate(file, found) for found in environment_problems(environment)]
    for pipeline in loaded.workspace.pipelines.values():
        _, found = _resolve(loaded, pipeline, verify_expectations=verify_expectations)
        problems += found
    return tuple(sorted(dict.fromkeys(problems), key=_place))


class _Resolved(NamedTuple):
    shape: RecordShape
    standard: Standard

    @property
    def references(self) -> tuple[ReferenceInfo, ...]:
        return () if self.standard.table is None else (self.standard.table.info,)


class _Resolution(NamedTuple):
    resolved: _Resolved | None
    problems: list[Problem]


def _require(loaded: LoadedWorkspace, name: str) -> Pipeline:
    pipeline = loaded.workspace.pipelines.get(name)
    file = pipeline_file(name)
    if pipeline is not None:
        return pipeline
    problems = loaded.problems_in(file)
    if not problems:
        known = sorted(loaded.workspace.pipelines)
        remedy = remedy_for(name, known, empty="make one: docmill init")
        problem = Problem(file, 0, 0, "", f"there is no pipeline `{name}`", remedy)
        raise SpecError([problem], remedy=f"Name one that is there, or write {file}.")
    raise SpecError(problems)


def _resolve(
    loaded: LoadedWorkspace, pipeline: Pipeline, *, verify_expectations: bool
) -> _Resolution:
    """Everything a pipeline needs beyond its types, and every mistake on the way."""
    file, environment = pipeline_file(pipeline.name), environment_file(pipeline.environment)
    files = (CONFIG, file, agent_file(pipeline.agent), environment)
    problems = [*loaded.problems_in(*files), *_config_problems(loaded)]
    found = loaded.workspace.environments.get(pipeline.environment)
    if found is not None:
        problems += [loaded.locate(environment, each) for each in environment_problems(found)]
    own = [*_document_problems(pipeline.documents), *_scale_problems(pipeline)]
    if pipeline.schedule is not None:
        own += schedule_problems(pipeline.schedule)
    agent = loaded.workspace.agents.get(pipeline.agent)
    if found is not None and agent is not None:
        own += vault_problems(pipeline, found, agent)
    standard = read_standard(pipeline, loaded.root)
    own += standard.problems
    resolved: _Resolved | None = None
    try:
        shape = resolve_record(pipeline.record, loaded.root)
    except RecordSpecError as error:
        own += [p._replace(path=("record", *p.path)) for p in error.problems]
    else:
        own += check_problems(pipeline, shape.fields, standard)
        own += expectation_problems(
            pipeline, shape.fields, cache=loaded.cache_folder, verify=verify_expectations
        )
        resolved = _Resolved(shape, standard)
    problems += [loaded.locate(file, problem) for problem in own]
    return _Resolution(resolved, sorted(dict.fromkeys(problems), key=_place))


def _config_problems(loaded: LoadedWorkspace) -> Iterator[Problem]:
    prices = loaded.workspace.config.prices
    if prices is not None and not (loaded.root / prices).is_file():
        missing = KeyProblem(("prices",), f"`{prices}` is not there", "make it, or remove the key")
        yield loaded.locate(CONFIG, missing)


def _scale_problems(pipeline: Pipeline) -> Iterator[KeyProblem]:
    if pipeline.scale.shards and pipeline.mode == "batch":
        message = "the sessions of `mode: batch` wait together, in one process"
        yield KeyProblem(("scale", "shards"), message, "remove `scale`, or write `mode: live`")


def _document_problems(documents: Documents) -> Iterator[KeyProblem]:
    patterns = [(("documents", "glob"), documents.glob)]
    patterns += [(("documents", "exclude", i), p) for i, p in enumerate(documents.exclude)]
    for path, pattern in patterns:
        message = glob_problem(pattern)
        if message:
            yield KeyProblem(path, message, "write a pattern such as `**/*.pdf`")
    problem = size_problem(documents.max_size, ("documents", "max_size"))
    if problem is not None:
        yield problem
    name = documents.password_env
    if name is not None and not name.replace("_", "a").isalnum():
        path = ("documents", "password_env")
        yield KeyProblem(path, f"`{name}` is no name of an environment variable")


def _place(problem: Problem) -> tuple[str, int, int]:
    return (problem.file, problem.line, problem.column)

"""The kinds of deployments a pipeline has: which flow, when it runs by itself, what it is given.

`deployments` registers one of each kind that a pipeline wants, `PIPELINE/KIND`. A new kind is a
flow in a module of its own and a line in `KINDS`. Imports prefect.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from prefect import Flow
from prefect.utilities.callables import parameter_schema

from docmill.flow import deployed, sharding, watching
from docmill.spec.pipeline import Pipeline

DEFAULT = "default"
"""Kind of the deployment that runs the pipeline: `prefect deployment run 'spec-check/default'`."""


@dataclass(frozen=True, slots=True)
class Timing:
    """When a deployment runs by itself: by `cron`, or every so many seconds."""

    cron: str = ""
    timezone: str = "UTC"
    every_seconds: float = 0
    overlap: Literal["skip", "queue", "cancel"] = "skip"
    """When a run is due while the last one still works."""

    def __str__(self) -> str:
        return f"{self.cron} ({self.timezone})" if self.cron else f"every {self.every_seconds:g} s"


def _always(_: Pipeline) -> bool:
    return True


def _never(_: Pipeline) -> Timing | None:
    return None


def _nothing(_: Pipeline) -> Mapping[str, Any]:
    return {}


@dataclass(frozen=True, slots=True)
class Kind:
    """What the deployments of one kind have in common."""

    name: str
    flow: Flow[..., Any]
    """A function of a module; its keyword arguments are the form in Prefect's UI."""
    wanted: Callable[[Pipeline], bool] = _always
    """Whether a pipeline has this kind."""
    timing: Callable[[Pipeline], Timing | None] = _never
    parameters: Callable[[Pipeline], Mapping[str, Any]] = _nothing
    """Values that a run is given where whoever starts it says nothing."""
    hints: Callable[[Pipeline], Mapping[str, Any]] = _nothing
    """Parameter → what holds if it is left out; stands in the form."""

    @property
    def entrypoint(self) -> str:
        """The flow's module path, by which a worker finds it."""
        return f"{self.flow.fn.__module__}.{self.flow.fn.__name__}"

    def form(self, pipeline: Pipeline) -> dict[str, Any]:
        """The parameters as a JSON Schema, which Prefect's UI shows and its server enforces."""
        schema = parameter_schema(self.flow.fn).model_dump()
        hints = self.hints(pipeline)
        for name, entry in schema["properties"].items():
            _simplify(entry)
            title = name.replace("_", " ").replace("usd", "US dollars")
            entry["title"] = f"{title[0].upper()}{title[1:]}"
            if name in hints:
                text = f"{entry.get('description', '')} Left out: {hints[name]}."
                entry["description"] = text.strip()
        return schema


def _simplify(entry: dict[str, Any]) -> None:
    """A parameter that may be left out, without the choice between a value and `null`: Prefect's
    form shows its field at once."""
    choices = [each for each in entry.get("anyOf", ()) if each != {"type": "null"}]
    if len(choices) == 1 and entry.get("default", ...) is None:
        del entry["anyOf"], entry["default"]
        entry.update(choices[0])


def _run_hints(pipeline: Pipeline) -> Mapping[str, Any]:
    limits = pipeline.limits
    return {
        "documents": pipeline.documents.path,
        "model": f"that of the agent {pipeline.agent}",
        "concurrency": pipeline.concurrency or "two per processor",
        "usd_per_run": limits.usd_per_run or "no limit",
        "usd_per_document": limits.usd_per_document or "no limit",
        "turns": limits.turns,
        "minutes_per_run": limits.minutes_per_run or "no limit",
    }


def _scheduled(pipeline: Pipeline) -> Timing | None:
    schedule = pipeline.schedule
    if schedule is None:
        return None
    return Timing(cron=schedule.cron, timezone=schedule.timezone, overlap=schedule.overlap)


def _watches(pipeline: Pipeline) -> bool:
    return pipeline.watch is not None


def _looks(pipeline: Pipeline) -> Timing | None:
    watch = pipeline.watch
    return Timing(every_seconds=60 * watch.every_minutes) if watch and watch.every_minutes else None


def _shared_out(pipeline: Pipeline) -> bool:
    return pipeline.scale.shards > 0


KINDS: tuple[Kind, ...] = (
    Kind(DEFAULT, deployed.run_pipeline, timing=_scheduled, hints=_run_hints),
    Kind(sharding.KIND, sharding.run_shard, wanted=_shared_out),
    Kind(watching.KIND, watching.run_watch, wanted=_watches, timing=_looks),
)


def kinds_of(pipeline: Pipeline) -> tuple[Kind, ...]:
    """The kinds of deployments that a pipeline has."""
    return tuple(kind for kind in KINDS if kind.wanted(pipeline))

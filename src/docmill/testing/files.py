"""Scripts as JSON, for a server in a process of its own.

Neighbours: `policies` and `script` are what the JSON describes, `server` reads it.
"""

import json
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter

from docmill.base import Frozen
from docmill.testing.policies import ASIDES, LOOKS, SUBMIT, flaky, outage, reader, records
from docmill.testing.script import (
    Answer,
    Block,
    Failure,
    Policy,
    Reset,
    Steps,
    Unprocessed,
)

AnyStep = Annotated[Answer | Failure | Reset | Unprocessed, Field(discriminator="type")]


class Flaky(Frozen):
    """A share of the requests meets one of the steps first."""

    share: Annotated[float, Field(ge=0, le=1)]
    steps: Annotated[tuple[AnyStep, ...], Field(min_length=1)]


class Outage(Frozen):
    """Calls from `first` on meet a fault."""

    first: Annotated[int, Field(ge=1)]
    calls: Annotated[int, Field(ge=1)]
    step: AnyStep


class StepsScript(Frozen):
    """Steps in order, whoever asks."""

    kind: Literal["steps"]
    steps: tuple[AnyStep, ...]


class RecordsScript(Frozen):
    """`policies.records` and `policies.reader`."""

    kind: Literal["records", "reader"]
    records: dict[str, dict[str, Any] | tuple[dict[str, Any], ...]]
    marker: str = ""
    submit: str = SUBMIT
    turns: Annotated[int, Field(ge=1)] = 3
    """For `reader`: at which turn it hands in."""
    looks: tuple[tuple[Block, ...], ...] = LOOKS
    """For `reader`: what it calls before."""
    asides: dict[str, dict[str, Any]] = dict(ASIDES)
    flaky: Flaky | None = None
    outages: tuple[Outage, ...] = ()


Script = Annotated[StepsScript | RecordsScript, Field(discriminator="kind")]
SCRIPT: TypeAdapter[StepsScript | RecordsScript] = TypeAdapter(Script)


def load_script(path: Path) -> Policy:
    """The policy a file describes.

    Raises:
        ValueError: the file is no JSON or no script; the text names every mistake.
    """
    return make_policy(json.loads(path.read_text(encoding="utf-8")))


def make_policy(data: Any) -> Policy:
    """The policy that data describes.

    Raises:
        ValueError: the data is no script.
    """
    script = SCRIPT.validate_python(data)
    if isinstance(script, StepsScript):
        return Steps(script.steps)
    if script.kind == "records":
        policy = records(
            script.records, marker=script.marker, submit=script.submit, asides=script.asides
        )
    else:
        policy = reader(
            script.records,
            turns=script.turns,
            looks=script.looks,
            marker=script.marker,
            submit=script.submit,
            asides=script.asides,
        )
    if script.flaky is not None:
        policy = flaky(policy, script.flaky.steps, share=script.flaky.share)
    for trouble in script.outages:
        policy = outage(policy, trouble.step, first=trouble.first, calls=trouble.calls)
    return policy

"""The document key: what makes a session run anew, and what doesn't."""

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from pydantic import BaseModel

from docmill.compile.digest import (
    DECISIVE,
    IRRELEVANT,
    READERS,
    canonical,
    decisive,
    digest,
    model_source,
    model_version,
    session_digest,
)
from docmill.output.shape import RecordShape
from docmill.sandboxes.packages import CORE
from docmill.spec.agent import Agent
from docmill.spec.environment import Environment
from docmill.spec.fields import Field
from docmill.spec.pipeline import Pipeline
from docmill.spec.shape import models_of
from docmill.spec.workspace import WorkspaceConfig

SPECS = (Pipeline, Agent, Environment, WorkspaceConfig)


class Specs(NamedTuple):
    """Everything a session digest is made from."""

    pipeline: Pipeline
    agent: Agent
    environment: Environment


FULL = Specs(
    Pipeline.model_validate(
        {
            "name": "check",
            "documents": {"path": "in", "exclude": ["a"], "password_env": "PW"},
            "agent": "reader",
            "record": {
                "fields": {
                    "grade": {"enum": ["a"], "pattern": "a", "aliases": ["g"], "section": ["s"]},
                    "lines": {"type": "list", "fields": {"v": {"type": "quantity", "unit": "V"}}},
                }
            },
            "reference": {"path": "r.csv", "sheet": "s", "key": {"a": "b"}, "version": "1"},
            "checks": [
                {"type": "reference", "name": "n", "when": "a", "fields": ["a"]},
                {"type": "tolerance", "field": "a", "nominal": "1", "tolerance": "1"},
                {"type": "expression", "expression": "a"},
                {"type": "unique", "fields": ["a"]},
                {"type": "consistent", "field": "a", "per": ["b"]},
            ],
            "expectations": [{"type": "e", "kwargs": {"a": 1}}],
            "outcome": {"description": "d", "rubric": "r"},
            "limits": {"usd_per_document": 1, "usd_per_run": 1, "minutes_per_run": 1},
            "failure_threshold": {"count": 1, "share": 0.1},
            "schedule": {"cron": "0 0 * * *"},
            "watch": "in",
            "concurrency": 2,
            "vault": {"a": {"env": "A", "hosts": ["a.example"]}},
        }
    ),
    Agent.model_validate(
        {
            "name": "reader",
            "model": {"id": "rules", "effort": "low", "speed": "fast"},
            "tools": [
                {
                    "type": "agent_toolset_20260401",
                    "configs": [{"name": "bash", "permission_policy": {"type": "always_ask"}}],
                },
                {"type": "custom", "name": "t", "description": "d", "input_schema": {"a": 1}},
                {
                    "type": "mcp_toolset",
                    "mcp_server_name": "m",
                    "configs": [{"name": "t", "permission_policy": {"type": "always_allow"}}],
                },
            ],
            "mcp_servers": [
                {"type": "url", "name": "m", "url": "u"},
                {"type": "stdio", "name": "p", "command": ["c"], "env": {"A": "b"}},
            ],
            "skills": [{"a": 1}],
            "multiagent": {"a": 1},
            "metadata": {"a": "b"},
        }
    ),
    Environment.model_validate({"name": "default", "packages": ["pandas"]}),
)


def key(specs: Specs) -> str:
    """Session digest with an empty prompt and schema, so that the fields alone decide."""
    pipeline, agent, environment = specs
    shape = RecordShape(dict(pipeline.record.fields or {}), {})
    return session_digest(
        pipeline=pipeline, agent=agent, environment=environment, shape=shape, system=""
    )


def other(value: Any) -> Any:
    """A different value of the same kind, valid or not."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, (int, float, Decimal)):
        return value + 1
    if isinstance(value, str) or value is None:
        return f"{value}x"
    if isinstance(value, dict):
        return {**value, "x": "x"}  # pyright: ignore[reportUnknownVariableType]
    if isinstance(value, tuple):
        return (*value, "x")  # pyright: ignore[reportUnknownVariableType]
    return "x"


class Variant(NamedTuple):
    """A spec object with one field of one class changed."""

    changed: str
    value: Any


def variants(value: Any) -> Iterator[Variant]:
    """All objects that differ from `value` in one field, at any depth."""
    if isinstance(value, BaseModel):
        for name in type(value).model_fields:
            inner = getattr(value, name)
            yield Variant(
                f"{type(value).__name__}.{name}", value.model_copy(update={name: other(inner)})
            )
            for changed, new in variants(inner):
                yield Variant(changed, value.model_copy(update={name: new}))
    elif isinstance(value, dict):
        for name, inner in value.items():  # pyright: ignore[reportUnknownVariableType]
            for changed, new in variants(inner):
                yield Variant(changed, {**value, name: new})
    elif isinstance(value, tuple):
        for index, inner in enumerate(value):  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
            for changed, new in variants(inner):
                yield Variant(changed, (*value[:index], new, *value[index + 1 :]))


def all_variants() -> Iterator[tuple[str, Specs]]:
    for name in Specs._fields:
        for changed, value in variants(getattr(FULL, name)):
            yield changed, FULL._replace(**{name: value})


def classes() -> set[type[BaseModel]]:
    """Every class a spec can hold, found by walking the annotations."""
    found: set[type[BaseModel]] = set()
    waiting = [*SPECS]
    while waiting:
        model = waiting.pop()
        if model not in found:
            found.add(model)
            for info in model.model_fields.values():
                waiting += [m for m in models_of(info.annotation) if m not in found]
    return found


def test_every_field_of_every_spec_is_decided() -> None:
    """A new field must be put into the key or be named as irrelevant, with its reason."""
    for model in classes():
        name = model.__name__
        wanted, ignored = DECISIVE.get(name, frozenset()), IRRELEVANT.get(name, frozenset())
        assert set(model.model_fields) == wanted | ignored, name
        assert not wanted & ignored, name


def test_the_tables_name_nothing_that_is_gone() -> None:
    """Classes that no longer exist leave the tables."""
    assert {model.__name__ for model in classes()} == set(DECISIVE) | set(IRRELEVANT)


def test_decisive_fields_change_the_key_and_irrelevant_ones_do_not() -> None:
    """Proven field by field: each is changed alone, at every place it stands."""
    before = key(FULL)
    by_content = {
        # only what these name counts: the agent's and environment's files
        "Pipeline.agent",
        "Pipeline.environment",
        # decided by what it holds; replaced as a whole it can't be compared here
        "Pipeline.record",
        "Pipeline.documents",
    }
    for changed, specs in all_variants():
        name, _, field = changed.partition(".")
        if changed not in by_content:
            assert (key(specs) != before) == (field in DECISIVE.get(name, ())), changed


def test_the_variants_reach_every_decisive_field() -> None:
    """The test above would prove nothing about a field it doesn't reach."""
    reached = {changed for changed, _ in all_variants()}
    decided = {f"{name}.{field}" for name, fields in DECISIVE.items() for field in fields}
    out_of_reach = {"UnrestrictedNetworking.type"}  # a sandbox is limited or unrestricted
    assert decided - reached == out_of_reach


def test_an_undecided_field_cannot_be_digested() -> None:
    """Not even by accident in a release: the field is named."""

    class Stranger(BaseModel):
        colour: str = "red"

    with pytest.raises(KeyError, match="Stranger: colour"):
        decisive(Stranger())


def test_prompt_schema_and_order_of_fields_are_in_the_key() -> None:
    """What the model is told and in which order the record is asked."""
    pipeline, agent, environment = FULL
    fields = {"a": Field(), "b": Field()}

    def of(shape: RecordShape, system: str = "") -> str:
        return session_digest(
            pipeline=pipeline, agent=agent, environment=environment, shape=shape, system=system
        )

    base = RecordShape(fields, {})
    turned = RecordShape(dict(reversed(fields.items())), {})
    with_schema = RecordShape(fields, {"type": "object"})
    keys = {of(base), of(base, "Read."), of(turned), of(with_schema)}
    assert len(keys) == 4


def test_canonical_json_is_one_text_per_meaning() -> None:
    """Order of keys and spaces don't matter; not-a-number has no place in a key."""
    assert canonical({"b": 1, "a": "é"}) == '{"a":"é","b":1}'
    assert digest({"a": 1, "b": 2}) == digest({"b": 2, "a": 1})
    with pytest.raises(ValueError, match="not JSON compliant"):
        digest(float("nan"))


def test_the_embedded_model_is_named_by_its_code() -> None:
    """An update of the rules reads documents anew, at no cost; other models have their id."""
    assert len(model_version("rules")) == 64
    assert model_version("claude-x") == ""


def test_an_upgraded_reader_reads_documents_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """Other versions find other words in a PDF; the packages are those the toolbox needs."""
    pipeline, agent, environment = FULL
    assert set(READERS) <= set(CORE)

    def now() -> str:
        return session_digest(
            pipeline=pipeline,
            agent=agent,
            environment=environment,
            shape=RecordShape({}, {}),
            system="",
        )

    before = now()
    assert now() == before
    monkeypatch.setattr("docmill.compile.digest.reader_versions", lambda: {"pypdf": "99"})
    assert now() != before


def test_the_users_own_model_is_in_the_key_by_its_source() -> None:
    """Its validators decide what a valid record is."""

    class Own(BaseModel):
        a: int

    source = model_source(RecordShape({}, {}, Own))
    assert source
    assert model_source(RecordShape({}, {})) == ""
    assert Path(__file__).is_file()

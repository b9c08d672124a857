"""Whatever stands in a spec file, its mistakes are plain sentences at places of the file."""

import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from docmill.spec import shape
from docmill.spec.agent import Agent
from docmill.spec.environment import SHORT_FORM, Environment
from docmill.spec.pipeline import Pipeline
from docmill.spec.translate import validate
from docmill.spec.workspace import WorkspaceConfig

MODELS: list[type[BaseModel]] = [Pipeline, Agent, Environment, WorkspaceConfig]
JARGON = re.compile(r"Input should|Field required|pydantic|NoneType|discriminator|another kind")


def keys_and_words() -> tuple[list[str], list[str]]:
    """All keys and fixed words of all spec classes."""
    keys, words, waiting = set(SHORT_FORM), {"", "x", "20 %", "a b", "é"}, list(MODELS)
    seen: set[type[BaseModel]] = set()
    while waiting:
        model = waiting.pop()
        if model in seen:
            continue
        seen.add(model)
        for name, info in model.model_fields.items():
            keys.add(name)
            words.update(shape.known_words(info.annotation), shape.tags(model))
            waiting += shape.models_of(info.annotation)
    return sorted(keys), sorted(words)


KEYS, WORDS = keys_and_words()
SCALARS = (
    st.none() | st.booleans() | st.integers(-5, 5000) | st.floats(-1, 1) | st.sampled_from(WORDS)
)
DATA: st.SearchStrategy[Any] = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=5)
    ),
    max_leaves=25,
)


@st.composite
def fitting(draw: st.DrawFn, annotation: Any, depth: int = 0) -> Any:
    """Data that mostly fits a class, with something else thrown in here and there."""
    if depth > 4 or draw(st.integers(0, 11)) == 0:
        return draw(DATA)
    annotation = shape.plain(annotation)
    members = shape.union_members(annotation)
    if len(members) > 1:
        return draw(fitting(draw(st.sampled_from(members)), depth + 1))
    if shape.is_model(annotation):
        names = draw(st.sets(st.sampled_from(sorted(annotation.model_fields))))
        fields = {n: draw(fitting(shape.step(annotation, n), depth + 1)) for n in names}
        return {**fields, "type": draw(st.sampled_from(shape.tags(annotation) or ("x",)))}
    if words := shape.known_words(annotation):
        return draw(st.sampled_from(words))
    inner = shape.step(annotation, 0)
    if inner is not None:
        one = draw(fitting(inner, depth + 1))
        return [one] if shape.describe(annotation) == "a list" else {"a": one}
    return draw(SCALARS)


@pytest.mark.parametrize("model", MODELS)
@settings(max_examples=50)
@given(data=st.data())
def test_no_data_crashes_validation(model: type[BaseModel], data: st.DataObject) -> None:
    """A model or problems, never an exception; every problem speaks plainly."""
    value = data.draw(DATA | fitting(model))
    checked = validate(model, value, {})
    assert (checked.model is None) == bool(checked.problems)
    for finding in checked.problems:
        text = finding.problem.message + finding.problem.remedy
        assert not JARGON.search(text), text


@pytest.mark.parametrize(
    ("key", "value", "message", "remedy"),
    [
        ("turns", "3", "must be a whole number, but is the text `3`", "remove the quotes"),
        ("turns", 2.5, "must be a whole number, but is the number 2.5", ""),
        ("turns", 0, "must be at least 1, but is the number 0", ""),
        ("turns", 1001, "must be at most 1000, but is the number 1001", ""),
        ("turns", [1], "must be a whole number, but is a list", ""),
        ("turns", {"a": 1}, "must be a whole number, but is a mapping", ""),
        ("minutes", True, "must be a number, but is true", ""),
        ("usd_per_run", "1.5", "must be a number, but is the text `1.5`", "remove the quotes"),
    ],
)
def test_wrong_kinds_are_told_in_plain_words(
    key: str, value: object, message: str, remedy: str
) -> None:
    """What is wanted, what stands there, and the edit that mends it."""
    data: dict[str, Any] = {
        "name": "a",
        "documents": "in",
        "agent": "a",
        "record": {"fields": {"a": {}}},
        "limits": {key: value},
    }
    (finding,) = validate(Pipeline, data, {}).problems
    assert finding.problem == (("limits", key), message, remedy)


def test_what_the_author_wrote_is_quoted() -> None:
    """`1.10` was read as 1.1; the message shows it as written."""
    raw: dict[shape.KeyPath, str | None] = {("name",): "1.10"}
    (finding,) = validate(Agent, {"name": 1.1}, raw).problems
    assert finding.problem.message == "must be text, but is the number 1.10"
    assert finding.problem.remedy == 'write it in quotes: "1.10"'


def test_a_long_text_is_shortened_in_the_message() -> None:
    """A pasted page of text doesn't fill the terminal."""
    (finding,) = validate(Agent, {"name": "a", "tools": "x" * 500}, {}).problems
    assert len(finding.problem.message) < 120

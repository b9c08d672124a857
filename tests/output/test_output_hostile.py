"""Hostile records are refused cheaply and cleanly, whatever their size, depth or characters."""

import time
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docmill.output.claims import show
from docmill.output.submitted import read_submission
from docmill.spec.fields import Field

if TYPE_CHECKING:
    from tests.output.conftest import Checker

FIELDS: dict[str, Any] = {
    "total": {"type": "number", "required": False},
    "name": {"required": False},
    "lines": {
        "type": "list",
        "required": False,
        "fields": {
            "amount": {"type": "number", "required": False},
            "parts": {"type": "list", "required": False, "fields": {"n": {"required": False}}},
        },
    },
}
PARSED = {name: Field.model_validate(field) for name, field in FIELDS.items()}


def deep(levels: int) -> list[Any]:
    nest: list[Any] = []
    for _ in range(levels):
        nest = [nest]
    return nest


def claim(value: object, **more: Any) -> dict[str, Any]:
    return {"value": value, "page": 1, "quote": "x", **more}


@pytest.mark.parametrize(
    ("record", "code"),
    [
        ({"lines": [{"amount": None}] * 100_000}, "too_many_rows"),
        ({"lines": [{"parts": [{"n": None}] * 2000}] * 2000}, "too_many_values"),
        ({"lines": [deep(1)] * 2000}, "wrong_type"),
        ({"name": claim("x" * 1_000_000)}, "too_long"),
        ({"name": claim("x", quote="x" * 1_000_000)}, "too_long"),
        ({"name": claim("x", label="x" * 1_000_000)}, "too_long"),
        ({"name": claim("x", unit="x" * 1_000_000)}, "too_long"),
        ({"name": claim("x", note="x" * 1_000_000)}, "unknown_key"),
        ({"x" * 1_000_000: None}, "unknown_field"),
        ({"\ud800": None}, "unknown_field"),
        ({"name": claim("x", **{"\ud800": 1})}, "unknown_key"),
        ({f"f{n}": None for n in range(100_000)}, "unknown_field"),
        ({"name": deep(100_000)}, "wrong_type"),
        ({"name": claim(deep(100_000))}, "wrong_type"),
        ({"total": claim(float("inf"))}, "wrong_type"),
        ({"total": claim(10**100_000)}, "number_size"),
        ({"total": claim("9" * 1_000_000)}, "wrong_type"),
        ({"total": claim("1e-999")}, "number_size"),
        ({"total": claim("１２")}, "wrong_type"),
        ({"total": claim("٣")}, "wrong_type"),
        ({"total": claim(1, page=10**30)}, "page_not_found"),
        ({"total": claim(1, page=1.5)}, "bad_claim"),
        ({"total": claim(1, page=float("nan"))}, "bad_claim"),
        ({"total": {"candidates": [claim(1)] * 100_000}}, "bad_candidates"),
        ({"total": {"candidates": deep(1000)}}, "bad_candidates"),
        ({"name": claim("\x00\x1b\u202e", quote="\x00")}, "empty"),
        ({"name": claim("\ud800")}, "text_not_in_quote"),
    ],
)  # fmt: skip
async def test_hostile_records_are_refused_in_no_time(
    checker: "Checker", record: dict[str, Any], code: str
) -> None:
    """Refused with a short error, in a moment, without an exception."""
    checker.show("x")
    begin = time.process_time()
    outcome = await checker.check(record, FIELDS)
    assert time.process_time() - begin < 2
    assert outcome.errors[0].code == code
    assert sum(len(error.message) for error in outcome.errors) < 20_000
    assert len(outcome.errors) <= 41


async def test_many_errors_end_with_a_word_that_there_are_more(checker: "Checker") -> None:
    """The model's context isn't filled with two thousand errors of the same kind."""
    checker.show("x")
    formal = await checker.check({"lines": [5] * 2000}, FIELDS)
    unproven = await checker.check({"lines": [{"amount": claim(1)}] * 2000}, FIELDS)
    for outcome in (formal, unproven):
        assert len(outcome.errors) == 41
        assert outcome.errors[-1].code == "more_errors"
    assert unproven.record is not None
    assert len(unproven.record.values) == 2002


async def test_values_carry_no_control_characters(checker: "Checker") -> None:
    """What gets into the record has been normalised: no escapes, no direction marks."""
    checked = await checker.value("safe\u202e name\x1b", {}, "safe \u202ename\x1b", "safe name")
    assert checked.reading is not None
    assert checked.reading.value == "safe name"


async def test_what_cannot_be_stored_never_gets_into_a_record(checker: "Checker") -> None:
    """Lone surrogates and controls of JSON escapes are replaced, in values and in quotes."""
    checked = await checker.value("x", {}, "a\ud800", "b\x07")
    assert checked.reading is not None
    assert checked.reading.value == "a\ufffd"
    assert checked.reading.evidence is not None
    assert checked.reading.evidence.quote == "b"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                ["total", "name", "lines", "value", "page", "quote", "candidates", "unit"]
            )
            | st.text(max_size=5),
            inner,
            max_size=5,
        )
    ),
    max_leaves=20,
)


@given(JSON)
def test_any_json_is_read_or_refused(record: object) -> None:
    """No shape of JSON raises; every error is one line of bounded length."""
    submission = read_submission(record, PARSED)
    for error in submission.errors:
        assert "\n" not in error.message
        assert len(error.message) < 400


@given(st.text() | st.integers() | st.floats() | st.none())
def test_a_shown_value_is_short_and_on_one_line(value: object) -> None:
    """Submitted text is quoted in errors, never longer than a line and never with controls."""
    shown = show(value)
    assert len(shown) <= 63
    assert all(char.isprintable() or ord(char) > 127 for char in shown)

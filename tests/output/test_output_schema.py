"""The schema of `submit_record`: what language models follow and the rules model works from."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from docmill.output.schema import describe, record_schema, without_annotations
from docmill.output.submitted import read_submission
from docmill.spec.fields import Field

FIELDS = {
    name: Field.model_validate(field)
    for name, field in {
        "voltage": {"type": "quantity", "unit": "V", "aliases": ["U_B"], "pick": "max"},
        "serial": {"type": "id", "required": False, "pattern": "[A-Z]+"},
        "result": {"enum": {"passed": ["pass"]}, "section": "Test", "description": "Verdict."},
        "lines": {"type": "list", "fields": {"amount": {"type": "number"}}},
    }.items()
}


def test_a_leaf_is_a_claim_rivals_or_null() -> None:
    """Definitions stand once per type, however many fields use them."""
    schema = record_schema(FIELDS)
    assert schema["properties"]["voltage"]["anyOf"] == [
        {"$ref": "#/$defs/quantity"},
        {"$ref": "#/$defs/quantity_ambiguous"},
        {"type": "null"},
    ]
    assert sorted(schema["$defs"]) == sorted(
        f"{kind}{tail}"
        for kind in ("id", "number", "quantity", "text")
        for tail in ("", "_ambiguous")
    )
    assert schema["required"] == ["voltage", "result", "lines"]
    assert schema["properties"]["lines"]["items"]["required"] == ["amount"]


def test_annotations_give_the_field_back() -> None:
    """The rules model works from `x-docmill` alone."""
    properties = record_schema(FIELDS)["properties"]
    for name, field in FIELDS.items():
        assert Field.model_validate(properties[name]["x-docmill"]) == field


def test_a_field_is_described_in_one_line() -> None:
    """What it is, its form, its names, where it stands, what is allowed."""
    assert describe(FIELDS["voltage"]) == "number with unit in V; labelled U_B; the max column"
    assert describe(FIELDS["serial"]) == "identifier as printed; matches [A-Z]+"
    assert describe(FIELDS["result"]) == "Verdict.; under the heading Test; one of passed"


def test_equal_fields_give_equal_bytes() -> None:
    """The schema is part of the document key."""
    again = {name: Field.model_validate(field.model_dump()) for name, field in FIELDS.items()}
    assert json.dumps(record_schema(FIELDS)) == json.dumps(record_schema(again))


def test_language_models_need_no_annotations() -> None:
    """Without them the schema is a good deal shorter and otherwise the same."""
    schema = record_schema(FIELDS)
    plain = without_annotations(schema)
    assert "x-docmill" not in json.dumps(plain)
    assert plain["$defs"] == schema["$defs"]
    assert len(json.dumps(plain)) < len(json.dumps(schema))


def test_fifty_fields_stay_small() -> None:
    """A schema is sent with every request: about 60 tokens per field and no more."""
    many = {f"field_{n}": Field(type="quantity", unit="V", aliases=("U",)) for n in range(50)}
    assert len(json.dumps(without_annotations(record_schema(many)))) / 4 < 50 * 60


KINDS = st.sampled_from(["text", "id", "integer", "number", "quantity", "range", "date", "boolean"])
NAMES = st.from_regex(r"[a-z][a-z0-9_]{0,10}", fullmatch=True)


@given(st.dictionaries(NAMES, KINDS, min_size=1, max_size=8))
def test_nulls_fit_every_schema(kinds: dict[str, Any]) -> None:
    """An empty document is a valid record of missing values."""
    fields = {name: Field(type=kind) for name, kind in kinds.items()}
    submission = read_submission(dict.fromkeys(fields), fields)
    assert submission.errors == []
    assert [leaf.path for leaf in submission.leaves] == list(fields)
    assert list(record_schema(fields)["properties"]) == list(fields)

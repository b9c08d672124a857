"""`resolve_record`: fields from YAML, a JSON Schema or a pydantic model, every mistake at once."""

import json
import sys
from decimal import Decimal
from pathlib import Path

import pytest

from docmill.errors import KeyProblem
from docmill.output.fields import resolve_record
from docmill.output.shape import RecordShape, RecordSpecError
from docmill.spec.fields import RecordSpec

MODEL = """
from datetime import date
from decimal import Decimal
from enum import Enum
from typing import Literal
from pydantic import BaseModel, Field
from helper import LABEL

class Grade(Enum):
    fine = "fine"
    coarse = "coarse"

class Line(BaseModel):
    amount: Decimal = Field(ge=0, json_schema_extra={"x-unit": "EUR"})

class Report(BaseModel):
    serial: str = Field(title=LABEL, json_schema_extra={"x-type": "id", "x-aliases": ["S/N"]})
    day: date | None = None
    grade: Grade
    kind: Literal["a", "b"]
    voltage: float | None = Field(None, json_schema_extra={"x-unit": "V"})
    lines: list[Line] = []
"""


def problems(spec: RecordSpec, root: Path) -> tuple[KeyProblem, ...]:
    with pytest.raises(RecordSpecError) as caught:
        resolve_record(spec, root)
    return caught.value.problems


def from_schema(root: Path, schema: object) -> RecordShape:
    (root / "record.json").write_text(json.dumps(schema))
    return resolve_record(RecordSpec(json_schema="record.json"), root)


def test_fields_are_taken_as_they_are(tmp_path: Path) -> None:
    """Order and content of `fields` are the record's; the schema comes with them."""
    spec = RecordSpec.model_validate({"fields": {"b": {}, "a": {"type": "integer"}}})
    shape = resolve_record(spec, tmp_path)
    assert list(shape.fields) == ["b", "a"]
    assert list(shape.json_schema["properties"]) == ["b", "a"]


def test_mistakes_in_fields_are_found_together(tmp_path: Path) -> None:
    """Each with its place, so that the file, line and column can be named."""
    spec = RecordSpec.model_validate(
        {
            "fields": {
                "a": {"pattern": "(unclosed"},
                "b": {"pattern": "(?=ahead)x"},
                "c": {"enum": {"yes": ["OK"], "no": ["ok"]}},
                "d": {"type": "list", "fields": {}},
                "e": {"type": "list", "fields": {"x": {"enum": []}}},
                "f": {"type": "quantity", "unit": "furlong"},
            }
        }
    )
    assert [problem.path for problem in problems(spec, tmp_path)] == [
        ("fields", "a", "pattern"),
        ("fields", "b", "pattern"),
        ("fields", "c", "enum", "no"),
        ("fields", "d", "fields"),
        ("fields", "e", "fields", "x", "enum"),
        ("fields", "f", "unit"),
    ]


def test_a_json_schema_gives_fields_and_bounds(tmp_path: Path) -> None:
    """Types, units, labels, null, references, nested rows and bounds are all understood."""
    shape = from_schema(
        tmp_path,
        {
            "type": "object",
            "required": ["serial", "maybe"],
            "properties": {
                "serial": {"type": "string", "title": "Serial no.", "pattern": "^[A-Z]+$"},
                "loose": {"type": "string", "pattern": "x"},
                "maybe": {"type": ["number", "null"], "x-unit": "V", "minimum": 0},
                "day": {"type": "string", "format": "date"},
                "kind": {"const": "report"},
                "span": {"type": "object", "properties": {"min": {"type": "number"}}},
                "rows": {"type": "array", "maxItems": 5, "items": {"$ref": "#/$defs/row"}},
            },
            "$defs": {"row": {"properties": {"n": {"allOf": [{"type": "integer"}]}}}},
        },
    )
    fields = shape.fields
    rows = fields["rows"].fields
    assert [field.type for field in fields.values()] == [
        *("text", "text", "quantity", "date", "text", "range", "list"),
    ]
    assert [fields[name].required for name in ("serial", "maybe", "day")] == [True, False, False]
    assert (fields["serial"].aliases, fields["serial"].pattern) == (("Serial no.",), "[A-Z]+")
    assert "x" in (fields["loose"].pattern or "")
    assert rows is not None
    assert rows["n"].type == "integer"
    assert shape.bounds["maybe"].minimum == Decimal(0)
    assert shape.bounds["rows"].max_items == 5


@pytest.mark.parametrize(
    ("node", "message"),
    [
        ({"type": "object", "properties": {"a": {"type": "string"}}}, "an object inside"),
        ({"type": "array", "items": {"type": "string"}}, "rows of an array have to be objects"),
        ({"type": "string", "format": "email"}, "format 'email' isn't supported"),
        ({"type": "number", "multipleOf": 5}, "`multipleOf` isn't supported"),
        ({"type": "number", "enum": [1, 2]}, "`enum` of type `number` isn't supported"),
        ({"enum": [1, 2]}, "`enum` has to be a list of strings"),
        ({"anyOf": [{"type": "string"}, {"type": "boolean"}]}, "alternatives aren't supported"),
        ({"$ref": "#/$defs/none"}, "leads nowhere"),
        ({"$ref": "https://example.org/x"}, "leads nowhere"),
        ({"$ref": "#/$defs/loop"}, "references go in a circle"),
        ({"type": "null"}, "type 'null' isn't supported"),
        ({"type": ["string", "boolean"]}, "isn't supported"),
        ({"type": "string", "x-unit": "V"}, "`unit` has no meaning for type `text`"),
        ({"type": "number", "minimum": "0"}, "`minimum` has to be a number"),
        ({"type": "string", "pattern": "(("}, "is no regular expression"),
        ("string", "a schema has to be an object"),
    ],
)
def test_what_a_schema_asks_and_docmill_cannot_is_said(
    tmp_path: Path, node: object, message: str
) -> None:
    """Nothing of a schema is silently ignored."""
    loop = {"loop": {"$ref": "#/$defs/loop"}}
    schema = {"type": "object", "properties": {"it": node}, "$defs": loop}
    with pytest.raises(RecordSpecError) as caught:
        from_schema(tmp_path, schema)
    said = " ".join(problem.message for problem in caught.value.problems)
    assert message in said
    assert "it" in said
    assert {problem.path for problem in caught.value.problems} == {("json_schema",)}


def test_lists_of_lists_end_somewhere(tmp_path: Path) -> None:
    """A schema that contains itself is refused, not followed."""
    more = {"type": "array", "items": {"$ref": "#/$defs/a"}}
    node = {"properties": {"more": more}}
    with pytest.raises(RecordSpecError, match="nested more than"):
        from_schema(tmp_path, {"$ref": "#/$defs/a", "$defs": {"a": node}})


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "record.json`:1:2: no JSON"),
        ("[" * 100_000, "is no JSON Schema"),
        ("\udcff", "is no JSON Schema"),
        ("[]", "a schema has to be an object"),
        ("{}", "objects with `properties`"),
        ('{"properties": {"bad-name": {"type": "string"}}}', "can't be a field's name"),
        (" " * 1_000_001, "is larger than"),
        (None, "can't be read: No such file"),
    ],
)
def test_a_schema_file_that_is_none_is_a_problem(
    tmp_path: Path, content: str | None, message: str
) -> None:
    """Missing, huge, broken or not JSON: the problem says which."""
    if content is not None:
        (tmp_path / "record.json").write_bytes(content.encode(errors="surrogateescape"))
    found = problems(RecordSpec(json_schema="record.json"), tmp_path)
    assert message in found[0].message


def test_a_schema_outside_of_the_workspace_is_not_read(tmp_path: Path) -> None:
    """A workspace is complete: what it needs lies in it."""
    (tmp_path / "inside").mkdir()
    (tmp_path / "record.json").write_text("{}")
    found = problems(RecordSpec(json_schema="../record.json"), tmp_path / "inside")
    assert "outside the workspace" in found[0].message


def test_a_pydantic_model_of_the_workspace_gives_the_fields(tmp_path: Path) -> None:
    """Units and names come from `json_schema_extra`, and the import leaves no trace."""
    (tmp_path / "models.py").write_text(MODEL)
    (tmp_path / "helper.py").write_text("LABEL = 'Serial number'")
    shape = resolve_record(RecordSpec(python="models:Report"), tmp_path)
    fields = shape.fields
    assert [field.type for field in fields.values()] == [
        *("id", "date", "text", "text", "quantity", "list"),
    ]
    assert fields["serial"].aliases == ("Serial number", "S/N")
    assert fields["grade"].enum == {"fine": (), "coarse": ()}
    assert shape.model is not None
    assert shape.model.__name__ == "Report"
    assert "models" not in sys.modules
    assert str(tmp_path) not in sys.path
    assert not (tmp_path / "__pycache__").exists()


def test_two_workspaces_may_have_a_module_of_the_same_name(tmp_path: Path) -> None:
    """Each gets its own model, in one process."""
    names: list[list[str]] = []
    for name in ("first", "second"):
        root = tmp_path / name
        root.mkdir()
        text = f"from pydantic import BaseModel\nclass M(BaseModel):\n    {name}: str"
        (root / "models.py").write_text(text)
        names.append(list(resolve_record(RecordSpec(python="models:M"), root).fields))
    assert names == [["first"], ["second"]]


@pytest.mark.parametrize(
    ("reference", "content", "message"),
    [
        ("models.M", "", "isn't of the form `module:Model`"),
        ("models:M", "", "AttributeError"),
        ("nowhere:M", "", "ModuleNotFoundError"),
        ("models:M", "def broken(", "SyntaxError"),
        ("models:M", "1 / 0", "ZeroDivisionError"),
        ("models:M", "M = 5", "is no pydantic model"),
        ("models:M", "class M: pass", "is no pydantic model"),
        (
            "models:M",
            "import pydantic, typing\nclass M(pydantic.BaseModel):\n    f: typing.Callable",
            "`models:M`: Cannot generate",
        ),
    ],
)
def test_a_model_that_cannot_be_had_is_a_problem(
    tmp_path: Path, reference: str, content: str, message: str
) -> None:
    """The user's mistake is told as theirs, with what Python said."""
    (tmp_path / "models.py").write_text(content)
    found = problems(RecordSpec(python=reference), tmp_path)
    assert found[0].path == ("python",)
    assert message in found[0].message

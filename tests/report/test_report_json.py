"""report.json: the whole run as data, by a published schema."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest

from docmill.records.values import Range
from docmill.report import Report, schema_text

if TYPE_CHECKING:
    from tests.report.conftest import Workshop

validator: Any = jsonschema.Draft202012Validator
SCHEMA = Path(__file__).parents[2] / "docs" / "report.schema.json"


def test_the_published_schema_is_the_one_of_the_classes() -> None:
    """`docmill.report.schema_text()` writes it; nobody edits it by hand."""
    assert SCHEMA.read_text() == schema_text()


def test_a_report_obeys_its_schema(workshop: "Workshop") -> None:
    """Also with hostile documents and every kind of value."""
    kinds = [True, Range(), "text", None]
    values = [
        workshop.value(f"f{n}").model_copy(update={"reading": workshop.reading(kind)})
        for n, kind in enumerate(kinds)
    ]
    several = workshop.document("d.pdf", "ok", *values)
    files = workshop.write(*workshop.batch(), several, workshop.hostile(), formats=("json",))
    assert files.json is not None
    data: Any = json.loads(files.json.read_text())
    validator(json.loads(schema_text())).validate(data)


def test_a_report_reads_back_as_the_run_it_was_made_from(workshop: "Workshop") -> None:
    """Digits, dates and texts that look like numbers come back as what they were."""
    files = workshop.write(*workshop.batch(), formats=("json",), title="Spec check")
    assert files.json is not None
    report = Report.model_validate_json(files.json.read_bytes())
    assert list(report.documents) == workshop.batch()
    assert report.run == workshop.info()
    assert report.summary == files.summary
    assert report.title == "Spec check"


@pytest.mark.parametrize("found", [{"number": 5.1}, {"when": "now"}])
def test_the_schema_refuses_a_value_of_no_known_kind(found: object) -> None:
    """A number without its digits as text would be a binary float."""
    schema: Any = json.loads(schema_text())
    part = {**schema["$defs"]["Reading"]["properties"]["value"], "$defs": schema["$defs"]}
    with pytest.raises(jsonschema.ValidationError):
        validator(part).validate(found)

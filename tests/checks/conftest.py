"""Small records for tests of checks: a text such as `5.31 V` becomes a proven value."""

from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal
from typing import Any, cast

import pytest

from docmill.records.checked import CheckedRecord, CheckedValue, Reading
from docmill.records.results import DocumentInfo, Verdict
from docmill.records.values import Range
from docmill.spec.fields import Field
from docmill.spec.pipeline import Pipeline

MakeRecord = Callable[..., CheckedRecord]
MakePipeline = Callable[..., Pipeline]

FIELDS: dict[str, Any] = {
    "number": {"type": "id", "aliases": ["Invoice no"]},
    "product": {"type": "text"},
    "grade": {"enum": {"S235JR": [], "S355J2": []}, "aliases": ["steel grade"]},
    "voltage": {"type": "quantity", "unit": "V", "aliases": ["output voltage"]},
    "ambient": {"type": "quantity", "unit": "°C"},
    "operating": {"type": "range", "unit": "°C"},
    "thickness": {"type": "quantity", "unit": "mm"},
    "yield_strength": {"type": "quantity", "unit": "MPa"},
    "net": {"type": "quantity", "unit": "EUR"},
    "tax_rate": {"type": "quantity", "unit": "%"},
    "total": {"type": "quantity", "unit": "EUR"},
    "weight": {"type": "quantity"},
    "pieces": {"type": "integer"},
    "passed": {"type": "boolean"},
    "issued": {"type": "date"},
    "due": {"type": "date"},
    "lines": {
        "type": "list",
        "fields": {
            "quantity": {"type": "number"},
            "price": {"type": "quantity", "unit": "EUR"},
            "amount": {"type": "quantity", "unit": "EUR"},
        },
    },
    "heats": {
        "type": "list",
        "fields": {
            "heat": {"type": "id"},
            "c": {"type": "quantity", "unit": "%"},
            "sample": {"type": "range", "unit": "mm"},
        },
    },
}


@pytest.fixture
def fields() -> dict[str, Field]:
    """Fields of an invented record that has one of everything."""
    return {name: Field.model_validate(field) for name, field in FIELDS.items()}


def reading(value: object) -> Reading:
    """`5.31 V`, `< 0.001 %`, `text:S235JR`, a date, a range, true or false."""
    if not isinstance(value, str):
        plain = Decimal(value) if isinstance(value, int) and not isinstance(value, bool) else value
        assert plain is None or isinstance(plain, bool | Decimal | date | Range)
        return Reading(value=plain)
    if value.startswith("text:"):
        return Reading(value=value.removeprefix("text:"))
    words = value.split(" ")
    qualifier: Any = words.pop(0) if words[0] in ("<", "<=", ">", ">=", "~") else "="
    number, unit = words[0], " ".join(words[1:]) or None
    if ".." in number:
        low, high = (Decimal(end) if end else None for end in number.split(".."))
        return Reading(value=Range(min=low, max=high), unit=unit)
    return Reading(value=Decimal(number), unit=unit, qualifier=qualifier)


def checked(path: str, value: object) -> CheckedValue:
    """None is missing, a list ambiguous, `?5 V` unverified."""
    if value is None:
        return CheckedValue(path=path, status="missing")
    if isinstance(value, list):
        rivals: list[object] = value  # pyright: ignore[reportUnknownVariableType]
        return CheckedValue(path=path, status="ambiguous", candidates=tuple(map(reading, rivals)))
    if isinstance(value, str) and value.startswith("?"):
        return CheckedValue(
            path=path,
            status="unverified",
            reading=reading(value[1:]),
            reason="the quote isn't there",
        )
    return CheckedValue(path=path, status="verified", reading=reading(value))


@pytest.fixture
def record() -> MakeRecord:
    """Make a record: `record(voltage="5 V", lines=[{"amount": "3 EUR"}])`."""

    def make(**values: object) -> CheckedRecord:
        leaves: list[CheckedValue] = []
        rows: dict[str, int] = {}
        for name, value in values.items():
            if name not in ("lines", "heats"):
                leaves.append(checked(name, value))
                continue
            listed = cast("list[Mapping[str, object]]", value)
            rows[name] = len(listed)
            leaves += [
                checked(f"{name}[{index}].{part}", each)
                for index, row in enumerate(listed)
                for part, each in row.items()
            ]
        return CheckedRecord(values=tuple(leaves), rows=rows)

    return make


@pytest.fixture
def pipeline() -> MakePipeline:
    """Make a pipeline with these checks and, if given, a reference."""

    def make(*checks: dict[str, Any], reference: dict[str, Any] | None = None) -> Pipeline:
        return Pipeline.model_validate({
            "name": "p", "documents": "in", "agent": "a", "record": {"fields": FIELDS},
            "checks": checks, "reference": reference,
        })  # fmt: skip

    return make


@pytest.fixture
def document() -> Callable[..., DocumentInfo]:
    """Make a document of the batch."""

    def make(name: str, **values: Any) -> DocumentInfo:
        return DocumentInfo(id=name, name=f"{name}.pdf", sha256=name * 8, size=1, **values)

    return make


@pytest.fixture
def short() -> Callable[[tuple[Verdict, ...]], list[str]]:
    """Verdicts as `path verdict`, for comparing."""
    return lambda verdicts: [f"{each.path} {each.verdict}".strip() for each in verdicts]

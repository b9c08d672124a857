"""The sample pipelines' checks on the ground truth of their documents: the declared verdicts."""

import json
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from docmill.checks.batch import BatchJudge
from docmill.checks.judge import compile_judge
from docmill.checks.reference import load_reference
from docmill.records.checked import CheckedRecord, CheckedValue, Reading
from docmill.records.results import DocumentInfo, Verdict
from docmill.records.values import Range
from docmill.spec.fields import Field
from docmill.spec.load import load_workspace

ROOT = Path(__file__).parents[2]


def reading(field: Field, fact: dict[str, Any]) -> Reading:
    """A fact of the ground truth as a reading."""
    value: Any = fact["value"]
    if field.type in ("quantity", "number", "integer"):
        value = Decimal(value)
    elif field.type == "date":
        value = date.fromisoformat(value)
    elif field.type == "range":
        value = Range.model_validate(value)
    return Reading(value=value, unit=fact.get("unit"))


def checked(path: str, field: Field, fact: dict[str, Any] | None) -> CheckedValue:
    """A fact as a value: proven, missing, or ambiguous where it has no single value."""
    if fact is None:
        return CheckedValue(path=path, status="missing")
    if fact.get("value") is None:
        return CheckedValue(path=path, status="ambiguous")
    return CheckedValue(path=path, status="verified", reading=reading(field, fact))


def truth_record(fields: dict[str, Field], truth: dict[str, Any]) -> CheckedRecord:
    """The record a perfect reader would hand in."""
    values: list[CheckedValue] = []
    rows: dict[str, int] = {}
    for name, field in fields.items():
        if field.fields is None:
            values.append(checked(name, field, truth["fields"].get(name)))
            continue
        listed = truth.get("lists", {}).get(name, [])
        rows[name] = len(listed)
        values += [
            checked(f"{name}[{index}].{part}", inner, row.get(part))
            for index, row in enumerate(listed)
            for part, inner in field.fields.items()
        ]
    return CheckedRecord(values=tuple(values), rows=rows)


@pytest.mark.parametrize("name", ["spec-check", "material-certificates", "invoices"])
def test_ground_truth_gives_the_declared_verdicts(name: str) -> None:
    """Record by record and over the batch: nothing else than what the truth says is wrong."""
    pipeline = load_workspace(ROOT).workspace.pipelines[name]
    fields = pipeline.record.fields or {}
    table = load_reference(pipeline.reference, ROOT) if pipeline.reference else None
    judge, batch = compile_judge(pipeline, fields, table), BatchJudge(pipeline, fields)
    documents: dict[str, Any] = json.loads(
        (ROOT / "sample_data" / name / "truth.json").read_text()
    )["documents"]
    found: dict[str, tuple[Verdict, ...]] = {}
    for document, truth in documents.items():
        if truth["outcome"] != "failed":
            record = truth_record(fields, truth)
            copy_of = truth.get("duplicate_of")
            info = DocumentInfo(
                id=document, name=document, sha256="0", size=1, duplicate_of=copy_of
            )
            batch.add(info, record)
            found[document] = judge.judge(record)
    for document, verdicts in batch.verdicts().items():
        found[document] += verdicts
    for document, verdicts in found.items():
        wrong = {
            each.path if each.path in documents[document].get("verdicts", {}) else each.check:
            each.verdict
            for each in verdicts
            if each.verdict != "pass" and each.severity != "info"
        }  # fmt: skip
        assert wrong == documents[document].get("verdicts", {}), document

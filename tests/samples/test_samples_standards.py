"""The reference standards of the samples can be read and fit the documents."""

import csv
import json
from pathlib import Path
from typing import Any

import openpyxl

from docmill.spec.load import load_workspace

ROOT = Path(__file__).parents[2]


def _values(name: str, field: str) -> set[str]:
    text = (ROOT / "sample_data" / name / "truth.json").read_text("utf-8")
    entries: dict[str, Any] = json.loads(text)["documents"]
    return {e["fields"][field]["value"] for e in entries.values() if "fields" in e}


def _parameters(name: str) -> set[str]:
    """Names a row of the standard may have: fields, and fields of lists."""
    fields = load_workspace(ROOT).workspace.pipelines[name].record.fields or {}
    return {*fields, *(sub for spec in fields.values() for sub in spec.fields or {})}


def test_the_works_standard_has_rows_for_every_product() -> None:
    """Sheet `Limits` holds a row per demand, sheet `Info` the version."""
    book = openpyxl.load_workbook(ROOT / "sample_data/spec-check/standard.xlsx", read_only=True)
    head, *rows = list(book["Limits"].iter_rows(values_only=True))
    info = {row[0]: row[1] for row in book["Info"].iter_rows(values_only=True)}
    book.close()
    assert head[:2] == ("product", "parameter")
    assert info["Version"] == "2024-06"
    assert {str(row[0]) for row in rows} == {"*", *_values("spec-check", "product")}
    assert {str(row[1]) for row in rows} <= _parameters("spec-check")
    for row in rows:
        limits = dict(zip(head, row, strict=True))
        assert limits["unit"]
        assert limits["clause"]
        one_sided = limits["min"] is not None or limits["max"] is not None
        assert one_sided != (limits["nominal"] is not None)


def test_the_limits_of_steel_grades_have_rows_for_every_grade() -> None:
    """One csv row per demand, with its condition on thickness or test temperature."""
    with (ROOT / "sample_data/material-certificates/limits.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert {row["grade"] for row in rows} == _values("material-certificates", "steel_grade")
    assert {row["parameter"] for row in rows} <= _parameters("material-certificates")
    for row in rows:
        assert row["min"] or row["max"]
        if row["min"] and row["max"]:
            assert float(row["min"]) < float(row["max"])

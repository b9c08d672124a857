"""Results as files: CSV that no spreadsheet runs, Parquet with exact types, put as a whole."""

import csv
import importlib
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from tests.buckets import Bucket
from tests.handover.conftest import FIELDS, FORMULA, STARTED, StoredInMemory, document, verified

from docmill.errors import PrerequisiteError
from docmill.handover.csvfile import cell_text
from docmill.handover.deliver import HandOver, check
from docmill.records.deliveries import Delivery
from docmill.spec.results import Results

parquet: Any = importlib.import_module("pyarrow.parquet")


def delivered(stored: StoredInMemory, root: Path, *entries: Results) -> list[Delivery]:
    """What came of handing over."""
    handing = HandOver(stored, FIELDS, secrets=dict[str, str]().get, root=root)
    return list(handing.to(entries))


def read_csv(path: Path) -> list[dict[str, str]]:
    """The rows of a file."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def read_parquet(path: Path) -> list[dict[str, Any]]:
    """The rows of a file, as they are typed."""
    rows: list[dict[str, Any]] = parquet.read_table(path).to_pylist()
    return rows


def test_a_row_for_each_value_says_what_was_found_and_where(
    stored: StoredInMemory, tmp_path: Path
) -> None:
    """With its proof, its verdict and its state; what is no number isn't in a column of numbers."""
    (done,) = delivered(stored, tmp_path, Results(to="out/{pipeline}/{run}", formats=("csv",)))
    file = tmp_path / "out/spec-check/run-0007/values.csv"
    assert (done.state, done.detail, done.places) == ("done", "10 rows", (str(file),))
    rows = {(row["document"], row["path"]): row for row in read_csv(file)}
    voltage = rows["good.pdf", "voltage"]
    assert (voltage["number"], voltage["unit"], voltage["page"]) == ("-3.30", "V", "2")
    assert (voltage["status"], voltage["quote"]) == ("verified", "voltage -3.30")
    interval = rows["good.pdf", "temperature"]
    assert (interval["min"], interval["typ"], interval["max"]) == ("-40", "", "85.5")
    assert rows["good.pdf", "lines[1].amount"]["row"] == "1"
    serial = rows["doubtful.pdf", "serial"]
    assert (serial["status"], serial["verdict"], serial["failed_checks"]) == (
        "unverified",
        "fail",
        "supply",
    )
    assert rows["doubtful.pdf", "voltage"]["candidates"] == "3.1\u00a0V | 3.2\u00a0V"
    assert rows["doubtful.pdf", "voltage"]["number"] == ""


def test_a_row_for_each_document_holds_only_what_is_proven(
    stored: StoredInMemory, tmp_path: Path
) -> None:
    """Documents that failed are there too; a doubtful field has its status, and no value."""
    delivered(stored, tmp_path, Results(to="out", formats=("csv", "parquet"), rows="documents"))
    doubtful, failed, good = read_parquet(tmp_path / "out/documents.parquet")
    assert (doubtful["serial"], doubtful["serial__status"]) == (None, "unverified")
    assert (doubtful["voltage"], doubtful["voltage__status"]) == (None, "ambiguous")
    assert (failed["document_status"], failed["code"]) == ("failed", "document_empty")
    assert (good["voltage"], good["voltage__unit"]) == (Decimal("-3.30"), "V")
    assert (good["voltage__qualifier"], good["tested"]) == ("=", date(2026, 11, 22))
    assert (good["temperature__min"], good["passed"]) == (Decimal("-40.0"), True)
    assert good["lines"] == '{"lines[0].amount": "1.125", "lines[1].amount": "100000"}'
    assert good["usd"] == Decimal("0.0213")
    assert len(read_csv(tmp_path / "out/documents.csv")) == 3


def test_parquet_has_types_and_loses_no_digit(tmp_path: Path) -> None:
    """As many places as the longest number has; more digits than a decimal holds are text."""
    long = Decimal("1234567890123456789012345678901234567.123456789")
    stored = StoredInMemory([document("a.pdf", verified("v", Decimal("0.1")), verified("w", long))])
    delivered(stored, tmp_path, Results(to="out", formats=("parquet",)))
    schema = parquet.read_schema(tmp_path / "out/values.parquet")
    kinds = {name: str(schema.field(name).type) for name in ("number", "started", "page", "ocr")}
    assert kinds == {
        "number": "decimal256(76, 9)",
        "started": "timestamp[us, tz=UTC]",
        "page": "int64",
        "ocr": "bool",
    }
    first, second = read_parquet(tmp_path / "out/values.parquet")
    assert (first["number"], second["number"]) == (Decimal("0.1"), long)
    assert first["started"] == STARTED
    huge = StoredInMemory([document("a.pdf", verified("v", Decimal("1E+90")))])
    delivered(huge, tmp_path, Results(to="out", formats=("parquet",)))
    assert read_parquet(tmp_path / "out/values.parquet")[0]["number"] == "1E+90"


def test_no_text_of_a_document_becomes_a_formula(stored: StoredInMemory, tmp_path: Path) -> None:
    """In CSV it gets an apostrophe; a negative number is a number, and Parquet has the text."""
    delivered(stored, tmp_path, Results(to="out", formats=("csv", "parquet")))
    cells = [cell for row in read_csv(tmp_path / "out/values.csv") for cell in row.values()]
    assert f"'{FORMULA}" in cells
    assert [cell for cell in cells if cell.startswith(("=", "+", "-", "@"))] == ["-3.30", "-40"]
    assert FORMULA in {row["text"] for row in read_parquet(tmp_path / "out/values.parquet")}
    assert [cell_text(text) for text in ("\t=1", "\uff1d1", "-", "x=1")] == [
        "'\t=1",
        "'\uff1d1",
        "'-",
        "x=1",
    ]
    assert cell_text(datetime(2026, 1, 2, tzinfo=UTC)) == "2026-01-02T00:00:00Z"
    assert cell_text(Decimal("1E+3")) == "1000"


def test_files_appear_whole_and_replace_the_last_ones(
    stored: StoredInMemory, tmp_path: Path
) -> None:
    """Nothing else is left in the folder; an address that can't be written is said."""
    entry = Results(to="out", formats=("csv", "parquet"))
    for _ in range(2):
        delivered(stored, tmp_path, entry)
    names = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert names == ["values.csv", "values.parquet"]
    (tmp_path / "file").touch()
    blocked, done = delivered(
        stored, tmp_path, Results(to="file/x"), Results(to="memory://b/{run}")
    )
    assert (blocked.state, blocked.detail.partition(":")[0]) == ("failed", "NotADirectoryError")
    assert (done.state, done.places) == ("done", ("memory://b/run-0007/values.csv",))


def test_what_is_missing_is_said_before_anything_is_spent(tmp_path: Path) -> None:
    """A driver, a package, a variable; the database itself is not asked."""
    secrets = {"DB": "postgresql://nobody@db.example/x", "BAD": "odd secret", "ODD": "odd://x"}
    table = Results(table="values", database_env="DB")
    check([table, Results(to="out")], secrets=secrets.get, root=tmp_path)
    for entry, remedy in (
        (Results(to="gs://bucket/x"), "pip install gcsfs"),
        (Results(to="nowhere://bucket/x"), "s3://bucket/folder/"),
        (Results(table="t", database_env="NONE"), "export NONE="),
        (Results(table="t", database_env="BAD"), "export BAD="),
        (Results(table="t", database_env="ODD"), "the database's driver"),
    ):
        with pytest.raises(PrerequisiteError) as caught:
            check([entry], secrets=secrets.get, root=tmp_path)
        assert remedy in caught.value.remedy
        assert "odd secret" not in str(caught.value)


def test_a_bucket_gets_its_files_whole(
    stored: StoredInMemory, tmp_path: Path, bucket: Bucket
) -> None:
    """By one put each, over the wire, and nothing but the files."""
    entry = Results(to=f"{bucket.address}/{{pipeline}}/{{run}}/", formats=("csv", "parquet"))
    for _ in range(2):
        (done,) = delivered(stored, tmp_path, entry)
        base = f"{bucket.address}/spec-check/run-0007"
        assert done.places == (f"{base}/values.csv", f"{base}/values.parquet"), done.detail
    assert bucket.names("spec-check/run-0007") == ["values.csv", "values.parquet"]
    assert len(read_csv(bucket.folder / "spec-check/run-0007/values.csv")) == 10
    (failed,) = delivered(stored, tmp_path, Results(to="s3://no-such-bucket/x"))
    assert failed.state == "failed"

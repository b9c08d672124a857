"""report.xlsx written by a process of its own, from report.json alone."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest
from openpyxl import load_workbook

from docmill.report.beside import SheetProcess
from docmill.report.build import build
from docmill.report.schema import JsonRun
from docmill.spec.pipeline import ReportSettings

if TYPE_CHECKING:
    from tests.report.conftest import Workshop


def cells(path: Path) -> list[Any]:
    """Everything a spreadsheet shows, with its format and link."""
    return [
        (cell.coordinate, cell.value, cell.number_format, cell.hyperlink and cell.hyperlink.target)
        for sheet in cast("Any", load_workbook(path))
        for row in sheet.iter_rows()
        for cell in row
    ]


def test_a_run_reads_the_same_from_its_report(workshop: "Workshop") -> None:
    """Nothing is lost on the way through report.json, down to the last digit."""
    batch = [*workshop.batch(), workshop.hostile()]
    files = workshop.write(*batch, formats=("json",))
    assert files.json is not None
    run = JsonRun(files.json)
    assert list(run.documents()) == batch
    assert run.summary == files.summary
    with pytest.raises(KeyError):
        run.picture("0" * 64)


def test_an_empty_run_reads_as_empty(workshop: "Workshop") -> None:
    """A run without documents has a report, too."""
    files = workshop.write(formats=("json",))
    assert files.json is not None
    assert list(JsonRun(files.json).documents()) == []


def test_the_other_process_writes_the_same_sheets(workshop: "Workshop", tmp_path: Path) -> None:
    """Whoever opens report.xlsx can't tell who wrote it."""
    files = workshop.write(*workshop.batch(), formats=("json", "xlsx"))
    assert files.json is not None
    assert files.xlsx is not None
    with SheetProcess() as sheets:
        again = build(
            JsonRun(files.json),
            settings=ReportSettings(formats=("json", "xlsx")),
            folder=tmp_path / "again",
            sheets=sheets,
        )
    assert again.xlsx is not None
    assert cells(again.xlsx) == cells(files.xlsx)


def test_sheets_that_cannot_be_written_fail_the_report(tmp_path: Path) -> None:
    """The reason is the other process's, in one line."""
    with SheetProcess() as sheets:
        sheets.begin(tmp_path / "nowhere.json", tmp_path / "x.xlsx")
        with pytest.raises(OSError, match=r"No such file.*nowhere"):
            sheets.finish()

"""Reference standards from xlsx, csv and yaml; every mistake with its cell."""

from decimal import Decimal
from importlib import import_module
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest

from docmill.checks.problems import CheckSpecError
from docmill.checks.reference import ReferenceTable, load_reference
from docmill.spec.checks import Reference

HEAD = ["grade", "parameter", "min", "max", "nominal", "tolerance", "unit", "clause", "condition"]
GOOD: list[list[object]] = [
    ["S235JR", "yield", 235, None, None, None, "N/mm2", "5.1", "thickness <= 16 mm"],
    ["S235JR", "yield", 225, None, None, None, "MPa", "5.1", "thickness > 16 mm"],
    ["*", "voltage", None, None, 5, "±2 %", "V", "6", None],
    [None, "shaft", None, None, 6, "h7", "mm", None, None],
    [" s355 j2", "c", 0.1, 0.2, None, None, "%", "7", None],
    ["S235JR", "finish", None, None, "pickled", None, None, "8", None],
]


def workbook(
    path: Path, rows: list[list[object]], *, head: list[str] = HEAD, gap: bool = False
) -> None:
    """Write a workbook with sheet `Limits` and sheet `Info`, whose B2 is the version."""
    book: Any = import_module("openpyxl").Workbook()
    sheet = book.active
    sheet.title = "Limits"
    if gap:
        sheet.append([])
    for row in [head, *rows]:
        sheet.append(row)
    book.create_sheet("Info").append(["Standard", "WN 1"])
    book["Info"].append(["Version", "2024-06"])
    book.save(path)


def spec(path: str = "s.xlsx", **values: Any) -> Reference:
    """A reference with the key column `grade`."""
    return Reference.model_validate({"path": path, "key": {"steel": "grade"}, **values})


def problems(root: Path, reference: Reference) -> list[str]:
    """Messages of the problems of a reference file."""
    with pytest.raises(CheckSpecError) as caught:
        load_reference(reference, root)
    return [problem.message for problem in caught.value.problems]


@pytest.fixture
def table(tmp_path: Path) -> ReferenceTable:
    """A good standard."""
    workbook(tmp_path / "s.xlsx", GOOD)
    return load_reference(spec(sheet="Limits", version="=Info!B2"), tmp_path)


def test_a_workbook_is_read(table: ReferenceTable, tmp_path: Path) -> None:
    """Version from a cell, hash of the file, limits around nominal values."""
    assert (table.info.version, table.info.rows, len(table.info.sha256)) == ("2024-06", 6, 64)
    assert [str(demand.limits or demand.text) for demand in table.demands] == [
        "≥ 235 N/mm²", "≥ 225 MPa", "4.9 … 5.1 V", "5.988 … 6 mm", "0.1 … 0.2 %", "pickled",
    ]  # fmt: skip
    assert table.parameters == ("yield", "voltage", "shaft", "c", "finish")
    assert table.demands[1].place("condition") == "s.xlsx Limits!I3"


def test_rows_are_found_by_key(table: ReferenceTable) -> None:
    """Blanks and case don't matter; an empty cell and `*` fit any key."""
    assert len(table.lookup({"steel": "s235jr"}, "Yield")) == 2
    assert len(table.lookup({"steel": "X1"}, "voltage")) == 1
    assert [str(each.limits) for each in table.lookup({"steel": "S355J2"}, "c")] == ["0.1 … 0.2 %"]
    assert table.lookup({"steel": "X1"}, "yield") == ()
    assert table.knows({"steel": "S235 JR"})
    assert not table.knows({"steel": "X1"})


def test_csv_of_a_german_office(tmp_path: Path) -> None:
    """Semicolons and decimal commas are recognised, as are quotes and a byte order mark."""
    text = '\ufeffgrade;parameter;min;max;unit\nS1;c;0,15;"0,2";%\nS1;yield;1.235;;MPa\n'
    (tmp_path / "s.csv").write_text(text, encoding="utf-8")
    table = load_reference(spec("s.csv"), tmp_path)
    assert [str(demand.limits) for demand in table.demands] == ["0.15 … 0.2 %", "≥ 1235 MPa"]
    assert table.demands[1].place("min") == "s.csv line 3, column min"


def test_yaml_list(tmp_path: Path) -> None:
    """A list of rows,
    or a list under `rows`; numbers with their unit are converted to the row's."""
    text = "rows:\n- {grade: S1, parameter: v, min: 4900 mV, max: 5.1, unit: V}\n"
    (tmp_path / "s.yaml").write_text(text)
    limits = load_reference(spec("s.yaml"), tmp_path).demands[0].limits
    assert limits is not None
    assert (limits.low, limits.high) == (Decimal("4.9"), Decimal("5.1"))


def test_every_mistake_has_its_cell(tmp_path: Path) -> None:
    """All at once: unit, number, tolerance, order of limits, duplicates, rows without demand."""
    workbook(tmp_path / "s.xlsx", [
        ["A", "p1", 1, 2, None, None, "furlong", None, None],
        ["A", "p2", "abc", None, None, None, "V", None, None],
        ["A", "p3", 5, 4, None, None, "V", None, None],
        ["A", "p4", None, None, 5, "about 2", "V", None, None],
        ["A", "p5", None, None, None, "±2 %", "V", None, None],
        ["A", "p6", None, 9, 5, "±2 %", "V", None, None],
        ["A", "p7", None, None, None, None, "V", None, None],
        ["A", None, 1, None, None, None, "V", None, None],
        ["A", "p8", 1, None, None, None, "V", None, "x > 1"],
        ["a", "P8", 2, None, None, None, "V", None, "x  > 1"],
        ["A", "p9", None, None, 50, "±5 %", "%", None, None],
        ["A", "p10", "5 A", None, None, None, "V", None, None],
        ["A", "p11", "5 V", None, None, None, None, None, None],
        ["A", "p12", "≥ 5", None, None, None, "V", None, None],
        ["A", "p13", None, None, 600, "h7", "mm", None, None],
        ["A", "p14", None, None, "green", None, "V", None, None],
    ])  # fmt: skip
    found = problems(tmp_path, spec())
    places = [message.split(" ")[1].rstrip(":") for message in found]
    assert places == [
        "Limits!G2", "Limits!C3", "Limits!C4", "Limits!F5", "Limits!E6", "Limits!F7", "Limits!B8",
        "Limits!B9", "Limits!F12", "Limits!C13", "Limits!C14", "Limits!C15", "Limits!F16",
        "Limits!E17", "Limits!B11",
    ]  # fmt: skip
    assert found[0] == "s.xlsx Limits!G2: unknown unit `furlong`"
    assert "the first is row 10" in found[-1]


def test_columns_that_are_not_there(tmp_path: Path) -> None:
    """Asked-for columns have to be there; others may be left out."""
    workbook(tmp_path / "s.xlsx", [["A", "p", 1]], head=["grade", "param", "minimum"])
    with pytest.raises(CheckSpecError) as caught:
        load_reference(spec(columns={"min": "minimun"}, key={"steel": "Grade"}), tmp_path)
    found = {problem.path: problem.remedy for problem in caught.value.problems}
    assert "did you mean `grade`" in found["reference", "key", "steel"]
    assert "did you mean `param`" in found["reference", "columns", "parameter"]
    assert "did you mean `minimum`" in found["reference", "columns", "min"]


def test_formulas_never_calculated(tmp_path: Path) -> None:
    """A formula without a stored value, and an error, are mistakes; empty rows aren't."""
    workbook(tmp_path / "s.xlsx", [["A", "p", "=1+1", None], ["A", "q", "#N/A", 2]], gap=True)
    found = problems(tmp_path, spec())
    assert [message.split(": ")[0] for message in found[:2]] == [
        "s.xlsx Limits!C3",
        "s.xlsx Limits!C4",
    ]
    assert "never calculated" in found[0]


@pytest.mark.parametrize(
    ("name", "content", "part"),
    [
        ("s.xlsx", b"not a zip", "no readable xlsx"), ("s.csv", b"", "is empty"),
        ("s.csv", b"a,b\n\xff,1\n", "UTF-8"), ("s.csv", b'a,b\n"1,2\n', "line"),
        ("s.yaml", b"a: [", "no readable yaml"), ("s.yaml", b"5", "no list of rows"),
        ("s.yaml", b"- 5", "no columns"), ("s.pdf", b"", "none of xlsx"),
        ("s.csv", b"grade,parameter,min\n", "has no rows"),
        ("s.yaml", b"- {parameter: x}", "no column"),
    ],
)  # fmt: skip
def test_files_that_are_no_table(tmp_path: Path, name: str, content: bytes, part: str) -> None:
    """Another format, a damaged or an empty file: one plain sentence."""
    (tmp_path / name).write_bytes(content)
    assert part in problems(tmp_path, spec(name))[0]


def test_a_zip_that_is_no_workbook(tmp_path: Path) -> None:
    """A zip file with the name of a workbook."""
    with ZipFile(tmp_path / "s.xlsx", "w") as file:
        file.writestr("a", "b")
    assert "no readable xlsx" in problems(tmp_path, spec())[0]


@pytest.mark.parametrize(
    ("values", "part"),
    [
        ({"sheet": "Limit"}, "no sheet `Limit`"), ({"version": "=Info!B9"}, "is empty"),
        ({"version": "=Nope!B1"}, "no sheet `Nope`"), ({"version": "=B2"}, "no cell"),
        ({"path": "t.xlsx"}, "can't be read"), ({"path": "s.csv", "sheet": "x"}, "no sheets"),
        ({"path": "s.csv", "version": "=Info!B2"}, "no cell"),
    ],
)  # fmt: skip
def test_sheets_and_versions(tmp_path: Path, values: dict[str, Any], part: str) -> None:
    """What the reference names has to be there."""
    workbook(tmp_path / "s.xlsx", GOOD)
    (tmp_path / "s.csv").write_text("grade,parameter,min\nA,x,1\n")
    assert part in problems(tmp_path, spec(**values))[0]


def test_a_missing_standard_names_those_that_are_there(tmp_path: Path) -> None:
    """The path as written, and the tables of its folder."""
    (tmp_path / "norms").mkdir()
    workbook(tmp_path / "norms" / "standard.xlsx", GOOD)
    (tmp_path / "norms" / "paper.pdf").write_bytes(b"")
    for path, remedy in [
        ("norms/standrd.xlsx", "did you mean `standard.xlsx`? (known: standard.xlsx)"),
        ("standard.xlsx", "there is no xlsx, csv or yaml in `.`"),
        ("normen/standard.xlsx", "`normen` is no folder; paths begin at the workspace"),
    ]:
        with pytest.raises(CheckSpecError) as caught:
            load_reference(spec(path), tmp_path)
        (problem,) = caught.value.problems
        assert (problem.message, problem.remedy) == (
            f"`{path}` can't be read: no such file",
            remedy,
        )

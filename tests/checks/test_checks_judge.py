"""A pipeline's checks on a record: which verdict, and which mistakes are found before the run."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from docmill.checks.judge import compile_judge
from docmill.checks.problems import CheckSpecError
from docmill.checks.reference import ReferenceTable, load_reference
from docmill.errors import KeyProblem
from docmill.records.checked import CheckedRecord
from docmill.records.results import Verdict
from docmill.spec.checks import Reference
from docmill.spec.fields import Field
from docmill.spec.pipeline import Pipeline

MakeRecord = Callable[..., CheckedRecord]
MakePipeline = Callable[..., Pipeline]
Short = Callable[[tuple[Verdict, ...]], list[str]]
KEY = {"path": "s.csv", "key": {"grade": "grade"}}
ROWS = """grade,parameter,min,max,nominal,tolerance,unit,clause,condition
S235JR,yield_strength,235,,,,MPa,5.1,thickness <= 16 mm
S235JR,yield_strength,225,,,,MPa,5.1,thickness > 16 mm and thickness <= 40 mm
S235JR,c,,0.17,,,%,5.2,
*,output voltage,,,5,±5 %,V,6,
S235JR,product,,,plate,,,7,
"""


class Judging:
    """Compiles checks against fields and a csv standard, and judges records."""

    def __init__(self, root: Path, fields: dict[str, Field], pipeline: MakePipeline) -> None:
        self.root = root
        self.fields = fields
        self.pipeline = pipeline

    def table(self, rows: str) -> ReferenceTable:
        (self.root / "s.csv").write_text(rows)
        return load_reference(Reference.model_validate(KEY), self.root)

    def judge(
        self, record: CheckedRecord, *checks: dict[str, Any], rows: str = ""
    ) -> tuple[Verdict, ...]:
        table = self.table(rows) if rows else None
        made = self.pipeline(*checks, reference=KEY if rows else None)
        return compile_judge(made, self.fields, table).judge(record)

    def problems(self, *checks: dict[str, Any], rows: str = "") -> list[KeyProblem]:
        table = self.table(rows) if rows else None
        made = self.pipeline(*checks, reference=KEY if rows else None)
        with pytest.raises(CheckSpecError) as caught:
            compile_judge(made, self.fields, table)
        return list(caught.value.problems)


@pytest.fixture
def judging(tmp_path: Path, fields: dict[str, Field], pipeline: MakePipeline) -> Judging:
    """A place to judge."""
    return Judging(tmp_path, fields, pipeline)


REFERENCE = {"type": "reference"}


def test_rows_apply_by_key_and_condition(
    judging: Judging, record: MakeRecord, short: Short
) -> None:
    """The thicker plate needs less; each heat is judged; a row for any grade applies, too."""
    values: dict[str, Any] = {"grade": "text:S235JR", "voltage": "5.3 V", "product": "text:Plate"}
    heats = [{"c": "0.15 %"}, {"c": "0.19 %"}]
    thick = record(**values, thickness="0.8 in", yield_strength="230 MPa", heats=heats)
    verdicts = judging.judge(thick, REFERENCE, rows=ROWS)
    assert short(verdicts) == [
        "yield_strength pass", "heats[0].c pass", "heats[1].c fail", "voltage fail", "product pass",
    ]  # fmt: skip
    failed = verdicts[2]
    assert (failed.value, failed.limit, failed.clause) == ("0.19 %", "≤ 0.17 %", "5.2")
    assert failed.message == "0.02 % above the upper limit."
    thin = record(**values, thickness="12 mm", yield_strength="230 MPa", heats=heats)
    assert judging.judge(thin, REFERENCE, rows=ROWS)[0].verdict == "fail"


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"yield_strength": None}, "yield_strength missing"),
        ({"yield_strength": "?250 MPa"}, "yield_strength not_comparable"),
        ({"yield_strength": ["250 MPa", "230 MPa"]}, "yield_strength not_comparable"),
        ({"yield_strength": "250"}, "yield_strength not_comparable"),
        ({"yield_strength": "250 V"}, "yield_strength not_comparable"),
        ({"yield_strength": "36 ksi"}, "yield_strength pass"),
        ({"yield_strength": ">= 235 MPa"}, "yield_strength pass"),
        ({"yield_strength": "~ 250 MPa"}, "yield_strength not_comparable"),
        ({"thickness": None}, "yield_strength not_comparable"),
        ({"thickness": None, "yield_strength": None}, "yield_strength missing"),
        ({"thickness": "60 mm"}, "yield_strength not_comparable"),
        ({"thickness": "60 mm", "yield_strength": None}, None),
        ({"heats": []}, "heats.c missing"), ({"heats": [{"c": None}]}, "heats[0].c missing"),
        ({"product": "text:Tube"}, "product fail"), ({"grade": None}, "grade missing"),
        ({"grade": ["text:S235JR", "text:S355J2"]}, "grade not_comparable"),
        ({"grade": "text:S355J2"}, "grade not_comparable"),
    ],
)  # fmt: skip
def test_what_never_passes(
    changes: dict[str, Any],
    expected: str | None,
    judging: Judging,
    record: MakeRecord,
    short: Short,
) -> None:
    """Missing, unproven, ambiguous, without unit, in the wrong unit, no row, no condition."""
    values: dict[str, Any] = {
        "grade": "text:S235JR", "voltage": "5 V", "product": "text:plate", "thickness": "10 mm",
        "yield_strength": "250 MPa", "heats": [{"c": "0.1 %"}],
    }  # fmt: skip
    verdicts = judging.judge(record(**values | changes), REFERENCE, rows=ROWS)
    found = short(verdicts)
    if expected != "yield_strength pass" and {"yield_strength", "thickness"} & changes.keys():
        assert "yield_strength pass" not in found
    if expected is not None:
        assert expected in found
    assert all(verdict.message.endswith(".") for verdict in verdicts)


def test_ambiguous_values_name_their_candidates(judging: Judging, record: MakeRecord) -> None:
    """Both candidates stand in value and message, neither is chosen."""
    made = record(voltage=["4.9 V", "5.9 V"])
    (verdict,) = judging.judge(made, {"type": "tolerance", "field": "voltage", "max": "6 V"})
    assert verdict.verdict == "not_comparable"
    assert verdict.value == "4.9 V or 5.9 V"
    assert verdict.message == "`voltage` is ambiguous: 4.9 V, 5.9 V."


@pytest.mark.parametrize(
    ("check", "value", "expected"),
    [
        ({"nominal": "5 V", "tolerance": "±5 %"}, "5.2 V", "pass 4.75 … 5.25 V"),
        ({"nominal": "5 V", "tolerance": "+0.2/-0.1 V"}, "4.85 V", "fail 4.9 … 5.2 V"),
        ({"nominal": "5 V", "tolerance": "±50 mV"}, "5100 mV", "fail 4.95 … 5.05 V"),
        ({"min": "4 V", "max": "6000 mV"}, "5 V", "pass 4 … 6 V"),
        ({"nominal": "5 V"}, "5 V", "pass = 5 V"),
        ({"min": "4 V", "max": "6 V", "guard_band": "10 %"}, "5.9 V", "marginal 4 … 6 V"),
        ({"max": "6 V", "guard_band": "0.2 V"}, "5.9 V", "marginal ≤ 6 V"),
        ({"max": "6 V"}, None, "missing ≤ 6 V"),
    ],
)  # fmt: skip
def test_tolerances_written_in_the_pipeline(
    check: dict[str, Any],
    value: object,
    expected: str,
    judging: Judging,
    record: MakeRecord,
) -> None:
    """Nominal and tolerance, or limits, with units and an optional guard band."""
    made = {"type": "tolerance", "field": "voltage", "severity": "warning", **check}
    (found,) = judging.judge(record(voltage=value), made)
    assert (f"{found.verdict} {found.limit}", found.severity) == (expected, "warning")
    assert found.check == "tolerance of voltage"


def test_fits_ranges_temperatures_and_rows(
    judging: Judging, record: MakeRecord, short: Short
) -> None:
    """ISO 286 classes, stated ranges, ± in K around °C, and every row of a list."""
    made = record(
        thickness="0.2 in", operating="-25..60 °C", ambient="77 °F", pieces=3,
        lines=[{"amount": "5 EUR"}, {"amount": "50 EUR"}],
    )  # fmt: skip
    verdicts = judging.judge(
        made,
        {"type": "tolerance", "field": "thickness", "nominal": "5.08 mm", "tolerance": "h7"},
        {"type": "tolerance", "field": "operating", "min": "-25 °C", "max": "55 °C"},
        {"type": "tolerance", "field": "ambient", "nominal": "23 °C", "tolerance": "±5 K"},
        {"type": "tolerance", "field": "pieces", "min": "2"},
        {"type": "tolerance", "field": "lines.amount", "max": "10 EUR"},
    )
    assert short(verdicts) == [
        "thickness pass", "operating fail", "ambient pass", "pieces pass", "lines[0].amount pass",
        "lines[1].amount fail",
    ]  # fmt: skip
    assert verdicts[2].value == "77 °F (= 25 °C)"


def test_expressions_say_what_stood_on_both_sides(judging: Judging, record: MakeRecord) -> None:
    """The author's message, or both sides of the comparison."""
    check = {"type": "expression", "expression": "sum(lines.amount) == net"}
    made = record(net="5 EUR", lines=[{"amount": "2 EUR"}, {"amount": "4 EUR"}])
    (plain,) = judging.judge(made, check)
    assert (plain.verdict, plain.message) == ("fail", "Not true: 6 EUR == 5 EUR.")
    assert (plain.check, plain.value) == ("sum(lines.amount) == net", "6 EUR")
    (told,) = judging.judge(made, {**check, "message": "Lines don't add up", "name": "total"})
    assert (told.check, told.message) == ("total", "Lines don't add up.")
    (passed,) = judging.judge(made, {**check, "expression": "net <= 5 EUR"})
    assert (passed.verdict, passed.message) == ("pass", "True: 5 EUR <= 5 EUR.")
    (missing,) = judging.judge(record(net=None), {**check, "expression": "net > 0 or false"})
    assert (missing.verdict, missing.message) == ("missing", "`net` is missing.")


@pytest.mark.parametrize(
    ("passed", "expected"),
    [(True, [" fail"]), (False, []), (None, [" not_comparable"])],
)
def test_a_check_with_a_condition(
    passed: bool | None, expected: list[str], judging: Judging, record: MakeRecord
) -> None:
    """It applies where its condition is true; where that is unknown, it says so."""
    check = {"type": "expression", "expression": "net > 5 EUR", "when": "passed"}
    verdicts = judging.judge(record(net="1 EUR", passed=passed), check)
    assert [f"{each.path} {each.verdict}" for each in verdicts] == expected


@pytest.mark.parametrize(
    ("check", "path", "part"),
    [
        ({"field": "voltag", "max": "5 V"}, "field", "did you mean `voltage`"),
        ({"field": "lines", "max": "5 V"}, "field", "is a list"),
        ({"field": "grade", "max": "5 V"}, "field", "has no tolerance"),
        ({"field": "voltage", "max": "5"}, "max", "unit is missing"),
        ({"field": "voltage", "max": "5 A"}, "max", "is in V"),
        ({"field": "voltage", "min": "6 V", "max": "5 V"}, "min", "above max"),
        ({"field": "voltage", "max": "five V"}, "max", "no quantity"),
        ({"field": "voltage", "max": "≤ 5 V"}, "max", "one plain quantity"),
        ({"field": "voltage"}, 0, "demands nothing"),
        ({"field": "voltage", "nominal": "5 V", "tolerance": "lots"}, "tolerance", "no tolerance"),
        ({"field": "voltage", "max": "5 V", "tolerance": "±5 %"}, "tolerance", "beside a nominal"),
        ({"field": "tax_rate", "nominal": "5 %", "tolerance": "±5 %"}, "tolerance", "percentage"),
        ({"field": "pieces", "max": "5 V"}, "max", "no unit"),
        ({"field": "voltage", "max": "5 V", "guard_band": "much"}, "guard_band", ""),
        ({"field": "voltage", "max": "5 V", "guard_band": "1 A"}, "guard_band", "guard band"),
        ({"field": "voltage", "max": "5 V", "when": "nett > 5 EUR"}, "when", "did you mean `net`"),
    ],
)  # fmt: skip
def test_mistakes_in_tolerance_checks(
    check: dict[str, Any], path: str | int, part: str, judging: Judging
) -> None:
    """Each mistake is told with its key in the pipeline's file."""
    (problem,) = judging.problems({"type": "tolerance", **check})
    assert problem.path[0] == "checks"
    assert problem.path[-1] == path
    assert part in f"{problem.message} {problem.remedy}"


def test_mistakes_in_other_checks(judging: Judging) -> None:
    """All checks at once; columns of expressions; batch checks need fields of the record itself."""
    found = judging.problems(
        {"type": "reference"},
        {"type": "expression", "expression": "1 < 2 and tota > 1 EUR"},
        {"type": "unique", "fields": ["number", "nope"]},
        {"type": "consistent", "field": "lines.amount", "per": ["net", "lines"]},
    )
    assert [problem.path for problem in found] == [
        ("checks", 0), ("checks", 1, "expression"), ("checks", 2, "fields", 1),
        ("checks", 3, "field"), ("checks", 3, "per", 1),
    ]  # fmt: skip
    assert found[1].message.startswith("column 11: `tota` is no field; did you mean `total`?")


@pytest.mark.parametrize(
    ("row", "check", "part"),
    [
        ("A,yeld,1,,,,MPa,,", {}, "s.csv line 2, column parameter: `yeld` is no field"),
        ("A,yeld,1,,,,MPa,,", {"fields": ["net"]}, None),
        ("A,voltage,1,,,,A,,", {}, "column unit: A doesn't fit `voltage`"),
        ("A,voltage,1,,,,,,", {}, "column unit: `voltage` is a quantity, the row has no unit"),
        ("A,voltage,,,high,,,,", {}, "not a text"), ("A,pieces,1,,,,V,,", {}, "without a unit"),
        ("A,issued,1,,,,,,", {}, "is a date"), ("A,product,1,,,,,,", {}, "is a text"),
        ("A,grade,,,S235,,,,", {}, "none of the values"),
        ("A,voltage,1,,,,V,,net > 5 kg", {}, "column condition: column 1: kg and EUR"),
        ("A,ambient,,5,,,°C,,", {"guard_band": "5 %"}, "no meaning in °C"),
        ("A,voltage,,5,,,V,,", {"guard_band": "1 mm"}, "guard band"),
        ("A,voltage,,5,,,V,,", {"guard_band": "60 %"}, "less than 50 %"),
        ("A,voltage,,5,,,V,,", {"fields": ["voltge"]}, "`voltge` is no field"),
        ("A,heats.c,,5,,,%,,c > 1 % and thickness > 1 mm", {"fields": ["heats"]}, None),
        ("A,pieces,1,,,,,,", {}, None), ("A,passed,,,true,,,,", {}, None),
    ],
)  # fmt: skip
def test_mistakes_between_standard_and_record(
    row: str, check: dict[str, Any], part: str | None, judging: Judging, record: MakeRecord
) -> None:
    """A row that can't be held against its field names its cell; listed fields leave others out."""
    rows = f"grade,parameter,min,max,nominal,tolerance,unit,clause,condition\n{row}\n"
    if part is None:
        judging.judge(record(grade="text:A"), {"type": "reference", **check}, rows=rows)
        return
    found = judging.problems({"type": "reference", **check}, rows=rows)
    assert part in f"{found[0].message} {found[0].remedy}"


def test_a_parameter_with_two_meanings(judging: Judging) -> None:
    """`amount` could be a field of two lists: the whole name is asked for."""
    fields = judging.fields["lines"].fields or {}
    judging.fields["extras"] = judging.fields["lines"].model_copy(update={"fields": fields})
    rows = "grade,parameter,max,unit\nA,amount,5,EUR\n"
    (problem,) = judging.problems(REFERENCE, rows=rows)
    assert "`lines.amount` or `extras.amount`" in problem.message


def test_names_are_unique_and_stable(judging: Judging, record: MakeRecord) -> None:
    """Two checks made of the same content get a number."""
    check = {"type": "tolerance", "field": "voltage", "max": "5 V"}
    verdicts = judging.judge(record(voltage="4 V"), check, check)
    assert [each.check for each in verdicts] == ["tolerance of voltage", "tolerance of voltage (2)"]

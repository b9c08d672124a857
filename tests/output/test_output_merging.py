"""Records of several readers put together: rules that hold for any two records."""

from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from docmill.output.merging import delivered_by, merge_records, unproven_fields
from docmill.records.checked import CheckedRecord, CheckedValue, Reading, ValueStatus

ORDER = ("a", "b", "lines", "z")
STATUSES: tuple[ValueStatus, ...] = ("verified", "unverified", "missing", "ambiguous")


def value(path: str, status: ValueStatus, by: str = "", *, required: bool = True) -> CheckedValue:
    """A value of this status that says who read it."""
    read = Reading(value=Decimal(len(by)))
    held: dict[str, Any] = {}
    if status == "ambiguous":
        held["candidates"] = (read, Reading(value=Decimal(99)))
    elif status != "missing":
        held["reading"] = read
    by = "" if status == "missing" else by
    return CheckedValue(path=path, status=status, required=required, by=by, **held)


@st.composite
def records(draw: st.DrawFn, by: str) -> CheckedRecord:
    """A record of two required fields, a list of rows and an optional field."""
    status = st.sampled_from(STATUSES)
    rows = draw(st.integers(0, 3))
    values = [value("a", draw(status), by), value("b", draw(status), by)]
    for row in range(rows):
        values.append(value(f"lines[{row}].x", draw(status), by))
        values.append(value(f"lines[{row}].y", draw(status), by, required=False))
    values.append(value("z", draw(status), by, required=False))
    return CheckedRecord(values=tuple(values), rows={"lines": rows})


def of_field(record: CheckedRecord, name: str) -> list[CheckedValue]:
    """The values of a field, rows and all."""
    return [one for one in record.values if one.field.partition(".")[0] == name]


def worst(record: CheckedRecord, name: str) -> int:
    """How well the worst value of a field is proven."""
    ranks = {"verified": 3, "ambiguous": 2, "unverified": 1, "missing": 0}
    return min((ranks[one.status] for one in of_field(record, name)), default=0)


WANTED = st.sets(st.sampled_from(ORDER))


@given(records("one"), records("two"), WANTED)
def test_a_field_is_taken_whole_from_one_reader(
    before: CheckedRecord, after: CheckedRecord, wanted: set[str]
) -> None:
    """Rows of two readers never mix, and the number of rows fits the rows."""
    merged = merge_records(before, after, wanted=tuple(wanted), order=ORDER)
    for name in ORDER:
        assert of_field(merged, name) in (of_field(before, name), of_field(after, name))
    paths = {one.path for one in merged.values}
    assert {f"lines[{row}].x" for row in range(merged.rows["lines"])} <= paths
    assert len(paths) == len(merged.values)


@given(records("one"), records("two"), WANTED)
def test_merging_never_makes_a_field_worse(
    before: CheckedRecord, after: CheckedRecord, wanted: set[str]
) -> None:
    """What is proven stays proven, and what wasn't asked for stays as it is."""
    merged = merge_records(before, after, wanted=tuple(wanted), order=ORDER)
    for name in ORDER:
        assert worst(merged, name) >= worst(before, name)
        if name not in wanted:
            assert of_field(merged, name) == of_field(before, name)


@given(records("one"), records("two"))
def test_asking_again_leaves_no_more_open_than_before(
    before: CheckedRecord, after: CheckedRecord
) -> None:
    """A field that is open after the merge was open before it."""
    wanted = unproven_fields(before, ORDER)
    merged = merge_records(before, after, wanted=wanted, order=ORDER)
    assert set(unproven_fields(merged, ORDER)) <= set(wanted)


@given(records("one"))
def test_a_record_merged_with_itself_is_the_same(record: CheckedRecord) -> None:
    """In the order of the record."""
    assert merge_records(record, record, wanted=ORDER, order=ORDER) == record


@given(records("one"))
def test_only_required_or_doubtful_fields_are_a_reason_to_ask(record: CheckedRecord) -> None:
    """Optional values that are missing are looked for along with others, never alone."""
    doubtful = any(one.status in ("unverified", "ambiguous") for one in record.values)
    absent = any(one.status == "missing" and one.required for one in record.values)
    no_rows = record.rows["lines"] == 0
    wanted = unproven_fields(record, ORDER)
    assert bool(wanted) == (doubtful or absent or no_rows)
    assert list(wanted) == [name for name in ORDER if name in wanted]
    if wanted and not of_field(record, "z")[0].reading and not of_field(record, "z")[0].candidates:
        assert "z" in wanted


def test_without_a_record_every_field_is_asked_for() -> None:
    """The first model, or the one after a model that failed."""
    assert unproven_fields(None, ORDER) == ORDER


@given(records(""))
def test_a_missing_value_was_delivered_by_nobody(record: CheckedRecord) -> None:
    """All others carry the model's name."""
    for one in delivered_by(record, "m").values:
        assert one.by == ("" if one.status == "missing" else "m")

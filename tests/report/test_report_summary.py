"""Totals of a run and the sentence they make."""

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from docmill.records.results import Verdict
from docmill.report import summarise
from docmill.report.findings import findings
from docmill.report.rows import document_row
from docmill.report.summary import MAX_FIELDS

if TYPE_CHECKING:
    from tests.report.conftest import Workshop

    from docmill.records.results import DocumentResult
    from docmill.report import Summary


def totals(workshop: "Workshop", *results: "DocumentResult", **info: Any) -> "Summary":
    """Summary of a run of these documents."""
    return summarise(workshop.reader(lambda: iter(results), workshop.info(**info)))


def test_everything_is_counted_once(workshop: "Workshop") -> None:
    """Documents by status, values by status, verdicts by kind, and what was spent."""
    summary = totals(workshop, *workshop.batch())
    assert summary.by_status == {
        "ok": 1,
        "flagged": 1,
        "invalid": 0,
        "failed": 1,
        "limit": 0,
        "cancelled": 0,
    }
    assert summary.values == {"verified": 3, "unverified": 1, "missing": 2, "ambiguous": 1}
    assert summary.optional_missing == 1
    assert (summary.verdicts["pass"], summary.verdicts["fail"]) == (1, 1)
    assert (summary.documents, summary.unfinished, summary.cached, summary.retried) == (3, 1, 1, 1)
    assert summary.codes == {"document_encrypted": 1}
    assert (summary.usage.usd, summary.usage.model_calls) == (Decimal("0.06"), 6)
    assert (summary.pages, summary.seconds, summary.expectations_failed) == (3, 60.0, 1)


def test_what_a_check_demands_is_missing_though_the_record_can_do_without(
    workshop: "Workshop",
) -> None:
    """The headline counts it; the HTML report doesn't call it optional."""
    values = [workshop.value(name, "missing", required=False) for name in ("torque", "mass")]
    demand = Verdict(check="limits", path="torque", verdict="missing")
    result = workshop.document("a.pdf", "flagged", *values, verdicts=(demand,))
    summary = totals(workshop, result, expectations=())
    assert summary.optional_missing == 1
    assert summary.headline == "The document needs a look: 1 missing value."
    assert [row.get("optional") for row in document_row(result, {})["values"]] == [None, True]


def test_rows_of_a_list_count_for_one_field(workshop: "Workshop") -> None:
    """`lines[0].amount` and `lines[1].amount` are the field `lines.amount`."""
    values = [workshop.value(f"lines[{n}].amount") for n in range(3)]
    summary = totals(workshop, workshop.document("a.pdf", "ok", *values))
    assert list(summary.fields) == ["lines.amount"]
    assert summary.fields["lines.amount"].values["verified"] == 3


def test_a_record_that_makes_up_fields_cannot_make_the_summary_grow(workshop: "Workshop") -> None:
    """Beyond a bound, values count in the totals only."""
    values = [workshop.value(f"f{n}") for n in range(MAX_FIELDS + 20)]
    summary = totals(workshop, workshop.document("a.pdf", "ok", *values))
    assert len(summary.fields) == MAX_FIELDS
    assert summary.values["verified"] == MAX_FIELDS + 20


def test_the_headline_names_the_worst_first(workshop: "Workshop") -> None:
    """One sentence that can stand alone in a mail."""
    summary = totals(workshop, *workshop.batch(), expectations=())
    assert summary.headline == (
        "Of 3 documents, 1 is ok, 1 needs a look and 1 could not be finished: 1 failed check, "
        "1 marginal verdict, 1 ambiguous value, 1 unverified value, 1 missing value "
        "and 1 value that can't be compared."
    )


@pytest.mark.parametrize(
    ("statuses", "info", "expected"),
    [
        ([], {}, "No documents were found."),
        (["ok"], {}, "The document is ok: every value is proven and no check failed."),
        (["ok", "ok"], {}, "All 2 documents are ok: every value is proven and no check failed."),
        (["failed"], {}, "The document could not be finished."),
        (["flagged"], {}, "The document needs a look."),
        (["failed", "limit"], {}, "Of 2 documents, none is ok and 2 could not be finished."),
        (
            ["cancelled"],
            {"status": "cancelled", "message": "Ctrl-C."},
            "The run was cancelled (Ctrl-C). The document could not be finished.",
        ),
        (
            ["flagged"],
            {"status": "running"},
            "The run is still going on. The document needs a look.",
        ),
    ],
)
def test_the_headline_fits_every_end(
    workshop: "Workshop", statuses: list[str], info: dict[str, Any], expected: str
) -> None:
    """Singular, plural, nothing at all, and runs that ended early."""
    results = [workshop.document(f"{n}.pdf", status) for n, status in enumerate(statuses)]
    assert totals(workshop, *results, expectations=(), **info).headline == expected


def test_a_value_without_proof_is_one_finding_with_the_limit_it_missed(
    workshop: "Workshop",
) -> None:
    """It explains the verdict "not comparable"; only one of the two needs a person."""
    result = workshop.batch()[1]
    rows = {(each.kind, each.path): each for each in findings(result)}
    assert not rows["not_comparable", "current"].needs_attention
    assert rows["ambiguous", "current"].needs_attention
    assert rows["ambiguous", "current"].limit == "≤ 1 A"
    assert [c.value for c in rows["ambiguous", "current"].candidates] == [
        Decimal("3.3"),
        Decimal(5),
    ]


def test_what_is_missing_is_told_once_and_says_why(workshop: "Workshop") -> None:
    """A missing value and the verdict on it are one finding; optional fields are none."""
    missing = [each for each in findings(workshop.batch()[1]) if each.kind == "missing"]
    assert [(each.path, each.message, each.limit) for each in missing] == [
        ("mass", "No label.", "≤ 2 kg")
    ]

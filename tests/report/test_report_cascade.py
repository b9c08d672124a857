"""The cascade in the report: who delivered what, which documents stopped early, what it saved."""

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import openpyxl
import pytest

from docmill.records.results import Usage
from docmill.report.summary import Summary, summarise

if TYPE_CHECKING:
    from tests.report.conftest import Workshop

    from docmill.records.results import DocumentResult

FREE = Usage(model_calls=2)
PAID = Usage(model_calls=1, usd=Decimal("0.03"))
UNPRICED = Usage(model_calls=1, unpriced_calls=1)


def batch(workshop: "Workshop", later: Usage = PAID) -> "list[DocumentResult]":
    """Two documents that `rules` was enough for, and one that `claude` was asked about."""
    alone: dict[str, Any] = {"by_model": {"rules": FREE}}
    both: dict[str, Any] = {"by_model": {"rules": FREE, "claude": later}}
    made, value = workshop.document, workshop.value
    return [
        made("a.pdf", "ok", value("x", by="rules"), value("y", by="rules"), **alone),
        made("b.pdf", "ok", value("x", by="rules"), **alone),
        made("c.pdf", "ok", value("x", by="rules"), value("y", by="claude"), **both),
    ]


def cascade(workshop: "Workshop", results: "list[DocumentResult]") -> Summary:
    """Summary of a run whose agent has two models."""
    info = workshop.info(model="rules, claude")
    return summarise(workshop.reader(lambda: iter(results), info))


def test_each_model_has_its_documents_values_and_costs(workshop: "Workshop") -> None:
    """Asked about, enough for, delivered, charged."""
    found = cascade(workshop, batch(workshop)).cascade
    assert found is not None
    first, second = found.stages
    assert (first.asked, first.enough, first.values) == (3, 2, 4)
    assert (second.asked, second.enough, second.values) == (1, 1, 1)
    assert (first.usage.model_calls, second.usage.usd) == (6, Decimal("0.03"))


def test_what_was_saved_is_about_the_mean_cost_of_the_later_models(workshop: "Workshop") -> None:
    """Two documents stopped early, and `claude` cost three cents on the one it was asked about."""
    found = cascade(workshop, batch(workshop)).cascade
    assert found is not None
    assert found.saved_usd == Decimal("0.06")
    assert found.sentence == (
        "Of 3 documents, enough was rules for 2, claude for 1; values delivered: rules 4, "
        "claude 1; stopping early saved about $0.060."
    )


@pytest.mark.parametrize("kept", [2, 3])
def test_savings_that_are_not_known_are_not_told(workshop: "Workshop", kept: int) -> None:
    """The later model was never asked, or has no price."""
    found = cascade(workshop, batch(workshop, UNPRICED)[:kept]).cascade
    assert found is not None
    assert found.saved_usd is None
    assert "saved" not in found.sentence


def test_an_agent_of_one_model_has_no_cascade(workshop: "Workshop") -> None:
    """Its report says nothing about it."""
    results = [workshop.document("a.pdf", "ok", workshop.value("x"))]
    assert summarise(workshop.reader(lambda: iter(results), workshop.info())).cascade is None


def test_every_format_names_the_models(workshop: "Workshop") -> None:
    """The sentence, the table of models, and beside each value who delivered it."""
    files = workshop.write(*batch(workshop), info={"model": "rules, claude"})
    assert files.html is not None
    assert files.md is not None
    assert files.xlsx is not None
    html = files.html.read_text()
    assert "stopping early saved about $0.060" in html
    assert '"by":"claude"' in html
    assert "saved about" in files.md.read_text()
    sheet: Any = openpyxl.load_workbook(files.xlsx)["Values"]
    assert [row[-1].value for row in sheet.iter_rows()] == [
        "Model",
        *["rules"] * 4,
        "claude",
    ]

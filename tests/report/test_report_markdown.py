"""report.md: short whatever the run, and nothing in it is Markdown but what we wrote."""

from typing import TYPE_CHECKING

from markdown_it import MarkdownIt

from docmill.report.templates import escape_markdown

if TYPE_CHECKING:
    from tests.report.conftest import Workshop

    from docmill.records.results import DocumentResult


def text(workshop: "Workshop", *results: "DocumentResult") -> str:
    """Text of report.md."""
    files = workshop.write(*results, formats=("md",))
    assert files.md is not None
    return files.md.read_text()


def test_it_tells_outcome_findings_and_provenance(workshop: "Workshop") -> None:
    """Enough to decide whether to open the rest."""
    shown = MarkdownIt().enable("table").render(text(workshop, *workshop.batch()))
    for words in (
        "Of 3 documents",
        "<h3>Could not be finished: 1</h3>",
        "<strong>b.pdf</strong> · supply_voltage: 5.31 V (wanted 4.75 … 5.25 V, 4.2) — Too high.",
        "NOT MET: expect_column_values_to_not_be_null",
        "std.xlsx, version 2019-10, 84 rows",
    ):
        assert words in shown


def test_text_of_documents_stays_text(workshop: "Workshop") -> None:
    """Rendered, a hostile report has the elements of a harmless one and no link, code or image."""
    shown = MarkdownIt("commonmark", {"html": True}).render(text(workshop, workshop.hostile()))
    assert not [tag for tag in ("<script", "<img", "<a ", "<em>", "<code>") if tag in shown]
    assert shown.count("<h1>") == 1


def test_escaped_text_reads_as_written() -> None:
    """Every character with a meaning in Markdown or HTML is shown as itself, on one line."""
    nasty = "# *a* _b_ `c` [d](e) <f> &amp; 1. - + | ~ \\ ! http://x"
    html = MarkdownIt("gfm-like", {"linkify": False}).render(escape_markdown(nasty))
    plain = html.removeprefix("<p>").removesuffix("</p>\n")
    assert plain.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&") == nasty
    assert escape_markdown("a\nb\u202ec") == "a␊b\ufffdc"


def test_its_length_is_bounded(workshop: "Workshop") -> None:
    """A run of 2,000 failures makes a short report that says how many there are."""
    many = [
        workshop.document(f"{n:04}.pdf", "failed", code="x", message="m" * 5000)
        for n in range(2000)
    ]
    short = text(workshop, *many)
    assert len(short) < 8_000
    assert "and 1,990 more" in short

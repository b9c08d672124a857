"""report.html: one file, nothing from outside, and nothing in it comes alive but our own script."""

import re
from base64 import b64decode, b64encode
from hashlib import sha256
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

import pytest

from docmill.packaged import packaged_workspace
from docmill.report.html import inert_json

if TYPE_CHECKING:
    from tests.report.conftest import Workshop


class Seen(HTMLParser):
    """Every start tag with its attributes, and the text of scripts and style sheets."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.inside: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note the tag."""
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        """Keep what stands in scripts and style sheets."""
        if self.cdata_elem in ("script", "style"):
            self.inside.append(data)

    def attributes(self, name: str) -> set[str]:
        """All values of an attribute."""
        return {each[name] or "" for _, each in self.tags if name in each}


def test_hostile_text_makes_no_tag_and_no_attribute(workshop: "Workshop") -> None:
    """The tags of a report are the same whether a document is harmless or out for trouble."""
    seen = Seen(workshop.html(workshop.hostile()))
    assert "img" not in {tag for tag, _ in seen.tags}
    assert not [name for _, each in seen.tags for name in each if name.startswith("on")]
    kinds = [each.get("type") for tag, each in seen.tags if tag == "script"]
    assert kinds == ["application/json", "application/json", None]


def test_hostile_text_reaches_the_script_letter_by_letter(workshop: "Workshop") -> None:
    """Evidence is cut where it is very long, and can't turn the direction of writing."""
    (block,) = workshop.blocks(workshop.html(workshop.hostile()))
    for row, text in zip(block["values"], workshop.nasty, strict=True):
        shown = text if len(text) < 4000 else f"{text[:4000]}… (6,000 more characters)"
        assert row["text"] == shown.replace("\u202e", "\ufffd")
        assert row["readings"][0]["quote"] == text[:2000].replace("\u202e", "\ufffd")


def test_data_for_the_script_holds_no_markup(workshop: "Workshop") -> None:
    """`<`, `>`, `&` and the line ends of JavaScript are written as escapes."""
    text = inert_json(list(workshop.nasty))
    assert not re.search("[<>&\u2028\u2029]", text)


def test_nothing_is_loaded_from_anywhere(workshop: "Workshop") -> None:
    """Every address in the page points into the page."""
    seen = Seen(workshop.html(*workshop.batch(), workshop.hostile()))
    assert seen.attributes("src") == set()
    assert all(address.startswith("#") for address in seen.attributes("href"))
    assert seen.attributes("style") == set()
    assert not [text for text in seen.inside if "@import" in text or "url(" in text]


def test_the_policy_allows_our_style_and_script_by_hash_and_no_other(workshop: "Workshop") -> None:
    """Even if escaping failed somewhere, the browser would run nothing of it."""
    html = workshop.html(*workshop.batch())
    policy = next(each["content"] or "" for _, each in Seen(html).tags if "http-equiv" in each)
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe" not in policy
    for tag in ("style", "script"):
        text = html.rpartition(f"<{tag}>")[2].partition(f"</{tag}>")[0]
        digest = b64encode(sha256(text.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy


def test_the_script_never_makes_markup_out_of_text() -> None:
    """Text becomes text nodes; the functions that parse markup aren't used at all."""
    forbidden = r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|Function\("
    for path in (packaged_workspace() / "reports" / "templates").glob("*.js"):
        assert not re.search(forbidden, path.read_text()), path.name


def test_without_scripts_the_first_rows_and_all_findings_can_be_read(workshop: "Workshop") -> None:
    """The tables stand in the page; the script only makes them sort and filter."""
    html = workshop.html(*workshop.batch()).partition('<script type="application/json"')[0]
    for text in ("5.31 V", "4.75 … 5.25 V", "Too high.", "Two rows.", "No password.", "Give one."):
        assert text in html
    assert html.index("Could not be finished") < html.index("Too high.") < html.index("Two rows.")


def test_many_findings_of_a_kind_are_counted_not_listed(workshop: "Workshop") -> None:
    """The page stays readable with thousands of failures; the table below has them all."""
    failed = [workshop.document(f"{n:03}.pdf", "failed", code="x") for n in range(80)]
    html = workshop.html(*failed)
    attention = html.partition('id="verdicts"')[0]
    assert attention.count("<code>x</code>") == 12
    assert "Show all 80" in attention
    assert "The first 30 of 80 rows" in html
    assert len(workshop.blocks(html)) == 80


@pytest.mark.parametrize("status", ["ambiguous", "verified"])
def test_a_value_brings_the_boxes_of_each_reading(workshop: "Workshop", status: str) -> None:
    """An ambiguous value can be seen at every place it stands."""
    found = ("3.3", "5.0") if status == "ambiguous" else "3.3"
    result = workshop.document("a.pdf", "flagged", workshop.value("v", status, found))
    ((row,),) = (block["values"] for block in workshop.blocks(workshop.html(result)))
    assert [each["text"] for each in row["readings"]] == (
        ["3.3\u00a0V", "5.0\u00a0V"] if status == "ambiguous" else ["3.3\u00a0V"]
    )
    assert all(each["boxes"] == [[10, 20, 30, 40]] for each in row["readings"])
    assert all(each["label"] == [1, 20, 9, 40] for each in row["readings"])


def test_a_picture_shown_by_two_documents_stands_in_the_page_once(workshop: "Workshop") -> None:
    """Duplicates cost nothing."""
    blob = {"x": workshop.png(1)}
    twins = [workshop.document(name, pictures={1: "x"}) for name in ("a.pdf", "b.pdf")]
    html = workshop.html(*twins, blobs=blob)
    (inside,) = re.findall(r'<script type="text/plain" id="p-(\w+)">(.*?)</script>', html)
    assert b64decode(inside[1]) == blob["x"]
    assert [block["pictures"] for block in workshop.blocks(html)] == [{"1": inside[0]}] * 2


def test_beyond_the_budget_pictures_lie_beside_the_page(workshop: "Workshop") -> None:
    """Documents that need a look get their pictures into the page before the others."""
    blobs = {"x": workshop.png(1, 700_000), "y": workshop.png(2, 700_000)}
    fine = workshop.document("a.pdf", "ok", pictures={1: "x"})
    flagged = workshop.document("b.pdf", "flagged", pictures={3: "y"})
    html = workshop.html(fine, flagged, blobs=blobs, max_picture_mb=1)
    names = {block["name"]: block["pictures"] for block in workshop.blocks(html)}
    assert f'id="p-{names["b.pdf"]["3"]}"' in html
    beside = workshop.folder / "run-0007" / "pages" / f"{names['a.pdf']['1']}.png"
    assert beside.read_bytes() == blobs["x"]
    assert beside.stem not in html.replace(str(workshop.blocks(html)), "").split("</head>")[0]


@pytest.mark.parametrize("blobs", [{}, {"x": b"<svg onload=alert(1)>"}])
def test_a_pruned_picture_or_one_that_is_no_png_is_left_out(
    workshop: "Workshop", blobs: dict[str, bytes]
) -> None:
    """The page number stays, so that the viewer can say that the picture wasn't kept."""
    html = workshop.html(workshop.document("a.pdf", pictures={2: "x"}), blobs=blobs)
    assert [block["pictures"] for block in workshop.blocks(html)] == [{"2": None}]
    assert 'id="p-' not in html


@pytest.mark.parametrize(("show", "expected"), [("all", 2), ("flagged", 1), ("none", 0)])
def test_the_pipeline_says_whose_pages_are_shown(
    workshop: "Workshop", show: str, expected: int
) -> None:
    """`report.pictures` of the pipeline: all, flagged, none."""
    blobs = {"x": workshop.png(1), "y": workshop.png(2)}
    fine = workshop.document("a.pdf", "ok", pictures={1: "x"})
    flagged = workshop.document("b.pdf", "flagged", pictures={1: "y"})
    html = workshop.html(fine, flagged, blobs=blobs, pictures=show)
    assert html.count('id="p-') == expected


def test_an_empty_run_is_a_report_too(workshop: "Workshop") -> None:
    """No documents, no checks, no expectations, still running: nothing to divide by."""
    bare: dict[str, Any] = {
        "expectations": (),
        "ended": None,
        "status": "running",
        "prices": {},
        "references": (),
    }
    html = workshop.html(info=bare)
    assert "No documents were found." in html
    assert "running" in html

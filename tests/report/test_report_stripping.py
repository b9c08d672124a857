"""Pictures of pages that are too old leave the reports that were written with them."""

from hashlib import sha256
from typing import TYPE_CHECKING

from docmill.report.stripping import strip_pictures

if TYPE_CHECKING:
    from tests.report.conftest import Workshop


def test_a_report_is_as_if_written_without_the_pictures(workshop: "Workshop") -> None:
    """Byte by byte; what another run still shows stays, and a dry run touches nothing."""
    old, kept = workshop.png(40), workshop.png(50)
    both = workshop.document("a.pdf", pictures={1: "old", 2: "kept"})
    twin = workshop.document("b.pdf", pictures={1: "old"})
    wanted = workshop.html(both, twin, blobs={"kept": kept})
    before = workshop.html(both, twin, blobs={"old": old, "kept": kept})
    page = workshop.folder / "run-0007" / "report.html"
    gone = [sha256(old).hexdigest()]
    freed = len(before.encode()) - len(wanted.encode())
    assert strip_pictures(page.parent, gone, dry_run=True) == freed > 0
    assert page.read_text() == before
    assert strip_pictures(page.parent, gone) == freed
    assert page.read_text() == wanted
    assert strip_pictures(page.parent, gone) == 0
    assert [each.name for each in page.parent.iterdir()] == ["report.html"]


def test_pictures_beside_the_page_go_with_their_names_in_it(workshop: "Workshop") -> None:
    """Nothing in the page leads to a file that isn't there any more."""
    old = workshop.png(1, 9_000)
    workshop.html(workshop.document("a.pdf", pictures={3: "x"}), blobs={"x": old}, max_picture_mb=0)
    folder = workshop.folder / "run-0007"
    (picture,) = (folder / "pages").iterdir()
    assert strip_pictures(folder, [sha256(old).hexdigest()]) > 9_000
    assert not picture.exists()
    html = (folder / "report.html").read_text()
    assert picture.stem not in html
    assert [block["pictures"] for block in workshop.blocks(html)] == [{"3": None}]


def test_a_report_that_is_gone_has_nothing_to_lose(workshop: "Workshop") -> None:
    """Somebody has deleted the folder."""
    assert strip_pictures(workshop.folder / "run-0001", ["0" * 64]) == 0

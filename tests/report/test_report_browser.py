"""report.html in a real browser: the script runs, hostile text doesn't, the viewer draws boxes."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from docmill.records.outputs import OutputFile, RefusedOutput

if TYPE_CHECKING:
    from tests.report.conftest import Workshop

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or ""
QUIET = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--enable-logging=stderr",
    "--virtual-time-budget=3000",
    "--dump-dom",
]


pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not BROWSER, reason="chromium is not installed"),
]


def shown(page: Path, place: str, profile: Path) -> str:
    """The page's elements after its script has run; fails if the browser complains of anything."""
    command = [BROWSER, *QUIET, f"--user-data-dir={profile}", f"{page.as_uri()}{place}"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=50, check=True)
    assert [line for line in done.stderr.splitlines() if "CONSOLE" in line] == []
    return done.stdout


def test_a_link_to_a_value_opens_its_page_with_the_boxes(
    workshop: "Workshop", tmp_path: Path
) -> None:
    """Both rivals of an ambiguous value are drawn; the second one is a click away."""
    result = workshop.batch()[1].model_copy(
        update={"pictures": {1: "x"}, "page_sizes": {1: (595.0, 842.0)}}
    )
    page = workshop.write(result, blobs={"x": workshop.png(1)}, formats=("html",)).html
    assert page is not None
    dom = shown(page, "#v=b.pdf/current", tmp_path / "profile")
    assert re.search(r"<dialog[^>]* open", dom)
    assert re.search(r'<rect class="value" x="8.5" y="18.5" width="23" height="23"', dom)
    assert dom.count('<rect class="other"') == 1
    assert re.search(r'<image href="data:image/png;base64,iVBOR', dom)


def test_a_link_to_a_status_filters_its_table(workshop: "Workshop", tmp_path: Path) -> None:
    """So "Show all" and the summary lead to the rows they count."""
    page = workshop.write(*workshop.batch(), formats=("html",)).html
    assert page is not None
    dom = shown(page, "#f=verdicts:fail,marginal", tmp_path / "profile")
    assert ">2 of 5 rows<" in dom


def test_hostile_text_stays_text_after_the_script_has_run(
    workshop: "Workshop", tmp_path: Path
) -> None:
    """No element of a document's making, no alert, no complaint of the page's policy."""
    page = workshop.write(*workshop.batch(), workshop.hostile(), formats=("html",)).html
    assert page is not None
    dom = shown(page, "", tmp_path / "profile")
    assert "&lt;img src=x onerror=alert(2)&gt;" in dom
    assert "<img" not in dom


def test_files_an_agent_left_are_saved_never_shown(workshop: "Workshop", tmp_path: Path) -> None:
    """Each is a link that saves it, with its name as plain text; what wasn't kept says why."""
    left = OutputFile(name="a/<b>t.html", file="a__b_t.html.bin", size=3, sha256="a" * 64)
    refused = RefusedOutput(name="x", reason="a link")
    result = workshop.document("r.pdf", outputs=(left,), refused_outputs=(refused,))
    page = workshop.write(result, blobs={left.sha256: b"<b>"}, formats=("html",)).html
    assert page is not None
    dom = shown(page, "#d=r.pdf", tmp_path / "profile")
    assert 'href="outputs/r.pdf/a__b_t.html.bin" download="a__b_t.html.bin"' in dom
    assert "a/&lt;b&gt;t.html" in dom
    assert re.search(r"x</[a-z]+> was not kept: a link", dom)

"""A report is whole or not there, and `latest` always shows a whole one."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from docmill.report import build
from docmill.report.folder import whole_or_nothing
from docmill.spec.pipeline import ReportSettings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.report.conftest import Workshop

    from docmill.records.results import DocumentResult


def test_only_the_formats_asked_for_are_written(workshop: "Workshop") -> None:
    """The result names what is there."""
    files = workshop.write(*workshop.batch(), formats=("html", "md"))
    assert (files.xlsx, files.json) == (None, None)
    assert sorted(path.name for path in files.folder.iterdir()) == ["report.html", "report.md"]


def test_latest_shows_the_newest_report(workshop: "Workshop") -> None:
    """A link, so that a browser tab on `latest` shows the next run after a reload."""
    for run in ("run-0001", "run-0002"):
        files = workshop.write(run=run, formats=("md",))
    assert files.latest == workshop.folder / "latest"
    assert (workshop.folder / "latest").readlink() == Path("run-0002")
    assert sorted(path.name for path in workshop.folder.iterdir()) == [
        "latest",
        "run-0001",
        "run-0002",
    ]


def test_where_links_cannot_be_made_latest_is_a_copy(
    workshop: "Workshop", monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some file systems and Windows refuse links; a later link may take the copy's place again."""

    def refuse(*_: object, **__: object) -> None:
        raise OSError("no links here")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "symlink_to", refuse)
        for run in ("run-0001", "run-0002"):
            workshop.write(run=run, formats=("md",))
        latest = workshop.folder / "latest"
        assert not latest.is_symlink()
        assert "run\\-0002" in (latest / "report.md").read_text()
    workshop.write(run="run-0003", formats=("md",))
    assert latest.readlink() == Path("run-0003")


def test_a_report_written_again_replaces_the_old_one(workshop: "Workshop") -> None:
    """Nothing of the old one stays."""
    workshop.write(*workshop.batch(), formats=("html", "json"))
    files = workshop.write(*workshop.batch(), formats=("md",))
    assert [path.name for path in files.folder.iterdir()] == ["report.md"]


def test_a_report_that_cannot_be_finished_leaves_the_old_one(workshop: "Workshop") -> None:
    """And no trace of itself."""
    workshop.write(*workshop.batch(), formats=("md",))
    passes: list[int] = []

    def breaks() -> "Iterator[DocumentResult]":
        passes.append(1)
        yield from workshop.batch()
        if len(passes) > 2:
            raise OSError("disk is gone")

    reader = workshop.reader(breaks, workshop.info())
    with pytest.raises(OSError, match="disk is gone"):
        build(reader, settings=ReportSettings(), folder=workshop.folder / "run-0007")
    assert sorted(path.name for path in workshop.folder.iterdir()) == ["latest", "run-0007"]
    assert [path.name for path in (workshop.folder / "run-0007").iterdir()] == ["report.md"]


def test_leftovers_of_killed_processes_are_swept_after_an_hour(tmp_path: Path) -> None:
    """Younger ones may belong to somebody who is still writing."""
    old, young = tmp_path / ".run-1.old", tmp_path / ".run-1.young"
    for left in (old, young):
        left.mkdir()
    os.utime(old, (1, 1))
    with whole_or_nothing(tmp_path / "run-1") as working:
        (working / "x").touch()
    assert sorted(path.name for path in tmp_path.iterdir()) == [".run-1.young", "run-1"]


def test_a_report_can_be_read_by_others_than_its_writer(workshop: "Workshop") -> None:
    """The temporary folder is private, the report isn't."""
    assert workshop.write(formats=("md",)).folder.stat().st_mode & 0o777 == 0o755


def test_a_workspace_may_bring_its_own_templates(workshop: "Workshop", tmp_path: Path) -> None:
    """One file is enough; the others come from the package, and escaping stays on."""
    own = tmp_path / "templates"
    own.mkdir()
    (own / "report.md.jinja").write_text("Ours: {{ title }}")
    reader = workshop.reader(lambda: iter(()), workshop.info())
    settings = ReportSettings(title="a*b", formats=("md", "html"))
    files = build(reader, settings=settings, folder=tmp_path / "out", templates=own)
    assert files.md is not None
    assert files.html is not None
    assert files.md.read_text() == "Ours: a\\*b"
    assert "<h1>a*b</h1>" in files.html.read_text()

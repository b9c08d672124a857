"""A bundle made to do harm is refused before anything of it is unpacked."""

import json
import stat
import struct
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.bundles.conftest import Forger

from docmill.bundle.opening import MAX_DIRECTORY, Archive, BundleError, check_inner
from docmill.bundle.verify import verify_bundle

Write = Callable[[zipfile.ZipFile], None]


def refused(folder: Path, write: Write) -> str:
    """Why an archive with these entries isn't opened."""
    path = folder / "bad.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        write(archive)
    with pytest.raises(BundleError) as caught:
        Archive(path).close()
    return caught.value.message


@pytest.mark.parametrize(
    "name",
    ["report/../../etc/passwd", "/etc/passwd", "report/a\\b", "report//a", "blobs/x", "setup.py"],
)
def test_names_that_lead_elsewhere(name: str, tmp_path: Path) -> None:
    """Only names of the form's own are read; nothing is unpacked under any of them."""
    assert name in refused(tmp_path, lambda archive: archive.writestr(name, b"x")).replace(
        "\\\\", "\\"
    )


def test_a_link(tmp_path: Path) -> None:
    """A symbolic link is no plain file."""
    link = zipfile.ZipInfo("report/report.json")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    assert "no plain file" in refused(tmp_path, lambda archive: archive.writestr(link, "/etc"))


def test_a_name_twice(tmp_path: Path) -> None:
    """Which of the two would be checked, and which shown?"""

    def write(archive: zipfile.ZipFile) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            for text in ("one", "two"):
                archive.writestr("manifest.json", text)

    assert "twice" in refused(tmp_path, write)


def test_a_bomb(tmp_path: Path) -> None:
    """What would unpack to hundreds of times its size isn't."""

    def write(archive: zipfile.ZipFile) -> None:
        with archive.open("store/events.jsonl", "w") as file:
            for _ in range(300):
                file.write(bytes(1 << 20))

    assert "would unpack to 314,572,800" in refused(tmp_path, write)


def test_a_table_of_contents_that_fills_the_memory(tmp_path: Path) -> None:
    """It is looked at before it is read."""
    path = tmp_path / "bad.zip"
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 0xFFFF, 0xFFFF, MAX_DIRECTORY + 1, 0, 0)
    path.write_bytes(bytes(100) + end)
    with pytest.raises(BundleError, match="more parts"):
        Archive(path)


@pytest.mark.parametrize("content", [b"", b"PK", b"%PDF-1.7", bytes(100)])
def test_what_is_no_zip(content: bytes, tmp_path: Path) -> None:
    """It says so, and doesn't fail in some other way."""
    path = tmp_path / "bad.zip"
    path.write_bytes(content)
    with pytest.raises(BundleError, match="no zip file"):
        Archive(path)


def test_a_table_that_declares_entities(tmp_path: Path) -> None:
    """The few lines that grow to gigabytes when they are parsed are never parsed."""
    path = tmp_path / "report.xlsx"
    with zipfile.ZipFile(path, "w") as book:
        book.writestr("xl/workbook.xml", '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "b">]><x/>')
    with pytest.raises(BundleError, match="entities"):
        check_inner(path)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"usage": '{"usd":"1e999999999"}'}, "absurd exponent"),
        ({"position": 2**70}, "no value of its kind"),
        ({"position": "0"}, "no value of its kind"),
        ({"shell": "rm"}, "hasn't the columns"),
        ({"usage": "[" * 5000}, "no form"),
    ],
)
def test_rows_that_are_none(forger: Forger, change: dict[str, object], complaint: str) -> None:
    """Each column has its kind, and no number has more digits than the memory."""
    rows = forger.rows("charges")
    forger.put_rows("charges", [rows[0] | change, *rows[1:]])
    with pytest.raises(BundleError, match=complaint):
        verify_bundle(forger.save())


def test_rows_of_another_run(forger: Forger) -> None:
    """What isn't the run's isn't in its bundle."""
    row = forger.rows("documents")[0]
    forger.put_rows("documents", [row | {"run": 2}])
    with pytest.raises(BundleError, match="another run"):
        verify_bundle(forger.save())


def test_a_reference_standard_elsewhere_is_not_read(forger: Forger, tmp_path: Path) -> None:
    """A path in the specs leads nowhere: the standard is the one in the bundle."""
    secret = tmp_path / "secret.csv"
    secret.write_text("parameter\n")
    (name,) = [row["blob"] for row in forger.rows("origins") if row["part"] == "specs.json"]
    specs = json.loads(forger.parts[f"blobs/{name}"])
    assert specs["pipeline"]["reference"]["path"].endswith("standard.xlsx")
    forger.change(f"blobs/{name}", specs["pipeline"]["reference"]["path"], str(secret))
    with pytest.raises(BundleError, match="isn't what its name says"):
        verify_bundle(forger.save())


@pytest.mark.parametrize("parts", ['["SESSION"]', '{"SESSION": "1"}', '{"SESSION": {}}', "0"])
def test_a_seal_of_no_form(forger: Forger, parts: str) -> None:
    """What it says of journals that were open is a length each, and of dropped ones their heads."""
    session = forger.rows("sessions")[0]["session"]
    rows = forger.rows("seals")
    for row in rows:
        if str(row["subject"]).startswith("run-"):
            row["parts"] = parts.replace("SESSION", str(session))
    forger.put_rows("seals", rows)
    forger.put_rows("events", [])
    with pytest.raises(BundleError, match="no form"):
        verify_bundle(forger.save())

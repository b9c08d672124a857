"""The report in a bundle, and the same made once more of what was derived.

Pictures of pages are taken from the report itself, each under the hash of its bytes: a picture that
isn't the one the journal names isn't shown by the second report.
"""

import hashlib
import re
from base64 import b64decode
from binascii import Error as NotBase64
from importlib.metadata import version
from pathlib import Path, PurePosixPath
from typing import Literal

from docmill.bundle import form
from docmill.bundle.derived import DerivedRun
from docmill.bundle.findings import Verification
from docmill.bundle.form import Manifest
from docmill.bundle.opening import Archive
from docmill.bundle.tables import compare_html, compare_json, compare_text, compare_xlsx
from docmill.report.build import build
from docmill.spec.pipeline import ReportSettings

Format = Literal["html", "xlsx", "json", "md"]
KINDS: tuple[Format, ...] = ("json", "xlsx", "html", "md")
ABOUT: dict[Format, str] = {
    "json": "every cell of the data",
    "xlsx": "every cell of the tables",
    "html": "the data of every document, and the page around it",
    "md": "every line of the text",
}
COMPARE = {"json": compare_json, "xlsx": compare_xlsx, "md": compare_text}
_PICTURE = re.compile(rb'<script type="text/plain" id="p-([0-9a-f]{20})">([^<]*)</script>')


class Reports:
    """The files below `report/`, unpacked under names of our own."""

    def __init__(
        self, archive: Archive, folder: Path, manifest: Manifest, told: Verification
    ) -> None:
        self._archive = archive
        self._folder = folder
        self._manifest = manifest
        self._told = told
        self._names = {
            name.removeprefix(form.REPORT) for name in archive.sizes if name.startswith(form.REPORT)
        }
        self._hashes = {
            part.sha256: part.name for part in manifest.parts if part.name in archive.sizes
        }
        self._kinds: list[Format] = [kind for kind in KINDS if f"report.{kind}" in self._names]
        self._files = {kind: self._unpacked(kind) for kind in self._kinds}
        self._pictures = self._embedded()

    def _unpacked(self, kind: str) -> Path:
        file = self._folder / f"found.{kind}"
        with file.open("wb") as out:
            for chunk in self._archive.chunks(f"{form.REPORT}report.{kind}"):
                out.write(chunk)
        return file

    def _embedded(self) -> dict[str, bytes]:
        """Pictures inside the HTML file by the sha256 of their bytes."""
        found: dict[str, bytes] = {}
        if "html" in self._files:
            for _, data in _PICTURE.findall(self._files["html"].read_bytes()):
                try:
                    picture = b64decode(data, validate=True)
                except NotBase64:
                    continue
                found[hashlib.sha256(picture).hexdigest()] = picture
        return found

    def picture(self, blob: str) -> bytes:
        """A page's picture; KeyError if the report doesn't show it."""
        return self._pictures[blob] if blob in self._pictures else self.output(blob)

    def output(self, blob: str) -> bytes:
        """A file that lies beside the report; KeyError if there is none with this hash."""
        data = self._archive.read(self._hashes[blob])
        if hashlib.sha256(data).hexdigest() != blob:
            raise KeyError(blob)
        return data

    def compare(self, run: DerivedRun, settings: ReportSettings) -> None:
        """Make the report again, and compare every file of it."""
        if not self._kinds:
            return
        same = run.info.docmill_version == version("docmill") == self._manifest.docmill_version
        if self._manifest.own_templates:
            same = False
            self._told.unproven.append(
                "The looks of report.html and the words of report.md around the data: they were "
                "made with templates of the workspace's own."
            )
        if "json" not in self._kinds:
            self._told.unproven.append("report.json isn't in the bundle.")
        wanted = settings.model_copy(update={"formats": tuple(self._kinds)})
        again = self._folder / "report"
        build(run, settings=wanted, folder=again, latest=False)
        for kind in self._kinds:
            check = self._told.check(f"report.{kind}", ABOUT[kind])
            files = self._files[kind], again / f"report.{kind}"
            if kind == "md" and self._manifest.own_templates:
                continue
            if kind == "html":
                compare_html(check, *files, whole=same)
            else:
                COMPARE[kind](check, *files)
        self._beside(again)

    def _beside(self, again: Path) -> None:
        """Pictures and outputs: no file more, none less, each as it was made."""
        check = self._told.check("beside", "files beside the report")
        made = {
            path.relative_to(again).as_posix(): path for path in again.rglob("*") if path.is_file()
        }
        for name in sorted(made.keys() | self._names):
            if PurePosixPath(name).stem == "report" and "/" not in name:
                if name not in made:
                    check.compare(name, "there", "no file of a report")
                continue
            there = self._archive.digest(f"{form.REPORT}{name}") if name in self._names else "none"
            ours = hashlib.sha256(made[name].read_bytes()).hexdigest() if name in made else "none"
            check.compare(name, there, ours)

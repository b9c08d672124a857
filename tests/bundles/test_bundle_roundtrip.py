"""A run in one file: the same bytes each time, and everything in it is derived again."""

import hashlib
import json
import zipfile
from pathlib import Path

from tests.bundles.conftest import PIPELINE, Bundled, bundled

from docmill.batch.start import reports_folder
from docmill.batch.state import open_state
from docmill.bundle.verify import verify_bundle


def test_a_bundle_proves_every_cell_of_its_report(first: Bundled) -> None:
    """All checks have cells, none differs, and the seal is the one the report shows."""
    folder = reports_folder(first.loaded, PIPELINE) / "run-0001"
    seal = json.loads((folder / "report.json").read_text())["run"]["seal"]
    found = verify_bundle(first.path, head=seal)
    assert [check.differences for check in found.checks if check.differing] == []
    assert found.ok
    cells = {check.name: check.cells for check in found.checks}
    assert min(cells[name] for name in cells if name != "beside") > 0
    assert seal in (folder / "report.html").read_text()
    assert seal in (folder / "report.md").read_text()


def test_the_same_run_gives_the_same_bytes(first: Bundled, tmp_path: Path) -> None:
    """Whenever and wherever it is exported."""
    with open_state(first.loaded) as state:
        again = bundled(first.loaded, state, first.number, tmp_path / "again.zip")
    assert again.path.read_bytes() == first.path.read_bytes()


def test_the_manifest_names_each_part_by_its_hash(first: Bundled) -> None:
    """And the parts are all there is."""
    with zipfile.ZipFile(first.path) as archive:
        manifest = json.loads(archive.read("manifest.json"))
        found = {
            info.filename: hashlib.sha256(archive.read(info)).hexdigest()
            for info in archive.infolist()
            if info.filename != "manifest.json"
        }
    assert {part["name"]: part["sha256"] for part in manifest["parts"]} == found

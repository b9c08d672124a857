"""A forger who mends every hash of the manifest is found all the same; what was forged is named."""

import hashlib
import json
import zipfile
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openpyxl import load_workbook
from tests.bundles.conftest import Bundled, Forger

from docmill.bundle.findings import Verification
from docmill.bundle.loading import load
from docmill.bundle.opening import Archive, BundleError
from docmill.bundle.verify import verify_bundle
from docmill.store.seals import Seals

JOURNALS = "store/events.jsonl"


def differing(found: Verification) -> dict[str, str]:
    """What differs: check → the first place."""
    return {check.name: check.differences[0].place for check in found.checks if check.differing}


def reseal(forger: Forger, folder: Path) -> Path:
    """Do what only docmill's author would think of: compute all chains anew."""
    rows = [row for row in forger.rows("seals") if not str(row["subject"]).startswith("sesn_")]
    forger.put_rows("seals", rows)
    archive = Archive(forger.save())
    engine = load(archive, 1, folder)
    head = Seals(engine).seal(1)
    with engine.connect() as connection:
        found = connection.exec_driver_sql("SELECT * FROM seals ORDER BY subject").mappings()
        forger.put_rows("seals", [dict(row) for row in found])
    engine.dispose()
    archive.close()
    for name in ("report.json", "report.html", "report.md"):
        old = json.loads(forger.parts["report/report.json"])["run"]["seal"]
        if name != "report.json":
            forger.change(f"report/{name}", old, head)
    forger.change("report/report.json", old, head)
    return forger.save(seal=head)


def test_a_byte_of_a_journal(forger: Forger) -> None:
    """The session whose journal isn't the one that was sealed is named."""
    session = next(row["session"] for row in forger.rows("events") if "submit_record" in str(row))
    forger.change(JOURNALS, "submit_record", "submit_recorc")
    found = verify_bundle(forger.save())
    assert differing(found)["journals"] == session
    assert "seal" in differing(found)


def test_without_mending_the_part_is_named(forger: Forger) -> None:
    """The manifest alone tells already."""
    forger.change(JOURNALS, "submit_record", "submit_recorc")
    assert differing(verify_bundle(forger.save(mend=False)))["parts"] == f"{JOURNALS} sha256"


def test_a_value_of_the_report(forger: Forger) -> None:
    """Its document and its cell are named."""
    report = json.loads(forger.parts["report/report.json"])
    document = next(each for each in report["documents"] if each["record"])
    value = document["record"]["values"][0]["reading"]["value"]
    forger.change("report/report.json", json.dumps(value), json.dumps("made up"))
    (place,) = differing(verify_bundle(forger.save())).values()
    assert place.startswith(document["document"]["name"])
    assert place.endswith("reading value")


def test_a_cell_of_the_table(forger: Forger) -> None:
    """Sheet, row and column are named."""
    book = load_workbook(BytesIO(forger.parts["report/report.xlsx"]))
    cell: Any = book["Values"].cell(2, 5)
    cell.value = "=1+1"
    out = BytesIO()
    book.save(out)
    forger.parts["report/report.xlsx"] = out.getvalue()
    found = verify_bundle(forger.save())
    assert differing(found) == {"report.xlsx": "Values row 2 column 5"}


def test_a_price(forger: Forger, tmp_path: Path) -> None:
    """Even with every chain computed anew the charges don't come to the sums of the report."""
    rows = forger.rows("origins")
    price = next(row for row in rows if row["part"] == "prices.json")
    data = forger.parts.pop(f"blobs/{price['blob']}")
    table = json.loads(data)
    table["models"]["rules"]["input"] = "0.1"
    forged = json.dumps(table).encode()
    name = hashlib.sha256(forged).hexdigest()
    manifest = json.loads(forger.parts["manifest.json"])
    for part in manifest["parts"]:
        if part["name"] == f"blobs/{price['blob']}":
            part["name"] = f"blobs/{name}"
    forger.parts["manifest.json"] = json.dumps(manifest).encode()
    forger.parts[f"blobs/{name}"] = forged
    forger.put_rows("origins", [row | {"blob": name} if row is price else row for row in rows])
    found = differing(verify_bundle(reseal(forger, tmp_path)))
    assert found["costs"].endswith(" usd")
    assert found["specs"] == "prices"


def test_a_charge(forger: Forger, tmp_path: Path) -> None:
    """A charge that its event and the prices don't give is named by session and position."""
    rows = forger.rows("charges")
    charge = next(row for row in rows if '"usd"' in str(row["usage"]))
    usage = json.loads(str(charge["usage"])) | {"usd": "0.01"}
    charge["usage"] = json.dumps(usage)
    forger.put_rows("charges", rows)
    found = differing(verify_bundle(reseal(forger, tmp_path)))
    assert found["costs"] == f"{charge['session']}#{charge['position']} usd"
    assert "totals" in found


def test_a_status_and_a_verdict(forger: Forger, tmp_path: Path) -> None:
    """They follow from the record; what stands in their place is of no account."""
    rows = forger.rows("documents")
    flagged = next(row for row in rows if row["status"] == "flagged")
    flagged["status"] = "ok"
    flagged["verdicts"] = str(flagged["verdicts"]).replace('"fail"', '"pass"')
    forger.put_rows("documents", rows)
    found = differing(verify_bundle(reseal(forger, tmp_path)))
    assert found["statuses"] == f"{flagged['name']} status"


def test_a_record_and_its_journal_that_the_document_does_not_bear_out(
    forger: Forger, tmp_path: Path
) -> None:
    """A value changed wherever it stands isn't proven by the words of the page."""
    name = next(name for name in forger.parts if name == JOURNALS)
    wanted = "2023-0442"
    for part in (name, "store/sessions.jsonl"):
        forger.parts[part] = forger.parts[part].replace(wanted.encode(), b"2023-0443")
    found = differing(verify_bundle(reseal(forger, tmp_path)))
    assert "submission 1" in found["proof"]


def test_the_seal_of_the_report_one_holds(first: Bundled) -> None:
    """Somebody who computes everything anew can't change the seal that was handed out before."""
    found = verify_bundle(first.path, head="0" * 64)
    assert differing(found) == {"seal": "seal of the report you hold"}


@settings(max_examples=4, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_whatever_bit_is_flipped(first: Bundled, tmp_path: Path, data: Any) -> None:
    """In any part, with the hashes mended: the bundle isn't what it says."""
    forger = Forger(first.path, tmp_path / "flipped.zip")
    names = sorted(set(forger.parts) - {"README.txt", "manifest.json"})
    name = data.draw(st.sampled_from(names))
    content = bytearray(forger.parts[name])
    content[data.draw(st.integers(0, len(content) - 1))] ^= 1 << data.draw(st.integers(0, 6))
    forger.parts[name] = bytes(content)
    try:
        found = verify_bundle(forger.save())
    except BundleError:
        return
    inert = name.endswith(".xlsx") and zipfile.is_zipfile(BytesIO(content))
    assert inert or not found.ok, name


def test_a_seal_of_another_run_is_no_seal(forger: Forger) -> None:
    """A run without its rows can't be read at all."""
    forger.put_rows("runs", [])
    with pytest.raises(BundleError, match="no run"):
        verify_bundle(forger.save())

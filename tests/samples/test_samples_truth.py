"""The ground truth of the samples says what really stands in the documents."""

import json
from collections.abc import Iterator
from contextlib import suppress
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import pypdfium2
import pytest

from docmill.spec.load import load_workspace

ROOT = Path(__file__).parents[2]
FULL = ("spec-check", "material-certificates", "invoices")
"""Sets with every kind of trouble; `datasheets` is a small one."""
SETS = (*FULL, "datasheets")


@cache
def truth(name: str) -> dict[str, dict[str, Any]]:
    """Documents of a set by file name."""
    return json.loads((ROOT / "sample_data" / name / "truth.json").read_text("utf-8"))["documents"]


def documents(name: str) -> Path:
    """Folder of a set's documents."""
    return ROOT / "sample_data" / name / "documents"


def page_texts(path: Path) -> list[str]:
    """Text layer of each page without any blanks."""
    with pypdfium2.PdfDocument(path) as pdf:
        texts: list[str] = []
        for number in range(len(pdf)):
            page = pdf[number]
            text = page.get_textpage()
            texts.append("".join(text.get_text_range().split()))
            text.close()
            page.close()
    return texts


def facts(entry: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every stated value of a document with its path, ambiguous ones once per candidate."""
    values = list(entry.get("fields", {}).items())
    for name, rows in entry.get("lists", {}).items():
        for index, row in enumerate(rows):
            values += [(f"{name}[{index}].{field}", fact) for field, fact in row.items()]
    for path, fact in values:
        if fact is not None:
            for one in fact.get("ambiguous", [fact]):
                yield path, one


@pytest.mark.parametrize("name", SETS)
def test_every_file_has_its_truth(name: str) -> None:
    """No document without truth, no truth without document."""
    assert sorted(truth(name)) == sorted(path.name for path in documents(name).iterdir())


@pytest.mark.parametrize("name", SETS)
def test_every_value_stands_in_the_text_layer_of_its_page(name: str) -> None:
    """What the truth demands can be read; nothing has to be guessed or worked out."""
    absent: list[str] = []
    for file, entry in truth(name).items():
        if "fields" not in entry:
            continue
        texts = page_texts(documents(name) / file)
        for path, fact in facts(entry):
            if "".join(fact["printed"].split()) not in texts[fact["page"] - 1]:
                absent.append(f"{file} {path}: {fact['printed']}")
    assert absent == []


@pytest.mark.parametrize("name", FULL)
def test_files_said_to_be_unreadable_are(name: str) -> None:
    """Either they don't open at all, or there is no text in them."""
    failed = [file for file, entry in truth(name).items() if entry["outcome"] == "failed"]
    for file in failed:
        with suppress(pypdfium2.PdfiumError):
            assert "".join(page_texts(documents(name) / file)) == "", file
    codes = {truth(name)[file]["code"] for file in failed}
    assert codes == {
        "document_encrypted",
        "document_corrupt",
        "document_no_text",
        "document_empty",
        "document_not_supported",
    }


@pytest.mark.parametrize("name", FULL)
def test_duplicates_are_byte_identical(name: str) -> None:
    """The copy is the same file under another name, with the same truth."""
    copies = {f: e["duplicate_of"] for f, e in truth(name).items() if "duplicate_of" in e}
    assert copies
    for file, original in copies.items():
        assert (documents(name) / file).read_bytes() == (documents(name) / original).read_bytes()
        assert truth(name)[file]["fields"] == truth(name)[original]["fields"]


@pytest.mark.parametrize("name", SETS)
def test_the_truth_speaks_of_the_fields_of_the_pipeline(name: str) -> None:
    """Truth and pipeline use the same names; every field of the pipeline occurs somewhere."""
    loaded = load_workspace(ROOT)
    assert loaded.problems_in(f"pipelines/{name}.yaml") == ()
    fields = loaded.workspace.pipelines[name].record.fields or {}
    known = {field for field, spec in fields.items() if spec.fields is None}
    for field, spec in fields.items():
        known |= {f"{field}.{sub}" for sub in spec.fields or {}}
    used: set[str] = set()
    for entry in truth(name).values():
        used |= set(entry.get("fields", {}))
        for field, rows in entry.get("lists", {}).items():
            used |= {f"{field}.{sub}" for row in rows for sub in row}
    assert used == known


@pytest.mark.parametrize("name", FULL)
def test_each_set_has_good_and_bad_documents(name: str) -> None:
    """A set that only succeeds, or only fails, shows nothing."""
    outcomes = [entry["outcome"] for entry in truth(name).values()]
    assert len(outcomes) - outcomes.count("failed") >= 12
    assert min(outcomes.count(kind) for kind in ("ok", "flagged", "failed")) >= 5


def test_totals_of_good_invoices_add_up() -> None:
    """An invoice the truth calls good has an arithmetic that holds."""
    for file, entry in truth("invoices").items():
        if entry["outcome"] != "ok":
            continue
        fields = {key: fact["value"] for key, fact in entry["fields"].items() if fact}
        amounts = [Decimal(row["amount"]["value"]) for row in entry["lists"]["lines"]]
        net, tax = Decimal(fields["net_total"]), Decimal(fields["tax_total"])
        assert (file, sum(amounts)) == (file, net)
        assert (file, net + tax) == (file, Decimal(fields["total"]))

"""Expectations are run again by `verify`; a suite made to do harm isn't."""

import csv
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from tests.bundles.conftest import PIPELINE, Forger, change_pipeline

from docmill.batch.origins import keep_origins
from docmill.batch.state import State, open_state
from docmill.bundle.expecting import ask_library
from docmill.bundle.findings import Check, Verification
from docmill.bundle.opening import BundleError
from docmill.bundle.verify import verify_bundle
from docmill.checks.expectations import library_version
from docmill.checks.expectations_process import NoAnswerError
from docmill.compile import compile_pipeline
from docmill.ledger.prices import load_prices
from docmill.records.results import ExpectationResult
from docmill.spec.checks import Expectation
from docmill.spec.load import LoadedWorkspace, load_workspace
from docmill.store.schema import origins

UNIQUE: dict[str, Any] = {
    "type": "expect_column_values_to_be_unique",
    "kwargs": {"column": "report_number"},
    "severity": "critical",
}
NONE_FLAGGED: dict[str, Any] = {
    "type": "expect_column_values_to_not_be_in_set",
    "kwargs": {"column": "status", "value_set": ["flagged"]},
    "severity": "warning",
}
PASSED: dict[str, Any] = {"success": True, "message": "", "documents": []}


def expecting(
    forger: Forger,
    *cases: tuple[dict[str, Any], dict[str, Any]],
    version: str | None = None,
) -> Path:
    """The bundle of a run that had these expectations, with the results it claims for them."""
    rows = forger.rows("origins")
    row = next(row for row in rows if row["part"] == "specs.json")
    specs = json.loads(forger.parts[f"blobs/{row['blob']}"])
    specs["pipeline"]["expectations"] = [suite for suite, _ in cases]
    row["blob"] = add_blob(forger, json.dumps(specs))
    versions = add_blob(forger, json.dumps({"great-expectations": version or library_version()}))
    rows.append(row | {"part": "versions.json", "blob": versions})
    forger.put_rows("origins", rows)
    (run,) = forger.rows("runs")
    info = json.loads(str(run["info"])) | {"expectations": [{**one, **two} for one, two in cases]}
    forger.put_rows("runs", [run | {"info": json.dumps(info)}])
    return forger.save()


def add_blob(forger: Forger, text: str) -> str:
    """A blob more, named in the manifest."""
    data = text.encode()
    name = hashlib.sha256(data).hexdigest()
    forger.parts[f"blobs/{name}"] = data
    manifest = json.loads(forger.parts["manifest.json"])
    manifest["parts"].append({"name": f"blobs/{name}", "sha256": name, "size": len(data)})
    forger.parts["manifest.json"] = json.dumps(manifest).encode()
    return name


@dataclass
class Library:
    """Stands where Great Expectations does: finds every expectation met, and takes note."""

    asked: list[str] = field(default_factory=list[str])
    table: list[dict[str, str]] = field(default_factory=list[dict[str, str]])

    def __call__(
        self, table: Path, expectations: Sequence[Expectation], _kinds: Mapping[str, str]
    ) -> tuple[ExpectationResult, ...]:
        """A result for each."""
        self.asked += [each.type for each in expectations]
        with table.open(newline="", encoding="utf-8") as file:
            self.table += csv.DictReader(file)
        return tuple(ExpectationResult(**each.model_dump(), success=True) for each in expectations)


def check_of(found: Verification) -> Check:
    """What came of the expectations."""
    return next(check for check in found.checks if check.name == "expectations")


def said(found: Verification, words: str) -> bool:
    """Whether a sentence on what could not be checked has these words."""
    return any(words in sentence for sentence in found.unproven)


def test_a_result_that_was_made_up_is_found_by_the_library_itself(forger: Forger) -> None:
    """One is as the library finds it; the other claims that no document was flagged."""
    bundle = expecting(forger, (UNIQUE, PASSED), (NONE_FLAGGED, PASSED))
    found = verify_bundle(bundle, evaluate=ask_library)
    check = check_of(found)
    places = [each.place for each in check.differences]
    assert check.cells > 10
    assert all(place.startswith(f"expectation 2, {NONE_FLAGGED['type']}") for place in places)
    assert places[0].endswith(" success")
    assert any(place.endswith("documents[0]") for place in places)
    assert not said(found, "expectation")


def test_the_table_has_the_documents_that_were_derived(forger: Forger) -> None:
    """One row for each with a record, in the status of the report."""
    library = Library()
    found = verify_bundle(expecting(forger, (UNIQUE, PASSED)), evaluate=library)
    assert check_of(found).differing == 0
    assert [row["status"] for row in library.table] == ["ok", "flagged", "flagged"]


def test_a_suite_that_is_not_the_one_of_the_specs(forger: Forger) -> None:
    """What was expected, and how many expectations there are, stands in the specs."""
    bundle = expecting(forger, (UNIQUE, PASSED | {"kwargs": {"column": "supplier"}}))
    (place,) = [
        each.place for each in check_of(verify_bundle(bundle, evaluate=Library())).differences
    ]
    assert place == "expectation 1 kwargs column"


def test_results_that_were_left_out(forger: Forger) -> None:
    """A run that ended has a result for each."""
    expecting(forger, (UNIQUE, PASSED))
    (run,) = forger.rows("runs")
    info = json.loads(str(run["info"])) | {"expectations": []}
    forger.put_rows("runs", [run | {"info": json.dumps(info)}])
    library = Library()
    assert check_of(verify_bundle(forger.save(), evaluate=library)).differing
    assert library.asked == []


def test_what_may_be_code_is_never_handed_over(forger: Forger) -> None:
    """A condition that pandas would evaluate isn't; each is named, and the others are run."""
    odd: list[dict[str, Any]] = [
        {"row_condition": "@__import__('os').system('id')"},
        {"mostly": {"$PARAMETER": "now()"}},
        {"json_schema": {"$ref": "http://127.0.0.1/x"}},
    ]
    none_null = "expect_column_values_to_not_be_null"
    suites = [
        {"type": none_null, "severity": "info", "kwargs": {"column": "status", **each}}
        for each in odd
    ]
    library = Library()
    cases = [(suite, PASSED) for suite in [*suites, UNIQUE]]
    found = verify_bundle(expecting(forger, *cases), evaluate=library)
    assert library.asked == [UNIQUE["type"]]
    for name in ("row_condition", "$PARAMETER", "json_schema"):
        assert said(found, f"`{name}` may be code, which is never run")


@pytest.mark.parametrize(
    ("key", "value", "complaint"),
    [
        ("type", "expect_my_own_code", "`expect_my_own_code` is no expectation"),
        ("kwargs", {"column": "no_such"}, "no column `no_such`"),
        ("kwargs", {"mostly": 1}, "`column` is missing"),
    ],
)
def test_a_suite_that_no_run_would_have_begun_with(
    key: str, value: object, complaint: str, forger: Forger
) -> None:
    """Is refused before the library hears of it."""
    library = Library()
    with pytest.raises(BundleError, match=complaint):
        verify_bundle(expecting(forger, (UNIQUE | {key: value}, PASSED)), evaluate=library)
    assert library.asked == []


def test_a_suite_without_end(forger: Forger) -> None:
    """So many that looking at them would take hours are refused at once."""
    with pytest.raises(BundleError, match="more than 1,000 expectations"):
        verify_bundle(expecting(forger, *[(UNIQUE, PASSED)] * 1001), evaluate=Library())


def test_another_version_of_the_library(forger: Forger) -> None:
    """Both are named; words aren't compared, and what this one doesn't know isn't run."""
    new = UNIQUE | {"type": "expect_something_new"}
    library = Library()
    bundle = expecting(forger, (UNIQUE, PASSED | {"message": "all"}), (new, PASSED), version="0.9")
    found = verify_bundle(bundle, evaluate=library)
    assert check_of(found).differing == 0
    assert said(found, f"0.9 judged the run and this is {library_version()}")
    assert said(found, "this version refuses it")
    assert library.asked == [UNIQUE["type"]]


def test_a_library_that_does_not_answer(forger: Forger) -> None:
    """Nothing differs, and nothing was proven: the sentence says why."""

    def silent(*_: object) -> tuple[ExpectationResult, ...]:
        raise NoAnswerError("no answer within 300 seconds")

    found = verify_bundle(expecting(forger, (UNIQUE, PASSED)), evaluate=silent)
    assert check_of(found).differing == 0
    assert said(found, "could not be run again: no answer within 300 seconds")


def test_what_nobody_evaluated_when_the_run_was_judged(forger: Forger) -> None:
    """Isn't held against it, nor believed: a sentence says so."""
    none: dict[str, Any] = {"success": False, "message": "Not evaluated: killed", "documents": []}
    found = verify_bundle(expecting(forger, (UNIQUE, none)), evaluate=Library())
    assert check_of(found).differing == 0
    assert said(found, "nobody evaluated them")


def test_a_run_keeps_the_version_it_is_judged_with(copy: LoadedWorkspace) -> None:
    """Beside its specs; a pipeline without expectations has none to keep."""
    change_pipeline(copy.root, lambda pipeline: pipeline.update(expectations=[UNIQUE]))
    compiled = compile_pipeline(load_workspace(copy.root), PIPELINE)
    with open_state(copy) as state:
        assert origin(state, "versions.json") is None
        keep_origins(state, 1, compiled, load_prices(None))
        blob = origin(state, "versions.json")
        assert blob is not None
        assert json.loads(state.blobs.get(blob)) == {"great-expectations": library_version()}


def origin(state: State, part: str) -> str | None:
    """The blob of a part of the first run."""
    query = select(origins.c.blob).where(origins.c.run == 1, origins.c.part == part)
    with state.engine.connect() as connection:
        return connection.execute(query).scalar()

"""`docmill validate` tells every mistake of a workspace, those of meaning included."""

import time
from pathlib import Path

import pytest

from docmill.compile import check_workspace
from docmill.errors import SpecError
from docmill.spec.load import load_workspace

CASES = Path(__file__).parent / "cases"


@pytest.mark.parametrize("case", sorted(path.name for path in CASES.iterdir()))
def test_mistakes_of_meaning_are_told_at_their_places(case: str) -> None:
    """Standards, checks, schedules and sizes: the whole text equals the case's expected.txt."""
    problems = check_workspace(load_workspace(CASES / case))
    text = str(SpecError(problems)).replace(str(CASES / case), "CASE")
    assert f"{text}\n" == (CASES / case / "expected.txt").read_text()


def test_the_workspace_of_the_repository_is_valid() -> None:
    """What `docmill init` writes has no mistake."""
    root = Path(__file__).parents[2]
    assert check_workspace(load_workspace(root), verify_expectations=False) == ()


def test_expectations_are_tried_out_and_the_verdict_is_remembered(tmp_path: Path) -> None:
    """Without a schema the library is asked, once: then its answer is remembered."""
    for name, text in {
        "agent_specs/reader.yaml": "name: reader\n",
        "pipelines/check.yaml": "name: check\ndocuments: in\nagent: reader\n"
        "record: {fields: {weight: {}}}\n"
        "expectations:\n"
        "  - {type: expect_column_values_to_be_increasing, kwargs: {column: weight, mosty: 1}}\n",
    }.items():
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_text(text)
    loaded = load_workspace(tmp_path)
    assert check_workspace(loaded, verify_expectations=False) == ()
    (problem,) = check_workspace(loaded)
    assert (problem.line, problem.key) == (6, "expectations[0].kwargs")
    assert "mosty" in problem.message
    began = time.perf_counter()
    assert check_workspace(loaded) == (problem,)
    assert time.perf_counter() - began < 2

"""`-c KEY=VALUE` on the command line means what it would mean in the pipeline's file."""

from decimal import Decimal
from pathlib import Path

import pytest

from docmill.errors import SpecError
from docmill.spec.load import load_workspace
from docmill.spec.overrides import override_pipeline
from docmill.spec.pipeline import Pipeline

PIPELINES = load_workspace(Path(__file__).parents[2]).workspace.pipelines


@pytest.mark.parametrize("name", sorted(PIPELINES))
def test_nothing_else_changes(name: str) -> None:
    """Setting a key to what it is gives the very same pipeline."""
    pipeline = PIPELINES[name]
    assert override_pipeline(pipeline, [f"agent={pipeline.agent}"]) == pipeline


def overridden(*settings: str) -> Pipeline:
    """`spec-check` with these settings."""
    return override_pipeline(PIPELINES["spec-check"], list(settings))


def test_values_are_yaml() -> None:
    """Numbers, texts, lists and whole blocks are written as in the file."""
    pipeline = overridden(
        "concurrency=7", "report.title=May, week 2", "report.formats=[json, md]", "retries={}"
    )
    assert pipeline.concurrency == 7
    assert pipeline.report.title == "May, week 2"
    assert pipeline.report.formats == ("json", "md")
    assert pipeline.retries.attempts == 3


@pytest.mark.parametrize("glob", ["*.pdf", "**/*.pdf", "!x", "%a", "@b", "a: b: c"])
def test_what_is_no_yaml_is_text(glob: str) -> None:
    """Nobody has to know that `*` means something in YAML."""
    assert overridden(f"documents.glob={glob}").documents.glob == glob


def test_an_inner_key_leaves_its_neighbours_alone() -> None:
    """`limits.turns` doesn't reset the other limits; money stays exact."""
    before = PIPELINES["spec-check"].limits
    limits = overridden("limits.turns=5", "limits.usd_per_document=0.1").limits
    assert (limits.turns, limits.usd_per_document) == (5, Decimal("0.1"))
    assert limits.usd_per_run == before.usd_per_run


def test_a_block_that_was_not_there_is_made() -> None:
    """A key can be set whose block the file leaves out."""
    assert overridden("failure_threshold.count=3").failure_threshold.count == 3


def test_short_forms_work_as_in_the_file() -> None:
    """`documents=FOLDER` and `failure_threshold=20 %` are taken too."""
    pipeline = overridden("documents=elsewhere", "failure_threshold=20 %")
    assert pipeline.documents.path == "elsewhere"
    assert pipeline.failure_threshold.share == 0.2


def test_all_mistakes_are_told_at_once_and_nothing_is_set() -> None:
    """Form, unknown keys and wrong types, each with what to do instead."""
    with pytest.raises(SpecError) as caught:
        overridden("concurrency", "limits.turn=3", "retries.attempts=many", "agent=[")
    told = str(caught.value)
    assert "command line concurrency — isn't KEY=VALUE — e.g. -c limits.turns=5" in told
    assert "did you mean `turns`?" in told
    assert "command line retries.attempts" in told
    assert "command line agent — `[` is no YAML value" in told
    assert len(caught.value.problems) == 4

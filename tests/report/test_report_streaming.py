"""Memory doesn't grow with the number of documents."""

import gc
import tracemalloc
import weakref
from typing import TYPE_CHECKING

import pytest

from docmill.report import brief, build
from docmill.spec.pipeline import ReportSettings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.report.conftest import Workshop

    from docmill.records.results import DocumentResult


def many(workshop: "Workshop", number: int) -> "Iterator[DocumentResult]":
    """Documents made one by one, most of them flagged."""
    for n in range(number):
        values = [workshop.value(f"field_{k}", "unverified", reason="r" * 200) for k in range(5)]
        yield workshop.document(f"{n:05}.pdf", "flagged", *values, pictures={1: f"{n}"})


def test_no_more_than_a_few_documents_are_alive_at_a_time(workshop: "Workshop") -> None:
    """Every format goes through the documents one by one."""
    gone: list[int] = []
    made = most = 0

    def watched() -> "Iterator[DocumentResult]":
        nonlocal made, most
        for result in many(workshop, 60):
            weakref.finalize(result, gone.append, 1)
            made += 1
            most = max(most, made - len(gone))
            yield result

    settings = ReportSettings()
    build(
        workshop.reader(watched, workshop.info()),
        settings=settings,
        folder=workshop.folder / "run-0007",
    )
    assert 0 < most <= 4


@pytest.mark.parametrize("form", ["html", "json", "md"])
def test_four_times_the_documents_take_no_more_memory(
    workshop: "Workshop", form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is kept is totals, the first findings and the first rows, whose number is bounded."""
    monkeypatch.setattr(brief, "MOST_ROWS", 40)

    def peak(number: int) -> int:
        reader = workshop.reader(lambda: many(workshop, number), workshop.info())
        settings = ReportSettings.model_validate({"formats": (form,)})
        gc.collect()
        tracemalloc.start()
        build(reader, settings=settings, folder=workshop.folder / f"run-{number}")
        reached = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return reached

    peak(40)  # templates are compiled, caches are warm
    assert peak(200) < 1.3 * peak(50)

"""Checks over the batch: the same number twice, contradictions, the same content."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from docmill.checks.batch import BatchJudge
from docmill.records.checked import CheckedRecord
from docmill.records.results import DocumentInfo, Verdict
from docmill.spec.fields import Field
from docmill.spec.pipeline import Pipeline

MakeRecord = Callable[..., CheckedRecord]
MakePipeline = Callable[..., Pipeline]
MakeDocument = Callable[..., DocumentInfo]
UNIQUE = {"type": "unique", "fields": ["number"]}
SAME = {"type": "consistent", "field": "net", "per": ["number"], "severity": "warning"}


def kinds(verdicts: Mapping[str, tuple[Verdict, ...]]) -> dict[str, list[str]]:
    """Verdicts of each document as words."""
    return {key: [each.verdict for each in found] for key, found in verdicts.items()}


def test_the_same_number_twice(
    record: MakeRecord, pipeline: MakePipeline, document: MakeDocument
) -> None:
    """Ids are compared without blanks and case; each document names the others."""
    batch = BatchJudge(pipeline({**UNIQUE, "name": "once"}))
    for name, number in (("a", "text:RE 1"), ("b", "text:re1"), ("c", "text:RE 2")):
        batch.add(document(name), record(number=number))
    found = batch.verdicts()
    assert kinds(found) == {"a": ["fail"], "b": ["fail"], "c": ["pass"]}
    (first,) = found["a"]
    assert (first.check, first.path, first.value) == ("once", "number", "RE 1")
    assert first.related == ("b.pdf",)
    assert first.message == "RE 1 also stands in b.pdf."


def test_a_copy_is_no_second_document(
    record: MakeRecord, pipeline: MakePipeline, document: MakeDocument
) -> None:
    """Byte-identical copies are named, but not held against each other."""
    batch = BatchJudge(pipeline(UNIQUE))
    batch.add(document("a copy", duplicate_of="b"), record(number="text:1"))
    batch.add(document("b"), record(number="text:1"))
    batch.add(document("c"), None)
    found = batch.verdicts()
    assert kinds(found) == {"a copy": ["pass", "fail"], "b": ["pass", "fail"]}
    note = found["b"][1]
    assert (note.check, note.severity, note.related) == ("same content", "info", ("a copy.pdf",))


def test_values_that_contradict_each_other(
    record: MakeRecord, pipeline: MakePipeline, document: MakeDocument
) -> None:
    """The same amount in another spelling agrees; another amount doesn't."""
    batch = BatchJudge(pipeline(SAME))
    for name, net in (("a", "5.00 EUR"), ("b", "5 EUR"), ("c", "6 EUR"), ("d", "5 USD")):
        batch.add(document(name), record(number=f"text:{'2' if name == 'd' else '1'}", net=net))
    found = batch.verdicts()
    assert kinds(found) == {"a": ["fail"], "b": ["fail"], "c": ["fail"], "d": ["pass"]}
    assert found["a"][0].message == "For 1 other documents state c.pdf: 6 EUR."
    assert found["c"][0].related == ("a.pdf", "b.pdf")
    assert found["c"][0].severity == "warning"


@pytest.mark.parametrize(
    ("number", "verdict"),
    [(None, "missing"), ("?text:1", "not_comparable"), (["text:1", "text:2"], "not_comparable")],
)
def test_unproven_keys_are_compared_with_nothing(
    number: object, verdict: str, record: MakeRecord, pipeline: MakePipeline, document: MakeDocument
) -> None:
    """A number that isn't proven neither passes nor accuses another document."""
    batch = BatchJudge(pipeline(UNIQUE))
    batch.add(document("a"), record(number=number))
    batch.add(document("b"), record(number="text:1"))
    assert kinds(batch.verdicts()) == {"a": [verdict], "b": ["pass"]}


def test_conditions_of_batch_checks(
    record: MakeRecord, pipeline: MakePipeline, document: MakeDocument, fields: dict[str, Field]
) -> None:
    """A document the check doesn't apply to is left out; an open condition is told."""
    batch = BatchJudge(pipeline({**UNIQUE, "when": "net > 100 EUR"}), fields)
    for name, net in (("a", "500 EUR"), ("b", "5 EUR"), ("c", None)):
        batch.add(document(name), record(number="text:1", net=net))
    assert kinds(batch.verdicts()) == {"a": ["pass"], "c": ["not_comparable"]}
    with pytest.raises(ValueError, match="`nett`"):
        BatchJudge(pipeline({**UNIQUE, "when": "nett > 1 EUR"}), fields)


def test_order_follows_the_checks_and_the_documents(
    record: MakeRecord, pipeline: MakePipeline, document: MakeDocument
) -> None:
    """Verdicts stand in the order of the pipeline, documents as they were added."""
    several: dict[str, Any] = {"type": "unique", "fields": ["net", "issued", "passed", "operating"]}
    batch = BatchJudge(pipeline(SAME, several, UNIQUE))
    for name in ("z", "a"):
        values: dict[str, Any] = {"net": "5 EUR", "passed": True, "operating": "1..2 °C"}
        batch.add(document(name), record(number=f"text:{name}", issued=None, **values))
    found = batch.verdicts()
    assert list(found) == ["z", "a"]
    assert kinds(found)["z"] == ["pass", "missing", "pass"]
    assert batch.verdicts() == found


def test_a_verdict_names_only_some_of_very_many_documents(
    record: MakeRecord, pipeline: MakePipeline, document: MakeDocument
) -> None:
    """What is said of one document doesn't grow with the batch; the number is still exact."""
    batch = BatchJudge(pipeline(UNIQUE, SAME))
    for name in range(50):
        batch.add(document(f"{name:02}"), record(number="text:1", net=f"{name % 2} EUR"))
    once, agrees = batch.verdicts()["07"]
    assert once.related[:8] == tuple(f"{name:02}.pdf" for name in (0, 1, 2, 3, 4, 5, 6, 8))
    assert (len(once.related), once.unnamed) == (20, 29)
    assert once.message.endswith("20.pdf and 29 more.")
    assert agrees.related[:3] == ("00.pdf", "02.pdf", "04.pdf")
    assert (len(agrees.related), agrees.unnamed) == (20, 5)

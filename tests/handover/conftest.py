"""Stored runs to be handed over: in memory, with every kind of value."""

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from tests.buckets import bucket, s3_server

from docmill.records.checked import CheckedRecord, CheckedValue, Evidence, Reading, ReadingValue
from docmill.records.results import DocumentInfo, DocumentResult, RunInfo, Usage, Verdict
from docmill.records.values import Range
from docmill.spec.fields import Field

__all__ = ["bucket", "s3_server"]

STARTED = datetime(2026, 11, 22, 19, 33, 5, 250, tzinfo=UTC)
FIELDS = {
    "serial": Field(type="id"),
    "voltage": Field(type="quantity", unit="V"),
    "temperature": Field(type="range", unit="°C"),
    "tested": Field(type="date"),
    "passed": Field(type="boolean"),
    "lines": Field(type="list", fields={"amount": Field(type="number")}),
}
FORMULA = "=cmd|' /C calc'!A0"


class StoredInMemory:
    """A run; implements `RunReader`."""

    def __init__(self, documents: list[DocumentResult], name: str = "run-0007") -> None:
        self._documents = documents
        self.info = RunInfo(
            id=name,
            pipeline="spec-check",
            status="finished",
            started=STARTED,
            ended=STARTED.replace(minute=34),
            docmill_version="0.1.0",
            model="rules",
            agent="reader@3f9c1a7be210",
            environment="default",
            sandbox="bubblewrap",
            spec_digest="5" * 64,
        )

    def documents(self) -> Iterator[DocumentResult]:
        """The documents once more."""
        return iter(self._documents)

    def picture(self, blob: str) -> bytes:
        """There is none."""
        raise KeyError(blob)

    def output(self, blob: str) -> bytes:
        """There is none."""
        raise KeyError(blob)


def verified(path: str, value: ReadingValue, unit: str | None = None) -> CheckedValue:
    """A proven value."""
    proof = Evidence(page=2, quote=f"{path} {value}")
    reading = Reading(value=value, unit=unit, evidence=proof)
    return CheckedValue(path=path, status="verified", reading=reading)


def document(
    name: str, *values: CheckedValue, verdicts: tuple[Verdict, ...] = ()
) -> DocumentResult:
    """A document that was read."""
    return DocumentResult(
        document=DocumentInfo(
            id=name.partition(".")[0], name=name, sha256="0" * 64, size=9, pages=3
        ),
        status="flagged" if verdicts else "ok",
        record=CheckedRecord(values=values),
        verdicts=verdicts,
        usage=Usage(usd=Decimal("0.0213")),
    )


def batch() -> list[DocumentResult]:
    """One with a value of each type, one whose values are doubtful, one that failed."""
    good = document(
        "good.pdf",
        verified("serial", FORMULA),
        verified("voltage", Decimal("-3.30"), "V"),
        verified("temperature", Range(min=Decimal(-40), max=Decimal("85.5")), "°C"),
        verified("tested", date(2026, 11, 22)),
        verified("passed", value=True),
        verified("lines[0].amount", Decimal("1.125")),
        verified("lines[1].amount", Decimal(100000)),
    )
    rivals = tuple(Reading(value=Decimal(each), unit="V") for each in ("3.1", "3.2"))
    fails = Verdict(check="supply", path="serial", verdict="fail", message="Unknown.")
    near = Verdict(check="close", path="serial", verdict="marginal")
    doubtful = document(
        "doubtful.pdf",
        CheckedValue(
            path="serial", status="unverified", code="quote_not_found", reading=Reading(value="K7")
        ),
        CheckedValue(path="voltage", status="ambiguous", candidates=rivals),
        CheckedValue(path="tested", status="missing"),
        verdicts=(near, fails),
    )
    failed = DocumentResult(
        document=DocumentInfo(id="failed", name="failed.pdf", sha256="1" * 64, size=0),
        status="failed",
        code="document_empty",
        message="The file is empty.",
    )
    return [doubtful, failed, good]


@pytest.fixture
def stored() -> StoredInMemory:
    """The run."""
    return StoredInMemory(batch())


Make = Callable[[list[DocumentResult]], StoredInMemory]

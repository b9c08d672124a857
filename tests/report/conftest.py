"""Runs that lie in memory, and a workshop that writes their reports and opens them again."""

import json
import re
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from docmill.records.checked import CheckedRecord, CheckedValue, Evidence, Reading
from docmill.records.results import (
    DocumentInfo,
    DocumentResult,
    ExpectationResult,
    ReferenceInfo,
    RunInfo,
    Usage,
    Verdict,
)
from docmill.report.build import ReportFiles, build
from docmill.spec.pipeline import ReportSettings

SCRIPT = "</script><script>alert(1)</script><img src=x onerror=alert(2)>"
FORMULA = "=cmd|' /C calc'!A0"
RTL = "\u202egnp.exe \u05e9\u05dc\u05d5\u05dd"
NASTY = (SCRIPT, FORMULA, RTL, "]]>\u2028\u2029&amp;\ufffe", "a" * 10_000, "`|**_x_ [y](z)\nnext")
BLOCK = re.compile(r'<script type="application/json" class="document">(.*?)</script>')
STARTED = datetime(2026, 11, 22, 19, 33, 5, tzinfo=UTC)


def png(seed: int, size: int = 40) -> bytes:
    """Bytes that begin as a PNG does; a report never looks further."""
    return b"\x89PNG\r\n\x1a\n" + zlib.compress(str(seed).encode(), 0).ljust(size, b"\0")


@dataclass
class MemoryReader:
    """A run in memory; `make` gives its documents anew for every pass."""

    make: Callable[[], Iterator[DocumentResult]]
    info: RunInfo
    blobs: dict[str, bytes] = field(default_factory=dict[str, bytes])

    def documents(self) -> Iterator[DocumentResult]:
        """The documents once more."""
        return self.make()

    def picture(self, blob: str) -> bytes:
        """The blob, or KeyError."""
        return self.blobs[blob]

    def output(self, blob: str) -> bytes:
        """The blob, or KeyError."""
        return self.blobs[blob]


def run_info(**changes: Any) -> RunInfo:
    """A finished run with everything a report can show."""
    info = RunInfo(
        id="run-0007",
        pipeline="spec-check",
        description="Test reports against their standard",
        status="finished",
        started=STARTED,
        ended=STARTED.replace(minute=34),
        docmill_version="0.1.0",
        model="rules",
        agent="spec_reader@3f9c1a7be210",
        environment="default@91aa02bc71fe",
        sandbox="bubblewrap 0.11.0 (cgroup v2)",
        spec_digest="5" * 64,
        references=(ReferenceInfo(path="std.xlsx", version="2019-10", sha256="7" * 64, rows=84),),
        prices_as_of="2026-11-01",
        prices={"rules": {"input": "0"}},
        limits={"usd_per_run": "5"},
        expectations=(
            ExpectationResult(
                type="expect_column_values_to_not_be_null",
                kwargs={"column": "supply_voltage"},
                success=False,
                message="1 of 3 rows",
                documents=("b.pdf",),
            ),
        ),
    )
    return info.model_copy(update=changes)


def reading(
    value: Any, unit: str | None = None, *, page: int = 1, quote: str = "5.02 V"
) -> Reading:
    """A reading with proof on a page."""
    proof = Evidence(page=page, quote=quote, boxes=((10, 20, 30, 40),), label_box=(1, 20, 9, 40))
    return Reading(value=value, unit=unit, evidence=proof)


def value(path: str, status: Any = "verified", found: Any = "5.02", **more: Any) -> CheckedValue:
    """A value in volts; `found` is a number, or a tuple of two rivals."""
    if status == "ambiguous":
        rivals = tuple(reading(Decimal(each), "V") for each in found)
        return CheckedValue(path=path, status=status, candidates=rivals, **more)
    if status == "missing":
        return CheckedValue(path=path, status=status, **more)
    held = reading(Decimal(found), "V")
    return CheckedValue(path=path, status=status, reading=held, **more)


def document(name: str, status: Any = "ok", *values: CheckedValue, **more: Any) -> DocumentResult:
    """A document of one page with these values; spends 0.02 USD unless told otherwise."""
    identity = re.sub(r"[^\w.-]", "-", name)
    usage = Usage(model_calls=2, input_tokens=900, output_tokens=60, usd=Decimal("0.02"))
    given: dict[str, Any] = {
        "document": DocumentInfo(id=identity, name=name, sha256="0" * 64, size=48_000, pages=1),
        "status": status,
        "record": CheckedRecord(values=values) if values else None,
        "usage": usage,
        **more,
    }
    return DocumentResult(**given)


def batch() -> list[DocumentResult]:
    """Three documents: one ok, one with every kind of finding, one that failed."""
    fails = Verdict(
        check="std",
        path="supply_voltage",
        verdict="fail",
        value="5.31 V",
        limit="4.75 … 5.25 V",
        clause="4.2",
        message="Too high.",
    )
    close = Verdict(check="std", path="ripple", verdict="marginal", message="Close to the limit.")
    open_question = Verdict(check="std", path="current", verdict="not_comparable", limit="≤ 1 A")
    absent = Verdict(check="std", path="mass", verdict="missing", limit="≤ 2 kg")
    return [
        document(
            "a.pdf",
            "ok",
            value("supply_voltage"),
            verdicts=(fails.model_copy(update={"verdict": "pass"}),),
            cached=True,
        ),
        document(
            "b.pdf",
            "flagged",
            value("supply_voltage", found="5.31"),
            value("ripple", found="0.10"),
            value("current", "ambiguous", ("3.3", "5.0"), reason="Two rows."),
            value("noise", "unverified", code="quote_not_found", reason="Not on page 1."),
            value("mass", "missing", reason="No label."),
            value("colour", "missing", required=False),
            verdicts=(fails, close, open_question, absent),
            attempts=2,
        ),
        document(
            "c.pdf", "failed", code="document_encrypted", message="No password.", remedy="Give one."
        ),
    ]


def hostile() -> DocumentResult:
    """A document in which every text that can come from outside is nasty."""
    verdicts = tuple(
        Verdict(check=t, path="x", verdict="fail", value=t, limit=t, message=t, related=(t,))
        for t in NASTY
    )
    values = tuple(
        CheckedValue(
            path=f"row[{n}].x", status="unverified", reading=reading(t, quote=t[:2000]), reason=t
        )
        for n, t in enumerate(NASTY)
    )
    name = "\n".join(NASTY[:3])
    return document(name, "flagged", *values, verdicts=verdicts, notes=NASTY, message=SCRIPT)


def blocks(html: str) -> list[dict[str, Any]]:
    """What the script of the page reads: a block per document."""
    return [json.loads(found) for found in BLOCK.findall(html)]


@dataclass
class Workshop:
    """Makes runs and writes their reports below a folder of its own."""

    folder: Path

    reader = MemoryReader
    info = staticmethod(run_info)
    document = staticmethod(document)
    value = staticmethod(value)
    reading = staticmethod(reading)
    batch = staticmethod(batch)
    hostile = staticmethod(hostile)
    blocks = staticmethod(blocks)
    png = staticmethod(png)
    nasty = NASTY

    def write(
        self,
        *results: DocumentResult,
        blobs: dict[str, bytes] | None = None,
        run: str = "run-0007",
        info: dict[str, Any] | None = None,
        **settings: Any,
    ) -> ReportFiles:
        """The report of a run of these documents."""
        about = run_info(id=run, **(info or {}))
        reader = MemoryReader(lambda: iter(results), about, blobs or {})
        wanted = ReportSettings(**settings)
        return build(reader, settings=wanted, folder=self.folder / run)

    def html(self, *results: DocumentResult, **more: Any) -> str:
        """Text of report.html."""
        files = self.write(*results, formats=("html",), **more)
        assert files.html is not None
        return files.html.read_text()


@pytest.fixture
def workshop(tmp_path: Path) -> Workshop:
    """A workshop with an empty folder."""
    return Workshop(tmp_path / "reports")

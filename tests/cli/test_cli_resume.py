"""A run meets its limit, says so, and goes on with a higher one: as a user sees it."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from reportlab.pdfgen.canvas import Canvas  # pyright: ignore[reportMissingTypeStubs, reportUnknownVariableType]
from tests.cli.conftest import Docmill, served

from docmill.testing import ScriptedServer, reader

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

DOCUMENTS = 4
PIPELINE = """\
name: reports
documents: in
agent: reader
record: {fields: {voltage: {type: quantity, unit: V}}}
limits: {usd_per_run: 0.022, output_tokens: 2000}
"""
PRICES = "{as_of: 2026-11-01, models: {scripted/reader: {input: 1, output: 5}}}"


def record(number: int) -> dict[str, Any]:
    """What a report says."""
    volts = f"3.{number:02d}"
    return {"voltage": {"value": volts, "unit": "V", "page": 1, "quote": volts}}


@pytest.fixture
def workspace(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, prefect_folder: Path
) -> Iterator[Path]:
    """A workspace with its Prefect server up, and the endpoint of its model."""
    book = {f"R-{number:04d}": record(number) for number in range(DOCUMENTS)}
    monkeypatch.setenv("SCRIPTED_KEY", "test")
    root = tmp_path / "demo"
    for folder in ("agent_specs", "pipelines", "in"):
        (root / folder).mkdir(parents=True)
    for number in range(DOCUMENTS):
        canvas: Any = Canvas(str(root / "in" / f"report-{number}.pdf"), invariant=1)
        canvas.drawString(72, 760, f"Report R-{number:04d}")
        canvas.drawString(72, 740, f"Output voltage 3.{number:02d} V")
        canvas.save()
    (root / "prices.yaml").write_text(PRICES)
    (root / "agent_specs" / "reader.yaml").write_text("name: reader\nmodel: scripted/reader\n")
    (root / "pipelines" / "reports.yaml").write_text(PIPELINE)
    with ScriptedServer(reader(book, turns=2)) as endpoint:
        address = f"{{base_url: {endpoint.base_url}, api_key_env: SCRIPTED_KEY}}"
        config = f"endpoints: {{scripted: {address}}}\nprices: prices.yaml\n"
        (root / "docmill.yaml").write_text(config)
        yield served(root, prefect_folder)


def test_a_run_that_met_its_limit_is_gone_on_with(workspace: Path, docmill: Docmill) -> None:
    """Exit code 4 twice, then 0, under one number; the settings it was started with still hold."""
    plan = docmill("plan", "--forecast", "--json", at=workspace)
    assert plan.json["forecast"]["documents"] == DOCUMENTS
    first = docmill("run", "-j", "1", "-c", "report.title=Volts", at=workspace)
    assert first.code == 4
    assert "overshoot `limits.usd_per_run`" in first.out
    again = docmill("resume", at=workspace)
    assert again.code == 4
    unknown = docmill("resume", "--limit", "usd_per_document=much", at=workspace)
    assert unknown.code == 2
    assert "limits.usd_per_document" in unknown.err
    shown = docmill("runs", "show", at=workspace)
    assert "docmill resume run-0001 --limit usd=" in shown.out
    done = docmill("resume", "run-0001", "--limit", "usd=1", "--json", at=workspace)
    assert done.code == 0
    assert done.json["summary"]["by_status"]["ok"] == DOCUMENTS
    report = json.loads((workspace / "reports/reports/run-0001/report.json").read_text())
    assert (report["title"], report["run"]["limits"]["usd_per_run"]) == ("Volts", "1")
    assert report["run"]["forecast"]["documents"] == DOCUMENTS
    refused = docmill("resume", at=workspace)
    assert refused.code == 1
    assert "run-0001 is finished" in refused.err

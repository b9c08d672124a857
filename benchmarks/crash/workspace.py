"""A small workspace of reports, and the script of the agent that reads them.

The agent looks around for some turns, leaves notes in its sandbox, and hands in a wrong record
first for every third report, so that a kill can come between any two steps of a session.
"""

import itertools
import json
import shutil
from pathlib import Path
from typing import Any

from reportlab.pdfgen.canvas import Canvas  # pyright: ignore[reportMissingTypeStubs, reportUnknownVariableType]

MODEL = "scripted/reader"
ENDPOINT = """\
endpoints:
  scripted:
    base_url: {base_url}
    api_key_env: SCRIPTED_KEY
    capabilities: {{caching: true}}
prices: prices.yaml
"""
PRICES = """\
as_of: 2026-11-01
models:
  scripted/reader: {input: 1, output: 5, cache_write: 1.25, cache_read: 0.10}
"""
PIPELINE = """\
name: reports
documents: in
agent: reader
record:
  fields:
    voltage: {type: quantity, unit: V}
    serial: {type: id, required: false}
checks:
  - {type: tolerance, field: voltage, nominal: 3.3 V, tolerance: ±0.2 V}
  - {type: unique, fields: [serial]}
limits: {usd_per_document: 5, usd_per_run: 50}
retries: {delay_seconds: 0.2}
"""
EXPECTATIONS = """\
expectations:
  - type: expect_column_values_to_not_be_null
    kwargs: {column: voltage}
"""


def make_workspace(root: Path, *, documents: int, base_url: str, expectations: bool = True) -> None:
    """Write specs and documents."""
    for folder in ("agent_specs", "pipelines", "in"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    (root / "docmill.yaml").write_text(ENDPOINT.format(base_url=base_url))
    (root / "prices.yaml").write_text(PRICES)
    (root / "agent_specs" / "reader.yaml").write_text(f"name: reader\nmodel: {MODEL}\n")
    (root / "pipelines" / "reports.yaml").write_text(PIPELINE + EXPECTATIONS * expectations)
    for number in range(documents):
        _write_report(root / "in" / f"report-{number:03d}.pdf", number)


def script(documents: int, *, turns: int) -> dict[str, Any]:
    """What the scripted server is to answer, as docs/testing.md describes it."""
    records: dict[str, Any] = {}
    for number in range(documents):
        right = _record(number)
        wrong = right | {"voltage": right["voltage"] | {"quote": "9.99 V"}}
        records[_name(number)] = [wrong, right] if number % 3 == 0 else right
    return {"kind": "reader", "records": records, "marker": "R-[0-9]{4}", "turns": turns}


def forget(root: Path) -> None:
    """Remove every trace of earlier runs; the workspace's Prefect server stays."""
    state = root / ".docmill"
    for path in state.iterdir() if state.is_dir() else ():
        if path.name != "prefect":
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    shutil.rmtree(root / "reports", ignore_errors=True)


def report_of(root: Path) -> Any:
    """The newest report's data without what differs from run to run: times, ids, uses."""
    return _lasting(json.loads((root / "reports/reports/latest/report.json").read_text()))


def first_difference(one: Any, other: Any) -> str:
    """The first lines in which two reports differ; empty if they don't."""
    lines = [json.dumps(each, indent=1, sort_keys=True).splitlines() for each in (one, other)]
    pairs = itertools.zip_longest(*lines, fillvalue="")
    return next((f"{a.strip()} / {b.strip()}" for a, b in pairs if a != b), "")


_PASSING = {
    *("id", "session_id", "prefect_flow_run", "seal", "started", "ended", "seconds"),
    *("attempts", "retried", "cached", "cache_share", "usage", "wall_seconds", "sandbox_seconds"),
    *("usd", "cost", "costs", "headline", "forecast"),
}


def _lasting(data: Any) -> Any:
    if isinstance(data, dict):
        return {key: _lasting(value) for key, value in data.items() if key not in _PASSING}  # pyright: ignore[reportUnknownVariableType]
    if isinstance(data, list):
        return [_lasting(value) for value in data]  # pyright: ignore[reportUnknownVariableType]
    return data


def _name(number: int) -> str:
    return f"R-{number:04d}"


def _record(number: int) -> dict[str, Any]:
    return {
        "voltage": {"value": _voltage(number), "unit": "V", "page": 1, "quote": _voltage(number)},
        "serial": {"value": f"AB-{number:03d}", "page": 1, "quote": f"AB-{number:03d}"},
    }


def _voltage(number: int) -> str:
    return f"3.{number % 100:02d}"


def _write_report(path: Path, number: int) -> None:
    canvas: Any = Canvas(str(path), invariant=1)
    canvas.rect(50, 50, 400, 20)
    lines = (
        f"Report {_name(number)}",
        f"Output voltage {_voltage(number)} V",
        f"Serial number AB-{number:03d}",
    )
    for place, line in enumerate(lines):
        canvas.drawString(72, 760 - 20 * place, line)
    canvas.save()

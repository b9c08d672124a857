"""One document with a real model; costs a fraction of a cent, and runs only with `--live`."""

from pathlib import Path
from typing import Any

import pytest
from reportlab.pdfgen.canvas import Canvas  # pyright: ignore[reportMissingTypeStubs, reportUnknownVariableType]

from docmill.batch.observer import SilentObserver
from docmill.batch.start import prepare_job
from docmill.batch.state import open_state
from docmill.compile import compile_pipeline
from docmill.settings import load_settings
from docmill.spec.load import load_workspace

PIPELINE = """
name: live
documents: in
agent: reader
record: {fields: {voltage: {type: quantity, unit: V}}}
limits: {usd_per_run: 0.05, output_tokens: 2000, turns: 6}
"""


@pytest.mark.live
async def test_claude_reads_a_report(tmp_path: Path, anthropic_key: str) -> None:
    """The value is verified, the call is charged, and the limit holds."""
    for folder in ("agent_specs", "pipelines", "in"):
        (tmp_path / folder).mkdir()
    (tmp_path / "agent_specs" / "reader.yaml").write_text("name: reader\nmodel: claude-haiku-4-5\n")
    (tmp_path / "pipelines" / "live.yaml").write_text(PIPELINE)
    canvas: Any = Canvas(str(tmp_path / "in" / "report.pdf"))
    canvas.drawString(72, 760, "Output voltage 3.30 V")
    canvas.save()
    loaded = load_workspace(tmp_path)
    settings = load_settings({"ANTHROPIC_API_KEY": anthropic_key})
    with open_state(loaded) as state:
        compiled = compile_pipeline(loaded, "live")
        job = prepare_job(loaded, compiled, settings, state, observer=SilentObserver())
        (document,) = (await job.ingest()).pending
        async with job.held:
            await job.process(document, attempt=1)
        job.release()
        (result,) = job.reader().documents()
    assert result.status == "ok"
    assert 0 < result.usage.usd < 0.05

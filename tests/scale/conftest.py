"""A workspace whose documents are read by shards: real processes, each as a worker starts it."""

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

from reportlab.pdfgen.canvas import Canvas  # pyright: ignore[reportMissingTypeStubs, reportUnknownVariableType]

from docmill.batch.observer import SilentObserver
from docmill.batch.sharded import ShardedBatchJob
from docmill.batch.start import prepare_job
from docmill.batch.state import State
from docmill.compile import compile_pipeline
from docmill.errors import SessionError
from docmill.flow.job import RunEnd
from docmill.plan import PlannedDocument
from docmill.settings import load_settings
from docmill.spec.load import LoadedWorkspace, load_workspace

KEY = "sk-test-0123456789"
SETTINGS = {"SCRIPTED_KEY": KEY}
WORKSPACE = {
    "docmill.yaml": """
endpoints:
  scripted: {{base_url: "{url}", api_key_env: SCRIPTED_KEY, stall_seconds: 20}}
prices: prices.yaml
""",
    "prices.yaml": """
as_of: 2026-11-01
models:
  scripted/reader: {{input: 1, output: 5}}
""",
    "agent_specs/reader.yaml": """
name: reader
model: scripted/reader
tools: [{{type: agent_toolset_20260401}}]
""",
    "pipelines/reports.yaml": """
name: reports
documents: in
agent: reader
record:
  fields:
    voltage: {{type: quantity, unit: V}}
limits: {{output_tokens: 1000, usd_per_run: 5}}
checks:
  - {{type: tolerance, field: voltage, nominal: 3.05 V, tolerance: 0.05 V}}
concurrency: 2
scale: {{shards: 3, lease_seconds: 3}}
""",
}


def record(number: int) -> dict[str, Any]:
    """What report `number` says."""
    volts = f"{3 + number / 100:.2f}"
    return {"voltage": {"value": volts, "unit": "V", "page": 1, "quote": f"{volts} V"}}


def script(reports: int, *, turns: int = 3) -> dict[str, Any]:
    """A model that looks about, and hands in what the report says at its last turn."""
    records = {f"R-{number:03d}": record(number) for number in range(reports)}
    return {"kind": "reader", "records": records, "marker": r"Report (R-\d+)", "turns": turns}


def make_workspace(root: Path, url: str, *, reports: int) -> LoadedWorkspace:
    """Specs, and so many reports."""
    for name, content in WORKSPACE.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(content.format(url=url))
    (root / "in").mkdir()
    for number in range(reports):
        canvas: Any = Canvas(str(root / "in" / f"report-{number:03d}.pdf"), invariant=1)
        volts = record(number)["voltage"]["quote"]
        canvas.drawString(72, 760, f"Report R-{number:03d}: output voltage {volts}")
        canvas.save()
    return load_workspace(root)


class Crew:
    """Starts shards as a worker's Prefect would, and knows their processes."""

    def __init__(self, job: ShardedBatchJob, root: Path, environ: Mapping[str, str]) -> None:
        self._job = job
        self._root = root
        self._environ = {**os.environ, **environ}
        self.processes: dict[str, asyncio.subprocess.Process] = {}

    async def start(self) -> None:
        """Start every shard that the run wants."""
        while (name := await self._job.next_shard()) is not None:
            self.processes[name] = await asyncio.create_subprocess_exec(
                *(sys.executable, "-P", "-m", "docmill.cli", "shard", self._job.run_id, name),
                cwd=self._root,
                env=self._environ,
                stderr=asyncio.subprocess.PIPE,
            )

    async def end(self) -> dict[str, str]:
        """Wait until all have ended; what they said, by name of the shard."""
        said: dict[str, str] = {}
        for name, process in self.processes.items():
            try:
                async with asyncio.timeout(60):
                    said[name] = (await process.communicate())[1].decode()
            finally:
                if process.returncode is None:
                    process.kill()
        return said


def prepare(loaded: LoadedWorkspace, state: State) -> ShardedBatchJob:
    """A run, claimed."""
    compiled = compile_pipeline(loaded, "reports")
    settings = load_settings(SETTINGS)
    job = prepare_job(loaded, compiled, settings, state, observer=SilentObserver())
    assert isinstance(job, ShardedBatchJob)
    return job


async def drive(
    job: ShardedBatchJob, crew: Crew, meanwhile: Callable[[], Awaitable[None]]
) -> dict[str, str]:
    """What the flow does; the documents' statuses by name."""
    ingested = await job.ingest()

    async def one(document: PlannedDocument) -> None:
        try:
            await job.process(document, attempt=1)
        except SessionError as error:
            job.settle_failure(document, error, attempts=1)

    async with job.held:
        starting = asyncio.create_task(crew.start())
        try:
            await asyncio.gather(*(one(each) for each in ingested.pending), meanwhile())
        finally:
            await job.dismiss()
            await starting
            await crew.end()
    await job.judge()
    job.release()
    job.close(RunEnd(status="finished"))
    return {result.document.name: result.status for result in job.reader().documents()}

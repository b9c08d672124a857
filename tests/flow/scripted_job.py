"""A job whose documents do what the test says, and that remembers what was asked of it.

Run as a program it is a job of slow documents on a server of its own, for tests that kill things.
"""

import asyncio
import hashlib
import json
import os
import signal
import sys
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from docmill.errors import SessionError
from docmill.flow import launch, server
from docmill.flow.address import ServerSettings
from docmill.flow.job import Ingested, Published, RunEnd
from docmill.plan import PlannedDocument
from docmill.records.results import DocumentInfo, DocumentStatus
from docmill.spec.pipeline import FailureThreshold, Retries

Work = Callable[[PlannedDocument, int], Awaitable[DocumentStatus]]


def documents(number: int, *, batch: str = "batch") -> list[PlannedDocument]:
    """So many documents; equal batches have equal keys."""
    return [
        PlannedDocument(
            info=DocumentInfo(id=f"d{index}", name=f"in/{index}.pdf", sha256="0" * 64, size=1),
            location=f"/in/{index}.pdf",
            key=hashlib.sha256(f"{batch}-{index}".encode()).hexdigest(),
        )
        for index in range(number)
    ]


async def fine(document: PlannedDocument, attempt: int) -> DocumentStatus:
    """A document without trouble."""
    del document, attempt
    return "ok"


class ScriptedJob:
    """Implements `Job`."""

    def __init__(
        self, batch: list[PlannedDocument], work: Work = fine, *, finished: int = 0
    ) -> None:
        self.name = "spec-check"
        self.run_id = "run-0001"
        self.concurrency = 2
        self.retries = Retries(attempts=3, delay_seconds=0)
        self.failure_threshold = FailureThreshold()
        self.batch = batch
        self.work = work
        self.finished = finished
        self.ends: dict[str, DocumentStatus] = {}
        """Documents by id, as the store would have them."""
        self.attempts: list[tuple[str, int]] = []
        self.errors: dict[str, tuple[SessionError, int]] = {}
        self.end: RunEnd | None = None
        self.flow_run_id = ""
        self.url = ""

    async def ingest(self) -> Ingested:
        return Ingested(
            pending=self.batch[self.finished :],
            finished=self.batch[: self.finished],
            total=len(self.batch),
        )

    async def process(self, document: PlannedDocument, *, attempt: int) -> dict[str, Any]:
        self.attempts.append((document.info.id, attempt))
        status = await self.work(document, attempt)
        self.ends[document.info.id] = status
        return {"document": document.info.id, "status": status, "session": "sesn_1"}

    def reuse(self, document: PlannedDocument) -> DocumentStatus:
        self.ends[document.info.id] = "ok"
        return "ok"

    def settle_failure(
        self, document: PlannedDocument, error: SessionError, *, attempts: int
    ) -> DocumentStatus:
        self.errors[document.info.id] = (error, attempts)
        self.ends[document.info.id] = "failed"
        return "failed"

    def settle_cancelled(self, document: PlannedDocument) -> None:
        assert document.info.id not in self.ends
        self.ends[document.info.id] = "cancelled"

    async def judge(self) -> dict[str, Any]:
        return {"checked": len(self.ends)}

    async def report(self, end: RunEnd) -> Published:
        self.end = end
        return Published(markdown="# All is well", folder="reports/spec-check/run-0001")

    def orchestrated(self, flow_run_id: str, url: str) -> None:
        self.flow_run_id, self.url = flow_run_id, url


def main(folder: Path, victim: str, numbers: list[int]) -> int:
    """Jobs at once, of so many documents each; when all are at their sixth, `victim` is hit: this
    process, or its server."""
    settings = ServerSettings(folder=folder)
    there = threading.Barrier(len(numbers))

    async def work(document: PlannedDocument, attempt: int) -> DocumentStatus:
        del attempt
        if document.info.id == "d5":
            first = await asyncio.to_thread(there.wait) == 0
            if victim == "server":
                if first:
                    os.kill(server.status(settings).pid, signal.SIGKILL)
            else:
                os.kill(os.getpid(), signal.SIGINT)
                await asyncio.sleep(60)
        return "ok"

    def one(number: int) -> dict[str, Any]:
        job = ScriptedJob(documents(number), work)
        outcome = launch.run(job, server.ensure(settings))
        return {"status": outcome.end.status, "ends": job.ends, "notice": outcome.notice}

    if len(numbers) == 1:  # signals are for the main thread
        ends = [one(numbers[0])]
    else:
        server.ensure(settings)
        with ThreadPoolExecutor(len(numbers)) as pool:
            ends = list(pool.map(one, numbers))
    sys.stdout.write(json.dumps(ends))
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2], [int(each) for each in sys.argv[3:]]))

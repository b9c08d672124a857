"""What orchestration costs: a run of no-op documents as a Prefect flow, and how the server starts.

Usage: `python benchmarks/flow.py [documents] [--cold]`. Prints wall and CPU seconds and memory
(PSS) of this process, with Prefect's process that it starts, and of Prefect's server; `--cold` also
times a first start without any cache.
"""

import argparse
import hashlib
import os
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from docmill.errors import SessionError
from docmill.flow import launch, server
from docmill.flow.address import ServerSettings
from docmill.flow.job import Ingested, Published, RunEnd
from docmill.plan import PlannedDocument
from docmill.records.results import DocumentInfo, DocumentStatus
from docmill.spec.pipeline import FailureThreshold, Retries

SETTLE = 3.0
"""Seconds after a run in which the server still writes down what it was told."""


class NothingToDo:
    """A job whose documents take no time."""

    name = "benchmark"
    run_id = "run-0001"
    concurrency = 4
    retries = Retries()
    failure_threshold = FailureThreshold()

    def __init__(self, number: int, *, finished: bool) -> None:
        batch = [
            PlannedDocument(
                info=DocumentInfo(id=f"d{index}", name=f"{index}.pdf", sha256="", size=1),
                location="",
                key=hashlib.sha256(str(index).encode()).hexdigest(),
            )
            for index in range(number)
        ]
        self._ingested = Ingested(
            pending=() if finished else batch, finished=batch if finished else (), total=number
        )

    async def ingest(self) -> Ingested:
        return self._ingested

    async def process(self, document: PlannedDocument, *, attempt: int) -> dict[str, Any]:
        return {"document": document.info.id, "status": "ok", "session": f"sesn_{attempt}"}

    def reuse(self, document: PlannedDocument) -> DocumentStatus:
        del document
        return "ok"

    def settle_failure(
        self, document: PlannedDocument, error: SessionError, *, attempts: int
    ) -> DocumentStatus:
        raise AssertionError((document.info.id, error, attempts))

    def settle_cancelled(self, document: PlannedDocument) -> None:
        raise AssertionError(document.info.id)

    async def judge(self) -> dict[str, Any]:
        return {}

    async def report(self, end: RunEnd) -> Published:
        return Published(markdown=str(end.counts), folder="")

    def orchestrated(self, flow_run_id: str, url: str) -> None:
        pass


def cpu_seconds(pid: int) -> float:
    """User and system time of a process and its children that have ended."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")


def megabytes(pid: int) -> float:
    """Proportional set size of a process."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024


@contextmanager
def measured(what: str, pids: dict[str, int]) -> Generator[None]:
    """Print wall time and, for each process, CPU time and memory of what happens inside."""
    begin = time.monotonic()
    before = {name: cpu_seconds(pid) for name, pid in pids.items()}
    yield
    wall = time.monotonic() - begin
    parts = [
        f"{name} {cpu_seconds(pid) - before[name]:5.2f} CPU-s {megabytes(pid):4.0f} MB"
        for name, pid in pids.items()
    ]
    print(f"{what:34} {wall:6.2f} s   {'   '.join(parts)}")


def time_start(what: str, folder: Path) -> None:
    """Start a server and stop it again."""
    settings = ServerSettings(folder=folder)
    address = server.start(settings)
    pid = server.status(settings).pid
    print(
        f"{what:34} {address.seconds:6.2f} s   server {cpu_seconds(pid):5.2f} CPU-s "
        f"{megabytes(pid):4.0f} MB"
    )
    server.stop(settings)


def main() -> None:
    """Starts first, then a run, then its re-run."""
    parser = argparse.ArgumentParser()
    parser.add_argument("documents", type=int, nargs="?", default=200)
    parser.add_argument("--cold", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        if options.cold:
            cache = os.environ.get("XDG_CACHE_HOME")
            os.environ["XDG_CACHE_HOME"] = f"{scratch}/cache"
            time_start("first start of this user", Path(scratch, "first"))
            os.environ.pop("XDG_CACHE_HOME")
            os.environ |= {"XDG_CACHE_HOME": cache} if cache else {}
        server.prepare()
        time_start("start in a new workspace", Path(scratch, "new"))
        time_start("start in a known workspace", Path(scratch, "new"))
        settings = ServerSettings(folder=Path(scratch, "new"))
        address = server.start(settings)
        pids = {"runner": os.getpid(), "server": server.status(settings).pid}
        try:
            number = options.documents
            for some in (1, number):
                with measured(f"run of {some} documents", pids):
                    launch.run(NothingToDo(some, finished=False), address)
                    time.sleep(SETTLE)
            with measured(f"re-run, all {number} finished", pids):
                launch.run(NothingToDo(number, finished=True), address)
                time.sleep(SETTLE)
            with measured("server, 10 s idle", pids):
                time.sleep(10)
        finally:
            server.stop(settings)


if __name__ == "__main__":
    main()

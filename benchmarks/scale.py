"""What more workers bring: one run, shared by one Prefect worker and by three, on PostgreSQL.

Usage: `python -m benchmarks.scale [--documents N] [--latency S] [--shards 1 3] [--kill] [--url
URL]`. The model is a scripted server whose answers take `--latency` seconds, three to a document,
so waiting for it dominates. Without `--url` a PostgreSQL of its own is started. Throughput is told
over the whole `docmill run` and from the first model call to the last document. `--kill` kills one
of several workers, with all its processes, in the middle of the run, and counts calls made twice.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Generator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.measuring import descendants
from reportlab.pdfgen.canvas import Canvas  # pyright: ignore[reportMissingTypeStubs, reportUnknownVariableType]
from sqlalchemy import create_engine, text

from docmill.testing.process import ServerProcess

BAR = 2.2
TURNS = 3
KEY = "sk-bench-0123456789"
DATABASE = Path(__file__).parent.parent / ".ci" / "database"
COMMAND = (sys.executable, "-P", "-m", "docmill.cli")
WORKSPACE = {
    "docmill.yaml": """
endpoints:
  scripted: {{base_url: "{url}", api_key_env: SCRIPTED_KEY, stall_seconds: 60}}
prices: prices.yaml
deploy: {{work_pool: bench}}
""",
    "prices.yaml": "as_of: 2026-11-01\nmodels:\n  scripted/reader: {{input: 1, output: 5}}\n",
    "agent_specs/reader.yaml": (
        "name: reader\nmodel: scripted/reader\ntools: [{{type: agent_toolset_20260401}}]\n"
    ),
    "pipelines/reports.yaml": """
name: reports
documents: in
agent: reader
record:
  fields:
    voltage: {{type: quantity, unit: V}}
limits: {{output_tokens: 1000, usd_per_run: 100}}
concurrency: {concurrency}
scale: {{shards: 3}}
report: {{formats: [json], pictures: none}}
""",
}


class Row(NamedTuple):
    """One run: seconds, and documents per minute over the whole of it and while it read."""

    shards: int
    wall: float
    reading: float
    overall: float
    throughput: float


def make_workspace(root: Path, url: str, *, documents: int, concurrency: int) -> None:
    """Specs, and so many reports of one page."""
    for name, content in WORKSPACE.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(content.format(url=url, concurrency=concurrency))
    (root / "in").mkdir()
    for number in range(documents):
        canvas: Any = Canvas(str(root / "in" / f"report-{number:04d}.pdf"), invariant=1)
        canvas.drawString(72, 760, f"Report R-{number:04d}: output voltage 3.30 V")
        canvas.save()


def script(documents: int) -> dict[str, Any]:
    """A model that looks twice, and hands the record in at its third turn."""
    voltage = {"value": "3.30", "unit": "V", "page": 1, "quote": "3.30 V"}
    records = {f"R-{number:04d}": {"voltage": voltage} for number in range(documents)}
    return {"kind": "reader", "records": records, "marker": r"Report (R-\d+)", "turns": TURNS}


@contextmanager
def database(url: str | None) -> Generator[str]:
    """The database's URL; without one, a PostgreSQL of its own."""
    if url:
        yield url
        return
    with tempfile.TemporaryDirectory(prefix="docmill-bench-pg-") as folder:
        Path(folder).chmod(0o755)  # it runs as another user
        place = Path(folder) / "pg"
        started = subprocess.run(
            [str(DATABASE), "start", str(place)], check=True, stdout=subprocess.PIPE, text=True
        )
        try:
            yield started.stdout.strip().splitlines()[-1]
        finally:
            subprocess.run([str(DATABASE), "stop", str(place)], check=True)


@contextmanager
def workers(
    root: Path, number: int, environ: dict[str, str]
) -> Generator[list[subprocess.Popen[bytes]]]:
    """So many workers, each of which takes one flow run at a time."""
    started: list[subprocess.Popen[bytes]] = []
    with ExitStack() as logs:
        try:
            for index in range(number):
                log = logs.enter_context((root / f"worker-{index}.log").open("wb"))
                started.append(
                    subprocess.Popen(
                        [*COMMAND, "worker", "--limit", "1"],
                        cwd=root,
                        env=environ,
                        stdout=log,
                        stderr=log,
                        start_new_session=True,
                    )
                )
            yield started
        finally:
            for process in started:
                process.send_signal(signal.SIGTERM)
            for process in started:
                process.wait(60)


@contextmanager
def killing(
    worker: subprocess.Popen[bytes], server: ServerProcess, documents: int
) -> Generator[None]:
    """Kill a worker and all below it, once a third of the calls were made; tell what it cost."""
    before = len(server.log()["requests"])
    over = threading.Event()

    def kill() -> None:
        while not over.wait(0.2):
            if len(server.log()["requests"]) - before > documents * TURNS // 3:
                for pid in descendants(worker.pid):
                    with suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)
                return

    thread = threading.Thread(target=kill)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
        sums = Counter(request["sha256"] for request in server.log()["requests"][before:])
        print(f"one worker killed: {sum(sums.values()) - len(sums)} calls made twice")


def run_once(
    server: ServerProcess, given: argparse.Namespace, *, shards: int, url: str, key: int
) -> Row:
    """A workspace, a schema and workers of its own; one run."""
    with tempfile.TemporaryDirectory(prefix="docmill-bench-scale-") as folder:
        root = Path(folder) / "workspace"
        make_workspace(
            root, server.base_url, documents=given.documents, concurrency=given.concurrency
        )
        schema = f"bench_{os.getpid()}_{key}"
        engine = create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
        with engine.begin() as connection:
            connection.execute(text(f"CREATE SCHEMA {schema}"))
        environ = dict(os.environ) | {
            "SCRIPTED_KEY": KEY,
            "DOCMILL_DATABASE_URL": f"{url}?options=-csearch_path%3D{schema}",
            "PREFECT_WORKER_QUERY_SECONDS": "1",
        }
        try:
            docmill(root, environ, "prefect", "start")
            docmill(root, environ, "deploy")
            with workers(root, shards, environ) as crew, ExitStack() as ends:
                if given.kill and shards > 1:
                    ends.enter_context(killing(crew[0], server, given.documents))
                return _measured(root, environ, given.documents, shards)
        finally:
            docmill(root, environ, "prefect", "stop")
            with engine.begin() as connection:
                connection.execute(text(f"DROP SCHEMA {schema} CASCADE"))
            engine.dispose()


def _measured(root: Path, environ: dict[str, str], documents: int, shards: int) -> Row:
    begun = time.monotonic()
    said = docmill(root, environ, "run", "reports", "--shards", str(shards), "--json")
    wall = time.monotonic() - begun
    data = json.loads(said)
    ok = data["summary"]["by_status"].get("ok", 0)
    if ok != documents:
        raise SystemExit(f"{ok} of {documents} documents are ok: {said[:2000]}")
    reading = _reading_seconds(environ["DOCMILL_DATABASE_URL"])
    return Row(shards, wall, reading, 60 * documents / wall, 60 * documents / reading)


def _reading_seconds(url: str) -> float:
    """From the first model call to the end of the last session."""
    engine = create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
    with engine.connect() as connection:
        first, last = connection.execute(text("SELECT min(at), max(at) FROM events")).one()
    engine.dispose()
    return (datetime.fromisoformat(last) - datetime.fromisoformat(first)).total_seconds()


def docmill(root: Path, environ: dict[str, str], *arguments: str) -> str:
    """A command's stdout."""
    done = subprocess.run(
        [*COMMAND, *arguments], cwd=root, env=environ, capture_output=True, text=True, check=False
    )
    if done.returncode:
        logs = "".join(path.read_text()[-1500:] for path in sorted(root.glob("worker-*.log")))
        raise SystemExit(f"docmill {' '.join(arguments)}: {done.stdout[-500:]}{done.stderr}{logs}")
    return done.stdout


def _end(_number: int, _frame: object) -> None:
    sys.exit(1)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a table; 1 if three workers bring less than the bar."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--documents", type=int, default=24)
    parser.add_argument("--latency", type=float, default=5.0)
    parser.add_argument("--concurrency", type=int, default=4, help="sessions of a shard")
    parser.add_argument("--shards", type=int, nargs="+", default=[1, 3])
    parser.add_argument("--kill", action="store_true", help="kill a worker in mid-run")
    parser.add_argument("--url", help="PostgreSQL to use")
    given = parser.parse_args(arguments)
    # Told to end, it still ends what it has started.
    signal.signal(signal.SIGTERM, _end)
    rows: list[Row] = []
    print(f"{'shards':>6}{'wall s':>9}{'reading s':>11}{'documents/min':>15}{'while reading':>15}")
    with (
        database(given.url) as url,
        ServerProcess(script(given.documents), key=KEY, latency=given.latency) as server,
    ):
        for key, shards in enumerate(given.shards):
            row = run_once(server, given, shards=shards, url=url, key=key)
            rows.append(row)
            print(
                f"{row.shards:>6}{row.wall:>9.1f}{row.reading:>11.1f}"
                f"{row.overall:>15.1f}{row.throughput:>15.1f}",
                flush=True,
            )
    if len(rows) == 1:
        return 0
    gain, while_reading = (
        rows[-1].overall / rows[0].overall,
        rows[-1].throughput / rows[0].throughput,
    )
    print(f"gain: {gain:.2f}, while reading {while_reading:.2f} (bar {BAR})")
    return int(while_reading < BAR)


if __name__ == "__main__":
    sys.exit(main())

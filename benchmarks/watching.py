"""What a watcher costs: seconds from a settled drop to its report, step by step; CPU while idle.

Ten documents nobody has read, whose table no earlier drop had either, and the embedded model; in a
folder and in a bucket of rclone's S3 server; Prefect's server down at the first drop, up at the
next. `python benchmarks/watching.py [--idle SECONDS] [--listing OBJECTS]`.
"""

import argparse
import contextlib
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple
from urllib.parse import parse_qs, urlsplit

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.measuring import cpu_of_tree
from sqlalchemy import func, select

from docmill.documents.stores import open_store
from docmill.store import schema
from docmill.store.database import open_database
from docmill.store.runs import RunStore

PROGRAM = Path(sys.executable)
SETTLE = 10.0
"""Seconds; the default, in which the watcher has a run get ready."""
DOCUMENTS = 10
PATIENCE = 120.0
WATCH = "\nwatch: {{path: '{path}', settle_seconds: {settle}, poll_seconds: 2}}\n"


HEAD = '<?xml version="1.0"?><ListBucketResult><Name>bucket</Name><MaxKeys>1000</MaxKeys>'
ENTRY = (
    "<Contents><Key>incoming/document-{number:06}.pdf</Key><Size>90000</Size>"
    "<LastModified>2026-01-01T00:00:00.000Z</LastModified>"
    '<ETag>"{number:032x}"</ETag><StorageClass>STANDARD</StorageClass></Contents>'
)
LISTING = """
import resource, sys, time
from pathlib import Path
from docmill.documents.sources import list_files
from docmill.documents.stores import open_store
open_store("s3://bucket")
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
begun = time.monotonic()
found = len(list_files(sys.argv[1], Path()).candidates)
after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(found, time.monotonic() - begun, before, after)
"""


STEPS = ("taken", "planned", "begun", "read", "judged", "built", "there")
"""What follows on each other: the drop was noticed and copied; its run was planned and claimed; its
flow and the first sandboxes stood; all documents were read; their table was judged; the report was
written here; it lay where it belongs."""


class Figures(NamedTuple):
    """Of one drop."""

    steps: dict[str, float]
    """Seconds each step took, in the order of STEPS, from the moment the drop had settled."""
    cpu: float
    """Seconds of the watcher and all it starts, from the drop to its report."""
    server: float
    """The same, of Prefect's server."""

    @property
    def report(self) -> float:
        """Seconds until the report was there."""
        return sum(self.steps.values())


def docmill(*arguments: str, cwd: Path) -> None:
    """Call a command to its end."""
    command = [str(PROGRAM.with_name("docmill")), *arguments]
    subprocess.run(command, cwd=cwd, check=True, stdout=subprocess.DEVNULL)


@contextmanager
def watcher(root: Path) -> Generator[subprocess.Popen[bytes]]:
    """`docmill watch`, until the block ends."""
    command = [str(PROGRAM.with_name("docmill")), "watch", "spec-check"]
    with (root / "watch.log").open("wb") as log:
        process = subprocess.Popen(command, cwd=root, stdout=log, stderr=log)
        try:
            yield process
        finally:
            process.terminate()
            process.wait()


@contextmanager
def s3_server(folder: Path) -> Generator[None]:
    """rclone over a folder; the AWS variables of this process and its children lead to it."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    command = [str(PROGRAM.with_name("rclone")), "serve", "s3", "--addr", f"127.0.0.1:{port}"]
    process = subprocess.Popen(
        [*command, "--auth-key", "bench,no-secret", str(folder)],
        stderr=subprocess.DEVNULL,
    )
    os.environ |= {
        "AWS_ACCESS_KEY_ID": "bench",
        "AWS_SECRET_ACCESS_KEY": "no-secret",
        "AWS_DEFAULT_REGION": "eu-central-1",
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
    }
    try:
        while socket.socket().connect_ex(("127.0.0.1", port)):
            time.sleep(0.05)
        yield
    finally:
        process.terminate()
        process.wait()


def documents(root: Path) -> list[Path]:
    """Ten that can be read."""
    folder = root / "sample_data/spec-check/documents"
    usable = (
        path
        for path in sorted(folder.glob("*.pdf"))
        if "protected" not in path.name and "upload" not in path.name and "Kopie" not in path.name
    )
    return list(usable)[:DOCUMENTS]


def drop(root: Path, path: str, lab: Path, *, box: str) -> None:
    """Put the documents into the watched place, as somebody who copies a folder."""
    for document in documents(root):
        # Nobody has read this content before, nor judged a table with this name.
        content = document.read_bytes() + f"\n% {path} {box}\n".encode()
        name = f"{box}/{box}-{document.name}"
        if path.startswith("s3://"):
            filesystem, base = open_store(path)
            filesystem.pipe_file(f"{base}/{name}", content)
        else:
            (lab / "incoming" / box).mkdir(parents=True, exist_ok=True)
            (lab / "incoming" / name).write_bytes(content)


def wait_for_rest(pid: int) -> None:
    """Until a process has done what it does at its start."""
    used, before = 0.0, -1.0
    while used == 0 or used - before > 0.05:
        time.sleep(2)
        used, before = cpu_of_tree(pid), used


def server_pid(root: Path) -> int:
    """Prefect's server, 0 if there is none."""
    try:
        return int(json.loads((root / ".docmill/prefect/server.json").read_text())["pid"])
    except FileNotFoundError:
        return 0


def measure(root: Path, path: str, lab: Path, *, pid: int, box: str) -> Figures:
    """Drop documents and wait for their report."""
    log = root / "watch.log"
    known, said = set((lab / "reports").glob("*")), len(log.read_bytes())
    used = cpu_of_tree(pid), cpu_of_tree(server_pid(root))
    drop(root, path, lab, box=box)
    settled = time.time() + SETTLE
    taken = there = 0.0
    while not there:
        if time.time() > settled + PATIENCE:
            raise SystemExit(log.read_text())
        time.sleep(0.02)
        if not taken and b" documents" in log.read_bytes()[said:]:
            taken = time.time()
        if set((lab / "reports").glob("*/report.html")) - {old / "report.html" for old in known}:
            there = time.time()
    cpu = cpu_of_tree(pid) - used[0], cpu_of_tree(server_pid(root)) - used[1]
    moments = [settled, taken, *moments_of_run(root), there]
    took = [after - before for before, after in pairwise(moments)]
    return Figures(dict(zip(STEPS, took, strict=True)), *cpu)


def moments_of_run(root: Path) -> list[float]:
    """When the newest run was claimed, began to read, had read all, was judged, had a report."""
    engine = open_database(root / ".docmill")
    try:
        with engine.connect() as connection:
            number = connection.execute(select(func.max(schema.sessions.c.run))).scalar_one()
            (begun,) = connection.execute(
                select(func.min(schema.sessions.c.started)).where(schema.sessions.c.run == number)
            ).one()
            (read,) = connection.execute(
                select(func.max(schema.events.c.at))
                .join(schema.sessions, schema.sessions.c.session == schema.events.c.session)
                .where(schema.sessions.c.run == number)
            ).one()
        info = RunStore(engine).info(number)
    finally:
        engine.dispose()
    assert info.ended is not None
    report = root / "reports/spec-check" / info.id / "report.html"
    return [
        info.started.timestamp(),
        datetime.fromisoformat(begun).timestamp(),
        datetime.fromisoformat(read).timestamp(),
        info.ended.timestamp(),
        report.parent.stat().st_ctime,
    ]


def watched(root: Path, path: str, lab: Path, *, idle: float) -> Iterator[str]:
    """Watch a place: a drop into a cold workspace, then nothing, then another drop."""
    kind = "bucket" if path.startswith("s3://") else "folder"
    spec = root / "pipelines/spec-check.yaml"
    before = spec.read_text()
    spec.write_text(before + WATCH.format(path=path, settle=SETTLE))
    docmill("prefect", "stop", cwd=root)
    with watcher(root) as process:
        wait_for_rest(process.pid)
        for box in ("first", "next"):
            figures = measure(root, path, lab, pid=process.pid, box=f"{kind}-{box}")
            steps = "".join(f"{figures.steps[step]:>8.2f}" for step in STEPS)
            cpu = f"{figures.cpu:>8.1f}{figures.server:>8.1f}"
            yield f"{kind:<7} {box:<6}{figures.report:>8.2f}{steps}{cpu}"
            wait_for_rest(process.pid)
        begun = cpu_of_tree(process.pid)
        time.sleep(idle)
        yield f"{kind:<7} idle  {(cpu_of_tree(process.pid) - begun) / idle:>8.2%} of a processor"
    spec.write_text(before)


class Pages(BaseHTTPRequestHandler):
    """A bucket of as many objects as are asked for, which can only be listed, by the thousand."""

    objects = 0

    def do_GET(self) -> None:
        """One page."""
        asked = parse_qs(urlsplit(self.path).query)
        start = int(asked.get("continuation-token", ["0"])[0])
        end = min(start + 1000, self.objects)
        entries = "".join(ENTRY.format(number=number) for number in range(start, end))
        more = f"<NextContinuationToken>{end}</NextContinuationToken>" if end < self.objects else ""
        truncated = "true" if more else "false"
        page = f"{HEAD}<IsTruncated>{truncated}</IsTruncated>{more}{entries}</ListBucketResult>"
        self.send_response(200)
        self.send_header("Content-Length", str(len(page)))
        self.end_headers()
        self.wfile.write(page.encode())

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Nobody reads it."""


def many(objects: int, lab: Path) -> Iterator[str]:
    """How long listings of so many objects take, and how much memory, in a process of their own.

    rclone's server takes minutes for that: here the bucket is one that can only be listed.
    """
    base = lab / "incoming"
    base.mkdir(parents=True)
    for number in range(objects):
        (base / f"document-{number:06}.pdf").write_bytes(b"%d" % number)
    Pages.objects = objects
    server = ThreadingHTTPServer(("127.0.0.1", 0), Pages)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    keys = {"AWS_ACCESS_KEY_ID": "bench", "AWS_SECRET_ACCESS_KEY": "no-secret"}
    keys["AWS_ENDPOINT_URL"] = f"http://127.0.0.1:{server.server_address[1]}"
    for kind, address in (("folder", str(base)), ("bucket", "s3://bucket/incoming")):
        command = [str(PROGRAM), "-c", LISTING, address]
        asked = subprocess.run(
            command, env=os.environ | keys, check=True, stdout=subprocess.PIPE, text=True
        )
        found, seconds, before, after = asked.stdout.split()
        yield (
            f"{kind:<8} {found} objects listed in {float(seconds):.1f} s; "
            f"memory {int(before) // 1024} → {int(after) // 1024} MiB at most"
        )
    server.shutdown()


def main() -> int:
    """Print a line for each drop."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--idle", type=float, default=20.0, help="seconds to watch it do nothing")
    parser.add_argument("--listing", type=int, default=0, help="objects to list, instead")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as ends:
        base = Path(folder)
        root, buckets = base / "demo", base / "buckets"
        (buckets / "lab").mkdir(parents=True)
        if given.listing:
            for line in many(given.listing, base / "many"):
                print(line)
            return 0
        docmill("init", str(root), cwd=base)
        ends.callback(docmill, "prefect", "stop", cwd=root)
        ends.enter_context(s3_server(buckets))
        (base / "lab/incoming").mkdir(parents=True)
        # The first run of a workspace makes what later ones find.
        docmill("run", "spec-check", "-c", f"documents.path={documents(root)[0]}", cwd=root)
        places = [
            (str(base / "lab/incoming"), base / "lab"),
            ("s3://lab/incoming", buckets / "lab"),
        ]
        heads = "".join(f"{step:>8}" for step in STEPS)
        print(f"{'place':<7} {'drop':<6}{'report':>8}{heads}{'cpu':>8}{'server':>8}", flush=True)
        for path, lab in places:
            for line in watched(root, path, lab, idle=given.idle):
                print(line, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())

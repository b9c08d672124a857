"""What a watcher costs: seconds from a settled drop to its report, and CPU while nothing comes.

Ten documents, the embedded model, Prefect's server up, in a folder and in a bucket of rclone's S3
server. `python benchmarks/watching.py [--idle SECONDS] [--listing OBJECTS]`; the listing of many
objects is measured only when asked for.
"""

import argparse
import contextlib
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import NamedTuple
from urllib.parse import parse_qs, urlsplit

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.measuring import cpu_of_tree

from docmill.documents.stores import open_store

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


class Figures(NamedTuple):
    """Of one kind of place."""

    report: float
    """Seconds from the moment the drop had settled to the report."""
    idle: float
    """Share of one processor while nothing comes."""


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


def drop(root: Path, path: str, lab: Path) -> None:
    """Put the documents into the watched place, as somebody who copies a folder."""
    for document in documents(root):
        # Nobody has read this content before.
        content = document.read_bytes() + f"\n% {path}\n".encode()
        if path.startswith("s3://"):
            filesystem, base = open_store(path)
            filesystem.pipe_file(f"{base}/box/{document.name}", content)
        else:
            (lab / "incoming/box").mkdir(parents=True, exist_ok=True)
            (lab / "incoming/box" / document.name).write_bytes(content)


def wait_for_rest(pid: int) -> None:
    """Until a process has done what it does at its start."""
    used, before = 0.0, -1.0
    while used == 0 or used - before > 0.05:
        time.sleep(2)
        used, before = cpu_of_tree(pid), used


def measure(root: Path, path: str, lab: Path, *, idle: float) -> Figures:
    """Watch a place: first idle, then with a drop."""
    spec = root / "pipelines/spec-check.yaml"
    before = spec.read_text()
    spec.write_text(before + WATCH.format(path=path, settle=SETTLE))
    docmill("prefect", "start", cwd=root)
    with watcher(root) as process:
        wait_for_rest(process.pid)
        begun = cpu_of_tree(process.pid)
        time.sleep(idle)
        used = (cpu_of_tree(process.pid) - begun) / idle
        drop(root, path, lab)
        settled = time.monotonic() + SETTLE
        while not list((lab / "reports").glob("*/report.html")):
            if time.monotonic() > settled + PATIENCE:
                raise SystemExit((root / "watch.log").read_text())
            time.sleep(0.02)
        report = time.monotonic() - settled
    spec.write_text(before)
    return Figures(report, used)


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
    """Print a line for each place."""
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
        places = {
            "folder": (str(base / "lab/incoming"), base / "lab"),
            "bucket": ("s3://lab/incoming", buckets / "lab"),
        }
        print(f"{'place':<8} {'report after s':>15} {'idle CPU %':>11}")
        for kind, (path, lab) in places.items():
            figures = measure(root, path, lab, idle=given.idle)
            print(f"{kind:<8} {figures.report:>15.1f} {100 * figures.idle:>11.2f}", flush=True)
            shutil.rmtree(root / ".docmill/drops", ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""How long a sandbox takes to start, answer and read documents: medians over real and made PDFs.

Run: python benchmarks/sandbox.py [--backend docker] [--starts N] [FOLDER ...]. Prints one line per
measure; the bars are 20 ms for a start and 10 ms for a warm call by bubblewrap, and by Docker 50 ms
for a document's wait at 20 at once.
"""

import argparse
import asyncio
import os
import random
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from docmill.errors import ToolError
from docmill.sandboxes import open_backend
from docmill.sandboxes.base import DOCUMENT, SandboxBackend, SandboxLimits, SandboxSpec

MIB = 1024 * 1024
LIMITS = SandboxLimits(
    memory=1024 * MIB, cpus=1.0, pids=128, disk=512 * MIB, seconds=300, output=MIB
)
SPEC = SandboxSpec(LIMITS)
HEAD_START = 8.0
"""Seconds between the beginning of a run and its first document, for many at once."""
CALLS: tuple[tuple[str, dict[str, object]], ...] = (
    ("ping", {}),
    ("bash", {"command": "echo hello"}),
    ("read", {"file_path": "notes.txt"}),
    ("write", {"file_path": "other.txt", "content": "x" * 1000}),
    ("edit", {"file_path": "other.txt", "old_string": "x", "new_string": "x", "replace_all": True}),
    ("glob", {"pattern": "**/*.txt"}),
    ("grep", {"pattern": r"\d+ mm"}),
)


def tell(name: str, seconds: list[float]) -> None:
    """One line: name, median, 95th percentile, number."""
    ordered = sorted(seconds)
    high = ordered[int(len(ordered) * 0.95)] if len(ordered) > 1 else ordered[0]
    median = statistics.median(ordered)
    print(f"{name:<28}{median * 1e3:9.1f} ms   p95 {high * 1e3:8.1f} ms   n {len(ordered)}")


async def timed(work: Callable[[], Awaitable[object]]) -> float:
    """Wall seconds of one await."""
    begin = time.perf_counter()
    await work()
    return time.perf_counter() - begin


def bare(count: int) -> None:
    """The interpreter alone, outside: the part of a start that no sandbox can save."""
    taken: list[float] = []
    for _ in range(count):
        begin = time.perf_counter()
        subprocess.run([os.path.realpath(sys.executable), "-I", "-S", "-c", ""], check=True)
        taken.append(time.perf_counter() - begin)
    tell("bare interpreter", taken)


async def starts(backend: SandboxBackend, count: int) -> None:
    """Start to open, to first answer, and end to nothing left; processor time of everything."""
    begun: list[float] = []
    answered: list[float] = []
    ended: list[float] = []
    used: list[float] = []
    for _ in range(count):
        begin, before = time.perf_counter(), spent()
        async with backend.open(SPEC) as sandbox:
            begun.append(time.perf_counter() - begin)
            await sandbox.call("ping", {}, timeout=20)
            answered.append(time.perf_counter() - begin)
            begin = time.perf_counter()
        ended.append(time.perf_counter() - begin)
        used.append(spent() - before)
    tell("start", begun)
    tell("start to first answer", answered)
    tell("stop", ended)
    tell("start and stop, processor", used)


async def calls(backend: SandboxBackend) -> None:
    """Warm calls of each tool."""
    async with backend.open(SPEC) as sandbox:
        await sandbox.put("/workspace/notes.txt", b"bore 12 mm\n" * 500)
        for op, args in CALLS:
            await sandbox.call(op, args, timeout=20)
            taken = [await timed(lambda: sandbox.call(op, args, timeout=20)) for _ in range(30)]  # noqa: B023
            tell(f"warm {op}", taken)


async def calls_beside_a_command(backend: SandboxBackend) -> None:
    """The same calls, one by one and three at once, while a command keeps the shell busy."""
    async with backend.open(SPEC) as sandbox:
        await sandbox.put("/workspace/notes.txt", b"bore 12 mm\n" * 500)
        endless = {"command": "until [ -e go ]; do sleep 0.1; done", "timeout_ms": 60_000}
        command = asyncio.create_task(sandbox.call("bash", endless, timeout=60))

        async def ask(op: str, **args: object) -> None:
            await sandbox.call(op, args, timeout=20)

        async def three() -> None:
            await asyncio.gather(
                ask("read", file_path="notes.txt"),
                ask("grep", pattern=r"\d+ mm"),
                ask("glob", pattern="**/*.txt"),
            )

        await three()
        alone = [await timed(lambda: ask("read", file_path="notes.txt")) for _ in range(30)]
        tell("read beside bash", alone)
        tell("read, grep, glob at once", [await timed(three) for _ in range(30)])
        await sandbox.call("write", {"file_path": "go", "content": ""}, timeout=20)
        await command


async def many_at_once(backend: SandboxBackend, seconds: float) -> None:
    """What documents wait for their sandboxes: the first of a run, then the others as places free.

    20 at once; a document keeps its sandbox for `seconds`, half as long or half as long again.
    """
    first: list[float] = []
    later: list[float] = []
    places = asyncio.Semaphore(20)

    async def document(number: int) -> None:
        async with places:
            begin = time.perf_counter()
            async with backend.open(SPEC) as sandbox:
                (first if number < 20 else later).append(time.perf_counter() - begin)
                await sandbox.call("ping", {}, timeout=20)
                await asyncio.sleep(seconds * random.uniform(0.5, 1.5))

    async with backend.ahead(SPEC, at_once=20, in_all=100):
        await asyncio.sleep(HEAD_START)
        begin = time.perf_counter()
        await asyncio.gather(*map(document, range(100)))
        wall = time.perf_counter() - begin
    tell("wait, first 20 documents", first)
    tell("wait, 80 documents after", later)
    print(f"100 documents of {seconds:g} s, 20 at once: {wall:.1f} s")


def spent() -> float:
    """Processor seconds of this process and all children it has waited for."""
    both = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    return sum(use.ru_utime + use.ru_stime for use in map(resource.getrusage, both))


async def documents(backend: SandboxBackend, folders: list[Path]) -> None:
    """A sandbox of its own per document: start, prepare, stop; processor time of everything."""
    taken: list[float] = []
    used: list[float] = []
    pages = failed = 0
    for path in sorted(found for folder in folders for found in folder.rglob("*.pdf")):
        data = path.read_bytes()
        begin, before = time.perf_counter(), spent()
        async with backend.open(SPEC) as sandbox:
            await sandbox.put(DOCUMENT, data)
            try:
                result = await sandbox.call("prepare", {"max_pages": 500}, timeout=60)
                pages += int(result["pages"])
                before -= float(result["cpu_seconds"])
            except ToolError:
                failed += 1
        taken.append(time.perf_counter() - begin)
        used.append(spent() - before)
    if taken:
        tell("document, wall", taken)
        tell("document, processor", used)
        print(f"{len(taken)} documents, {pages} pages, {failed} unreadable; {sum(used):.1f} CPU s")


async def main() -> None:
    """Run all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--backend", default="auto")
    parser.add_argument("--seconds", type=float, default=10.0, help="of a document, many at once")
    parser.add_argument("--starts", type=int, default=50)
    parser.add_argument("folders", nargs="*", type=Path, default=[Path("sample_data")])
    options = parser.parse_args()
    backend = open_backend(options.backend)
    bare(options.starts)
    await starts(backend, options.starts)
    await many_at_once(backend, options.seconds)
    await calls(backend)
    await calls_beside_a_command(backend)
    await documents(backend, options.folders)


if __name__ == "__main__":
    asyncio.run(main())

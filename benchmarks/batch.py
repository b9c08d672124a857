"""What a whole run costs: N distinct documents from YAML to report, cold, warm and all cached.

Usage: `python -m benchmarks.batch [DOCUMENTS ...]` (200 by default). Each row is one `docmill run`
in a workspace of its own: wall and CPU seconds, and the peak of memory (PSS, all processes and the
runner alone). The documents are those of `sample_data/spec-check` that can be read, each made
distinct by a comment after its end.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from benchmarks.measuring import Measured, measure

from docmill.scaffold import make_workspace

UNREADABLE = ("protected", "scan_", "upload-0", "nameplate", "0120", "_Kopie")
DOCMILL = str(Path(sys.executable).with_name("docmill"))


def readable(name: str) -> bool:
    """Whether a sample has a text layer and a name of its own."""
    return not any(part in name for part in UNREADABLE)


def make_batch(folder: Path, number: int, *, keep: Callable[[str], bool] = readable) -> Path:
    """A workspace with `number` distinct documents, made from the samples to keep, in turn."""
    make_workspace(folder)
    samples = folder / "sample_data" / "spec-check" / "documents"
    sources = [path for path in sorted(samples.glob("*.pdf")) if keep(path.name)]
    contents = [path.read_bytes() for path in sources]
    shutil.rmtree(samples)
    samples.mkdir()
    for index in range(number):
        content = contents[index % len(contents)]
        (samples / f"report-{index:05d}.pdf").write_bytes(content + b"\n%% copy %d\n" % index)
    return folder


def run_once(workspace: Path) -> Measured:
    """Run `spec-check` once and watch its processes and the server's."""
    measured = measure(
        [DOCMILL, "run", "spec-check", "--json"],
        cwd=workspace,
        service=lambda: server_pid(workspace),
    )
    if measured.code not in (0, 1):
        raise SystemExit(f"docmill run ended with {measured.code}:\n{measured.stderr[-2000:]}")
    return measured


def forget_run(workspace: Path) -> None:
    """Forget what was read; Prefect's server stays up."""
    shutil.rmtree(workspace / ".docmill/blobs")
    for path in (workspace / ".docmill").glob("store.db*"):
        path.unlink()


def server_pid(workspace: Path) -> int:
    """Process of the workspace's Prefect server; 0 if none runs."""
    try:
        pid = int((workspace / ".docmill/prefect/server.lock").read_text().split()[0])
    except (OSError, ValueError, IndexError):
        return 0
    return pid if Path(f"/proc/{pid}").exists() else 0


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("documents", nargs="*", type=int, default=[200])
    numbers: list[int] = parser.parse_args().documents
    print(f"{'run':<34}{'wall s':>8}{'CPU s':>8}{'all MiB':>9}{'runner':>8}{'server':>8}")
    for number in numbers:
        with tempfile.TemporaryDirectory(prefix="docmill-bench-") as folder:
            workspace = make_batch(Path(folder) / "workspace", number)
            try:
                for label in ("cold server", "all cached, server up"):
                    show(f"{number} documents, {label}", run_once(workspace))
                forget_run(workspace)
                show(f"{number} documents, server up", run_once(workspace))
            finally:
                subprocess.run([DOCMILL, "prefect", "stop"], cwd=workspace, check=False)


def show(label: str, row: Measured) -> None:
    """One line of the table."""
    print(
        f"{label:<34}{row.wall:>8.1f}{row.cpu:>8.1f}"
        f"{row.peak:>9}{row.peak_runner:>8}{row.peak_service:>8}",
        flush=True,
    )


if __name__ == "__main__":
    main()

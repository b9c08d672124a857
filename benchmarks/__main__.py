"""`make bench`: every measurement one after the other, each in a process of its own.

The figures depend on the machine; compare rows of one call, not of two days.
"""

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
COMMANDS = (
    ("Sandboxes", [str(HERE / "sandbox.py")]),
    ("Orchestration, documents that take no time", [str(HERE / "flow.py")]),
    ("Whole runs", ["-m", "benchmarks.batch", "200", "1000"]),
    ("From 100 to 10,000 documents", ["-m", "benchmarks.ten_thousand"]),
    ("One run shared by three workers, and by one", ["-m", "benchmarks.scale"]),
    ("A watched folder and bucket", [str(HERE / "watching.py")]),
    ("Side by side with others, a scripted model", ["-m", "benchmarks.peers"]),
    ("Accuracy on the sample documents", ["-m", "benchmarks.accuracy"]),
)


def main() -> int:
    """Run them all; ends with 1 if one of them failed."""
    failed = False
    for title, arguments in COMMANDS:
        print(f"\n== {title}", flush=True)
        done = subprocess.run([sys.executable, *arguments], cwd=HERE.parent, check=False)
        failed = failed or done.returncode != 0
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())

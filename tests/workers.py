"""For tests with a worker of Prefect's: how it is ended."""

import subprocess
from typing import Any


def end_worker(process: subprocess.Popen[Any], *, seconds: float = 100) -> None:
    """SIGTERM; a worker that has to be killed is a mistake."""
    process.terminate()
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        raise

"""For tests with a worker of Prefect's: how it is ended."""

import subprocess
from typing import Any


def end_worker(process: subprocess.Popen[Any], *, seconds: float = 20) -> None:
    """End a worker; Prefect's now and then hangs at its end once it has run something."""
    process.terminate()
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()

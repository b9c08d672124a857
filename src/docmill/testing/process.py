"""A scripted server in a process of its own: it outlives a client that is killed.

Neighbours: `server` is what is started. For tests that need no such thing, `serving` is enough.
"""

import json
import subprocess
import sys
import urllib.request
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Any, cast


class ServerProcess:
    """Starts `python -m docmill.testing.server`; leaving the block ends it.

    Leaving fails if the script was not kept to, as `ScriptedServer` does.
    """

    def __init__(
        self,
        script: Mapping[str, Any],
        *,
        key: str = "test",
        latency: float = 0.0,
        models: Sequence[str] = (),
        port: int = 0,
        batch_polls: int = 1,
        batch_seconds: float = 0.0,
    ) -> None:
        """`script` as docs/testing.md describes it; `latency` in seconds."""
        self._script = script
        self._options = ["--key", key, "--latency-ms", str(latency * 1000)]
        self._options += ["--port", str(port), "--batch-polls", str(batch_polls)]
        self._options += ["--batch-seconds", str(batch_seconds)]
        for model in models:
            self._options += ["--model", model]
        self.base_url = ""
        self.pid = 0

    def __enter__(self) -> "ServerProcess":
        with TemporaryDirectory() as folder:
            file = Path(folder) / "script.json"
            file.write_text(json.dumps(self._script), encoding="utf-8")
            command = [sys.executable, "-m", "docmill.testing.server", "--script", str(file)]
            self._process = subprocess.Popen(
                [*command, *self._options],
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            assert self._process.stdout is not None
            line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"the server didn't start: {self._process.communicate()[1]}")
        address = json.loads(line)
        self.base_url, self.pid = address["base_url"], address["pid"]
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.terminate()
        try:
            _, complaint = self._process.communicate(timeout=10)
        finally:
            with suppress(ProcessLookupError):
                self._process.kill()
        if kind is None and self._process.returncode:
            raise AssertionError(complaint.strip())

    def log(self) -> dict[str, Any]:
        """`{totals: {…}, requests: [{…}, …]}`, the fields of `log.Entry`."""
        with urllib.request.urlopen(f"{self.base_url}/__log") as answer:  # noqa: S310 (loopback)
            return cast("dict[str, Any]", json.load(answer))

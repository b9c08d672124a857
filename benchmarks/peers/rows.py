"""What a row is: a program that reads the batch, and what one run of it came to.

Neighbours: `installing` has the peers, `batch` the documents, `benchmarks.measuring` the figures.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from benchmarks.batch import forget_run, server_pid
from benchmarks.measuring import Measured, measure
from benchmarks.peers.batch import (
    CONCURRENCY,
    FIELDS,
    KEY_VARIABLE,
    MODEL,
    SYSTEM,
    Batch,
    point_to,
)
from benchmarks.peers.installing import Peer

from docmill.testing.process import ServerProcess

SCRIPTS = Path(__file__).parent / "scripts"
DOCMILL = str(Path(sys.executable).with_name("docmill"))
KEY = "test"
LATENCY = 0.2
SUBMIT = "submit_record"
MAX_TOKENS = 4_000
SETTLE = 3.0
"""Seconds after a run in which Prefect's server still writes down what it was told."""


class Figures(NamedTuple):
    """One run of a row."""

    window: float
    """Seconds from the first request to the last response, at the server."""
    calls: int
    """Calls the server answered."""
    measured: Measured


class FailedError(Exception):
    """A run that didn't do what all do; the text says what it said."""


class Row(Protocol):
    """A program that reads the batch."""

    @property
    def label(self) -> str:
        """Its name and version."""
        ...

    @property
    def submit(self) -> str:
        """What it calls the tool that takes the record."""
        ...

    @property
    def proven(self) -> bool:
        """Whether it asks for page and quote."""
        ...

    def run(self, batch: Batch, address: str, *, folder: Path) -> Measured:
        """Read all documents once, with the model at this address.

        Raises:
            FailedError: a record is missing.
        """
        ...


def run_row(row: Row, batch: Batch, *, turns: int, folder: Path) -> Figures:
    """One run against a server of its own.

    Raises:
        FailedError: a record is missing, or the server got other calls than the script has.
    """
    with scripted(row, batch, turns=turns) as server:
        measured = row.run(batch, server.base_url, folder=folder)
        answered = [entry for entry in server.log()["requests"] if entry["outcome"] == "completed"]
    if not answered:
        raise FailedError("it made no call that was answered")
    starts = [entry["seconds"] for entry in answered]
    ends = [entry["seconds"] + entry["took"] for entry in answered]
    return Figures(max(ends) - min(starts), len(answered), measured)


def scripted(row: Row, batch: Batch, *, turns: int) -> ServerProcess:
    """A server that hands in each document's record at turn `turns`, in the row's form."""
    script: dict[str, Any] = {
        "kind": "records" if turns == 1 else "reader",
        "records": batch.claims if row.proven else batch.records,
        "submit": row.submit,
        "turns": turns,
    }
    return ServerProcess(script, key=KEY, latency=LATENCY)


class ScriptRow:
    """A small script in an environment of its own; it prints the records as JSON."""

    proven = False

    def __init__(
        self, label: str, script: str, *, python: Path, submit: str = SUBMIT, stream: bool = False
    ) -> None:
        self.label = label
        self.submit = submit
        self._command = (str(python), str(SCRIPTS / script))
        self._stream = stream

    @classmethod
    def of_peer(cls, peer: Peer, python: Path) -> "ScriptRow":
        """The row of a peer that is installed."""
        return cls(peer.label, peer.script, python=python, submit=peer.submit)

    def run(self, batch: Batch, address: str, *, folder: Path) -> Measured:
        """Run the script, and compare what it prints with what the documents say."""
        task = folder / "task.json"
        task.write_text(json.dumps(self._task(batch, address, folder)))
        env = {"PATH": os.environ["PATH"], "HOME": str(folder), "ANTHROPIC_API_KEY": KEY}
        measured = measure([*self._command, str(task)], cwd=folder, env=env)
        said = measured.stdout.strip().splitlines()
        if measured.code or not said:
            raise FailedError(measured.stderr.strip()[-1500:] or f"exit code {measured.code}")
        found = json.loads(said[-1])
        wanted = [_record_of(text, batch) for text in batch.texts]
        if found != wanted:
            raise FailedError("the records are not those of the documents")
        return measured

    def _task(self, batch: Batch, address: str, folder: Path) -> dict[str, Any]:
        named = {name: {"type": "string"} for name in FIELDS}
        record = {"type": "object", "properties": named, "required": list(FIELDS)}
        looks = [_tool(name, {"type": "object"}) for name in ("read", "grep", "bash")]
        return {
            "base_url": address,
            "key": KEY,
            "model": MODEL,
            "system": SYSTEM,
            "fields": FIELDS,
            "tools": [*looks, _tool(SUBMIT, record)],
            "submit": SUBMIT,
            "max_tokens": MAX_TOKENS,
            "concurrency": CONCURRENCY,
            "stream": self._stream,
            "folder": str(folder),
            "texts": batch.texts,
        }


class DocmillRow:
    """`docmill run` with journal, checks and report, beside Prefect's warm server."""

    label = "docmill"
    submit = SUBMIT
    proven = True

    def run(self, batch: Batch, address: str, *, folder: Path) -> Measured:
        """Run the pipeline once; a document that isn't `ok` is a failure."""
        del folder
        if not server_pid(batch.workspace):
            self._warm_up(batch)
        forget_run(batch.workspace)
        point_to(batch, address)
        measured = measure(
            [DOCMILL, "run", "bench", "--json"],
            cwd=batch.workspace,
            env=_environment(),
            service=lambda: server_pid(batch.workspace),
            settle=SETTLE,
            helper="docmill.flow.remote",
        )
        if measured.code:
            raise FailedError((measured.stderr + measured.stdout).strip()[-1500:])
        return measured

    def _warm_up(self, batch: Batch) -> None:
        """One document: Prefect's server comes up, what the sandboxes run is laid down."""
        with scripted(self, batch, turns=1) as server:
            point_to(batch, server.base_url)
            done = subprocess.run(
                [DOCMILL, "run", "warm-up"],
                cwd=batch.workspace,
                env=_environment(),
                capture_output=True,
                text=True,
                check=False,
            )
        if done.returncode:
            raise FailedError((done.stderr + done.stdout).strip()[-1500:])


def stop_server(batch: Batch) -> None:
    """Stop the workspace's Prefect server."""
    subprocess.run([DOCMILL, "prefect", "stop"], cwd=batch.workspace, check=False)


def _environment() -> dict[str, str]:
    return {**os.environ, KEY_VARIABLE: KEY}


def _tool(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "description": name, "input_schema": schema}


def _record_of(text: str, batch: Batch) -> dict[str, str]:
    return next(record for number, record in batch.records.items() if number in text)

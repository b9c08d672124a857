"""Kills real runs with SIGKILL until they are through, and holds them against an undisturbed one.

The scripted server runs in a process of its own and keeps count of what it answered; the ledger of
the run has to agree with it.
"""

import json
import random
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.crash.forking import Run, Template
from benchmarks.crash.moments import MOMENTS, Watched
from benchmarks.crash.workspace import (
    first_difference,
    forget,
    make_workspace,
    report_of,
    script,
)

from docmill.testing import ServerProcess

COMMAND = ("run", "reports")
PATIENCE = 120.0
"""Seconds a run may take that nobody kills."""


@dataclass(frozen=True, slots=True)
class Count:
    """What a run cost, by its ledger or by the server's own count."""

    answers: int
    output_tokens: int
    prompt_tokens: int
    lost: int = 0
    """Calls of which the ledger can't say whether they were answered."""


@dataclass(slots=True)
class Scenario:
    """One run, from nothing to its report, with all its kills."""

    kills: Counter[str] = field(default_factory=Counter[str])
    differences: list[str] = field(default_factory=list[str])
    """What is not as it was in the undisturbed run; empty if all is well."""
    repeated: int = 0
    """Answers that were paid twice: those under way at a kill."""


class Laboratory:
    """A workspace, a scripted server and the report of a run that nobody disturbed."""

    def __init__(
        self,
        root: Path,
        *,
        documents: int,
        turns: int,
        latency: float,
        prefect: Path | None = None,
        expectations: bool = True,
    ) -> None:
        """`prefect` is the folder of a server that is used and left running, instead of one of the
        workspace's own; without `expectations` a run takes half the time."""
        self._root = root
        self._documents = documents
        self._prefect = prefect
        self._expectations = expectations
        self._latency = latency
        self._server = ServerProcess(script(documents, turns=turns), latency=latency)
        self._template: Template
        self._log = root.parent / f"{root.name}.log"
        self._seen = 0
        self._undisturbed: Any = None
        self._bodies: frozenset[str] = frozenset()

    def __enter__(self) -> "Laboratory":
        self._server.__enter__()
        self._template = Template()
        make_workspace(
            self._root,
            documents=self._documents,
            base_url=self._server.base_url,
            expectations=self._expectations,
        )
        if self._prefect is not None:
            (self._root / ".docmill").mkdir()
            (self._root / ".docmill" / "prefect").symlink_to(self._prefect)
        self._wait(self._start())
        self._undisturbed = report_of(self._root)
        self._bodies = frozenset(entry["sha256"] for entry in self._answered())
        return self

    def __exit__(self, *error: Any) -> None:
        self._template.close()
        if self._prefect is None:
            stop = [sys.executable, "-m", "docmill.cli", "prefect", "stop"]
            subprocess.run(stop, cwd=self._root, check=False, capture_output=True)
        self._server.__exit__(*error)

    def disturb(
        self, chance: random.Random, *, kills: int, moments: Sequence[str] = tuple(MOMENTS)
    ) -> Scenario:
        """Run from nothing and kill so often, then let it come to its end and compare."""
        forget(self._root)
        self._seen = len(self._server.log()["requests"])
        scenario = Scenario()
        for _ in range(kills):
            name = chance.choice(moments)
            process = self._start()
            run = Watched(self._root, lambda p=process: p.poll() is None, self._latency, chance)
            MOMENTS[name](run)
            if process.poll() is not None:
                self._wait(process)  # it came to its end before its kill
                break
            process.kill()
            scenario.kills[name] += 1
        else:
            self._wait(self._start())
        self._compare(scenario)
        return scenario

    def _start(self) -> Run:
        return self._template.start(self._root, COMMAND, self._log)

    def _wait(self, process: Run) -> None:
        try:
            code: int | str = process.wait(PATIENCE)
        except TimeoutError:
            process.kill()
            code = "no end"
        if code != 0:
            raise AssertionError(f"the run ended with {code}:\n{self._log.read_text()[-3000:]}")

    def _answered(self) -> Sequence[Mapping[str, Any]]:
        """What the server answered since the scenario began; waits for what is under way."""
        end = time.monotonic() + 10
        while True:
            entries = self._server.log()["requests"][self._seen :]
            if all(entry["outcome"] != "open" for entry in entries) or time.monotonic() > end:
                return [entry for entry in entries if entry["kind"] == "message"]
            time.sleep(0.05)

    def _compare(self, scenario: Scenario) -> None:
        entries = self._answered()
        complete = [entry for entry in entries if entry["outcome"] == "completed"]
        times = Counter(str(entry["sha256"]) for entry in entries)
        scenario.repeated = sum(number - 1 for number in times.values())
        ledger = ledger_of(self._root)
        known = {str(entry["sha256"]): entry["usage"] for entry in complete}
        difference = first_difference(self._undisturbed, report_of(self._root))
        checks = {
            f"the report differs: {difference}": not difference,
            f"{scenario.repeated} calls were repeated, {ledger.lost} were under way at a kill": (
                scenario.repeated <= ledger.lost
            ),
            f"the ledger has {ledger.answers} answers, the server gave {len(complete)}": (
                len(complete) - ledger.lost <= ledger.answers <= len(complete)
            ),
            f"the ledger has {ledger.answers} answers to {len(known)} different requests": (
                ledger.answers == len(known)
            ),
            "the ledger's tokens aren't the server's": (
                ledger.output_tokens == sum(usage["output_tokens"] for usage in known.values())
                and ledger.prompt_tokens == sum(_prompt(usage) for usage in known.values())
            ),
        }
        if not self._was_told_of_a_cut():
            checks["the requests differ"] = frozenset(known) == self._bodies
        scenario.differences = [words for words, well in checks.items() if not well]

    def _was_told_of_a_cut(self) -> bool:
        """Whether a command was cut by a kill: then the model was told so, and only then."""
        query = "SELECT count(*) FROM events WHERE body LIKE '%was cut when the session was%'"
        with closing(sqlite3.connect(self._root / ".docmill" / "store.db")) as connection:
            return bool(connection.execute(query).fetchone()[0])


def ledger_of(root: Path) -> Count:
    """All charges of the workspace's store."""
    with closing(sqlite3.connect(root / ".docmill" / "store.db")) as connection:
        rows = connection.execute("SELECT usage FROM charges").fetchall()
    uses: list[dict[str, Any]] = [json.loads(row[0]) for row in rows]
    prompt = ("input_tokens", "cache_write_tokens", "cache_write_1h_tokens", "cache_read_tokens")
    return Count(
        answers=sum(use.get("model_calls", 0) for use in uses),
        output_tokens=sum(use.get("output_tokens", 0) for use in uses),
        prompt_tokens=sum(use.get(kind, 0) for use in uses for kind in prompt),
        lost=sum(use.get("lost_calls", 0) for use in uses),
    )


def _prompt(usage: Mapping[str, Any]) -> int:
    kinds = ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens")
    return sum(usage.get(kind) or 0 for kind in kinds)

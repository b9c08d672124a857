"""One drop from its copies to its report: run, delivered, put away.

Every step may be done again after a crash without doing anything twice: the copies lie in the
drop's own folder, the run goes on by itself, deliveries replace what is there. `fetching` made the
copies, `runs` starts the run.
"""

import asyncio
import shutil
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from docmill.errors import RunError
from docmill.spec.watch import Watch
from docmill.store.drops import Intake
from docmill.watch.fetching import AT_ONCE
from docmill.watch.places import Place
from docmill.watch.runs import Runs

GOOD = ("ok", "flagged")
UNFINISHED = ("cancelled",)
_MISSING = {"status": "failed", "attention": ["The run has no such document."]}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a drop."""

    run: str
    counts: Mapping[str, int]
    delivered: str
    """Where the report is."""
    done: tuple[str, ...]
    """Contents that were read."""
    failed: tuple[str, ...]
    """Contents that were quarantined."""


class Carrier:
    """Carries drops of one pipeline."""

    def __init__(self, root: Path, watch: Watch, drops: Path, runs: Runs) -> None:
        """`root`: the workspace; `drops`: the folder that copies lie in."""
        self._watch = watch
        self._drops = drops
        self._runs = runs
        self.source = Place(watch.path, root)
        self.deliveries = self.source.beside(watch.deliver)
        self.finished = self.source.beside(watch.done)
        self.quarantine = self.source.beside(watch.quarantine)

    def folder(self, drop: str) -> Path:
        """Where copies of a drop's files lie on this machine."""
        return self._drops / drop

    async def carry(self, drop: str, files: Sequence[Intake]) -> Outcome:
        """Run the pipeline over a drop, deliver the report, put the documents away.

        Raises:
            RunError: there is no report; the drop is to be tried again.
            OSError: the report or the documents could not be put where they belong.
        """
        said = await self._runs.run(self.folder(drop))
        report = next((Path(path).parent for path in said["report"].values()), None)
        delivered = self.deliveries.within(drop)
        if report is not None:
            await asyncio.to_thread(delivered.put_folder, report)
        rows = {str(row["name"]): row for row in said["documents"]}
        statuses = {file.sha256: str(rows.get(file.name, _MISSING)["status"]) for file in files}
        if any(status in UNFINISHED for status in statuses.values()):
            raise RunError(f"The run of {drop} was stopped.", remedy="It goes on by itself.")
        await asyncio.to_thread(self._put_away, drop, files, rows)
        shutil.rmtree(self.folder(drop), ignore_errors=True)
        counts = {
            status: number for status, number in said["summary"]["by_status"].items() if number
        }
        done = tuple(sha256 for sha256, status in statuses.items() if status in GOOD)
        failed = tuple(sha256 for sha256, status in statuses.items() if status not in GOOD)
        return Outcome(said["run"], counts, delivered.address, done, failed)

    def put_aside(self, file: Intake, copy: Path) -> None:
        """A file whose content was read before: moved to the others, without a second reading."""
        if self._watch.after == "move":
            self.finished.within("again").take_in(file, copy)
            self.source.remove_empty(file.location)

    def _put_away(
        self, drop: str, files: Sequence[Intake], rows: Mapping[str, Mapping[str, Any]]
    ) -> None:
        names = {file.name for file in files}

        def put_away(file: Intake) -> None:
            row = rows.get(file.name, _MISSING)
            good = row["status"] in GOOD
            place = (self.finished if good else self.quarantine).within(drop)
            if not good or self._watch.after == "mark":
                note = f"{file.name}.txt"
                note = f"{file.name}.note.txt" if note in names else note
                place.put(note, _note(file, row).encode())
            if self._watch.after == "move":
                place.take_in(file, self.folder(drop) / file.name)
                self.source.remove_empty(file.location)

        # Each waits for the network only; a disk does one after the other best.
        with ThreadPoolExecutor(AT_ONCE if self.source.remote else 1) as pool:
            list(pool.map(put_away, files))


def _note(file: Intake, row: Mapping[str, Any]) -> str:
    """What stands beside a document that was put away."""
    lines = [f"{file.name}: {row['status']} {row.get('code', '')}".rstrip()]
    lines += [str(line) for line in row.get("attention", ())]
    return "\n".join([*lines, f"sha256 {file.sha256}", ""])

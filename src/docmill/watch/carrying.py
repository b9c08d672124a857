"""One drop from the watched folder to its report: fetched, run, delivered, put away.

Every step may be done again after a crash without doing anything twice: what was fetched lies in
the drop's own folder, the run goes on by itself, deliveries replace what is there.
"""

import asyncio
import hashlib
import json
import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from docmill.documents.sources import Candidate, open_location
from docmill.errors import RunError
from docmill.spec.pipeline import Watch
from docmill.store.drops import Intake
from docmill.watch.names import safe_name
from docmill.watch.places import Place

GOOD = ("ok", "flagged")
UNFINISHED = ("cancelled",)
SAID = (0, 1, 4)
"""Exit codes of a run that has a report: all well, some documents failed, a limit was met."""
_CHUNK = 1 << 20
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

    def __init__(self, root: Path, pipeline: str, watch: Watch, drops: Path) -> None:
        """`root`: the workspace; `drops`: the folder that what is fetched lies in."""
        self._root = root
        self._pipeline = pipeline
        self._watch = watch
        self._drops = drops
        self.source = Place(watch.path, root)
        self.deliveries = self.source.beside(watch.deliver)
        self.finished = self.source.beside(watch.done)
        self.quarantine = self.source.beside(watch.quarantine)

    def fetch(self, drop: str, files: Sequence[Candidate], *, max_bytes: int) -> list[Intake]:
        """Copy files into the drop's folder; what changed or went meanwhile is left for later."""
        folder = self.folder(drop)
        found: list[Intake] = []
        for file in files:
            name = safe_name(file.name)
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            try:
                sha256, size = _copy(file.location, target, max_bytes)
            except FileNotFoundError:
                continue
            if size == file.size or file.size < 0:
                found.append(Intake(sha256, name, file.location))
            else:
                target.unlink()
        return found

    def folder(self, drop: str) -> Path:
        """Where a drop's files lie on this machine."""
        return self._drops / drop

    def keep_only(self, drop: str, files: Sequence[Intake]) -> None:
        """Remove what isn't to be read from the drop's folder."""
        keep = {self.folder(drop) / file.name for file in files}
        for path in self.folder(drop).rglob("*"):
            if path.is_file() and path not in keep:
                path.unlink()

    async def carry(self, drop: str, files: Sequence[Intake]) -> Outcome:
        """Run the pipeline over a drop, deliver the report, put the documents away.

        Raises:
            RunError: there is no report; the drop is to be tried again.
            OSError: the report or the documents could not be put where they belong.
        """
        said = await self._run(drop)
        report = next((Path(path).parent for path in said["report"].values()), None)
        delivered = self.deliveries.within(drop)
        if report is not None:
            await asyncio.to_thread(delivered.put_folder, report)
        rows = {str(row["name"]): row for row in said["documents"]}
        done: list[str] = []
        failed: list[str] = []
        for file in files:
            row = rows.get(file.name, _MISSING)
            status = str(row["status"])
            if status in UNFINISHED:
                raise RunError(f"The run of {drop} was stopped.", remedy="It goes on by itself.")
            (done if status in GOOD else failed).append(file.sha256)
            await asyncio.to_thread(self._put_away, drop, file, row)
        shutil.rmtree(self.folder(drop), ignore_errors=True)
        counts = {
            status: number for status, number in said["summary"]["by_status"].items() if number
        }
        return Outcome(said["run"], counts, delivered.address, tuple(done), tuple(failed))

    def put_aside(self, file: Intake) -> None:
        """A file whose content was read before: moved to the others, without a second reading."""
        if self._watch.after == "move":
            self.finished.within("again").take_in(file.location, file.name)

    def _put_away(self, drop: str, file: Intake, row: Mapping[str, Any]) -> None:
        good = row["status"] in GOOD
        place = (self.finished if good else self.quarantine).within(drop)
        if not good:
            place.put(f"{file.name}.txt", _note(file, row).encode())
        if self._watch.after == "move":
            place.take_in(file.location, file.name)
        elif self._watch.after == "mark" and good:
            place.put(f"{file.name}.txt", _note(file, row).encode())

    async def _run(self, drop: str) -> dict[str, Any]:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-m", "docmill.cli", "run", self._pipeline, "--json"),
            *("-c", f"documents.path={json.dumps(str(self.folder(drop)))}"),
            cwd=self._root,
            env=os.environ | {"DOCMILL_WORKSPACE": str(self._root)},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            out, err = await process.communicate()
        finally:
            if process.returncode is None:
                process.terminate()
                await process.wait()
        if process.returncode not in SAID:
            words = err.decode("utf-8", "replace").strip()[-2000:]
            raise RunError(
                f"docmill run ended with exit code {process.returncode}: {words}",
                remedy="It is tried again.",
            )
        return json.loads(out)


def _copy(location: str, target: Path, max_bytes: int) -> tuple[str, int]:
    """Copy a file; one that is longer than allowed is cut, and refused by the run for its size."""
    digest, size = hashlib.sha256(), 0
    with open_location(location) as source, target.open("wb") as copy:
        while size <= max_bytes and (chunk := source.read(_CHUNK)):
            digest.update(chunk)
            copy.write(chunk)
            size += len(chunk)
    return digest.hexdigest(), size


def _note(file: Intake, row: Mapping[str, Any]) -> str:
    """What stands beside a document that was put away."""
    lines = [f"{file.name}: {row['status']} {row.get('code', '')}".rstrip()]
    lines += [str(line) for line in row.get("attention", ())]
    return "\n".join([*lines, f"sha256 {file.sha256}", ""])

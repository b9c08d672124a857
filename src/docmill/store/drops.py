"""What a watcher has taken in: each content once, by one watcher at a time.

`watch` asks before it processes anything. A drop belongs to the process that took it; if that dies,
the next watcher goes on with it.
"""

import os
import secrets
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple
from urllib.parse import quote_from_bytes, unquote_to_bytes

from sqlalchemy import Connection, Engine, Row, and_, insert, or_, select, update

from docmill.store.database import exclusive
from docmill.store.heartbeats import is_alive
from docmill.store.lease import own_lease
from docmill.store.patience import enduring
from docmill.store.schema import intake

_CHUNK = 500
_BYTES = "file://"
"""Begins a stored location that is no text; no other begins so."""


class Intake(NamedTuple):
    """One file of a drop."""

    sha256: str
    name: str
    """In the drop's folder."""
    location: str
    """Where it came from."""
    stamp: str = ""
    """Of the file when it was read, as `documents.sources` has it; not stored."""


class Taken(NamedTuple):
    """What became of files that were offered."""

    new: tuple[Intake, ...]
    """This process has them now."""
    known: tuple[Intake, ...]
    """They were processed before under the same content."""
    elsewhere: tuple[Intake, ...]
    """Another process is at work on their content."""


class DropStore:
    """Drops of the workspace's watched folders."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.owner = f"{own_lease()} {secrets.token_hex(4)}"
        """Who takes: the lease of this process, and which watcher of it."""

    @enduring
    def take(
        self, pipeline: str, drop: str, files: Sequence[Intake], *, again_in_place: bool = True
    ) -> Taken:
        """Take files for processing, in one transaction; contents that failed may come again.

        Unless `again_in_place`, those that still lie where they failed are known. Of several files
        with the same content one is new and the others are known.
        """
        new: dict[str, Intake] = {}
        known: list[Intake] = []
        elsewhere: list[Intake] = []
        with exclusive(self._engine, "intake", pipeline) as connection:
            found = _found(connection, pipeline, [file.sha256 for file in files])
            ours = (drop, self.owner)
            for file in files:
                row = found.get(file.sha256)
                read = file.sha256 in new or (row and row.state == "done")
                failed_here = (
                    row and row.state == "failed" and row.location == _written(file.location)
                )
                if read or (failed_here and not again_in_place):
                    known.append(file)
                elif row and row.state == "taken" and (row.drop, row.owner) != ours:
                    elsewhere.append(file)
                else:
                    new[file.sha256] = file
            for file in new.values():
                values = {
                    "drop": drop,
                    "name": file.name,
                    "location": _written(file.location),
                    "state": "taken",
                    "owner": self.owner,
                }
                this = and_(intake.c.pipeline == pipeline, intake.c.sha256 == file.sha256)
                statement = (
                    update(intake).where(this).values(values)
                    if file.sha256 in found
                    else insert(intake).values(pipeline=pipeline, sha256=file.sha256, **values)
                )
                connection.execute(statement)
        return Taken(tuple(new.values()), tuple(known), tuple(elsewhere))

    def left_behind(self, pipeline: str) -> dict[str, tuple[Intake, ...]]:
        """Drops whose process has died, taken over by this one; by name of the drop."""
        dead: set[str] = set()
        """Found so the first time; taking them over may have worked although its answer was lost"""

        @enduring
        def taken_over() -> dict[str, tuple[Intake, ...]]:
            drops: dict[str, list[Intake]] = {}
            with exclusive(self._engine, "intake", pipeline) as connection:
                rows = connection.execute(
                    select(intake).where(intake.c.pipeline == pipeline, intake.c.state == "taken")
                ).all()
                owners = {row.owner for row in rows}
                alive = {owner for owner in owners if is_alive(connection, _lease(owner))}
                for row in rows:
                    if row.drop in dead or row.owner not in alive:
                        one = Intake(row.sha256, row.name, _location(row.location))
                        drops.setdefault(row.drop, []).append(one)
                dead.update(drops)
                for drop in drops:
                    connection.execute(
                        update(intake)
                        .where(intake.c.pipeline == pipeline, intake.c.drop == drop)
                        .values(owner=self.owner)
                    )
            return {drop: tuple(files) for drop, files in drops.items()}

        return taken_over()

    def is_alive(self, owner: str) -> bool:
        """Whether a watcher is at work, as far as anybody can know."""
        with self._engine.connect() as connection:
            return is_alive(connection, _lease(owner))

    def finished(
        self, pipeline: str, contents: Sequence[str], *, failed: bool = False
    ) -> frozenset[str]:
        """Which contents were processed, and those that failed where `failed` says so."""
        states = ("done", "failed") if failed else ("done",)
        with self._engine.connect() as connection:
            found = _found(connection, pipeline, contents)
        return frozenset(sha256 for sha256, row in found.items() if row.state in states)

    @enduring
    def settle(self, pipeline: str, *, done: Iterable[str], failed: Iterable[str]) -> None:
        """Note what was processed, by content; what failed may be dropped again."""
        with self._engine.begin() as connection:
            for state, names in (("done", tuple(done)), ("failed", tuple(failed))):
                for some in _in_batches(names):
                    this = and_(intake.c.pipeline == pipeline, intake.c.sha256.in_(some))
                    connection.execute(update(intake).where(this).values(state=state, owner=""))

    @enduring
    def release(self, pipeline: str, drop: str) -> None:
        """Give back what could not be processed, for a later try."""
        mine = or_(intake.c.owner == self.owner, intake.c.owner == "")
        with self._engine.begin() as connection:
            connection.execute(
                update(intake)
                .where(intake.c.pipeline == pipeline, intake.c.drop == drop, mine)
                .where(intake.c.state == "taken")
                .values(state="released", owner="")
            )


def _written(location: str) -> str:
    """A location as text: a file's name may be bytes of any kind."""
    try:
        location.encode()
    except UnicodeEncodeError:
        return f"{_BYTES}{quote_from_bytes(os.fsencode(location))}"
    return location


def _location(written: str) -> str:
    if not written.startswith(_BYTES):
        return written
    return os.fsdecode(unquote_to_bytes(written.removeprefix(_BYTES)))


def _lease(owner: str) -> str:
    """The process of an owner."""
    return owner.rpartition(" ")[0]


def _found(connection: Connection, pipeline: str, contents: Sequence[str]) -> dict[str, Row[Any]]:
    """Content → its row, of those that are known."""
    rows: dict[str, Row[Any]] = {}
    for some in _in_batches(contents):
        query = select(intake).where(intake.c.pipeline == pipeline, intake.c.sha256.in_(some))
        rows |= {row.sha256: row for row in connection.execute(query)}
    return rows


def _in_batches(names: Sequence[str]) -> Iterator[Sequence[str]]:
    """As many at a time as a statement takes."""
    for start in range(0, len(names), _CHUNK):
        yield names[start : start + _CHUNK]

"""What a watcher has taken in: each content once, by one watcher at a time.

`watch` asks before it processes anything. A drop belongs to the process that took it; if that dies,
the next watcher goes on with it.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from sqlalchemy import Connection, Engine, and_, insert, or_, select, update

from docmill.store.database import exclusive
from docmill.store.lease import is_alive, own_lease
from docmill.store.patience import enduring
from docmill.store.schema import intake

_CHUNK = 500


class Intake(NamedTuple):
    """One file of a drop."""

    sha256: str
    name: str
    """In the drop's folder."""
    location: str
    """Where it came from."""


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

    @enduring
    def take(self, pipeline: str, drop: str, files: Sequence[Intake]) -> Taken:
        """Take files for processing, in one transaction; contents that failed may come again.

        Of several files with the same content one is new and the others are known.
        """
        new: dict[str, Intake] = {}
        known: list[Intake] = []
        elsewhere: list[Intake] = []
        with exclusive(self._engine, "intake", pipeline) as connection:
            found = _found(connection, pipeline, [file.sha256 for file in files])
            ours = ("taken", drop, own_lease())
            for file in files:
                known_as = found.get(file.sha256)
                state = known_as[0] if known_as else None
                if file.sha256 in new or state == "done":
                    known.append(file)
                elif state == "taken" and known_as != ours:
                    elsewhere.append(file)
                else:
                    new[file.sha256] = file
            for file in new.values():
                values = {
                    "drop": drop,
                    "name": file.name,
                    "location": file.location,
                    "state": "taken",
                    "owner": own_lease(),
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
                for row in rows:
                    if row.drop in dead or not is_alive(row.owner):
                        one = Intake(row.sha256, row.name, row.location)
                        drops.setdefault(row.drop, []).append(one)
                dead.update(drops)
                for drop in drops:
                    connection.execute(
                        update(intake)
                        .where(intake.c.pipeline == pipeline, intake.c.drop == drop)
                        .values(owner=own_lease())
                    )
            return {drop: tuple(files) for drop, files in drops.items()}

        return taken_over()

    @enduring
    def settle(self, pipeline: str, *, done: Iterable[str], failed: Iterable[str]) -> None:
        """Note what was processed, by content; what failed may be dropped again."""
        with self._engine.begin() as connection:
            for state, names in (("done", tuple(done)), ("failed", tuple(failed))):
                this = and_(intake.c.pipeline == pipeline, intake.c.sha256.in_(names))
                connection.execute(update(intake).where(this).values(state=state, owner=""))

    @enduring
    def release(self, pipeline: str, drop: str) -> None:
        """Give back what could not be processed, for a later try."""
        mine = or_(intake.c.owner == own_lease(), intake.c.owner == "")
        with self._engine.begin() as connection:
            connection.execute(
                update(intake)
                .where(intake.c.pipeline == pipeline, intake.c.drop == drop, mine)
                .where(intake.c.state == "taken")
                .values(state="failed", owner="")
            )


def _found(
    connection: Connection, pipeline: str, contents: Sequence[str]
) -> dict[str, tuple[str, str, str]]:
    """Content → state, drop and owner, of those that are known."""
    states: dict[str, tuple[str, str, str]] = {}
    for start in range(0, len(contents), _CHUNK):
        some = contents[start : start + _CHUNK]
        query = select(intake).where(intake.c.pipeline == pipeline, intake.c.sha256.in_(some))
        for row in connection.execute(query):
            states[row.sha256] = (row.state, row.drop, row.owner)
    return states

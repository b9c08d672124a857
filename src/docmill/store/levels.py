"""Rates that several processes share: buckets in the store, filled by the database's clock.

`models.sharing` asks for what a process needs next; it knows endpoints, this module doesn't.
"""

from sqlalchemy import Engine, case, insert, select, update
from sqlalchemy.exc import IntegrityError

from docmill.store.heartbeats import clock
from docmill.store.patience import enduring
from docmill.store.schema import levels


class Level:
    """One bucket; everybody who names it draws from it."""

    def __init__(self, engine: Engine, bucket: str, *, per_second: float, capacity: float) -> None:
        self._engine = engine
        self._this = levels.c.bucket == bucket
        self._row = {"bucket": bucket, "level": capacity, "at": clock(engine)}
        passed = clock(engine) - levels.c.at
        # A clock that was set back fills nothing.
        filled = levels.c.level + case((passed > 0, passed), else_=0.0) * per_second
        full = case((filled > capacity, capacity), else_=filled)
        self._fill = update(levels).where(self._this).values(level=full, at=clock(engine))

    @enduring
    def draw(self, wanted: float) -> float:
        """Take so much, or what there is; returns how much that was."""
        while True:
            with self._engine.begin() as connection:
                # Written first: others wait here until this is done.
                if connection.execute(self._fill).rowcount:
                    there = float(
                        connection.execute(select(levels.c.level).where(self._this)).scalar_one()
                    )
                    drawn = max(0.0, min(wanted, there))
                    rest = update(levels).where(self._this).values(level=there - drawn)
                    connection.execute(rest)
                    return drawn
            self._make()

    def _make(self) -> None:
        try:
            with self._engine.begin() as connection:
                connection.execute(insert(levels).values(self._row))
        except IntegrityError:
            return  # another was faster

"""Hand-overs and notices of runs: which there are, and what became of each.

Written before the first attempt and after the last: what a killed process owed is known.
"""

from collections.abc import Iterable

from sqlalchemy import Engine, delete, insert, select

from docmill.records.deliveries import Delivery
from docmill.store.database import exclusive
from docmill.store.patience import enduring
from docmill.store.schema import deliveries


class DeliveryLog:
    """Those of all runs of a workspace."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @enduring
    def put(self, run: int, found: Iterable[Delivery]) -> None:
        """Store how they stand now, in the place of what was known of each."""
        entries = list(found)
        with exclusive(self._engine, "deliveries", run) as connection:
            for each in entries:
                same = (deliveries.c.run == run, deliveries.c.kind == each.kind)
                connection.execute(
                    delete(deliveries).where(*same, deliveries.c.position == each.position)
                )
            for each in entries:
                connection.execute(
                    insert(deliveries).values(
                        run=run,
                        kind=each.kind,
                        position=each.position,
                        body=each.model_dump_json(),
                    )
                )

    @enduring
    def of_run(self, run: int) -> tuple[Delivery, ...]:
        """All of a run: hand-overs, then notices, in the pipeline's order."""
        query = select(deliveries.c.body).where(deliveries.c.run == run)
        order = (deliveries.c.kind.desc(), deliveries.c.position)
        with self._engine.connect() as connection:
            rows = connection.execute(query.order_by(*order)).all()
        return tuple(Delivery.model_validate_json(row.body) for row in rows)

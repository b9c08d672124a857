"""What stays of a journal that was dropped, so that its runs are proven without it.

Lies in `parts` of the session's seal: `dropping` writes it, `seals` reads it.
"""

from collections.abc import Sequence

from sqlalchemy import Connection, select

from docmill.base import Frozen
from docmill.store.schema import seals


class Remains(Frozen):
    """What the events said that others need."""

    sources: tuple[str, ...] = ()
    """Sessions it took fields of the record from."""
    heads: dict[int, str] = {}
    """Length → head of its chain then, for runs that were sealed while it was open."""


def remains_of(connection: Connection, ids: Sequence[str]) -> dict[str, Remains]:
    """Those of some sessions; none for a session whose journal left nothing to remember."""
    query = select(seals.c.subject, seals.c.parts).where(
        seals.c.subject.in_(ids), seals.c.parts != "{}"
    )
    return {
        row.subject: Remains.model_validate_json(row.parts) for row in connection.execute(query)
    }

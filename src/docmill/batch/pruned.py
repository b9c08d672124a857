"""What a run no longer has: journals and pictures of pages that retention took, in sentences.

Whoever shows a run or hands it on says so. What is looked at is there or not; why isn't asked.
"""

from typing import NamedTuple

from sqlalchemy import select

from docmill.batch.state import State
from docmill.records.results import DocumentResult
from docmill.report.display import count
from docmill.store.schema import events, seals
from docmill.store.seals import cut, run_sessions


class PrunedParts(NamedTuple):
    """How much of a run is gone."""

    journals: int
    """Sessions whose events are gone; their seals are there."""
    pictures: int
    """Pages that were pictured."""

    @property
    def sentences(self) -> list[str]:
        """What to tell the reader; nothing of what is whole."""
        told: list[str] = []
        if self.journals:
            journals = count(self.journals, "session")
            told.append(f"The journals of {journals} were pruned; their seals stand for them.")
        if self.pictures:
            told.append(f"The pictures of {count(self.pictures, 'page')} were pruned.")
        return told


def pruned_parts(state: State, number: int) -> PrunedParts:
    """What of a run's journals and pictures is gone.

    Raises:
        RunNotFoundError: there is no such run.
    """
    there = frozenset(state.blobs)
    pictures = sum(
        blob not in there
        for result in state.reader(number).documents()
        for blob in result.pictures.values()
    )
    return PrunedParts(_journals(state, number), pictures)


def pages_without(state: State, result: DocumentResult) -> list[int]:
    """Pages of one document whose pictures are gone."""
    return [page for page, blob in sorted(result.pictures.items()) if blob not in state.blobs]


def _journals(state: State, number: int) -> int:
    gone = 0
    with state.engine.connect() as connection:
        for some in cut(run_sessions(connection, number)):
            read = select(events.c.session).where(events.c.session.in_(some)).distinct()
            sealed = select(seals.c.subject).where(seals.c.subject.in_(some), seals.c.length > 0)
            kept = set(connection.execute(read).scalars())
            gone += sum(name not in kept for name in connection.execute(sealed).scalars())
    return gone

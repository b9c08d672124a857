"""Which documents of a large batch share a task in Prefect, and what such a task says at its end.

A task costs Prefect some 50 ms of CPU, whatever it does. Used by `tasks`; knows neither Prefect nor
sessions.
"""

import asyncio
import hashlib
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from docmill.plan import PlannedDocument
from docmill.records.results import DocumentStatus

ONE_BY_ONE = 50
"""Up to so many documents have a task each."""
MANY = 1000
"""From so many documents on, the larger groups."""
SMALL_GROUP, LARGE_GROUP = 10, 25
NAMED = 10
"""So many documents a message names at most."""


class Trouble(NamedTuple):
    """A document of a group that did not end well."""

    name: str
    status: DocumentStatus
    code: str

    def __str__(self) -> str:
        return f"{self.name} {self.status}" + (f" ({self.code})" if self.code else "")


class Group:
    """Documents that share a task: it begins with the first of them and ends with the last."""

    def __init__(self, documents: Sequence[PlannedDocument]) -> None:
        self.documents = documents
        self.key = _digest(documents)
        """Equal for equal documents only."""
        self.ended = asyncio.Event()
        """Every document has ended, or none will any more."""
        self.statuses: dict[str, DocumentStatus] = {}
        """Documents that have ended, by id."""
        self._troubles: list[Trouble] = []

    @property
    def name(self) -> str:
        """`in/report-001.pdf and 9 more`."""
        more = len(self.documents) - 1
        return f"{self.documents[0].info.name} and {more} more"

    @property
    def left(self) -> int:
        """Documents that have not ended."""
        return len(self.documents) - len(self.statuses)

    def note(self, document: PlannedDocument, status: DocumentStatus, *, code: str = "") -> None:
        """A document has ended; with the last one the group has. `code` is that of its error."""
        self.statuses[document.info.id] = status
        if status != "ok":
            self._troubles.append(Trouble(document.info.name, status, code))
        if not self.left:
            self.ended.set()

    def summary(self) -> str:
        """`9 ok, 1 failed: in/report-003.pdf failed (document_corrupt)`."""
        counts = Counter(self.statuses.values())
        parts = [f"{number} {status}" for status, number in counts.most_common()]
        parts += [f"{self.left} not done"] if self.left else []
        named = [str(trouble) for trouble in self._troubles[:NAMED]]
        if more := len(self._troubles) - len(named):
            named.append(f"and {more} more")
        return ", ".join(parts) + (f": {', '.join(named)}" if named else "")


def grouped(pending: Sequence[PlannedDocument]) -> list[Group]:
    """The documents in groups, in their order; none where each is to have a task of its own."""
    number = len(pending)
    if number <= ONE_BY_ONE:
        return []
    size = SMALL_GROUP if number < MANY else LARGE_GROUP
    groups = [Group(pending[begin : begin + size]) for begin in range(0, number, size)]
    # A last document alone is no group: "and 0 more" helps nobody.
    if len(groups[-1].documents) == 1:
        rest = groups.pop().documents
        groups[-1] = Group([*groups[-1].documents, *rest])
    return groups


def _digest(documents: Sequence[PlannedDocument]) -> str:
    return hashlib.sha256("\n".join(each.key for each in documents).encode()).hexdigest()

"""How a stored run is read: one document at a time, so that memory doesn't grow with the batch."""

from collections.abc import Iterator
from typing import Protocol

from docmill.records.results import DocumentResult, RunInfo


class RunReader(Protocol):
    """A finished or running run in the store."""

    @property
    def info(self) -> RunInfo:
        """The run itself."""
        ...

    def documents(self) -> Iterator[DocumentResult]:
        """Every document in order of name; can be iterated again."""
        ...

    def picture(self, blob: str) -> bytes:
        """Bytes of a page picture (PNG) by its blob hash.

        Raises:
            KeyError: the blob has been pruned.
        """
        ...

    def output(self, blob: str) -> bytes:
        """Bytes of a file the agent has left, by its blob hash.

        Raises:
            KeyError: the blob has been pruned.
        """
        ...

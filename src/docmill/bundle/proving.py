"""Finds the words of a session's pages in the bundle, and has its values proven on them again."""

from collections.abc import Sequence

from docmill.batch.origins import Specs
from docmill.bundle import form
from docmill.bundle.findings import Check
from docmill.bundle.journals import Prover, Sources
from docmill.bundle.opening import Archive
from docmill.bundle.specs import read_blob
from docmill.documents.layout import Page, load_pages
from docmill.events import DocumentPrepared, Event
from docmill.records.growth import FieldsKept

MAX_LAYOUT = 64 << 20


class Proofs:
    """Proves the values of each session once."""

    def __init__(self, archive: Archive, check: Check, specs: Specs) -> None:
        self._archive = archive
        self._check = check
        self._prover = Prover(check, specs)
        self._wordless = 0
        """Sessions whose pages aren't in the bundle."""

    def prove(self, name: str, journal: Sequence[Event], sources: Sources) -> None:
        """Prove what a session's agent handed in, and what was taken over from earlier ones."""
        self._one(name, journal, ())
        for event in journal:
            if isinstance(event, FieldsKept):
                self._one(f"{name} ({event.source})", sources(event.source) or (), event.kept)

    def _one(self, name: str, journal: Sequence[Event], fields: Sequence[str]) -> None:
        pages = self._pages(name, journal)
        if pages is not None:
            self._prover.prove(name, journal, pages, fields)

    def _pages(self, name: str, journal: Sequence[Event]) -> Sequence[Page] | None:
        for event in reversed(journal):
            if not isinstance(event, DocumentPrepared):
                continue
            if f"{form.BLOBS}{event.layout}" not in self._archive:
                self._wordless += 1
                return None
            data = read_blob(self._archive, event.layout, MAX_LAYOUT)
            try:
                return tuple(load_pages(data.decode("utf-8", "surrogatepass")))
            except ValueError as error:
                self._check.wrong(f"{name} words of pages", error, "words with their boxes")
        return None

    def unproven(self) -> list[str]:
        """What could not be proven again, and why."""
        prover = self._prover
        counts = (
            (self._wordless, "sessions whose words of pages were pruned: no value proven again"),
            (prover.unseen, "values of pages with hidden or scanned text: only the page shows ink"),
            (prover.unknown, "records refused by the pipeline's own python model: it is code"),
        )
        return [f"{count} {what}." for count, what in counts if count]

"""Page pictures of the HTML report: inside the file up to a budget, in `pages/` after that.

Each picture is named by its own hash and stored once, however many documents show it.
"""

from base64 import b64encode
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Literal, NamedTuple

from docmill.records.reader import RunReader
from docmill.records.results import DocumentResult

PNG = b"\x89PNG\r\n\x1a\n"
FOLDER = "pages"
LENGTH = 20
"""Characters of a picture's name: the first ones of its blob's."""


class Embedded(NamedTuple):
    """A picture for the inside of the HTML file; `data` is base64 and safe in markup."""

    name: str
    data: str


class Shelf:
    """Puts pictures away one by one; remembers the names of the embedded ones only.

    `budget` is in bytes of the HTML file.
    """

    def __init__(
        self,
        reader: RunReader,
        *,
        folder: Path,
        budget: int,
        show: Literal["all", "flagged", "none"],
    ) -> None:
        self._reader = reader
        self._folder = folder / FOLDER
        self._left = budget
        self._show = show
        self._embedded: set[str] = set()

    def shown(self, result: DocumentResult) -> bool:
        """Whether this document's pages are to be shown at all."""
        return self._show == "all" or (self._show == "flagged" and result.status != "ok")

    def names(self, result: DocumentResult, fresh: list[Embedded]) -> dict[int, str | None]:
        """Page number → name of its picture, None where it has been pruned or is no PNG.

        Pictures that have to be embedded now are added to `fresh`; the others are written as files.
        """
        if not self.shown(result):
            return {}
        return {page: self._put(blob, fresh) for page, blob in sorted(result.pictures.items())}

    def _put(self, blob: str, fresh: list[Embedded]) -> str | None:
        try:
            data = self._reader.picture(blob)
        except KeyError:
            return None
        if not data.startswith(PNG):
            return None
        name = sha256(data).hexdigest()[:LENGTH]
        if name in self._embedded:
            return name
        encoded_size = (len(data) + 2) // 3 * 4
        if encoded_size <= self._left:
            self._left -= encoded_size
            self._embedded.add(name)
            fresh.append(Embedded(name, b64encode(data).decode("ascii")))
        else:
            self._write(name, data)
        return name

    def _write(self, name: str, data: bytes) -> None:
        self._folder.mkdir(exist_ok=True)
        path = self._folder / f"{name}.png"
        if not path.exists():
            path.write_bytes(data)


def flagged_first(reader: RunReader) -> Iterator[DocumentResult]:
    """All documents, those that need a look before the others, each part in order of name."""
    yield from (result for result in reader.documents() if result.status != "ok")
    yield from (result for result in reader.documents() if result.status == "ok")

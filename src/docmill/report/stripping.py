"""Takes pictures of pages out of a report that was written before: as if written without them.

The page says in a picture's place that it wasn't kept; `html` and `pictures` have put them there.
A report made with templates that mark them up in another way is left as it is.
"""

import os
import re
import tempfile
from collections.abc import Container, Iterable, Iterator
from pathlib import Path

from docmill.report.pictures import FOLDER, LENGTH

PAGE = "report.html"
_PICTURE = re.compile(rb'<script type="text/plain" id="p-([0-9a-f]+)">')
_DATA = b'<script type="application/json" class="document">'
_NAMES = re.compile(rb'"pictures":\{[^{}]*\}')
_NAME = re.compile(rb':"([0-9a-f]+)"')


def strip_pictures(folder: Path, blobs: Iterable[str], *, dry_run: bool = False) -> int:
    """Remove pictures, by the names of their blobs, from the page and beside it.

    The page is replaced as a whole; one that shows none of them isn't touched.

    Returns:
        The bytes freed, or with `dry_run` those that would be.

    Raises:
        OSError: the folder can't be written.
    """
    names = frozenset(blob[:LENGTH] for blob in blobs)
    return _strip_files(folder / FOLDER, names, dry_run=dry_run) + _strip_page(
        folder / PAGE, names, dry_run=dry_run
    )


def _strip_files(folder: Path, names: Container[str], *, dry_run: bool) -> int:
    gone = [path for path in folder.glob("*.png") if path.stem in names]
    freed = sum(path.stat().st_size for path in gone)
    for path in () if dry_run else gone:
        path.unlink(missing_ok=True)
    return freed


def _strip_page(page: Path, names: Container[str], *, dry_run: bool) -> int:
    if not page.is_file():
        return 0
    freed = page.stat().st_size - sum(map(len, _without(page, names)))
    if not freed or dry_run:
        return freed
    handle, temporary = tempfile.mkstemp(dir=page.parent, prefix=f".{page.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.writelines(_without(page, names))
        Path(temporary).chmod(page.stat().st_mode)
        Path(temporary).replace(page)
    finally:
        Path(temporary).unlink(missing_ok=True)
    return freed


def _without(page: Path, names: Container[str]) -> Iterator[bytes]:
    """The page's lines: each picture is one, and each document's data."""

    def nameless(found: re.Match[bytes]) -> bytes:
        return b":null" if found[1].decode() in names else found[0]

    with page.open("rb") as file:
        for line in file:
            picture = _PICTURE.match(line)
            if picture and picture[1].decode() in names:
                continue
            data = line.startswith(_DATA)
            yield _NAMES.sub(lambda part: _NAME.sub(nameless, part[0]), line) if data else line

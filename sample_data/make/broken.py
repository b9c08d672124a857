"""Files that can't be read: locked, cut off, without text, empty, or no PDF at all."""

import struct
import zlib
from collections.abc import Callable, Sequence
from functools import partial
from io import BytesIO
from pathlib import Path

from outlines import Outlines
from paper import Sheet

PASSWORD = "kestrel"  # noqa: S105  opens the locked samples, to try the way with a password


def cut(path: Path, make: Callable[[Path], None], share: float) -> None:
    """A file whose transfer broke off after `share` of its bytes."""
    make(path)
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])


def empty(path: Path) -> None:
    """A file of zero bytes."""
    path.write_bytes(b"")


def text_file(path: Path, text: str) -> None:
    """A text file that somebody named .pdf."""
    path.write_text(text, encoding="utf-8")


def copy(path: Path, source: str) -> None:
    """A byte-identical copy of a document of the same set."""
    path.write_bytes((path.parent / source).read_bytes())


def outlined(path: Path, title: str, lines: Sequence[tuple[float, float, str, float]]) -> None:
    """A page whose letters are filled outlines: it looks like text, but there is no text layer.

    A line is x, y, text and size.
    """
    sheet = Sheet(path, title=title, author="")
    letters = Outlines()
    sheet.box(40, 40, 515, 760, edge=0.8)
    for x, y, text, size in lines:
        for contours in letters.line(text, x, y, size):
            sheet.curve(contours)
    sheet.save()


def picture(path: Path) -> None:
    """A PNG picture of a nameplate that somebody named .pdf."""
    width, height = 320, 200
    rows = bytearray()
    for y in range(height):
        rows.append(0)
        rows += bytes(_nameplate(x, y, width, height) for x in range(width))
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    out = BytesIO(b"")
    out.write(b"\x89PNG\r\n\x1a\n")
    # Level 0 stores: the bytes don't depend on the version of zlib.
    for kind, body in ((b"IHDR", head), (b"IDAT", zlib.compress(bytes(rows), 0)), (b"IEND", b"")):
        out.write(struct.pack(">I", len(body)) + kind + body)
        out.write(struct.pack(">I", zlib.crc32(kind + body)))
    path.write_bytes(out.getvalue())


def _nameplate(x: int, y: int, width: int, height: int) -> int:
    """Grey value of one dot: a riveted plate with lines where writing would be."""
    if min(x, y, width - 1 - x, height - 1 - y) < 6:
        return 70
    for corner in ((18, 18), (width - 19, 18), (18, height - 19), (width - 19, height - 19)):
        if (x - corner[0]) ** 2 + (y - corner[1]) ** 2 < 36:
            return 40
    if y % 24 in (8, 9, 10, 11, 12) and 40 < x < 40 + 200 - (y * 7) % 90 and (x * y) % 5:
        return 90
    return 205 + (x * 31 + y * 17) % 9


def truncated(make: Callable[[Path], None], share: float) -> Callable[[Path], None]:
    """A maker for `cut`."""
    return partial(cut, make=make, share=share)

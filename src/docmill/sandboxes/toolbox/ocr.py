"""Pictures of text to words, by `tesseract` where it is installed; boxes in pixels of the picture.

Runs in the reader's child process, under its limits. Knows nothing of PDF; `reading` draws the
page and turns pixels into points. What OCR says is a reading, never the document's own words.
"""

from __future__ import annotations

import os
import subprocess

from .errors import OpError

TYPE_CHECKING = False
if TYPE_CHECKING:
    OcrWord = tuple[str, float, float, float, float, float]

PROGRAM = "/usr/bin/tesseract"
MAX_WORDS = 5000
"""Of one picture."""
MAX_TEXT = 200
"""Characters of one word."""
BORDER = 20
"""White pixels around a picture; tesseract misses what touches the edge."""
_ENVIRONMENT = {"OMP_THREAD_LIMIT": "1", "PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"}
_WORD = 5
"""Level of a line about a word in tesseract's table."""


def languages() -> list[str]:
    """The languages that can be read.

    Raises:
        OpError: `ocr_missing`.
    """
    told = _run([PROGRAM, "--list-langs"], b"", 20.0).decode("utf-8", "replace")
    return [line.strip() for line in told.splitlines()[1:] if line.strip()]


def read(
    pixels: bytes | bytearray,
    size: tuple[int, int],
    *,
    wanted: list[str],
    line: bool,
    dpi: int,
    seconds: float,
) -> list[OcrWord]:
    """Words of a gray picture: text, box, confidence from 0 to 1.

    `line`: the picture is one line of text.

    Raises:
        OpError: `ocr_missing`, `ocr_timeout` or `ocr_failed`.
    """
    width, height = size
    picture = _bordered(pixels, width, height)
    layout = "7" if line else "3"
    arguments = ["stdin", "stdout", "-l", "+".join(wanted), "--psm", layout, "--dpi", str(dpi)]
    table = _run([PROGRAM, *arguments, "tsv"], picture, seconds)
    return words_of(table.decode("utf-8", "replace"))


def words_of(table: str) -> list[OcrWord]:
    """The words of tesseract's table (TSV), in its order."""
    words: list[OcrWord] = []
    for row in table.splitlines()[1:]:
        parts = row.split("\t")
        if len(parts) != 12 or parts[0] != str(_WORD) or len(words) >= MAX_WORDS:
            continue
        text = "".join(parts[11].split())[:MAX_TEXT]
        try:
            left, top, width, height = (int(side) for side in parts[6:10])
            confidence = float(parts[10]) / 100
        except ValueError:
            continue
        if text and confidence >= 0:
            x, y = left - BORDER, top - BORDER
            words.append((text, x, y, x + width, y + height, min(confidence, 1.0)))
    return words


def _bordered(pixels: bytes | bytearray, width: int, height: int) -> bytes:
    """The picture as PGM with a white border."""
    wide = width + 2 * BORDER
    edge, side = b"\xff" * (wide * BORDER), b"\xff" * BORDER
    rows = (pixels[y * width : (y + 1) * width] for y in range(height))
    body = b"".join(side + bytes(row) + side for row in rows)
    return b"P5 %d %d 255\n" % (wide, height + 2 * BORDER) + edge + body + edge


def _run(command: list[str], data: bytes, seconds: float) -> bytes:
    if not os.access(PROGRAM, os.X_OK):
        raise OpError(f"ocr_missing: there is no {PROGRAM}")
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=_ENVIRONMENT,
        cwd="/",
    ) as process:
        try:
            out, _ = process.communicate(data, timeout=seconds)
        except subprocess.TimeoutExpired:
            raise OpError(f"ocr_timeout: OCR took longer than {seconds:.0f} s") from None
        finally:
            process.kill()
    if process.returncode != 0:
        raise OpError(f"ocr_failed: tesseract ended with {process.returncode}")
    return out

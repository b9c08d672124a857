"""Words read by OCR inside the sandbox: of pages without a text layer, and to compare others with.

Neighbours: `document` asks while it prepares, `witness` when values are checked. What OCR says is
marked as such wherever it goes; tesseract itself is run by the toolbox.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple, cast

from docmill.documents.layout import Page, Word
from docmill.errors import PrerequisiteError, ToolError
from docmill.records.values import Box
from docmill.sandboxes.base import Sandbox
from docmill.spec.pipeline import Documents

PAGE_SECONDS = 90
LINE_SECONDS = 20
PROBE_SECONDS = 20
LINE_DPI = 400
MAX_WORDS = 5000
FAR = 1e6
INSTALL = "Install it where the sandboxes take it from: apt-get install tesseract-ocr{more}"


class OcrWord(NamedTuple):
    """One word as OCR reads it."""

    word: Word
    confidence: float
    """0 to 1."""


class Ocr:
    """Reads pictures of one document's pages."""

    def __init__(self, sandbox: Sandbox, languages: Sequence[str]) -> None:
        self._sandbox = sandbox
        self._languages = list(languages)

    async def page(self, number: int, *, keep: bool = False) -> tuple[OcrWord, ...] | None:
        """The words of a page; None if it can't be read. `keep` writes them to its layout file."""
        return await self._read({"page": number, "keep": keep}, PAGE_SECONDS)

    async def line(self, number: int, box: Box) -> str:
        """One line looked at more closely; empty if it can't be read."""
        arguments = {"page": number, "box": list(box), "dpi": LINE_DPI}
        found = await self._read(arguments, LINE_SECONDS)
        return " ".join(entry.word.text for entry in found or ())

    async def _read(self, arguments: dict[str, Any], seconds: int) -> tuple[OcrWord, ...] | None:
        arguments = {**arguments, "languages": self._languages}
        try:
            return _words(await self._sandbox.call("ocr", arguments, timeout=seconds))
        except ToolError:
            return None


async def open_ocr(sandbox: Sandbox, wanted: Documents) -> Ocr | None:
    """OCR, where the pipeline wants it and the sandbox has it.

    Raises:
        PrerequisiteError: `always` is wanted and there is none, or a language isn't installed.
    """
    if wanted.ocr == "off":
        return None
    try:
        found = await sandbox.call("ocr_languages", {}, timeout=PROBE_SECONDS)
    except ToolError as error:
        if wanted.ocr == "auto":
            return None
        raise PrerequisiteError(
            f"`documents.ocr: always` needs tesseract ({error.message}).",
            remedy=INSTALL.format(more=""),
        ) from error
    listed = cast("list[object]", found) if isinstance(found, list) else []
    known = set(map(str, listed))
    missing = [name for name in wanted.ocr_languages if name not in known]
    if missing:
        packages = "".join(f" tesseract-ocr-{name.replace('_', '-')}" for name in missing)
        raise PrerequisiteError(
            f"tesseract can't read {', '.join(missing)} here (`documents.ocr_languages`).",
            remedy=INSTALL.format(more=packages),
        )
    return Ocr(sandbox, wanted.ocr_languages)


async def read_textless(ocr: Ocr, pages: Sequence[Page]) -> tuple[Page, ...]:
    """The pages again, those without words with what OCR reads on them."""
    result: list[Page] = []
    for page in pages:
        found = await ocr.page(page.number, keep=True) if not page.words else None
        if found:
            words = tuple(entry.word for entry in found)
            sure = tuple(entry.confidence for entry in found)
            result.append(replace(page, words=words, confidences=sure))
        else:
            result.append(page)
    return tuple(result)


def _words(found: object) -> tuple[OcrWord, ...]:
    """What has the form of a word; the answer comes from inside."""
    entries = cast("list[object]", found)[:MAX_WORDS] if isinstance(found, list) else []
    return tuple(word for word in map(_word, entries) if word is not None)


def _word(entry: object) -> OcrWord | None:
    parts = cast("list[object]", entry) if isinstance(entry, list) else []
    numbers = [float(part) for part in parts[1:] if isinstance(part, (int, float))]
    text = parts[0] if parts else ""
    if not (isinstance(text, str) and text.strip() and len(parts) == 6 and len(numbers) == 5):
        return None
    if any(not abs(number) < FAR for number in numbers):
        return None
    word = Word("".join(text.split()), numbers[0], numbers[1], numbers[2], numbers[3])
    return OcrWord(word, min(max(numbers[4], 0.0), 1.0))

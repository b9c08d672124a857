"""Values of a checked record held against OCR: a second pair of eyes on the printed page.

Neighbours: `marking` runs it for each submission, `ocr` reads. A value read by OCR keeps the mark
of it, and is verified only if OCR was sure and reads the same from close by; where the text layer
and the printed page say different things the value is flagged.
"""

import re
import unicodedata
from collections.abc import Mapping, Sequence

from rapidfuzz import fuzz

from docmill.documents.layout import Page
from docmill.documents.text import normalise
from docmill.records.checked import CheckedRecord, CheckedValue, Evidence, Reading
from docmill.records.values import Box
from docmill.session.ocr import Ocr, OcrWord

SURE = 0.8
"""Confidence of OCR in each word of a value from which the value may be verified."""
ALIKE = 80
"""Of 100: likeness from which words without digits count as the same."""
AROUND = 1.5
"""Points around a box in which a word's middle may lie."""
MAX_LOOKS = 200
"""Lines of one record that are looked at more closely."""
_NUMBER = re.compile(r"[-+]?\d+(?:\.\d+)*")
_LOOKALIKES = str.maketrans("OolI|S$,", "0011155.")


class Witness:
    """Looks at the places of values in one document."""

    def __init__(self, ocr: Ocr, pages: Sequence[Page], *, compared: frozenset[int]) -> None:
        self._ocr = ocr
        self._pages: Mapping[int, Page] = {page.number: page for page in pages}
        self._compared = compared
        self._read: dict[int, tuple[OcrWord, ...]] = {}
        self._lines: dict[tuple[int, Box], str] = {}

    async def look(self, record: CheckedRecord) -> CheckedRecord:
        """The record with marks of OCR, and statuses that hold with them."""
        values = [await self._value(value) for value in record.values]
        return record.model_copy(update={"values": tuple(values)})

    async def _value(self, value: CheckedValue) -> CheckedValue:
        if value.reading is not None:
            reading = self._marked(value.reading)
            value = value.model_copy(update={"reading": reading})
            if value.status == "verified" and reading.evidence:
                return await self._judged(value, reading.evidence)
        candidates = tuple(self._marked(reading) for reading in value.candidates)
        return value.model_copy(update={"candidates": candidates})

    def _marked(self, reading: Reading) -> Reading:
        """The reading with OCR's confidence, if its words are OCR's."""
        evidence = reading.evidence
        page = self._pages.get(evidence.page) if evidence else None
        if evidence is None or page is None or not page.confidences:
            return reading
        sure = [
            confidence
            for word, confidence in zip(page.words, page.confidences, strict=True)
            if any(_inside(word.box, box) for box in evidence.boxes)
        ]
        marked = evidence.model_copy(update={"ocr": True, "confidence": min(sure, default=0.0)})
        return reading.model_copy(update={"evidence": marked})

    async def _judged(self, value: CheckedValue, evidence: Evidence) -> CheckedValue:
        if evidence.ocr:
            return await self._judged_by_itself(value, evidence)
        if evidence.page in self._compared and not await self._agrees(evidence):
            return value.model_copy(update={"flags": (*value.flags, "disagrees")})
        return value

    async def _judged_by_itself(self, value: CheckedValue, evidence: Evidence) -> CheckedValue:
        """A value read by OCR: unverified where OCR wasn't sure, or reads a number differently."""
        sure = evidence.confidence or 0.0
        if sure < SURE:
            return _doubted(value, f"OCR is only {sure:.0%} sure of {evidence.quote!r}")
        words = self._words(evidence)
        if _numbers(words):
            closer = await self._closely(evidence)
            if not same(words, closer):
                return _doubted(value, f"OCR reads {words!r}, and {closer!r} when looking closer")
        return value

    async def _agrees(self, evidence: Evidence) -> bool:
        """Whether the page shows what the text layer says, at first sight or from close by."""
        words = self._words(evidence)
        if evidence.page not in self._read:
            self._read[evidence.page] = await self._ocr.page(evidence.page) or ()
        seen = [
            entry.word.text
            for entry in self._read[evidence.page]
            if any(_inside(entry.word.box, box) for box in evidence.boxes)
        ]
        return same(words, " ".join(seen)) or same(words, await self._closely(evidence))

    def _words(self, evidence: Evidence) -> str:
        """The page's words in the boxes of the value; the quote may be wider."""
        page = self._pages[evidence.page]
        inside = [w.text for w in page.words if any(_inside(w.box, b) for b in evidence.boxes)]
        return " ".join(inside)

    async def _closely(self, evidence: Evidence) -> str:
        lines: list[str] = []
        for box in evidence.boxes:
            key = (evidence.page, box)
            if key not in self._lines and len(self._lines) < MAX_LOOKS:
                self._lines[key] = await self._ocr.line(*key)
            lines.append(self._lines.get(key, ""))
        return " ".join(lines)


def same(words: str, seen: str) -> bool:
    """Whether OCR's reading of a place may be these words: all their numbers, or alike letters."""
    numbers = _numbers(words)
    if numbers:
        found = _numbers(seen)
        if all(found.count(number) >= numbers.count(number) for number in numbers):
            return True
        return bool(_letters(words).strip("0123456789")) and _joined(words) in _joined(seen)
    letters, others = _letters(words), _letters(seen)
    return not letters or fuzz.partial_ratio(letters, others) >= ALIKE


def _joined(text: str) -> str:
    """All characters without spaces, those that OCR confuses as one: `R0` is `RO`."""
    return "".join(normalise(text).split()).translate(_LOOKALIKES)


def _letters(text: str) -> str:
    """Letters without their accents, which OCR of another language leaves out."""
    plain = unicodedata.normalize("NFKD", normalise(text)).casefold()
    return "".join(sign for sign in plain if sign.isalnum())


def _numbers(text: str) -> list[str]:
    """Runs of digits with their points and signs; characters OCR confuses count as digits."""
    plain = normalise(text)
    words = [
        word.translate(_LOOKALIKES) if re.search(r"\d", word) else word for word in plain.split()
    ]
    return [number.lstrip("+") for number in _NUMBER.findall(" ".join(words))]


def _inside(inner: Box, outer: Box) -> bool:
    """Whether the middle of a box lies in another, or the other's in it."""
    x, y = (inner[0] + inner[2]) / 2, (inner[1] + inner[3]) / 2
    left, top, right, low = outer
    return left - AROUND <= x <= right + AROUND and top - AROUND <= y <= low + AROUND


def _doubted(value: CheckedValue, reason: str) -> CheckedValue:
    words = f"{reason}; look at the page"
    return value.model_copy(
        update={"status": "unverified", "code": "ocr_uncertain", "reason": words}
    )

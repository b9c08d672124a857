"""Values of enumerations that need no label, for nothing else in a document is written like them.

Asked only where no label leads to a value.
"""

import re
from collections.abc import Iterable

from docmill.models.rules.candidates import Candidate
from docmill.models.rules.reading import read_words
from docmill.models.rules.scene import Scene
from docmill.quantities.unit_data import CURRENCIES
from docmill.quantities.units import canonical_unit
from docmill.spec.fields import Field

_POINTS = 40
_DIGIT = re.compile(r"\d")


def unlabelled(field: Field, scene: Scene) -> Iterable[Candidate]:
    """Spellings of an enumeration so distinctive that they need no label: `EN 10204 3.1`."""
    spellings = {
        key: tuple(text for text in (key, *others) if _is_distinctive(text))
        for key, others in (field.enum or {}).items()
    }
    narrow = field.model_copy(update={"enum": spellings, "type": "text"})
    keyless = {key for key in spellings if not _is_distinctive(key)}
    for line in scene.sheet.lines:
        for spot in line.spots:
            for reading in read_words(narrow, spot.words, scene.context()):
                text = " ".join(word.text for word in reading.words)
                if reading.value not in keyless or _is_distinctive(text):
                    yield Candidate(reading, spot.page, (), _POINTS, "anywhere")


def only_currency(field: Field, scene: Scene) -> Iterable[Candidate]:
    """For an enumeration of currencies: the only one the document names, wherever that is."""
    if not field.enum or not all(canonical_unit(key) in CURRENCIES for key in field.enum):
        return
    for line in scene.sheet.lines if scene.sheet.currency in field.enum else ():
        for spot in line.spots:
            for reading in read_words(field, spot.words, scene.context()):
                if reading.value == scene.sheet.currency:
                    yield Candidate(reading, spot.page, (), _POINTS, "anywhere")


def _is_distinctive(text: str) -> bool:
    return len(text.split()) >= 2 and len(text) >= 6 and bool(_DIGIT.search(text))

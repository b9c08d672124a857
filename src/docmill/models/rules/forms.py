"""The spellings a field goes by, ready to be looked up in folded text."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from docmill.models.rules.folding import fold_text
from docmill.spec.fields import Field

_CODE = re.compile(r"^[A-Z]{1,2}\d{1,4}(?:\.\d{1,2})?$")


class Form(NamedTuple):
    """One spelling of one field."""

    field: str
    code: bool
    """A code such as `C71`: counts only at the beginning of a cell."""
    leads: bool
    """Ends in a sign that leads to the value: `VAT @`."""


@dataclass(frozen=True, slots=True)
class Forms:
    """All spellings of a set of fields."""

    by_text: dict[str, tuple[Form, ...]]
    """Folded spelling → the fields that go by it."""
    beginnings: frozenset[str]
    """Every beginning of every spelling, to stop looking early."""
    texts: dict[str, tuple[str, ...]]
    """Field → its folded spellings."""


def make_forms(fields: Mapping[str, Field]) -> Forms:
    """Spellings of the fields: aliases, and the name read as words."""
    by_text: dict[str, list[Form]] = {}
    texts: dict[str, list[str]] = {}
    for name, field in fields.items():
        own = name.replace("_", " ")
        for spelling in (*field.aliases, own):
            folded = fold_text(spelling)
            known = texts.setdefault(name, [])
            if not folded or folded in known:
                continue
            known.append(folded)
            leads = spelling.rstrip().endswith(("@", ":", "="))
            form = Form(name, bool(_CODE.match(spelling)), leads)
            by_text.setdefault(folded, []).append(form)
    beginnings = {text[:end] for text in by_text for end in range(1, len(text) + 1)}
    return Forms(
        {text: tuple(forms) for text, forms in by_text.items()},
        frozenset(beginnings),
        {name: tuple(known) for name, known in texts.items()},
    )

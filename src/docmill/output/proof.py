"""What it takes to prove a value from the words of a page, and what a refusal says.

Shared by `proof_texts`, `proof_numbers` and `proof_dates`; `grounding` finds the words first.
"""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from docmill.output.claims import ReadClaim
from docmill.output.pagetext import DocumentText, PageText, Passage
from docmill.records.checked import Qualifier
from docmill.records.values import Box, Range
from docmill.spec.fields import Field


class Proven(NamedTuple):
    """A value found in the words, in normal form."""

    value: bool | Decimal | date | Range | str
    words: Passage
    """The words of the value itself, without its label."""
    unit: str | None = None
    qualifier: Qualifier = "="


class Refused(NamedTuple):
    """Why the words don't prove the value; the reason also says what to do."""

    code: str
    reason: str


Proof = Proven | Refused


@dataclass(frozen=True, slots=True)
class Case:
    """One claim at one place of the document."""

    claim: ReadClaim
    field: Field
    words: Passage
    """The page's own words that hold the quote."""
    page: PageText
    document: DocumentText

    @property
    def label(self) -> str:
        """The label the claim names; empty without one."""
        return self.claim.claim.label or ""

    def shown(self) -> str:
        """The words for a message."""
        text = self.words.text
        return f'"{text[:80]}…"' if len(text) > 80 else f'"{text}"'


@dataclass(frozen=True, slots=True)
class Located:
    """Where a proof stands on the page."""

    proof: Proof
    words: Passage
    label_box: Box | None = None

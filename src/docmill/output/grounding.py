"""The ladder of proof for one claim: page → quote → value → words, each step with its refusal.

How values are proven stands in `proof_*`; whether the words are visible asks `check`, for all at
once.
"""

from collections.abc import Callable
from typing import NamedTuple

from docmill.documents.text import normalise, search_form
from docmill.output.claims import ReadClaim, show
from docmill.output.pagetext import DocumentText, PageText, Passage, distance, nearest
from docmill.output.proof import Case, Proof, Proven, Refused
from docmill.output.proof_dates import prove_date
from docmill.output.proof_numbers import prove_number, prove_range
from docmill.output.proof_texts import prove_boolean, prove_text
from docmill.output.units import spelling
from docmill.records.checked import Evidence, Reading
from docmill.records.values import Box
from docmill.spec.fields import Field, FieldType

_MAX_PLACES = 12
"""Places of a quote on its page that are tried, nearest first."""
_MAX_WORDS = 80
_PROOFS: dict[FieldType, Callable[[Case], Proof]] = {
    "text": prove_text,
    "id": prove_text,
    "integer": prove_number,
    "number": prove_number,
    "quantity": prove_number,
    "range": prove_range,
    "date": prove_date,
    "boolean": prove_boolean,
}


class Grounded(NamedTuple):
    """A claim after the ladder: its reading, and the refusal if it isn't proven."""

    reading: Reading
    refusal: Refused | None = None


def ground(claim: ReadClaim, field: Field, document: DocumentText) -> Grounded:
    """Look for the proof of a claim in the document."""
    page = document.page(claim.claim.page)
    if page is None:
        reason = f"there is no page {claim.claim.page}; the document has {len(document)} pages"
        return _refused(claim, field, Refused("page_not_found", reason))
    if not search_form(claim.claim.quote):
        return _refused(claim, field, Refused("quote_empty", "the quote has no words; quote some"))
    places = page.occurrences(claim.claim.quote)
    if not places:
        return _refused(claim, field, _not_on_page(claim, document))
    if len(places[0].words) > _MAX_WORDS:
        reason = f"the quote has {len(places[0].words)} words; quote only those of the value"
        return _refused(claim, field, Refused("quote_too_wide", reason))
    return _prove(claim, field, document, page, places)


def _prove(
    claim: ReadClaim, field: Field, document: DocumentText, page: PageText, places: list[Passage]
) -> Grounded:
    label = claim.claim.label
    labels = page.occurrences(label)[:_MAX_PLACES] if label else []
    if label and not labels and not document.holding(label):
        reason = f"the label {show(label)} is nowhere in the document; give it verbatim, or null"
        return _refused(claim, field, Refused("label_not_found", reason))
    tried: list[tuple[Passage, Proof]] = []
    for place in _nearest_first(places, labels, claim.claim.box):
        proof = _PROOFS[field.type](Case(claim, field, place, page, document))
        tried.append((place, proof))
        if isinstance(proof, Proven):
            return Grounded(_proven(claim, place, proof, labels))
    place, proof = tried[0]
    assert isinstance(proof, Refused)
    evidence = _evidence(claim, place, place, labels)
    return Grounded(_reading(claim, field, evidence), proof)


def _nearest_first(places: list[Passage], labels: list[Passage], box: Box | None) -> list[Passage]:
    if len(places) == 1 or (box is None and not labels):
        return places[:_MAX_PLACES]

    def away(place: Passage) -> float:
        if box is not None:
            return distance(place.box, box)
        return min(distance(place.box, label.box) for label in labels)

    return sorted(places, key=away)[:_MAX_PLACES]


def _not_on_page(claim: ReadClaim, document: DocumentText) -> Refused:
    page, quote = claim.claim.page, claim.claim.quote
    others = [number for number in document.holding(quote) if number != page]
    if others:
        listed = ", ".join(str(number) for number in others[:5])
        where = f"(it is on page {listed})"
        reason = f"the quote {show(quote)} is not on page {page} {where}; correct `page`"
        return Refused("quote_on_other_page", reason)
    reason = f"the quote {show(quote)} is not on page {page}; quote the words of the page verbatim"
    return Refused("quote_not_found", reason)


def _proven(claim: ReadClaim, place: Passage, proof: Proven, labels: list[Passage]) -> Reading:
    return Reading(
        value=proof.value,
        unit=proof.unit,
        qualifier=proof.qualifier,
        evidence=_evidence(claim, place, proof.words, labels),
    )


def _evidence(claim: ReadClaim, place: Passage, words: Passage, labels: list[Passage]) -> Evidence:
    label = nearest(labels, words.box) if labels else None
    return Evidence(
        page=claim.claim.page,
        quote=place.quote,
        boxes=words.boxes(),
        label_box=label.box if label else None,
        confidence=claim.claim.confidence,
    )


def _refused(claim: ReadClaim, field: Field, refusal: Refused) -> Grounded:
    """A claim without a place on the page: its quote is what was submitted, made harmless."""
    evidence = Evidence(page=claim.claim.page, quote=normalise(claim.claim.quote))
    return Grounded(_reading(claim, field, evidence), refusal)


def _reading(claim: ReadClaim, field: Field, evidence: Evidence) -> Reading:
    unit = claim.claim.unit if field.type in ("quantity", "range") else None
    return Reading(value=claim.value, unit=spelling(unit, field.unit), evidence=evidence)

"""Grounding of texts, ids, enumerations, yes/no and dates: the page has to say it itself."""

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.output.conftest import Checker

RESULT = {"passed": ["pass", "bestanden"], "failed": ["not passed", "nicht bestanden"]}
DATE = {"type": "date"}


@pytest.mark.parametrize(
    ("page", "field", "value", "quote", "code"),
    [
        ("Customer: Müller GmbH", {}, "Müller GmbH", "Customer: Müller GmbH", ""),
        ("Customer: MÜLLER GmbH", {}, "Müller GmbH", "MÜLLER GmbH", ""),
        ("Test-\nbericht Nr. 7", {}, "Testbericht", "Test-\nbericht", ""),
        ("Grade S235JR+N", {}, "S235JR", "S235JR", "text_incomplete"),
        ("Grade S235JR, plate", {}, "S235JR", "S235JR", ""),
        ("Grade S235JR", {}, "S355JR", "S235JR", "text_not_in_quote"),
        ("No.17 (A/B)", {"type": "id"}, "17", "No.17", ""),
        ("Serial AB 12-34", {"type": "id"}, "ab12-34", "AB 12-34", ""),
        ("Serial AB 12-345", {"type": "id"}, "AB12-34", "AB 12-345", "text_incomplete"),
        ("Serial 0017", {"type": "id"}, 17, "0017", "text_incomplete"),
    ],
)
async def test_texts_are_whole_words_of_the_page(
    checker: "Checker", *, page: str, field: dict[str, Any], value: object, quote: str, code: str
) -> None:
    """Case and spaces don't matter, but a part of a word is another word."""
    checked = await checker.value(page, field, value, quote)
    assert checked.code == code


@pytest.mark.parametrize(
    ("page", "value", "code"),
    [
        ("Result: PASS", "passed", ""),
        ("Ergebnis: bestanden", "Bestanden", ""),
        ("Result: not passed", "failed", ""),
        ("Result: not passed", "passed", "text_not_in_quote"),
        ("Result: pass / failed", "passed", "enum_ambiguous"),
        ("Result: kein pass", "passed", "negated"),
        ("Result: compass", "passed", "text_not_in_quote"),
    ],
)
async def test_enumerations_are_found_by_their_spellings(
    checker: "Checker", page: str, value: str, code: str
) -> None:
    """The longest spelling counts, two of them or a denial prove nothing."""
    checked = await checker.value(page, {"enum": RESULT}, value, page)
    assert checked.code == code
    assert checked.reading is not None
    assert checked.reading.value in RESULT


@pytest.mark.parametrize(
    ("page", "value", "code"),
    [
        ("RoHS compliant: yes", True, ""),
        ("RoHS konform: Nein.", False, ""),
        ("RoHS compliant: yes", False, "boolean_not_stated"),
        ("RoHS compliant: yes no", True, "boolean_not_stated"),
        ("This device is RoHS compliant", True, "boolean_not_stated"),
    ],
)
async def test_yes_and_no_have_to_be_said(
    checker: "Checker", page: str, value: object, code: str
) -> None:
    """Code doesn't judge prose: only words for yes and no prove a boolean."""
    checked = await checker.value(page, {"type": "boolean"}, value, page)
    assert checked.code == code


@pytest.mark.parametrize(
    ("page", "quote", "code"),
    [
        ("2024-04-03", "2024-04-03", ""),
        ("03.04.2024", "03.04.2024", ""),
        ("3 April 2024", "3 April 2024", ""),
        ("April 3, 2024", "April 3, 2024", ""),
        ("3. April\n2024", "3. April 2024", ""),
        ("03/04/2024", "03/04/2024", "date_ambiguous"),
        ("03/04/2024 25/12/2023", "03/04/2024", ""),
        ("03/04/2024 12/25/2023", "03/04/2024", "date_differs"),
        ("03/04/2024 25/12/2023 12/25/2023", "03/04/2024", "date_ambiguous"),
        ("03/04/2024 25.12.2023", "03/04/2024", "date_ambiguous"),
        ("03/04/2024 weight 0,5 kg", "03/04/2024", ""),
        ("03/04/2024 weight 0.5 kg", "03/04/2024", "date_ambiguous"),
        ("04.04.2024", "04.04.2024", "date_differs"),
        ("spring 2024", "spring 2024", "date_not_in_quote"),
    ],
)
async def test_a_date_with_two_readings_needs_another_that_settles_it(
    checker: "Checker", page: str, quote: str, code: str
) -> None:
    """`03/04/2024` is verified only where the document shows the order of day and month."""
    checked = await checker.value(page, DATE, "2024-04-03", quote)
    assert checked.code == code

"""Set `invoices`: invoices in eight languages and countries, and files that are none."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path

import bill_letters
import bill_sheets
import broken
from bill_data import Bill
from bill_set import (
    AMERICAN,
    AMERICAN_WRONG,
    BRITISH,
    BRITISH_TWICE,
    DUTCH,
    FRENCH,
    FRENCH_NO_VAT_ID,
    GERMAN,
    GERMAN_GOOD,
    GERMAN_WRONG,
    SPANISH,
    SWEDISH,
    SWISS,
)
from truth import Doc

TWICE = "one invoice, one payment"
TOTAL = "net and tax make the total"
LINES = "lines add up"
CURRENCY = "a supplier bills in one currency"
SCAN = (("Quittung Nr. 118", 16.0), ("Werkzeugverleih Ruhr", 12.0), ("Summe 86,00 EUR bar", 12.0))
WEB_PAGE = (
    "<!DOCTYPE html>\n<html><title>Sign in</title><body>Your session has expired.</body></html>\n"
)


def _doc(
    name: str,
    bill: Bill,
    make: partial[None],
    about: str,
    verdicts: Mapping[str, str] | None = None,
    *,
    pages: tuple[int, ...] = (),
) -> Doc:
    """A readable invoice: flagged if a verdict isn't pass."""
    return Doc(
        name,
        make,
        "flagged" if verdicts else "ok",
        about,
        fields=bill.facts(max(pages, default=1)),
        lists=bill.lists(pages),
        verdicts=verdicts or {},
    )


def _swiss() -> Doc:
    pages = (1,) * 32 + (2,) * 20

    def make(path: Path) -> None:
        drawn = tuple(bill_letters.swiss(path, SWISS))
        assert drawn == pages, drawn

    return _doc(
        "Rechnung_24-33018.pdf",
        SWISS,
        partial(make),
        "Fifty-two lines over two pages with carry-over; the total is above the approval limit.",
        {"total": "fail"},
        pages=pages,
    )


def docs() -> list[Doc]:
    """The documents of the set."""
    german = bill_letters.german
    english, dutch = bill_letters.ENGLISH, bill_letters.DUTCH
    scan = [(70, 120 + 44 * i, text, size) for i, (text, size) in enumerate(SCAN)]
    return [
        _doc(
            "RE-2024-0815.pdf",
            GERMAN,
            partial(german, bill=GERMAN),
            "German letter, prices per 100 pieces; a second copy of this invoice is in the batch.",
            {TWICE: "fail"},
        ),
        _doc(
            "Rechnungskopie_Maerz.pdf",
            GERMAN,
            partial(german, bill=GERMAN, heading="Rechnungskopie"),
            "The same invoice as RE-2024-0815.pdf, sent again as another PDF.",
            {TWICE: "fail"},
        ),
        _doc(
            "RE-2024-0822.pdf",
            GERMAN_GOOD,
            partial(german, bill=GERMAN_GOOD),
            "German letter, decimal commas; the tax rate stands in the label of the tax.",
        ),
        _doc(
            "RE-2024-0831.pdf",
            GERMAN_WRONG,
            partial(german, bill=GERMAN_WRONG),
            "The total is ten euros more than net and tax make.",
            {TOTAL: "fail"},
        ),
        _doc(
            "FA24-2291.pdf",
            FRENCH,
            partial(bill_letters.french, bill=FRENCH),
            "French boxes, euro sign behind each amount, blank as thousands separator.",
        ),
        _doc(
            "FA24-2318.pdf",
            FRENCH_NO_VAT_ID,
            partial(bill_letters.french, bill=FRENCH_NO_VAT_ID),
            "Neither VAT number nor due date.",
            {TWICE: "missing", CURRENCY: "missing"},
        ),
        _doc(
            "INV-10388.pdf",
            BRITISH,
            partial(bill_letters.band, bill=BRITISH, words=english),
            "Coloured column with the key data, label above value; pounds.",
        ),
        _doc(
            "INV-10402.pdf",
            BRITISH_TWICE,
            partial(bill_letters.band, bill=BRITISH_TWICE, words=english),
            "Total and payment slip differ by two digits that changed places: ambiguous.",
            {"total": "not_comparable", TOTAL: "not_comparable"},
        ),
        _doc(
            "factuur-2024-00417.pdf",
            DUTCH,
            partial(bill_letters.band, bill=DUTCH, words=dutch, colour=(0.16, 0.22, 0.42)),
            "Dutch; the total is just below the approval limit.",
            {"total": "marginal"},
        ),
        _swiss(),
        _doc(
            "faktura_88120.pdf",
            SWEDISH,
            partial(bill_sheets.swedish, bill=SWEDISH),
            "Swedish, key data in two columns, label above value; kronor.",
        ),
        _doc(
            "TM-90217.pdf",
            AMERICAN,
            partial(bill_sheets.american, bill=AMERICAN),
            "US letter, landscape; key data as a table with one row; dollars.",
        ),
        _doc(
            "TM-90240.pdf",
            AMERICAN_WRONG,
            partial(bill_sheets.american, bill=AMERICAN_WRONG),
            "The subtotal leaves out one line.",
            {LINES: "fail"},
        ),
        _doc(
            "A-240118.pdf",
            SPANISH,
            partial(bill_sheets.turned, bill=SPANISH),
            "Spanish, stored upright with /Rotate 90.",
        ),
        Doc(
            "A-240118_1.pdf",
            partial(broken.copy, source="A-240118.pdf"),
            "ok",
            "Byte-identical copy under another name.",
            fields=SPANISH.facts(),
            lists=SPANISH.lists(),
            duplicate_of="A-240118.pdf",
        ),
        Doc(
            "RE-2024-0840.pdf",
            partial(german, bill=GERMAN_GOOD, password=broken.PASSWORD),
            "failed",
            "Encrypted with a user password.",
            code="document_encrypted",
        ),
        Doc(
            "RE-2024-0841.pdf",
            broken.truncated(partial(german, bill=GERMAN_GOOD), 0.3),
            "failed",
            "Cut off at 30 % of its bytes.",
            code="document_corrupt",
        ),
        Doc(
            "Quittung.pdf",
            partial(broken.outlined, title="Quittung", lines=scan),
            "failed",
            "Letters are drawn as outlines: there is no text layer.",
            code="document_no_text",
        ),
        Doc("attachment.pdf", broken.empty, "failed", "Zero bytes.", code="document_empty"),
        Doc(
            "download.pdf",
            partial(broken.text_file, text=WEB_PAGE),
            "failed",
            "A web page saved under the name of an invoice.",
            code="document_not_supported",
        ),
    ]

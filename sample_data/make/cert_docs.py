"""Set `material-certificates`: mill certificates after EN 10204, and files that are none."""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

import broken
import cert_forms
import cert_tables
from cert_data import Certificate
from cert_set import (
    ALLOYED,
    BASIC,
    BOILER,
    CODED,
    CUT,
    ENGLISH,
    ENGLISH_LIMITS,
    FRENCH,
    FRENCH_BOILER,
    ITALIAN,
    LETTER,
    LOCKED,
    MANY,
    MARGINAL,
    MARGINAL_LIMITS,
    SHORT,
    STAINLESS,
    THICK,
    TURNED,
    TWO_PIECES,
    US,
    US_STRONG,
)
from truth import Doc, Fact

SCAN = [
    ("Inspection certificate EN 10204 3.1", 14.0),
    ("Heat 48213   S355J2   20 mm", 11.0),
    ("ReH 371 MPa   Rm 529 MPa   A 26 %", 11.0),
]


NOT_FINDABLE = {
    # The type of document stands in the heading, without a label.
    "24-02217.pdf": {"inspection_document": False},
    # The analysis isn't a table: symbols and figures in running lines, the heat number elsewhere.
    "BC-77120.pdf": {"heat_analysis": False},
}


def _placed(lines: Sequence[tuple[str, float]]) -> list[tuple[float, float, str, float]]:
    return [(70, 110 + 40 * index, text, size) for index, (text, size) in enumerate(lines)]


def _doc(
    name: str,
    cert: Certificate,
    make: partial[None],
    about: str,
    verdicts: Mapping[str, str] | None = None,
) -> Doc:
    """A readable certificate: flagged if there is a verdict other than pass."""
    return Doc(
        name,
        make,
        "flagged" if verdicts else "ok",
        about,
        fields=cert.facts(),
        lists=cert.lists(),
        verdicts=verdicts or {},
        findable=NOT_FINDABLE.get(name, {}),
    )


def _many_doc() -> Doc:
    """The one of several pages: where a value stands is known once it is drawn."""
    elements = SHORT
    pages = [1] * 35 + [2] * 15

    def make(path: Path) -> None:
        drawn = cert_tables.many_heats(path, MANY, elements)
        assert drawn == pages, drawn

    rows: list[Mapping[str, Fact]] = [
        heat.facts("plain", page) for heat, page in zip(MANY.heats, pages, strict=True)
    ]
    return Doc(
        "HSM-9104.pdf",
        make,
        "flagged",
        "Fifty heats over two pages with repeated head; heat 32 has too much phosphorus.",
        fields=MANY.facts(dict.fromkeys(MANY.mechanical, 2)),
        lists={"heat_analysis": rows},
        verdicts={"heat_analysis[31].p": "fail"},
    )


def docs() -> list[Doc]:
    """The documents of the set."""
    coded = partial(cert_forms.coded, elements=BASIC)
    return [
        _doc(
            "RB-2024-10117_3.1.pdf",
            CODED,
            partial(coded, cert=CODED),
            "Codes of EN 10168 with German and English labels, decimal commas.",
        ),
        _doc(
            "RB-2024-10131_3.1.pdf",
            THICK,
            partial(coded, cert=THICK),
            "25 mm thick: the yield strength is enough for this thickness, not for a thinner one.",
        ),
        Doc(
            "RB-2024-10140_3.1.pdf",
            partial(coded, cert=LOCKED, password=broken.PASSWORD),
            "failed",
            "Encrypted with a user password.",
            code="document_encrypted",
        ),
        Doc(
            "RB-2024-10142_3.1.pdf",
            broken.truncated(partial(coded, cert=CUT), 0.25),
            "failed",
            "Cut off at 25 % of its bytes.",
            code="document_corrupt",
        ),
        _doc(
            "CV-88213.pdf",
            ENGLISH,
            partial(cert_forms.english, cert=ENGLISH, elements=SHORT, limits=ENGLISH_LIMITS),
            "Rows with limits above the heats; the second heat has too much carbon.",
            {"heat_analysis[1].c": "fail"},
        ),
        _doc(
            "CV-88240.pdf",
            MARGINAL,
            partial(cert_forms.english, cert=MARGINAL, elements=BOILER, limits=MARGINAL_LIMITS),
            "Sulphur 0.0099 % just below the limit of 0.010 %.",
            {"heat_analysis[0].s": "marginal"},
        ),
        _doc(
            "CV-88266.pdf",
            TWO_PIECES,
            partial(cert_forms.english, cert=TWO_PIECES, elements=SHORT, limits=ENGLISH_LIMITS),
            "Two test pieces with different results: ambiguous.",
            dict.fromkeys(TWO_PIECES.second, "not_comparable"),
        ),
        _doc(
            "FG-24-0388.pdf",
            FRENCH,
            partial(cert_forms.french, cert=FRENCH, elements=ALLOYED),
            "French and English frames, label above value; two heats.",
        ),
        Doc(
            "forges-guiers-certificat.pdf",
            partial(broken.copy, source="FG-24-0388.pdf"),
            "ok",
            "Byte-identical copy under another name.",
            fields=FRENCH.facts(),
            lists=FRENCH.lists(),
            duplicate_of="FG-24-0388.pdf",
        ),
        _doc(
            "FG-24-0402.pdf",
            FRENCH_BOILER,
            partial(cert_forms.french, cert=FRENCH_BOILER, elements=BOILER),
            "Boiler plate, ten elements.",
        ),
        _doc(
            "MP-55120.pdf",
            US,
            partial(cert_forms.american, cert=US, elements=SHORT),
            "US letter, two columns; elements down the page, heats across; ksi, inch, ft·lbf, °F.",
        ),
        _doc(
            "MP-55163.pdf",
            US_STRONG,
            partial(cert_forms.american, cert=US_STRONG, elements=SHORT),
            "Tensile strength in ksi above the limit in MPa.",
            {"tensile_strength": "fail"},
        ),
        _doc(
            "24-02217.pdf",
            ITALIAN,
            partial(cert_tables.landscape, cert=ITALIAN, elements=STAINLESS),
            "Landscape, Italian and English; austenitic steel, no impact test demanded.",
        ),
        _many_doc(),
        _doc(
            "RS-1207.pdf",
            TURNED,
            partial(cert_tables.turned, cert=TURNED, elements=ALLOYED),
            "Stored upright with /Rotate 90; the impact energy was not stated.",
            {"impact_energy": "missing"},
        ),
        _doc(
            "BC-77120.pdf",
            LETTER,
            partial(cert_tables.letter, cert=LETTER, elements=SHORT),
            "Letter in running lines; a test report 2.2 where a certificate 3.1 is demanded.",
            {"inspection certificate 3.1": "fail"},
        ),
        Doc(
            "fax_0031.pdf",
            partial(broken.outlined, title="fax", lines=_placed(SCAN)),
            "failed",
            "Letters are drawn as outlines: there is no text layer.",
            code="document_no_text",
        ),
        Doc("zeugnis.pdf", broken.empty, "failed", "Zero bytes.", code="document_empty"),
        Doc(
            "Lieferschein.pdf",
            partial(broken.text_file, text=NO_PDF),
            "failed",
            "A text file named .pdf.",
            code="document_not_supported",
        ),
    ]


NO_PDF = "Lieferschein 80012771\n14 Bleche S355J2+N, 12 mm\nZeugnis folgt per Post.\n"

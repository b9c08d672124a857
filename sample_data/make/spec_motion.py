"""Set `spec-check`, second part: reports on motors and sensors, and files that are no reports."""

from dataclasses import replace
from functools import partial

import broken
import spec_lists
import spec_tables
from report_data import Report
from truth import Doc, M

PARTIAL = Report(
    number="NT-7790-24",
    product="DM-40",
    serial="DM40-55120",
    date="2024-02-21",
    shown_date="2024-02-21",
    result="passed",
    shown_result="Passed",
    values={
        "speed": M("3185", "rpm"),
        "winding_resistance": M("1.88", "Ω"),
        "shaft_diameter": M("5.994", "mm"),
        "mass": M("441", "g"),
        "insulation_resistance": M("350", "MΩ"),
    },
    ambient=M("25", "°C"),
)
PARTIAL_LABELS = (
    ("speed", "No-load speed"),
    ("torque", "Rated torque"),
    ("winding_resistance", "Winding resistance"),
    ("shaft_diameter", "Shaft diameter"),
    ("mass", "Mass"),
    ("insulation_resistance", "Insulation resistance"),
)

US_GOOD = Report(
    number="TMI-57-0231",
    product="BL-57",
    serial="B570231",
    date="2024-01-09",
    shown_date="Jan 9, 2024",
    result="passed",
    shown_result="ACCEPTED",
    values={
        "speed": M("4035", "rpm"),
        "torque": M("0.447", "N·m"),
        "winding_resistance": M("0.633", "Ω"),
        "shaft_diameter": M("0.3147", "in"),
        "mass": M("2.51", "lb"),
        "insulation_resistance": M("780", "MΩ"),
    },
    ambient=M("77", "°F"),
    operating=("14", "140", "°F"),
    locale="en",
)
US_ROWS = [
    ("No-load speed", "24 VDC, no load", "3,800", "4,035", "4,200", "rpm"),
    ("Rated torque", "24 VDC, 4.2 A", "0.420", "0.447", "-", "N·m"),
    ("Winding resistance", "phase to phase, 77 °F", "0.570", "0.633", "0.670", "Ω"),
    ("Shaft diameter", "0.5 in from flange", "0.3144", "0.3147", "0.3150", "in"),
    ("Mass", "without cable", "-", "2.51", "2.65", "lb"),
    ("Insulation resistance", "500 VDC, 60 s", "100", "780", "-", "MΩ"),
]
US_EXTRA = ("Operating temperature: 14 to 140 °F", "Cable length: 19.7 in")
US_SLOW = replace(
    US_GOOD,
    number="TMI-57-0240",
    serial="B570240",
    date="2024-01-16",
    shown_date="Jan 16, 2024",
    result="failed",
    shown_result="REJECTED",
    values={**US_GOOD.values, "speed": M("3742", "rpm"), "mass": M("2.53", "lb")},
)
US_SLOW_ROWS = [
    ("No-load speed", "24 VDC, no load", "3,800", "3,742", "4,200", "rpm"),
    *US_ROWS[1:4],
    ("Mass", "without cable", "-", "2.53", "2.65", "lb"),
    US_ROWS[5],
]

COLUMNS = Report(
    number="HL-24-061",
    product="DM-40",
    serial="DM40-55377",
    date="2024-05-27",
    shown_date="27 May 2024",
    result="passed",
    shown_result="passed",
    values={
        "speed": M("3240", "rpm"),
        "torque": M("0.192", "N·m"),
        "winding_resistance": M("1.79", "Ω"),
        "shaft_diameter": M("5.991", "mm"),
        "mass": M("0.437", "kg"),
        "insulation_resistance": M("410", "MΩ"),
    },
    ambient=M("22", "°C"),
    operating=("-20", "80", "°C"),
)
COLUMNS_LEFT = [
    ("Object", ""),
    ("Product", "DM-40"),
    ("Serial number", "DM40-55377"),
    ("Manufacturer", "Tolmark Motion"),
    ("Date of test", "27 May 2024"),
    ("Electrical tests", ""),
    ("Supply voltage", "24.0 V"),
    ("No-load speed", "3240 rpm"),
    ("No-load current", "0.11 A"),
    ("Winding resistance", "1.79 Ω"),
    ("Insulation resistance", "410 MΩ"),
    ("Overall result", "passed"),
]
COLUMNS_RIGHT = [
    ("Surroundings", ""),
    ("Ambient temperature", "22 °C"),
    ("Relative humidity", "38 %"),
    ("Air pressure", "1008 hPa"),
    ("Operating temperature", "-20 to 80 °C"),
    ("Mechanical tests", ""),
    ("Rated torque", "0.192 N·m"),
    ("Shaft diameter", "5.991 mm"),
    ("Run-out of shaft", "0.012 mm"),
    ("Mass", "0.437 kg"),
    ("Sound pressure level", "46 dB"),
    ("Degree of protection", "IP54"),
]

ITALIAN = Report(
    number="SC-1182/24",
    product="DM-40",
    serial="DM40-55402",
    date="2024-06-05",
    shown_date="05/06/2024",
    result="failed",
    shown_result="NON CONFORME",
    values={
        "speed": M("3152", "giri/min"),
        "torque": M("0.185", "Nm"),
        "winding_resistance": M("1.84", "ohm"),
        "shaft_diameter": M("6.004", "mm"),
        "mass": M("0.446", "kg"),
        "insulation_resistance": M("520", "MΩ"),
    },
    ambient=M("26.5", "°C"),
    locale="it",
)
ITALIAN_CELLS = (
    ("Scheda di collaudo n.", "SC-1182/24", 4),
    ("Data della prova", "05/06/2024", 4),
    ("Matricola", "DM40-55402", 4),
    ("Prodotto", "DM-40", 4),
    ("Temperatura ambiente", "26,5 °C", 4),
    ("Collaudatore", "M. Rovati", 4),
)

FRENCH = Report(
    number="RE-2291",
    product="PT-10",
    serial="PT10-20931",
    date="2024-03-21",
    shown_date="21/03/2024",
    result="passed",
    shown_result="conforme",
    values={
        "sensitivity": M("2.004", "mV/V"),
        "linearity_error": M("0.11", "%"),
        "supply_current": M("18.4", "mA"),
        "insulation_resistance": M("1480", "MΩ"),
    },
    ambient=M("21.0", "°C"),
    operating=("-40", "85", "°C"),
    locale="fr",
)
FRENCH_BAD = replace(
    FRENCH,
    number="RE-2304",
    serial="PT10-20958",
    date="2024-03-28",
    shown_date="28/03/2024",
    values={
        "sensitivity": M("1.993", "mV/V"),
        "linearity_error": M("0.38", "%"),
        "supply_current": M("18.9", "mA"),
        "insulation_resistance": M("1510", "MΩ"),
    },
)


def _french_cells(report: Report) -> list[tuple[str, str, int]]:
    return [
        ("Rapport n°", report.number, 4),
        ("Date de l'essai", report.shown_date, 4),
        ("Numéro de série", report.serial, 4),
        ("Produit", report.product, 4),
        ("Demandeur", "Hydraulique du Drac SAS", 8),
        ("Conditions", "", 12),
        ("Température ambiante", "21,0 °C", 4),
        ("Tension d'alimentation", "10,00 V", 4),
        ("Pression de référence", "1013 hPa", 4),
        ("Mesures", "", 12),
        ("Sensibilité", report.show("sensitivity"), 6),
        ("Erreur de linéarité", report.show("linearity_error"), 6),
        ("Courant d'alimentation", report.show("supply_current"), 6),
        ("Résistance d'isolement", report.show("insulation_resistance"), 6),
        ("Plage de température de service", "-40 à +85 °C", 6),
        ("Verdict", report.shown_result, 6),
    ]


FOOTNOTES = Report(
    number="DS-48812",
    product="PT-10",
    serial="PT10-21077",
    date="2024-04-11",
    shown_date="11 April 2024",
    result="passed",
    shown_result="passed",
    values={
        "sensitivity": M("2.011", "mV/V"),
        "linearity_error": M("0.08", "%"),
        "supply_current": M("19.2", "mA"),
        "insulation_resistance": M("1320", "MΩ"),
    },
    ambient=M("23", "°C"),
    locale="ch",
)
FOOTNOTE_ROWS = [
    ("Ambient temperature", "23", "°C", ""),
    ("Sensitivity", "2.011", "mV/V", "v1"),
    ("Linearity error", "0.08", "%", "2"),
    ("Supply current", "19.2", "mA", "v3"),
    ("Insulation resistance", "1'320", "MΩ", "4"),
]
FOOTNOTE_TEXT = (
    "At 10 V excitation, mean of three runs.",
    "Terminal-based, in per cent of span.",
    "At 24 V supply; 17.6 mA at 12 V.",
    "At 250 V DC after 60 s.",
)

TURNED = Report(
    number="IL-5530",
    product="TS-100",
    serial="TS-77310",
    date="2024-02-15",
    shown_date="15 Feb 2024",
    result="passed",
    shown_result="PASSED",
    values={
        "element_resistance": M("100.05", "Ω"),
        "response_time": M("6.4", "s"),
        "insulation_resistance": M("205", "MΩ"),
    },
    ambient=M("22", "°C"),
)
TURNED_ROWS = [
    ("Element resistance R0", "0.00 °C, 1 mA", "100.05", "Ω", "yes"),
    ("Response time t0.5", "water 0.4 m/s", "6.4", "s", "yes"),
    ("Insulation resistance", "100 V DC, 23 °C", "205", "MΩ", "yes"),
    ("Insertion depth", "as delivered", "120", "mm", "yes"),
]


def docs() -> list[Doc]:
    """The documents of this part."""
    partial_facts = {**PARTIAL.facts(), "torque": None}
    return [
        Doc(
            "norrvik-7790.pdf",
            partial(spec_lists.sidebar, report=PARTIAL, labels=PARTIAL_LABELS),
            "flagged",
            "Torque was not measured; mass in grams.",
            fields=partial_facts,
            verdicts={"torque": "missing"},
        ),
        Doc(
            "TMI-57-0231.pdf",
            partial(spec_tables.landscape, report=US_GOOD, rows=US_ROWS, extra=US_EXTRA),
            "ok",
            "US letter, landscape; limits left and right of the measured value; °F, lb, inch.",
            fields=US_GOOD.facts(),
        ),
        Doc(
            "TMI-57-0240.pdf",
            partial(spec_tables.landscape, report=US_SLOW, rows=US_SLOW_ROWS, extra=US_EXTRA),
            "flagged",
            "Speed below tolerance.",
            fields=US_SLOW.facts(),
            verdicts={"speed": "fail"},
        ),
        Doc(
            "HL-24-061_type-test.pdf",
            partial(
                spec_tables.two_columns, report=COLUMNS, left=COLUMNS_LEFT, right=COLUMNS_RIGHT
            ),
            "ok",
            "Two columns whose lines stand at the same height.",
            fields=COLUMNS.facts(),
        ),
        Doc(
            "scheda-collaudo-1182.pdf",
            partial(spec_tables.italian, report=ITALIAN, cells=ITALIAN_CELLS),
            "flagged",
            "Italian; unit before the value in its own column; shaft above the fit h7.",
            fields=ITALIAN.facts(),
            verdicts={"shaft_diameter": "fail"},
            # 5 June or 6 May: only the language of the form decides.
            findable={"test_date": False},
        ),
        Doc(
            "rapport-essai-2291.pdf",
            partial(spec_lists.form, report=FRENCH, cells=_french_cells(FRENCH)),
            "ok",
            "French form: label in the corner of each ruled box, value below.",
            fields=FRENCH.facts(),
        ),
        Doc(
            "rapport-essai-2304.pdf",
            partial(spec_lists.form, report=FRENCH_BAD, cells=_french_cells(FRENCH_BAD)),
            "flagged",
            "Linearity error above the limit, although the form says conforme.",
            fields=FRENCH_BAD.facts(),
            verdicts={"linearity_error": "fail"},
        ),
        Doc(
            "DS-48812.pdf",
            partial(
                spec_tables.footnotes, report=FOOTNOTES, rows=FOOTNOTE_ROWS, notes=FOOTNOTE_TEXT
            ),
            "ok",
            "Raised footnote marks behind labels and values; a second current in a footnote.",
            fields=FOOTNOTES.facts(),
        ),
        Doc(
            "IL-5530_rotated.pdf",
            partial(spec_tables.turned, report=TURNED, rows=TURNED_ROWS),
            "ok",
            "Landscape sheet stored upright with /Rotate 90.",
            fields=TURNED.facts(),
        ),
        Doc("upload-0.pdf", broken.empty, "failed", "Zero bytes.", code="document_empty"),
        Doc(
            "nameplate.pdf",
            broken.picture,
            "failed",
            "A PNG picture named .pdf.",
            code="document_not_supported",
        ),
    ]

"""Set `datasheets`: data sheets of voltage regulators, as semiconductor makers write them."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from paper import GREY, LETTER, Sheet
from tables import Style, Table
from truth import Doc, Fact, fact

PLUM = (0.36, 0.12, 0.36)
ORANGE = (0.85, 0.42, 0.08)
Rows = Sequence[Sequence[str]]


def two_pages(path: Path, part: str, features: Sequence[str], rows: Rows, ratings: Rows) -> None:
    """Norrsken: features and description in two columns, tables on the second page."""
    sheet = Sheet(path, title=f"{part} data sheet", author="Norrsken Semiconductor")
    _front(sheet, part, features)
    sheet.next_page()
    sheet.text(50, 40, "Norrsken Semiconductor", 8, colour=GREY)
    sheet.text(545, 40, part, 8, bold=True, align="r")
    sheet.line(50, 46, 545, 46, width=0.5)
    sheet.text(50, 72, "Operating conditions and ratings", 12, bold=True, colour=PLUM)
    style = Style(size=8.5, grid="rows", row_gap=3.5)
    head = ("Parameter", "Min", "Max", "Unit")
    y = Table(50, (255, 80, 80, 80), "lrrl", style).draw(sheet, 80, ratings, head=head)
    sheet.text(50, y + 30, "Electrical characteristics", 12, bold=True, colour=PLUM)
    sheet.text(50, y + 44, "VIN = 5 V, IOUT = 10 mA, TA = 25 °C unless otherwise noted.", 8.5)
    head = ("Parameter", "Conditions", "Min", "Typ", "Max", "Unit")
    widths = (165, 140, 48, 48, 48, 46)
    Table(50, widths, "llrrrl", style).draw(sheet, y + 54, rows, head=head)
    sheet.text(50, 800, "Rev. C, 2024-02   page 2", 7.5, colour=GREY)
    sheet.save()


def _front(sheet: Sheet, part: str, features: Sequence[str]) -> None:
    sheet.polygon([(50, 62), (58, 40), (66, 62), (74, 40), (82, 62)], PLUM)
    sheet.text(92, 58, "NORRSKEN", 15, bold=True, colour=PLUM)
    sheet.text(545, 58, part, 22, bold=True, align="r")
    sheet.text(545, 74, "Low-noise linear regulator", 11, align="r")
    sheet.line(50, 84, 545, 84, width=1.5)
    sheet.text(50, 108, "Part number", 9, colour=GREY)
    sheet.text(130, 108, part, 9, bold=True)
    sheet.text(50, 136, "Features", 12, bold=True, colour=PLUM)
    for index, line in enumerate(features):
        sheet.text(50, 156 + 15 * index, f"•  {line}", 9)
    sheet.text(310, 136, "Description", 12, bold=True, colour=PLUM)
    text = (
        f"The {part} is a linear regulator for circuits that measure small signals. A bandgap "
        "reference and a buffered error amplifier keep its noise low; a ceramic capacitor of "
        "1 µF is all it needs at the output. It protects itself against overload and heat."
    )
    sheet.para(310, 156, 235, text, size=9)


def symbols(path: Path, part: str, rows: Rows, note: str) -> None:
    """Kanto: US letter; symbols in a column of their own, several conditions per parameter."""
    sheet = Sheet(path, title=part, author="Kanto Micro", size=LETTER, font="Vera", bold="VeraBd")
    sheet.box(0, 0, sheet.width, 8, fill=ORANGE, edge=None)
    sheet.text(46, 46, "KANTO MICRO", 13, bold=True, colour=ORANGE)
    sheet.text(566, 46, f"Device: {part}", 12, bold=True, align="r")
    sheet.text(46, 62, "300 mA LDO regulator with enable", 10)
    sheet.line(46, 70, 566, 70)
    sheet.text(46, 96, "ELECTRICAL CHARACTERISTICS", 10.5, bold=True)
    sheet.text(46, 110, note, 7.5)
    head = ("PARAMETER", "SYMBOL", "TEST CONDITIONS", "MIN", "TYP", "MAX", "UNITS")
    style = Style(size=7.8, grid="all", row_gap=4, head_fill=(0.98, 0.9, 0.82))
    widths = (136, 50, 148, 44, 44, 44, 54)
    y = Table(46, widths, "lclcccc", style).draw(sheet, 118, rows, head=head)
    notes = (
        "Note 1: Measured when the output is 100 mV below its value at VIN = 4.3 V.",
        "Note 2: Limits over temperature are guaranteed by design.",
    )
    for index, line in enumerate(notes):
        sheet.text(46, y + 18 + 11 * index, line, 7)
    sheet.save()


def _range(low: str, high: str, unit: str, *, typ: str = "", page: int = 1) -> Fact:
    ends = {"min": low, "typ": typ, "max": high}
    value = {end: text for end, text in ends.items() if text}
    return fact(value, unit, printed=(high or low).removeprefix("-"), page=page)


NR_FEATURES = (
    "Input voltage 2.7 to 12 V",
    "Output current up to 150 mA",
    "Output noise 12 µVrms",
    "Ceramic output capacitor 1 µF",
    "Package SOT23-5",
)
NR_RATINGS = (
    ("Voltage at any pin", "-0.3", "14", "V"),
    ("Junction temperature", "-", "150", "°C"),
    ("Storage temperature", "-65", "150", "°C"),
    ("Operating temperature", "-40", "125", "°C"),
)
NR_ROWS = (
    ("Input voltage", "", "2.7", "-", "12", "V"),
    ("Output voltage", "1 mA to 150 mA", "3.267", "3.300", "3.333", "V"),
    ("Dropout voltage", "IOUT = 150 mA", "-", "165", "280", "mV"),
    ("Ground current", "no load", "-", "38", "60", "µA"),
    ("Ground current in shutdown", "VEN = 0 V", "-", "0.1", "1.0", "µA"),
    ("Output noise", "10 Hz to 100 kHz", "-", "12", "-", "µV"),
)
KM_ROWS = (
    ("Input voltage", "VIN", "", "2.2", "", "5.5", "V"),
    ("Output voltage", "VOUT", "IOUT = 1 mA, TA = 25 °C", "3.251", "3.300", "3.350", "V"),
    ("Dropout voltage", "VDO", "IOUT = 300 mA (Note 1)", "", "210", "340", "mV"),
    ("Ground current", "IGND", "IOUT = 0 mA", "", "24", "55", "µA"),
    ("Shutdown current", "ISD", "VEN < 0.4 V", "", "10", "500", "nA"),
    ("Enable threshold", "VEN", "rising", "", "0.9", "1.2", "V"),
    ("Output noise", "eN", "BW = 10 Hz - 100 kHz", "", "46", "", "µV"),
    ("Operating temperature", "TA", "", "-40", "", "85", "°C"),
)
KM_SMALL = (
    ("Input voltage", "VIN", "", "1.8", "", "3.6", "V"),
    ("Output voltage", "VOUT", "IOUT = 1 mA, TA = 25 °C", "1.773", "1.800", "1.827", "V"),
    ("Dropout voltage", "VDO", "IOUT = 300 mA (Note 1)", "", "260", "430", "mV"),
    ("Ground current", "IGND", "IOUT = 0 mA", "", "0.9", "1.6", "µA"),
    ("Output noise", "eN", "BW = 10 Hz - 100 kHz", "", "110", "", "µV"),
    ("Operating temperature", "TA", "", "-20", "", "70", "°C"),
)
KM_NOTE = "VIN = 4.3 V, CIN = COUT = 1 µF, TA = -40 °C to +85 °C unless otherwise stated."


def docs() -> list[Doc]:
    """The documents of the set."""
    return [
        Doc(
            "NR3340.pdf",
            partial(
                two_pages, part="NR3340-33", features=NR_FEATURES, rows=NR_ROWS, ratings=NR_RATINGS
            ),
            "ok",
            "Features and text in two columns; min, typ and max in a table on the second page.",
            fields={
                "part_number": fact("NR3340-33"),
                "input_voltage": _range("2.7", "12", "V", page=2),
                "output_voltage": _range("3.267", "3.333", "V", typ="3.300", page=2),
                "dropout_voltage": fact("280", "mV", page=2),
                "ground_current": fact("60", "µA", page=2),
                "output_noise": fact("12", "µV", page=2),
                "operating_temperature": _range("-40", "125", "°C", page=2),
            },
        ),
        Doc(
            "KM5205.pdf",
            partial(symbols, part="KM5205-33", rows=KM_ROWS, note=KM_NOTE),
            "flagged",
            "Symbols in a column of their own; dropout voltage too high for the design.",
            fields={
                "part_number": fact("KM5205-33"),
                "input_voltage": _range("2.2", "5.5", "V"),
                "output_voltage": _range("3.251", "3.350", "V", typ="3.300"),
                "dropout_voltage": fact("340", "mV"),
                "ground_current": fact("55", "µA"),
                "output_noise": fact("46", "µV"),
                "operating_temperature": _range("-40", "85", "°C"),
            },
            verdicts={"dropout_voltage": "fail"},
        ),
        Doc(
            "KM1802.pdf",
            partial(symbols, part="KM1802-18", rows=KM_SMALL, note=KM_NOTE),
            "flagged",
            "Another output voltage, a narrow temperature range and input range.",
            fields={
                "part_number": fact("KM1802-18"),
                "input_voltage": _range("1.8", "3.6", "V"),
                "output_voltage": _range("1.773", "1.827", "V", typ="1.800"),
                "dropout_voltage": fact("430", "mV"),
                "ground_current": fact("1.6", "µA"),
                "output_noise": fact("110", "µV"),
                "operating_temperature": _range("-20", "70", "°C"),
            },
            verdicts={
                "output_voltage": "fail",
                "dropout_voltage": "fail",
                "runs from 5 V": "fail",
                "industrial temperature range": "fail",
            },
        ),
    ]

"""Layouts of test reports with tables: bordered, landscape with limits, footnotes, two columns."""

from collections.abc import Sequence
from pathlib import Path

from paper import GREY, LETTER, Sheet
from report_data import Report
from tables import Style, Table

BLUE = (0.75, 0.85, 0.95)


def german(path: Path, report: Report, rows: Sequence[Sequence[str]], remark: str = "") -> None:
    """Brandt & Söhne: head as a small table, results in a bordered table with Soll and Ist."""
    sheet = Sheet(
        path, title=f"Prüfbericht {report.number}", author="Brandt & Söhne Prüflabor GmbH"
    )
    sheet.text(60, 58, "Brandt & Söhne", 15, bold=True)
    sheet.text(60, 71, "Prüflabor GmbH · Donaustraße 88 · 89073 Ulm", 8, colour=GREY)
    sheet.line(60, 78, 535, 78, width=1.5)
    sheet.text(60, 108, "Prüfbericht", 16, bold=True)
    head = [
        ("Prüfbericht-Nr.", report.number, "Prüfdatum", report.shown_date),
        ("Prüfling / Typ", report.product, "Seriennummer", report.serial),
        ("Auftraggeber", "Werk Süd, Einkauf", "Prüfer", "H. Lindner"),
    ]
    Table(60, (90, 150, 90, 145), "llll", Style(size=9, head_fill=None)).draw(sheet, 122, head)
    ambient = report.ambient.full("de") if report.ambient else "-"
    sheet.text(60, 200, f"Umgebungstemperatur: {ambient}", 9)
    sheet.text(250, 200, "rel. Feuchte: 41 %", 9)
    sheet.text(380, 200, "Netz: 230 V / 50 Hz", 9)
    table = Table(60, (28, 168, 66, 66, 66, 40, 41), "clrrrcc", Style(size=9))
    head_row = ("Nr.", "Prüfung", "Soll min.", "Soll max.", "Istwert", "Einheit", "i. O.")
    y = table.draw(sheet, 216, rows, head=head_row)
    if report.operating:
        low, high, unit = report.operating
        sheet.text(60, y + 22, f"Betriebstemperaturbereich: {low} bis +{high} {unit}", 9)
    sheet.text(60, y + 46, "Gesamtergebnis:", 10, bold=True)
    sheet.text(150, y + 46, report.shown_result, 10, bold=True)
    if remark:
        sheet.para(60, y + 66, 470, remark, size=8.5)
    sheet.line(60, 740, 220, 740)
    sheet.text(60, 751, "Ulm, Unterschrift Laborleitung", 7.5, colour=GREY)
    sheet.text(535, 800, "Seite 1 von 1", 7.5, align="r", colour=GREY)
    sheet.save()


def landscape(
    path: Path, report: Report, rows: Sequence[Sequence[str]], extra: Sequence[str]
) -> None:
    """Tolmark: US letter, landscape; limits left and right of the measured column."""
    sheet = Sheet(
        path,
        title=f"Final inspection {report.number}",
        author="Tolmark Motion Inc.",
        size=LETTER,
        landscape=True,
    )
    sheet.box(40, 34, 712, 30, fill=(0.15, 0.16, 0.2), edge=None)
    sheet.text(52, 54, "TOLMARK MOTION", 15, bold=True, colour=(1, 1, 1))
    sheet.text(740, 54, "Final Inspection Report", 13, align="r", colour=(1, 1, 1))
    pairs = (
        ("Report #", report.number),
        ("Model", report.product),
        ("S/N", report.serial),
        ("Date", report.shown_date),
        ("Ambient temperature", "77 °F"),
        ("Operator", "R. Delgado"),
    )
    for index, (label, value) in enumerate(pairs):
        x = 40 + index * 120
        sheet.text(x, 86, label, 7.5, colour=GREY)
        sheet.text(x, 99, value, 10.5, bold=True)
    style = Style(size=9.5, grid="rows", head_fill=BLUE, row_gap=5, zebra=(0.96, 0.97, 0.98))
    table = Table(40, (230, 190, 70, 82, 70, 70), "llrrrl", style)
    head = ("Parameter", "Test condition", "Min", "Measured", "Max", "Unit")
    y = table.draw(sheet, 120, rows, head=head)
    y += 26
    for line in extra:
        sheet.text(40, y, line, 9.5)
        y += 15
    sheet.text(40, y + 12, "Overall result:", 11, bold=True)
    sheet.text(130, y + 12, report.shown_result, 11, bold=True)
    sheet.text(752, 585, "Form QA-114 rev. F", 7, align="r", colour=GREY)
    sheet.save()


def footnotes(
    path: Path, report: Report, rows: Sequence[tuple[str, str, str, str]], notes: Sequence[str]
) -> None:
    """Dorn: results in rules-only table, small raised footnote marks behind label or value.

    A row is label, value, unit and the mark; a mark beginning with `v` stands behind the value.
    """
    sheet = Sheet(path, title=f"Test certificate {report.number}", author="Dorn Sensorik AG")
    sheet.text(297, 62, "Dorn Sensorik AG", 17, bold=True, align="c")
    sheet.text(297, 76, "Industriestrasse 9, CH-8604 Volketswil", 8.5, align="c", colour=GREY)
    sheet.text(297, 112, "Test certificate", 14, align="c")
    y = 146.0
    for label, value in (
        ("Certificate no.:", report.number),
        ("Type:", report.product),
        ("Serial number:", report.serial),
        ("Date of test:", report.shown_date),
    ):
        sheet.text(250, y, label, 10, align="r")
        sheet.text(262, y, value, 10, bold=True)
        y += 16
    y += 16
    sheet.line(90, y, 505, y, width=1.2)
    sheet.text(96, y + 14, "Characteristic", 9.5, bold=True)
    sheet.text(410, y + 14, "Result", 9.5, bold=True, align="r")
    sheet.text(430, y + 14, "Unit", 9.5, bold=True)
    y += 20
    sheet.line(90, y, 505, y, width=0.6)
    for label, value, unit, mark in rows:
        y += 18
        end = sheet.text(96, y, label, 9.5)
        if mark and not mark.startswith("v"):
            sheet.text(end + 0.5, y - 3.5, mark, 6)
        sheet.text(410, y, value, 9.5, align="r")
        if mark.startswith("v"):
            sheet.text(411, y - 3.5, mark[1:], 6)
        sheet.text(430, y, unit, 9.5)
    y += 8
    sheet.line(90, y, 505, y, width=1.2)
    sheet.text(96, y + 24, "Conclusion:", 10, bold=True)
    sheet.text(164, y + 24, report.shown_result, 10, bold=True)
    y = 680
    sheet.line(90, y, 200, y, width=0.4)
    for index, note in enumerate(notes, 1):
        sheet.text(90, y + 10 + 11 * index, str(index), 6)
        sheet.text(96, y + 12 + 11 * index, note, 7.5)
    sheet.save()


def two_columns(
    path: Path, report: Report, left: Sequence[tuple[str, str]], right: Sequence[tuple[str, str]]
) -> None:
    """Halvorsen: two columns whose lines stand at the same height; a heading has no value."""
    sheet = Sheet(
        path,
        title=f"Type test {report.number}",
        author="Halvorsen & Lunde",
        font="Times-Roman",
        bold="Times-Bold",
    )
    sheet.text(297, 60, "HALVORSEN & LUNDE", 13, bold=True, align="c")
    sheet.text(297, 74, "Independent test house for electrical machines, Trondheim", 9, align="c")
    sheet.text(297, 108, f"Type test report {report.number}", 17, bold=True, align="c")
    sheet.text(297, 124, f"issued {report.shown_date}", 9.5, align="c")
    for x, column in ((56, left), (310, right)):
        y = 156.0
        for label, value in column:
            if not value:
                y += 8
                sheet.text(x, y, label, 11, bold=True)
                sheet.line(x, y + 4, x + 230, y + 4, width=0.4)
                y += 19
            else:
                sheet.text(x, y, label, 9.5)
                sheet.text(x + 230, y, value, 9.5, align="r")
                y += 15
    sheet.para(
        56,
        520,
        484,
        "The machine was mounted on an aluminium flange of 200 mm x 200 mm x 10 mm. Before "
        "the measurements it ran at rated load until the temperature of the housing changed by "
        "less than 1 K in 30 min. Readings are means of ten samples.",
        size=9.5,
    )
    sheet.text(56, 760, "K. Halvorsen, head of laboratory", 9.5)
    sheet.save()


def burn_in(
    path: Path, report: Report, log: Sequence[Sequence[str]], results: Sequence[Sequence[str]]
) -> None:
    """Kestrel: a burn-in log over several pages with repeated head; the results close it."""
    sheet = Sheet(
        path, title=f"Burn-in report {report.number}", author="Kestrel Power Systems Ltd."
    )

    def start_page() -> float:
        if sheet.number > 1 or started:
            _foot(sheet, report)
            sheet.next_page()
            sheet.text(60, 48, f"Burn-in report {report.number} - {report.product}", 8, colour=GREY)
            sheet.line(60, 54, 535, 54, width=0.4)
        return 72.0

    started = False
    sheet.text(60, 64, "Burn-in report", 18, bold=True)
    pairs = (
        ("Report No.", report.number),
        ("Product", report.product),
        ("Serial number", report.serial),
        ("Date of test", report.shown_date),
        ("Duration", "96 h"),
        ("Ambient temperature", report.ambient.full() if report.ambient else "-"),
    )
    for index, (label, value) in enumerate(pairs):
        sheet.text(60, 90 + 15 * index, label, 9.5)
        sheet.text(190, 90 + 15 * index, value, 9.5)
    sheet.text(60, 200, "Log of readings", 11.5, bold=True)
    started = True
    style = Style(size=8.5, grid="all", row_gap=3)
    y = Table(60, (60, 75, 75, 85, 85, 95), "rrrrrl", style, bottom=770).draw(
        sheet,
        210,
        log,
        head=("Hour", "Uin [V]", "Iin [A]", "Reading 1 [V]", "Reading 2 [V]", "Remark"),
        new_page=start_page,
    )
    if y > 560:
        y = start_page()
    sheet.text(60, y + 28, "Final measurement after burn-in", 11.5, bold=True)
    y = Table(60, (230, 110, 70), "lrl", style).draw(
        sheet, y + 38, results, head=("Quantity", "Result", "Unit")
    )
    sheet.text(60, y + 26, "Overall result", 10, bold=True)
    sheet.text(190, y + 26, report.shown_result, 10, bold=True)
    _foot(sheet, report)
    sheet.save()


def _foot(sheet: Sheet, report: Report) -> None:
    sheet.text(535, 812, f"{report.number}   page {sheet.number}", 7.5, align="r", colour=GREY)


def turned(path: Path, report: Report, rows: Sequence[Sequence[str]]) -> None:
    """Ilmen: a landscape sheet stored upright with /Rotate 90, as printer drivers do."""
    sheet = Sheet(
        path, title=f"Protocol {report.number}", author="Ilmen Instruments", landscape=True
    )
    sheet.lie()
    sheet.text(50, 50, "ILMEN INSTRUMENTS", 14, bold=True)
    sheet.text(50, 63, "Sensor calibration department", 8.5, colour=GREY)
    sheet.text(790, 50, "Acceptance protocol", 14, align="r")
    sheet.line(50, 72, 790, 72, width=1)
    pairs = (
        ("Protocol number", report.number),
        ("Product", report.product),
        ("Serial number", report.serial),
        ("Test date", report.shown_date),
    )
    for index, (label, value) in enumerate(pairs):
        sheet.text(50 + 190 * index, 92, label, 8, colour=GREY)
        sheet.text(50 + 190 * index, 106, value, 10.5, bold=True)
    table = Table(50, (250, 220, 90, 90, 90), "llrlc", Style(size=10, row_gap=6))
    y = table.draw(sheet, 126, rows, head=("Characteristic", "Condition", "Result", "Unit", "Pass"))
    sheet.text(50, y + 30, "Overall result", 11, bold=True)
    sheet.text(150, y + 30, report.shown_result, 11, bold=True)
    sheet.text(50, y + 52, "Ambient temperature during the test: 22 °C", 10)
    sheet.text(50, 560, "Inspector: O. Sorokina", 9)
    sheet.save()


def italian(path: Path, report: Report, cells: Sequence[tuple[str, str, int]]) -> None:
    """Rovati: a head of boxes, then a table whose unit column stands before the values."""
    sheet = Sheet(
        path, title=f"Scheda di collaudo {report.number}", author="Officine Rovati S.r.l."
    )
    sheet.polygon([(50, 66), (64, 38), (78, 66)], (0.1, 0.45, 0.25))
    sheet.text(86, 56, "Officine Rovati S.r.l.", 14, bold=True)
    sheet.text(86, 67, "Via dei Tornitori 31, 40138 Bologna", 8, colour=GREY)
    sheet.text(545, 56, "SCHEDA DI COLLAUDO", 12, bold=True, align="r")
    x, y = 50.0, 84.0
    for label, value, twelfths in cells:
        width = 495 * twelfths / 12
        if x + width > 546:
            x, y = 50.0, y + 30
        sheet.box(x, y, width, 26, edge=0.4)
        sheet.text(x + 5, y + 17, f"{label}:", 8, colour=GREY)
        sheet.text(x + width - 6, y + 17, value, 9.5, bold=True, align="r")
        x += width
    labels = {
        "speed": "Velocità a vuoto",
        "torque": "Coppia nominale",
        "winding_resistance": "Resistenza avvolgimento",
        "shaft_diameter": "Diametro albero",
        "mass": "Massa",
        "insulation_resistance": "Resistenza di isolamento",
    }
    rows = [
        (label, report.values[name].unit, report.values[name].show("it"))
        for name, label in labels.items()
    ]
    style = Style(size=10, grid="frame", row_gap=6, head_fill=(0.88, 0.94, 0.9))
    y = Table(50, (250, 110, 135), "lcr", style).draw(
        sheet, y + 50, rows, head=("Caratteristica", "Unità", "Valore misurato")
    )
    sheet.text(50, y + 40, "Esito del collaudo:", 11)
    sheet.text(160, y + 40, report.shown_result, 13, bold=True, colour=(0.7, 0.1, 0.1))
    sheet.text(50, y + 62, "Albero oltre il limite superiore h7; il lotto resta bloccato.", 9)
    sheet.save()

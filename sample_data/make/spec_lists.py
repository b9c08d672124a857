"""Layouts of test reports without a table: key-value list, sidebar, form, test log."""

from collections.abc import Sequence
from pathlib import Path

from paper import GREY, LETTER, Sheet, width_of
from report_data import Report

NAVY = (0.09, 0.2, 0.38)
TEAL = (0.0, 0.4, 0.42)


def _leader(sheet: Sheet, y: float, label: str, value: str) -> float:
    """A label, dots, and the value at a tab stop."""
    end = sheet.text(72, y, label, 10)
    dots = "." * max(3, int((300 - end) / width_of(".", sheet.font, 10)))
    sheet.text(end + 3, y, dots, 10, colour=GREY)
    sheet.text(312, y, value, 10)
    return y + 15


def key_value(path: Path, report: Report, *, hidden: str = "", password: str | None = None) -> None:
    """Kestrel: an English report of one page, labels with dot leaders to a tab stop."""
    sheet = Sheet(
        path,
        title=f"Test report {report.number}",
        author="Kestrel Power Systems Ltd.",
        password=password,
        font="Times-Roman",
        bold="Times-Bold",
    )
    sheet.polygon([(72, 50), (96, 38), (90, 52), (104, 58), (84, 60)], NAVY)
    sheet.text(112, 56, "KESTREL POWER SYSTEMS LTD.", 14, bold=True, colour=NAVY)
    sheet.text(112, 69, "Unit 4, Aire Street Works, Leeds LS1 4HT", 8.5, colour=GREY)
    sheet.line(72, 80, 523, 80, width=1.2)
    sheet.text(72, 112, "PRODUCTION TEST REPORT", 16, bold=True)
    y = 140.0
    for label, value in (
        ("Report No.", report.number),
        ("Product", report.product),
        ("Serial number", report.serial),
        ("Date of test", report.shown_date),
        ("Tested by", "J. Whitcombe, test bay 3"),
    ):
        y = _leader(sheet, y, label, value)
    y = _heading(sheet, y + 14, "1  Test conditions")
    ambient = report.ambient.full() if report.ambient else "not recorded"
    y = _leader(sheet, y, "Ambient temperature", ambient)
    y = _leader(sheet, y, "Mains voltage", "230 V AC, 50 Hz")
    y = _leader(sheet, y, "Warm-up time", "30 min")
    y = _heading(sheet, y + 14, "2  Results at full load")
    labels = {
        "output_voltage": "Output voltage",
        "output_current": "Output current",
        "ripple": "Ripple and noise, 20 MHz bandwidth",
        "efficiency": "Efficiency",
        "insulation_resistance": "Insulation resistance at 500 V DC",
    }
    for name, label in labels.items():
        if name == "output_voltage" and hidden:
            sheet.text(230, y, hidden, 10, hidden=True)
        y = _leader(sheet, y, label, report.show(name))
    y = _heading(sheet, y + 14, "3  Rating")
    if report.operating:
        low, high, unit = report.operating
        y = _leader(sheet, y, "Operating temperature", f"{low} to +{high} {unit}")
    y = _leader(sheet, y, "Overall result", report.shown_result)
    note = (
        "Measured with a Yarrow DM-6500 multimeter (calibration K-20417, due 2025-01) at the "
        "output terminals, after thermal equilibrium. Not to be reproduced except in full."
    )
    sheet.para(72, y + 28, 450, note, size=8.5)
    sheet.line(72, 742, 230, 742)
    sheet.text(72, 754, "Signature, quality assurance", 8, colour=GREY)
    sheet.text(523, 800, f"{report.number}   page 1 of 1", 8, align="r", colour=GREY)
    sheet.save()


def _heading(sheet: Sheet, y: float, text: str) -> float:
    sheet.text(72, y, text, 11.5, bold=True, colour=NAVY)
    return y + 18


def sidebar(path: Path, report: Report, labels: Sequence[tuple[str, str]]) -> None:
    """Norrvik: sender's data in a coloured column on the left, results beside it as tiles."""
    sheet = Sheet(
        path, title=f"Report {report.number}", author="Norrvik Test AB", font="Vera", bold="VeraBd"
    )
    sheet.box(0, 0, 168, sheet.height, fill=(0.91, 0.95, 0.95), edge=None)
    sheet.polygon([(30, 40), (60, 40), (60, 52), (45, 70), (30, 52)], TEAL)
    sheet.text(30, 92, "NORRVIK TEST AB", 10.5, bold=True, colour=TEAL)
    side = (
        "Accredited laboratory",
        "No. 7781 (fictional)",
        "",
        "Varvsgatan 12",
        "SE-972 32 Luleå",
        "",
        "Tel. +46 920 555 01",
        "lab@norrvik.example",
        "",
        "Instruments",
        "Load: ELX 60 V / 40 A",
        "Scope: 100 MHz",
        "Chamber: -40...180 °C",
        "Supply: 48 V / 10 A",
        "",
        "Uncertainty (k = 2)",
        "Voltage 0.02 %",
        "Current 0.05 %",
        "Temperature 0.4 K",
    )
    for index, line in enumerate(side):
        sheet.text(
            30, 120 + 13 * index, line, 7.5, bold=line.startswith(("Instr", "Uncert")), colour=GREY
        )
    sheet.text(192, 64, "Test report", 20, colour=TEAL)
    head = (
        ("Report no.", report.number),
        ("Device under test", report.product),
        ("Serial no.", report.serial),
        ("Test date", report.shown_date),
    )
    y = 96.0
    for label, value in head:
        sheet.text(192, y, label, 8.5, colour=GREY)
        sheet.text(300, y, value, 8.5, bold=True)
        y += 15
    if report.ambient:
        sheet.text(192, y, "Test conditions", 8.5, colour=GREY)
        sheet.text(300, y, f"Ta = {report.ambient.full()}, 45 % r.h., nominal input", 8.5)
    y += 30
    sheet.text(192, y, "Measured values", 12, bold=True, colour=TEAL)
    for index, (name, label) in enumerate(labels):
        column, row = index % 2, index // 2
        x, top = 192 + column * 186, y + 16 + row * 58
        sheet.box(x, top, 176, 48, edge=0.5)
        sheet.text(x + 8, top + 14, label, 7.5, colour=GREY)
        value = report.show(name)
        sheet.text(
            x + 8, top + 36, value if value != "—" else "not measured", 14, bold=value != "—"
        )
    y += 16 + ((len(labels) + 1) // 2) * 58 + 26
    sheet.text(192, y, "Assessment", 12, bold=True, colour=TEAL)
    sheet.text(192, y + 18, "Result", 8.5, colour=GREY)
    sheet.text(300, y + 18, report.shown_result, 8.5, bold=True)
    sheet.para(
        192,
        y + 44,
        370,
        "Values refer to the sample tested only. The statement of conformity follows "
        "the customer's works standard; measurement uncertainty was not taken into account.",
        size=7.5,
    )
    sheet.up(18, 800, f"Norrvik Test AB   {report.number}", size=6.5, colour=GREY)
    sheet.save()


def form(path: Path, report: Report, cells: Sequence[tuple[str, str, int]]) -> None:
    """Mesurex: a French form of ruled boxes, each with its label in the upper left corner.

    `cells` are label, text and width in twelfths of the page.
    """
    sheet = Sheet(path, title=f"Rapport d'essai {report.number}", author="Mesurex")
    sheet.box(50, 40, 495, 44)
    sheet.text(60, 67, "MESUREX", 18, bold=True, colour=(0.65, 0.1, 0.1))
    sheet.text(180, 58, "Laboratoire d'essais et de mesures", 9)
    sheet.text(180, 71, "14, rue des Balances, 38000 Grenoble", 8, colour=GREY)
    sheet.text(535, 67, "RAPPORT D'ESSAI", 13, bold=True, align="r")
    x, y = 50.0, 96.0
    for label, value, twelfths in cells:
        width = 495 * twelfths / 12
        if x + width > 546:
            x, y = 50.0, y + 40
        if not value:
            sheet.text(x, y + 26, label, 10.5, bold=True, colour=(0.65, 0.1, 0.1))
        else:
            sheet.box(x, y, width, 36, edge=0.5)
            sheet.text(x + 5, y + 11, label, 7, colour=GREY)
            sheet.text(x + 5, y + 28, value, 11)
        x += width
    y += 66
    text = (
        "Les mesures ont été effectuées après stabilisation thermique de deux heures. Incertitude "
        "élargie (k = 2) : 0,05 % de l'étendue de mesure. Les résultats ne concernent que "
        "l'exemplaire essayé."
    )
    y = sheet.para(50, y, 495, text, size=8.5)
    sheet.text(50, y + 30, "Le responsable d'essai : C. Vasseur", 9)
    sheet.line(50, 790, 545, 790, width=0.4)
    sheet.text(297, 803, f"{report.number} - page 1/1", 7.5, align="c", colour=GREY)
    sheet.save()


def test_log(path: Path, head: Sequence[str], lines: Sequence[str]) -> None:
    """An automatic test station's print-out: one typewriter font, columns by blanks."""
    sheet = Sheet(
        path, title="ATE log", author="station 07", size=LETTER, font="Courier", bold="Courier-Bold"
    )
    y = 54.0
    for line in head:
        sheet.text(48, y, line, 9, bold=True)
        y += 12
    y += 6
    for line in lines:
        if line:
            sheet.text(48, y, line, 9)
        y += 12
    sheet.text(48, 760, "END OF LOG - checksum 7F3A", 9)
    sheet.save()

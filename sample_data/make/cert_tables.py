"""Layouts of certificates: landscape, many heats, letter in running lines, turned page."""

from collections.abc import Sequence
from pathlib import Path

from cert_data import Certificate
from cert_forms import SYMBOLS
from paper import GREY, Sheet
from tables import Style, Table

GREEN = (0.1, 0.38, 0.24)


def landscape(path: Path, cert: Certificate, elements: Sequence[str]) -> None:
    """Acciaierie Sesia: landscape, Italian and English, heats and tests in wide tables."""
    sheet = Sheet(
        path, title=f"Certificato {cert.number}", author="Acciaierie Sesia S.p.A.", landscape=True
    )
    sheet.box(40, 34, 12, 34, fill=GREEN, edge=None)
    sheet.text(60, 50, "ACCIAIERIE SESIA S.p.A.", 15, bold=True, colour=GREEN)
    sheet.text(60, 64, "Via Valsesia 210, 13011 Borgosesia (VC)", 8.5, colour=GREY)
    sheet.text(
        800, 50, "CERTIFICATO DI COLLAUDO / INSPECTION CERTIFICATE", 12, bold=True, align="r"
    )
    sheet.text(800, 64, cert.shown_kind, 10, align="r")
    pairs = (
        ("Certificato n. / Certificate no.", cert.number),
        ("Data / Date of issue", cert.shown_date),
        ("Ordine / Purchase order", cert.order),
        ("Prodotto / Product", cert.product),
        ("Tipo di acciaio / Steel grade", cert.shown_grade),
        ("Spessore / Thickness", cert.thickness.full(cert.locale)),
    )
    for index, (label, value) in enumerate(pairs):
        x, y = 40 + 260 * (index % 3), 92 + 18 * (index // 3)
        sheet.text(x, y, f"{label}:", 8.5, colour=GREY)
        sheet.text(x + 132, y, value, 9, bold=True)
    sheet.text(40, 146, "Analisi di colata / Heat analysis %", 10, bold=True)
    head = ["Colata / Heat", *(SYMBOLS[e] for e in elements)]
    body = [[heat.number, *heat.cells(elements, cert.locale)] for heat in cert.heats]
    style = Style(size=9.5, grid="all", row_gap=5, head_fill=(0.86, 0.93, 0.88))
    widths = [110, *([650 / len(elements)] * len(elements))]
    align = "l" + "c" * len(elements)
    y = Table(40, widths, align, style).draw(sheet, 154, body, head=head)
    sheet.text(40, y + 28, "Prove meccaniche / Mechanical tests", 10, bold=True)
    head = [
        "Prova / Test",
        "Snervamento / Yield strength\nMPa",
        "Rottura / Tensile strength\nMPa",
        "Allungamento / Elongation\n%",
        "Resilienza KV / Impact energy\nJ",
    ]
    names = ("yield_strength", "tensile_strength", "elongation", "impact_energy")
    body = [["T1", *(cert.bare(name) for name in names)]]
    y = Table(40, (110, 162, 162, 162, 164), "lcccc", style).draw(sheet, y + 36, body, head=head)
    if "impact_temperature" in cert.mechanical:
        end = sheet.text(40, y + 22, "Temperatura di prova / Impact test temperature:", 9)
        sheet.text(end + 4, y + 22, cert.show("impact_temperature"), 9)
    sheet.text(
        40, 540, "Il responsabile del collaudo / Inspection representative: ing. L. Ferrero", 9
    )
    sheet.save()


def many_heats(path: Path, cert: Certificate, elements: Sequence[str]) -> list[int]:
    """Halmstad: heats over several pages with repeated head; returns the page of each heat."""
    sheet = Sheet(path, title=f"Certificate {cert.number}", author="Halmstad Section Mill AB")
    pages: list[int] = []

    def head_of_page() -> None:
        sheet.text(50, 44, "HALMSTAD SECTION MILL AB", 11, bold=True)
        sheet.text(545, 44, f"Page {sheet.number}", 8, align="r", colour=GREY)
        sheet.line(50, 50, 545, 50, width=0.8)

    def start_page() -> float:
        sheet.next_page()
        head_of_page()
        return 64.0

    head_of_page()
    sheet.text(50, 74, "Inspection certificate", 14, bold=True)
    pairs = (
        ("Certificate number", cert.number),
        ("Type of inspection document", cert.shown_kind),
        ("Purchaser order number", cert.order),
        ("Product", cert.product),
        ("Steel grade", cert.shown_grade),
        ("Thickness of flange", cert.thickness.full()),
        ("Date of issue", cert.shown_date),
    )
    for index, (label, value) in enumerate(pairs):
        sheet.text(50, 96 + 14 * index, label, 9)
        sheet.text(200, 96 + 14 * index, value, 9, bold=True)
    style = Style(size=8.5, grid="all", row_gap=2.5)
    widths = [95, *([400 / len(elements)] * len(elements))]
    table = Table(50, widths, "l" + "r" * len(elements), style, bottom=780)
    head = ["Heat number", *(f"{SYMBOLS[e]} %" for e in elements)]
    sheet.text(50, 212, "Heat analysis", 11, bold=True)
    y = table.draw(sheet, 220, [], head=head)
    for heat in cert.heats:
        row = [heat.number, *heat.cells(elements, cert.locale)]
        if y + table.height(row) > table.bottom:
            y = table.draw(sheet, start_page(), [], head=head)
        y = table.draw(sheet, y, [row])
        pages.append(sheet.number)
    if y > 600:
        y = start_page()
    sheet.text(50, y + 28, "Mechanical properties", 11, bold=True)
    rows = [
        ("Yield strength ReH", cert.bare("yield_strength"), "MPa"),
        ("Tensile strength Rm", cert.bare("tensile_strength"), "MPa"),
        ("Elongation A", cert.bare("elongation"), "%"),
        ("Impact energy KV2, mean of 3", cert.bare("impact_energy"), "J"),
        ("Impact test temperature", cert.bare("impact_temperature"), "°C"),
    ]
    Table(50, (220, 90, 60), "lrl", style).draw(
        sheet, y + 36, rows, head=("Property", "Result", "Unit")
    )
    sheet.text(50, 800, "S. Lindqvist, works inspector", 8.5)
    sheet.save()
    return pages


def turned(path: Path, cert: Certificate, elements: Sequence[str]) -> None:
    """Ravn: the form of a small forge; landscape content, stored upright with /Rotate 90."""
    sheet = Sheet(
        path,
        title=f"Certificate {cert.number}",
        author="Ravn Smedje",
        font="Times-Roman",
        bold="Times-Bold",
        landscape=True,
    )
    sheet.lie()
    sheet.text(50, 52, "RAVN SMEDJE A/S", 16, bold=True)
    sheet.text(50, 66, "Havnevej 4, DK-8000 Aarhus C", 9, colour=GREY)
    sheet.text(790, 52, "Inspektionscertifikat / Inspection certificate", 13, bold=True, align="r")
    rows = [
        (
            "Certifikat nr. / Certificate no.",
            cert.number,
            "Dokumenttype / Type of document",
            cert.shown_kind,
        ),
        ("Ordre / Purchase order", cert.order, "Udstedt / Date of issue", cert.shown_date),
        ("Produkt / Product", cert.product, "Stålkvalitet / Steel grade", cert.shown_grade),
        ("Tykkelse / Thickness", cert.thickness.full(cert.locale), "Antal / Pieces", "6"),
    ]
    style = Style(size=10, grid="all", row_gap=4, head_fill=None)
    y = Table(50, (170, 200, 180, 190), "llll", style).draw(sheet, 84, rows)
    head = ["Charge / Heat", *(SYMBOLS[e] for e in elements)]
    body = [[heat.number, *heat.cells(elements, cert.locale)] for heat in cert.heats]
    widths = [110, *([630 / len(elements)] * len(elements))]
    sheet.text(50, y + 26, "Kemisk analyse / Heat analysis, %", 11, bold=True)
    y = Table(50, widths, "l" + "r" * len(elements), style).draw(sheet, y + 34, body, head=head)
    sheet.text(50, y + 28, "Mekaniske egenskaber / Mechanical properties", 11, bold=True)
    y += 48
    for label, name in (
        ("Flydespænding / Yield strength", "yield_strength"),
        ("Trækstyrke / Tensile strength", "tensile_strength"),
        ("Brudforlængelse / Elongation", "elongation"),
        ("Slagsejhed / Impact energy", "impact_energy"),
        ("Prøvningstemperatur slag / Impact test temperature", "impact_temperature"),
    ):
        sheet.text(60, y, label, 10)
        sheet.text(330, y, cert.show(name), 10, bold=True)
        y += 16
    sheet.text(50, 560, "E. Ravn, kvalitetsansvarlig", 9.5)
    sheet.save()


def letter(path: Path, cert: Certificate, elements: Sequence[str]) -> None:
    """Brückner: a letter; the analysis stands in running lines, symbol and figure side by side."""
    sheet = Sheet(
        path,
        title=f"Werkszeugnis {cert.number}",
        author="Brückner & Co.",
        font="Courier",
        bold="Courier-Bold",
    )
    sheet.text(60, 60, "BRÜCKNER & CO. - STAHLHANDEL UND BRENNSCHNITT", 11, bold=True)
    sheet.text(60, 74, "Am Hüttengraben 17, 44147 Dortmund", 9)
    sheet.line(60, 82, 535, 82)
    heat = cert.heats[0]
    symbols = [f"{SYMBOLS[e]:<2} {heat.cells([e], cert.locale)[0]} %" for e in elements]
    lines = [
        f"Bescheinigung nach {cert.shown_kind}",
        "",
        f"Zeugnis-Nr.:        {cert.number}",
        f"Bestell-Nr.:        {cert.order}",
        f"Erzeugnis:          {cert.product}",
        f"Werkstoff:          {cert.shown_grade}",
        f"Dicke:              {cert.thickness.full(cert.locale)}",
        f"Schmelze:           {heat.number}",
        "",
        "Chemische Zusammensetzung der Schmelze:",
        "",
        *("   ".join(symbols[i : i + 4]) for i in range(0, len(symbols), 4)),
        "",
        "Mechanische Eigenschaften:",
        "",
        f"Streckgrenze ReH:   {cert.show('yield_strength')}",
        f"Zugfestigkeit Rm:   {cert.show('tensile_strength')}",
        f"Bruchdehnung A:     {cert.show('elongation')}",
        f"Kerbschlagarbeit:   {cert.show('impact_energy')}",
        f"Prüftemperatur Kerbschlag: {cert.show('impact_temperature')}",
        "",
        f"Ausstellungsdatum:  {cert.shown_date}",
        "Brückner & Co., Qualitätsstelle",
    ]
    y = 118.0
    for line in lines:
        sheet.text(60, y, line, 10)
        y += 15
    sheet.save()

"""Layouts of certificates: coded form, English tables, French frames, American letter size."""

from collections.abc import Sequence
from pathlib import Path

from cert_data import Certificate
from paper import GREY, LETTER, Sheet
from tables import Style, Table

RED = (0.72, 0.12, 0.1)
STEEL = (0.25, 0.33, 0.42)
SYMBOLS = {
    "c": "C",
    "si": "Si",
    "mn": "Mn",
    "p": "P",
    "s": "S",
    "n": "N",
    "al": "Al",
    "cu": "Cu",
    "cr": "Cr",
    "mo": "Mo",
    "ni": "Ni",
    "cev": "CEV",
}


def coded(
    path: Path, cert: Certificate, elements: Sequence[str], password: str | None = None
) -> None:
    """Rheinborn: labels in German and English with the codes of EN 10168, elements as columns."""
    sheet = Sheet(
        path,
        title=f"Abnahmeprüfzeugnis {cert.number}",
        author="Rheinborn Stahlwerke AG",
        password=password,
    )
    sheet.polygon([(50, 60), (62, 38), (74, 60), (68, 60), (62, 49), (56, 60)], RED)
    sheet.text(82, 56, "Rheinborn Stahlwerke AG", 13, bold=True)
    sheet.text(545, 48, "Abnahmeprüfzeugnis / Inspection certificate", 10.5, bold=True, align="r")
    sheet.text(545, 60, f"A02  {cert.shown_kind}", 9, align="r")
    rows = [
        ("A03", "Bescheinigungs-Nr. / Certificate No.", cert.number),
        ("A07", "Bestell-Nr. des Kunden / Purchaser's order No.", cert.order),
        ("A08", "Werksauftrags-Nr. / Works order No.", "77-40218"),
        ("B01", "Erzeugnis / Product", cert.product),
        ("B02", "Stahlbezeichnung / Steel designation", cert.shown_grade),
        ("B04", "Lieferzustand / Delivery condition", "+N"),
        ("B09", "Dicke / Thickness", cert.thickness.full(cert.locale)),
        ("B10", "Länge x Breite / Length x width", "6000 x 2000 mm"),
        ("B13", "Ist-Masse / Actual mass", number_of_mass(cert)),
    ]
    style = Style(size=8.5, grid="rows", head_fill=None)
    y = Table(50, (34, 240, 221), "lll", style).draw(sheet, 78, rows)
    y = _code_heading(sheet, y + 22, "C70-C92  Schmelzenanalyse / Heat analysis  [%]")
    head = ["Schmelze\nHeat", *(f"C{71 + i}\n{SYMBOLS[e]}" for i, e in enumerate(elements))]
    widths = [72, *([423 / len(elements)] * len(elements))]
    body = [[heat.number, *heat.cells(elements, cert.locale)] for heat in cert.heats]
    y = Table(50, widths, "l" + "r" * len(elements), Style(size=8)).draw(sheet, y, body, head=head)
    y = _code_heading(sheet, y + 22, "C10-C29  Zugversuch / Tensile test")
    tensile = [
        ("C10", "Probenform / Type of test piece", "EN ISO 6892-1, längs / longitudinal"),
        ("C03", "Prüftemperatur / Test temperature", "20 °C"),
        ("C11", "Streckgrenze / Yield strength ReH", cert.show("yield_strength")),
        ("C12", "Zugfestigkeit / Tensile strength Rm", cert.show("tensile_strength")),
        ("C13", "Bruchdehnung / Elongation A5", cert.show("elongation")),
    ]
    y = Table(50, (34, 240, 221), "lll", style).draw(sheet, y, tensile)
    y = _code_heading(sheet, y + 22, "C40-C49  Kerbschlagbiegeversuch / Impact test KV2")
    singles = " / ".join(cert.singles) + " J"
    impact = [
        (
            "C03",
            "Prüftemperatur Kerbschlag / Impact test temperature",
            cert.show("impact_temperature"),
        ),
        ("C42", "Einzelwerte / Individual values", singles),
        ("C43", "Mittelwert / Mean value", cert.show("impact_energy")),
    ]
    y = Table(50, (34, 240, 221), "lll", style).draw(sheet, y, impact)
    statement = (
        "Z01  Es wird bestätigt, dass die Lieferung geprüft wurde und den Vereinbarungen bei der "
        "Bestellannahme entspricht. / We hereby certify that the delivery has been tested and "
        "complies with the terms of the order."
    )
    y = sheet.para(50, y + 24, 495, statement, size=8)
    sheet.text(50, y + 16, f"Z02  Ausstellungsdatum / Date of issue: {cert.shown_date}", 8.5)
    sheet.text(50, y + 30, "Z03  Der Werkssachverständige / Works inspector: Dr. K. Ohlig", 8.5)
    sheet.save()


def number_of_mass(cert: Certificate) -> str:
    """A mass that fits the plate; nobody asks for it."""
    return f"{3.4 + float(cert.thickness.value) / 10:.3f} t".replace(".", ",")


def _code_heading(sheet: Sheet, y: float, text: str) -> float:
    sheet.text(50, y, text, 9, bold=True, colour=STEEL)
    return y + 6


def english(
    path: Path, cert: Certificate, elements: Sequence[str], limits: Sequence[Sequence[str]]
) -> None:
    """Calder Vale: limits stand as rows above the heats of the same table."""
    sheet = Sheet(
        path,
        title=f"Mill certificate {cert.number}",
        author="Calder Vale Steels plc",
        font="Times-Roman",
        bold="Times-Bold",
    )
    sheet.box(0, 0, sheet.width, 26, fill=STEEL, edge=None)
    sheet.text(50, 64, "CALDER VALE STEELS", 18, bold=True, colour=STEEL)
    sheet.text(50, 78, "Brighouse Road, Elland HX5 9DW, United Kingdom", 8.5, colour=GREY)
    sheet.text(545, 64, "MILL TEST CERTIFICATE", 13, bold=True, align="r")
    sheet.text(545, 78, f"Inspection document: {cert.shown_kind}", 9.5, align="r")
    pairs = (
        (("Certificate No.", cert.number), ("Customer order", cert.order)),
        (("Product", cert.product), ("Grade", cert.shown_grade)),
        (("Thickness", cert.thickness.full(cert.locale)), ("Date of issue", cert.shown_date)),
        (("Marking", "CVS, grade, heat"), ("Quantity", "14 plates")),
    )
    y = 108.0
    for pair in pairs:
        for x, (label, value) in zip((50, 300), pair, strict=True):
            sheet.text(x, y, f"{label}:", 9.5, colour=GREY)
            sheet.text(x + 92, y, value, 9.5, bold=True)
        y += 17
    sheet.text(50, y + 16, "Chemical composition (ladle analysis, % by mass)", 10.5, bold=True)
    widths = [84, *([411 / len(elements)] * len(elements))]
    body: list[Sequence[str]] = [*limits]
    body += [[heat.number, *heat.cells(elements, cert.locale)] for heat in cert.heats]
    head = ["Heat No.", *(SYMBOLS[e] for e in elements)]
    style = Style(size=9, grid="all", row_gap=4)
    y = Table(50, widths, "l" + "r" * len(elements), style).draw(sheet, y + 24, body, head=head)
    sheet.text(50, y + 28, "Mechanical properties (transverse)", 10.5, bold=True)
    head = ["Test piece", "ReH\nN/mm²", "Rm\nN/mm²", "A\n%", "KV2 mean\nJ", "Impact test\ntemp. °C"]
    names = ("yield_strength", "tensile_strength", "elongation", "impact_energy")
    body = [
        ["1", *(cert.bare(name) for name in names), cert.bare("impact_temperature")],
    ]
    if cert.second:
        second = [cert.second[n].show(cert.locale) if n in cert.second else "-" for n in names]
        body.append(["2", *second, cert.bare("impact_temperature")])
    y = Table(50, (90, 81, 81, 81, 81, 81), "crrrrr", style).draw(sheet, y + 36, body, head=head)
    sheet.text(
        50,
        y + 40,
        "We certify that the material has been made and tested in accordance with the order.",
        9,
    )
    sheet.text(50, y + 74, "P. Hargreave, authorised inspection representative", 9, bold=True)
    sheet.save()


def french(path: Path, cert: Certificate, elements: Sequence[str]) -> None:
    """Forges du Guiers: frames with French and English labels above the values."""
    sheet = Sheet(path, title=f"Certificat {cert.number}", author="Forges du Guiers")
    sheet.text(50, 60, "FORGES DU GUIERS", 16, bold=True)
    sheet.text(50, 74, "73330 Le Pont-de-Beauvoisin (Savoie)", 8.5, colour=GREY)
    sheet.text(545, 60, "CERTIFICAT DE RÉCEPTION", 13, bold=True, align="r")
    cells = (
        ("Certificat n° / Certificate no.", cert.number, 165),
        ("Type de document / Type of document", cert.shown_kind, 165),
        ("Date d'émission / Date of issue", cert.shown_date, 165),
        ("Commande client / Purchaser order", cert.order, 120),
        ("Produit / Product", cert.product, 205),
        ("Nuance / Grade", cert.shown_grade, 90),
        ("Épaisseur / Thickness", cert.thickness.full(cert.locale), 80),
    )
    x, y = 50.0, 92.0
    for label, value, width in cells:
        if x + width > 546:
            x, y = 50.0, y + 36
        sheet.box(x, y, width, 34, edge=0.5)
        sheet.text(x + 4, y + 10, label, 6.8, colour=GREY)
        sheet.text(x + 4, y + 26, value, 9.5, bold=True)
        x += width
    sheet.text(50, y + 64, "Analyse de coulée / Heat analysis (%)", 10, bold=True)
    head = ["Coulée", *(SYMBOLS[e] for e in elements)]
    body = [[heat.number, *heat.cells(elements, cert.locale)] for heat in cert.heats]
    widths = [70, *([425 / len(elements)] * len(elements))]
    style = Style(size=9, grid="rows", row_gap=5, head_fill=(0.95, 0.92, 0.85))
    align = "l" + "r" * len(elements)
    y = Table(50, widths, align, style).draw(sheet, y + 72, body, head=head)
    sheet.text(50, y + 30, "Essais mécaniques / Mechanical tests", 10, bold=True)
    y += 50
    for label, name in (
        ("Limite d'élasticité / Yield strength (Rp0,2)", "yield_strength"),
        ("Résistance à la traction / Tensile strength (Rm)", "tensile_strength"),
        ("Allongement / Elongation (A)", "elongation"),
        ("Énergie de rupture, moyenne / Impact energy, mean (KV2)", "impact_energy"),
        ("Température d'essai de résilience / Impact test temperature", "impact_temperature"),
    ):
        sheet.text(60, y, label, 9)
        sheet.text(470, y, cert.show(name), 9.5, bold=True, align="r")
        sheet.line(60, y + 4, 470, y + 4, width=0.2, grey=0.6)
        y += 18
    text = "Nous certifions que la fourniture est conforme aux stipulations de la commande."
    sheet.text(50, y + 26, text, 9)
    sheet.text(50, y + 56, "Le représentant autorisé du fabricant : B. Carrel", 9)
    sheet.save()


def american(path: Path, cert: Certificate, elements: Sequence[str]) -> None:
    """Monongah: US letter, elements down the page, ksi and inches, temperatures in °F."""
    sheet = Sheet(
        path,
        title=f"CMTR {cert.number}",
        author="Monongah Plate Co.",
        size=LETTER,
        font="Vera",
        bold="VeraBd",
    )
    sheet.text(306, 52, "MONONGAH PLATE COMPANY", 14, bold=True, align="c")
    sheet.text(306, 66, "Certified Material Test Report", 11, align="c")
    sheet.line(46, 74, 566, 74, width=1.4)
    pairs = (
        ("Certificate no.", cert.number),
        ("Inspection document", cert.shown_kind),
        ("Customer P.O.", cert.order),
        ("Product", cert.product),
        ("Grade", cert.shown_grade),
        ("Thickness", cert.thickness.full()),
        ("Issue date", cert.shown_date),
    )
    y = 94.0
    for label, value in pairs:
        sheet.text(46, y, label, 8.5, colour=GREY)
        sheet.text(180, y, value, 8.5)
        y += 14
    sheet.text(46, y + 18, "Chemistry, weight percent", 10, bold=True)
    head = ["Element", *(f"Heat {heat.number}" for heat in cert.heats)]
    body = [
        [SYMBOLS[e], *(heat.cells([e], cert.locale)[0] for heat in cert.heats)] for e in elements
    ]
    style = Style(size=8.5, grid="all", row_gap=2.5)
    count = len(cert.heats)
    table = Table(46, [70, *([88] * count)], "l" + "r" * count, style)
    table.draw(sheet, y + 26, body, head=head)
    x = 330
    sheet.text(x, y + 18, "Tensile and Charpy", 10, bold=True)
    y += 40
    for label, name in (
        ("Yield strength", "yield_strength"),
        ("Tensile strength", "tensile_strength"),
        ("Elongation in 2 in", "elongation"),
        ("Impact energy, average", "impact_energy"),
        ("Impact test temperature", "impact_temperature"),
    ):
        sheet.text(x, y, label, 8.5)
        sheet.text(566, y, cert.show(name), 8.5, bold=True, align="r")
        y += 16
    sheet.para(
        46,
        560,
        520,
        "The material was melted and manufactured in one country, is free of mercury and "
        "radium, and was not repaired by welding. Reported values are those of the mill's "
        "laboratory.",
        size=8,
    )
    sheet.text(46, 640, "Metallurgist: D. Kowalczyk", 8.5)
    sheet.save()

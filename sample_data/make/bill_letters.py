"""Layouts of invoices: German letter, coloured band, French boxes, pages with a carry-over."""

from collections.abc import Mapping
from pathlib import Path

from bill_data import Bill, Line
from paper import GREY, Colour, Sheet
from tables import Style, Table
from truth import number

BRICK = (0.62, 0.24, 0.16)
PINE = (0.08, 0.36, 0.32)


def _quantity(bill: Bill, line: Line) -> str:
    return number(line.quantity, bill.locale)


def _price(bill: Bill, line: Line) -> str:
    return number(line.price, bill.locale)


def german(path: Path, bill: Bill, heading: str = "Rechnung", password: str | None = None) -> None:
    """Schraubenkontor: a letter after DIN 5008; prices per 100 pieces, totals below the table."""
    sheet = Sheet(path, title=f"Rechnung {bill.number}", author=bill.supplier, password=password)
    sheet.text(545, 60, bill.supplier, 15, bold=True, align="r", colour=BRICK)
    sheet.text(545, 73, "Lagerstraße 17 · 58507 Lüdenscheid", 8.5, align="r", colour=GREY)
    sheet.text(70, 130, f"{bill.supplier} · Lagerstraße 17 · 58507 Lüdenscheid", 6.5, colour=GREY)
    for index, line in enumerate(
        ("Anlagenbau Seidel GmbH", "Einkauf", "Kanalweg 3", "44149 Dortmund")
    ):
        sheet.text(70, 148 + 13 * index, line, 10)
    info = (
        ("Rechnungsnummer", bill.number), ("Rechnungsdatum", bill.shown_date),
        ("Kundennummer", "20417"), ("Ihre Bestellung", bill.order), ("Zahlbar bis", bill.shown_due),
    )  # fmt: skip
    for index, (label, value) in enumerate(info):
        sheet.text(360, 148 + 14 * index, label, 9, colour=GREY)
        sheet.text(460, 148 + 14 * index, value, 9)
    sheet.text(70, 262, f"{heading} {bill.number}", 13, bold=True)
    sheet.text(
        70, 280, "Wir danken für Ihren Auftrag und berechnen wie folgt (Beträge in EUR):", 9.5
    )
    rows = [
        (
            str(index),
            line.description,
            _quantity(bill, line),
            line.unit,
            _price(bill, line) + ("" if line.per == 1 else f"\nje {line.per}"),
            bill.money(line.amount),
        )
        for index, line in enumerate(bill.lines, 1)
    ]
    table = Table(70, (30, 205, 55, 40, 65, 80), "clrlrr", Style(size=9, grid="rows", row_gap=4))
    head = ("Pos.", "Bezeichnung", "Menge", "Einh.", "Einzelpreis", "Betrag")
    y = table.draw(sheet, 292, rows, head=head)
    totals = (
        ("Nettobetrag", bill.net_total), (f"zzgl. {number(bill.tax_rate, 'de')} % MwSt.", bill.tax),
        ("Rechnungsbetrag", bill.grand_total),
    )  # fmt: skip
    for index, (label, amount) in enumerate(totals):
        sheet.text(345, y + 20 + 16 * index, label, 9.5, bold=index == 2)
        sheet.text(
            541, y + 20 + 16 * index, f"{bill.money(amount)} €", 9.5, bold=index == 2, align="r"
        )
    sheet.line(345, y + 57, 545, y + 57, width=1)
    sheet.text(70, y + 90, f"Zahlbar ohne Abzug bis {bill.shown_due}. Währung: EUR.", 9)
    foot = (
        f"USt-IdNr.: {bill.vat_id}     IBAN: DE02 1203 0000 0000 2020 51     Amtsgericht Iserlohn"
    )
    sheet.line(70, 770, 545, 770, width=0.4)
    sheet.text(70, 783, foot, 7.5, colour=GREY)
    sheet.text(70, 794, f"Verkäufer: {bill.supplier}", 7.5, colour=GREY)
    sheet.save()


ENGLISH = {
    "title": "INVOICE", "number": "Invoice number", "date": "Invoice date", "due": "Due date",
    "order": "Your order", "currency": "Currency", "vat": "VAT reg. no.", "supplier": "Supplier",
    "description": "Description", "quantity": "Qty", "price": "Unit price", "amount": "Amount",
    "net": "Subtotal", "tax": "VAT @", "total": "Total", "slip": "Amount to pay",
}  # fmt: skip
DUTCH = {
    "title": "FACTUUR", "number": "Factuurnummer", "date": "Factuurdatum", "due": "Vervaldatum",
    "order": "Uw ordernummer", "currency": "Valuta", "vat": "Btw-nummer", "supplier": "Leverancier",
    "description": "Omschrijving", "quantity": "Aantal", "price": "Prijs", "amount": "Bedrag",
    "net": "Subtotaal", "tax": "Btw", "total": "Totaal", "slip": "Te betalen",
}  # fmt: skip


def band(path: Path, bill: Bill, words: Mapping[str, str], colour: Colour = PINE) -> None:
    """Pennine, Van Dalen: a coloured column on the left with the key data, lines beside it."""
    sheet = Sheet(path, title=f"{words['title']} {bill.number}", author=bill.supplier)
    sheet.box(0, 0, 180, sheet.height, fill=colour, edge=None)
    white = (1.0, 1.0, 1.0)
    sheet.text(24, 66, words["title"], 20, bold=True, colour=white)
    keys = (
        ("number", bill.number), ("date", bill.shown_date), ("due", bill.shown_due),
        ("order", bill.order), ("currency", bill.currency), ("supplier", bill.supplier),
        ("vat", bill.vat_id),
    )  # fmt: skip
    y = 110.0
    for key, value in keys:
        sheet.text(24, y, words[key], 7.5, colour=(0.8, 0.9, 0.88))
        sheet.text(24, y + 13, value, 10.5, bold=True, colour=white)
        y += 38
    sheet.text(204, 62, "Anlagenbau Seidel GmbH", 10, bold=True)
    sheet.text(204, 75, "Kanalweg 3, 44149 Dortmund, Germany", 9)
    head = (words["description"], words["quantity"], words["price"], words["amount"])
    rows = [
        (li.description, _quantity(bill, li), _price(bill, li), bill.money(li.amount))
        for li in bill.lines
    ]
    style = Style(size=9, grid="rows", row_gap=6, head_fill=None)
    y = Table(204, (176, 44, 66, 70), "lrrr", style).draw(sheet, 110, rows, head=head)
    totals = (
        (words["net"], bill.net_total), (f"{words['tax']} {bill.tax_rate} %", bill.tax),
        (words["total"], bill.grand_total),
    )  # fmt: skip
    for index, (label, amount) in enumerate(totals):
        sheet.text(400, y + 24 + 17 * index, label, 10, bold=index == 2, align="l")
        sheet.text(556, y + 24 + 17 * index, bill.money(amount), 10, bold=index == 2, align="r")
    if bill.other_total:
        sheet.line(204, 690, 560, 690, width=0.4)
        sheet.text(204, 706, "Payment slip", 9, bold=True)
        sheet.text(204, 724, f"{words['number']}: {bill.number}", 9)
        text = f"{words['slip']}: {bill.money(bill.other_total)} {bill.currency}"
        sheet.text(204, 738, text, 9)
    sheet.save()


def french(path: Path, bill: Bill) -> None:
    """Visserie du Forez: boxes, euro signs behind every amount, blank as thousands separator."""
    sheet = Sheet(
        path,
        title=f"Facture {bill.number}",
        author=bill.supplier,
        font="Times-Roman",
        bold="Times-Bold",
    )
    sheet.text(50, 62, bill.supplier, 17, bold=True)
    sheet.text(50, 76, "Zone artisanale des Forges, 42600 Montbrison", 9, colour=GREY)
    if bill.vat_id:
        sheet.text(50, 88, f"N° TVA intracommunautaire : {bill.vat_id}", 9, colour=GREY)
    sheet.box(340, 44, 205, 76)
    pairs = (("Facture n°", bill.number), ("Date de facture", bill.shown_date),
             ("Échéance", bill.shown_due), ("Votre commande", bill.order))  # fmt: skip
    for index, (label, value) in enumerate(pairs):
        if value:
            sheet.text(350, 60 + 17 * index, f"{label} :", 10)
            sheet.text(536, 60 + 17 * index, value, 10, bold=True, align="r")
    sheet.text(340, 150, "Anlagenbau Seidel GmbH", 10, bold=True)
    sheet.text(340, 163, "Kanalweg 3, D-44149 Dortmund", 10)
    head = ("Désignation", "Quantité", "Prix unitaire HT", "Montant HT")
    rows = [
        (li.description, _quantity(bill, li), f"{_price(bill, li)} €", f"{bill.money(li.amount)} €")
        for li in bill.lines
    ]
    style = Style(size=9.5, grid="all", row_gap=5, head_fill=(0.93, 0.93, 0.9))
    y = Table(50, (245, 70, 90, 90), "lrrr", style).draw(sheet, 200, rows, head=head)
    rows = [
        ("Total HT", f"{bill.money(bill.net_total)} €"),
        (f"TVA {number(bill.tax_rate, 'fr')} %", f"{bill.money(bill.tax)} €"),
        ("Total TTC", f"{bill.money(bill.grand_total)} €"),
    ]
    y = Table(365, (90, 90), "lr", Style(size=10, grid="all", row_gap=4)).draw(sheet, y + 14, rows)
    sheet.text(50, y + 40, "Monnaie : EUR. Pas d'escompte pour paiement anticipé.", 9)
    sheet.text(50, 800, f"Fournisseur : {bill.supplier}", 8)
    sheet.text(50, 811, "SAS au capital de 60 000 €, RCS Saint-Étienne", 7, colour=GREY)
    sheet.save()


def swiss(path: Path, bill: Bill) -> list[int]:
    """Präzisa: lines over two pages with repeated head and a carry-over; the page of each line."""
    sheet = Sheet(path, title=f"Rechnung {bill.number}", author=bill.supplier)
    sheet.text(50, 58, bill.supplier, 16, bold=True)
    sheet.text(50, 71, "Werkstrasse 5, CH-8620 Wetzikon", 8.5, colour=GREY)
    pairs = (
        ("Rechnung Nr.", bill.number), ("Datum", bill.shown_date), ("Fällig am", bill.shown_due),
        ("Bestellung", bill.order), ("MWST-Nr.", bill.vat_id), ("Währung", bill.currency),
        ("Lieferant", bill.supplier),
    )  # fmt: skip
    for index, (label, value) in enumerate(pairs):
        sheet.text(50, 100 + 14 * index, label, 9)
        sheet.text(150, 100 + 14 * index, value, 9, bold=True)
    style = Style(size=8.5, grid="all", row_gap=3)
    table = Table(50, (30, 235, 60, 80, 90), "clrrr", style, bottom=750)
    head = ("Pos", "Artikel", "Menge", "Preis", "Total CHF")
    y = table.draw(sheet, 214, [], head=head)
    running = sum((line.amount for line in bill.lines[:0]), bill.net_total * 0)
    pages: list[int] = []
    for index, li in enumerate(bill.lines, 1):
        row = (
            str(index),
            li.description,
            _quantity(bill, li),
            _price(bill, li),
            bill.money(li.amount),
        )
        if y + table.height(row) > table.bottom:
            y = table.draw(sheet, y, [("", "Übertrag", "", "", bill.money(running))])
            sheet.next_page()
            sheet.text(50, 50, f"{bill.supplier} - Rechnung {bill.number}", 8, colour=GREY)
            carried = [("", "Übertrag", "", "", bill.money(running))]
            y = table.draw(sheet, 62, carried, head=head)
        y = table.draw(sheet, y, [row])
        running += li.amount
        pages.append(sheet.number)
    for index, (label, amount) in enumerate((
        ("Zwischensumme exkl. MWST", bill.net_total), (f"MWST {bill.tax_rate} %", bill.tax),
        ("Rechnungstotal inkl. MWST", bill.grand_total),
    )):  # fmt: skip
        sheet.text(330, y + 22 + 15 * index, label, 9, bold=index == 2)
        sheet.text(541, y + 22 + 15 * index, bill.money(amount), 9, bold=index == 2, align="r")
    sheet.save()
    return pages

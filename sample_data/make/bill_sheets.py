"""Layouts of invoices: Swedish two columns, American landscape, Spanish turned page."""

from pathlib import Path

from bill_data import Bill
from paper import GREY, LETTER, Sheet
from tables import Style, Table
from truth import number


def swedish(path: Path, bill: Bill) -> None:
    """Lager & Lyft: key data in two columns, each label above its value; kronor."""
    sheet = Sheet(
        path, title=f"Faktura {bill.number}", author=bill.supplier, font="Vera", bold="VeraBd"
    )
    sheet.text(50, 62, bill.supplier, 15, bold=True)
    sheet.text(545, 62, "FAKTURA", 15, align="r")
    pairs = (
        ("Fakturanummer", bill.number, "Leverantör", bill.supplier),
        ("Fakturadatum", bill.shown_date, "Momsreg.nr", bill.vat_id),
        ("Förfallodatum", bill.shown_due, "Valuta", bill.currency),
        ("Er order", bill.order, "Betalningsvillkor", "30 dagar netto"),
    )
    y = 100.0
    for left, left_value, right, right_value in pairs:
        for x, label, value in ((50, left, left_value), (310, right, right_value)):
            sheet.text(x, y, label, 7, colour=GREY)
            sheet.text(x, y + 13, value, 10)
        y += 32
    head = ("Benämning", "Antal", "À-pris", "Belopp")
    rows = [
        (
            li.description,
            number(li.quantity, bill.locale),
            number(li.price, bill.locale),
            bill.money(li.amount),
        )
        for li in bill.lines
    ]
    style = Style(size=9, grid="rows", row_gap=5, zebra=(0.95, 0.96, 0.98))
    y = Table(50, (265, 70, 80, 80), "lrrr", style).draw(sheet, y + 10, rows, head=head)
    for index, (label, amount) in enumerate(
        (
            ("Summa exkl. moms", bill.net_total),
            (f"Moms {bill.tax_rate} %", bill.tax),
            ("Att betala", bill.grand_total),
        )
    ):
        sheet.text(330, y + 24 + 17 * index, label, 10, bold=index == 2)
        text = f"{bill.money(amount)} kr"
        sheet.text(541, y + 24 + 17 * index, text, 10, bold=index == 2, align="r")
    sheet.text(50, 800, "Plusgiro 12 34 56-7   Godkänd för F-skatt", 8, colour=GREY)
    sheet.save()


def american(path: Path, bill: Bill) -> None:
    """Tolmark: US letter, landscape, dollar signs before the amounts, sales tax."""
    sheet = Sheet(
        path, title=f"Invoice {bill.number}", author=bill.supplier, size=LETTER, landscape=True
    )
    sheet.text(44, 56, bill.supplier, 18, bold=True)
    sheet.text(44, 70, "2210 Foundry Ave, Dayton, OH 45404", 9, colour=GREY)
    sheet.text(748, 56, "INVOICE", 20, bold=True, align="r", colour=GREY)
    style = Style(size=9, grid="all", row_gap=4, head_fill=(0.9, 0.9, 0.9))
    head = ("Invoice #", "Invoice Date", "Due Date", "P.O. Number", "Currency", "Tax ID", "Vendor")
    row = (
        bill.number, bill.shown_date, bill.shown_due, bill.order, bill.currency, bill.vat_id,
        bill.supplier,
    )  # fmt: skip
    Table(44, (90, 90, 90, 90, 70, 100, 174), "ccccccc", style).draw(sheet, 92, [row], head=head)
    head = ("Qty", "Item description", "Unit price", "Amount")
    rows = [
        (
            number(li.quantity, bill.locale),
            li.description,
            f"${number(li.price, bill.locale)}",
            f"${bill.money(li.amount)}",
        )
        for li in bill.lines
    ]
    y = Table(44, (70, 434, 100, 100), "rlrr", style).draw(sheet, 150, rows, head=head)
    for index, (label, amount) in enumerate(
        (
            ("Subtotal", bill.net_total),
            (f"Sales tax {bill.tax_rate}%", bill.tax),
            ("TOTAL", bill.grand_total),
        )
    ):
        sheet.text(560, y + 22 + 16 * index, label, 10, bold=index == 2)
        text = f"${bill.money(amount)}"
        sheet.text(744, y + 22 + 16 * index, text, 10, bold=index == 2, align="r")
    sheet.text(44, 580, "Make all checks payable to the vendor. Thank you for your business!", 8.5)
    sheet.save()


def turned(path: Path, bill: Bill) -> None:
    """Aceros del Nervión: landscape content, stored upright with /Rotate 90."""
    sheet = Sheet(path, title=f"Factura {bill.number}", author=bill.supplier, landscape=True)
    sheet.lie()
    sheet.text(50, 54, bill.supplier, 16, bold=True)
    sheet.text(50, 68, "Polígono Ugaldeguren 12, 48160 Derio (Bizkaia)", 8.5, colour=GREY)
    sheet.text(790, 54, "FACTURA", 16, bold=True, align="r")
    pairs = (
        ("Factura n.º", bill.number), ("Fecha de factura", bill.shown_date),
        ("Vencimiento", bill.shown_due), ("Su pedido", bill.order), ("NIF", bill.vat_id),
        ("Moneda", bill.currency), ("Proveedor", bill.supplier),
    )  # fmt: skip
    for index, (label, value) in enumerate(pairs):
        x, y = 50 + 250 * (index % 3), 98 + 18 * (index // 3)
        sheet.text(x, y, f"{label}:", 9, colour=GREY)
        sheet.text(x + 84, y, value, 9.5, bold=True)
    head = ("Concepto", "Cantidad", "Precio", "Importe")
    rows = [
        (
            li.description,
            number(li.quantity, bill.locale),
            number(li.price, bill.locale),
            bill.money(li.amount),
        )
        for li in bill.lines
    ]
    style = Style(size=10, grid="all", row_gap=5)
    y = Table(50, (430, 90, 110, 110), "lrrr", style).draw(sheet, 160, rows, head=head)
    for index, (label, amount) in enumerate(
        (
            ("Base imponible", bill.net_total),
            (f"IVA {bill.tax_rate} %", bill.tax),
            ("Total factura", bill.grand_total),
        )
    ):
        sheet.text(560, y + 26 + 17 * index, label, 10.5, bold=index == 2)
        text = f"{bill.money(amount)} EUR"
        sheet.text(786, y + 26 + 17 * index, text, 10.5, bold=index == 2, align="r")
    sheet.save()

"""What an invoice says, apart from how it looks; the layouts draw it."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from truth import Fact, ambiguous, fact, number

CENT = Decimal("0.01")


@dataclass(frozen=True)
class Line:
    """One position; `per` is how many pieces the unit price is for."""

    description: str
    quantity: str
    unit: str
    price: str
    per: int = 1

    @property
    def amount(self) -> Decimal:
        """Quantity times price, rounded to cents."""
        amount = Decimal(self.quantity) * Decimal(self.price) / self.per
        return amount.quantize(CENT, ROUND_HALF_UP)


@dataclass(frozen=True)
class Bill:
    """One invoice. Totals follow from the lines unless `net` or `total` says otherwise."""

    number: str
    supplier: str
    vat_id: str
    date: str
    shown_date: str
    currency: str
    """ISO code."""
    lines: Sequence[Line]
    tax_rate: str
    due: str = ""
    shown_due: str = ""
    order: str = ""
    locale: str = "en"
    net: str = ""
    """A net total that doesn't follow from the lines."""
    total: str = ""
    """A total that doesn't follow from net total and tax."""
    other_total: str = ""
    """A second, different total elsewhere on the invoice."""

    @property
    def net_total(self) -> Decimal:
        """As printed."""
        return Decimal(self.net) if self.net else sum((li.amount for li in self.lines), Decimal(0))

    @property
    def tax(self) -> Decimal:
        """As printed."""
        rate = Decimal(self.tax_rate) / 100
        return (self.net_total * rate).quantize(CENT, ROUND_HALF_UP)

    @property
    def grand_total(self) -> Decimal:
        """As printed."""
        return Decimal(self.total) if self.total else self.net_total + self.tax

    def money(self, amount: Decimal | str) -> str:
        """An amount as printed, without currency."""
        return number(str(Decimal(amount).quantize(CENT)), self.locale)

    def amount_fact(self, amount: Decimal, page: int = 1) -> dict[str, object]:
        """The truth about an amount."""
        value = str(amount.quantize(CENT))
        return fact(value, printed=self.money(amount), page=page)

    def facts(self, page: int = 1, *, currency_shown: str = "") -> dict[str, Fact]:
        """The truth about the fields outside of lists; the totals stand on `page`."""
        total: Fact = self.amount_fact(self.grand_total, page)
        if self.other_total:
            total = ambiguous(
                self.amount_fact(self.grand_total, page),
                self.amount_fact(Decimal(self.other_total), page),
            )
        return {
            "supplier": fact(self.supplier),
            "supplier_vat_id": fact(self.vat_id) if self.vat_id else None,
            "invoice_number": fact(self.number),
            "invoice_date": fact(self.date, printed=self.shown_date),
            "due_date": fact(self.due, printed=self.shown_due) if self.due else None,
            "purchase_order": fact(self.order) if self.order else None,
            "currency": fact(self.currency, printed=currency_shown or self.currency),
            "net_total": self.amount_fact(self.net_total, page),
            "tax_rate": fact(
                self.tax_rate, "%", printed=number(self.tax_rate, self.locale), page=page
            ),
            "tax_total": self.amount_fact(self.tax, page),
            "total": total,
        }

    def lists(self, pages: Sequence[int] = ()) -> dict[str, list[dict[str, Fact]]]:
        """The truth about the list `lines`; `pages` where not all are on page 1."""
        rows: list[dict[str, Fact]] = []
        for index, line in enumerate(self.lines):
            page = pages[index] if pages else 1
            rows.append(
                {
                    "description": fact(line.description, page=page),
                    "quantity": fact(
                        line.quantity, printed=number(line.quantity, self.locale), page=page
                    ),
                    "unit_price": fact(
                        line.price, printed=number(line.price, self.locale), page=page
                    ),
                    "amount": self.amount_fact(line.amount, page),
                }
            )
        return {"lines": rows}

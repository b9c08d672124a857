"""What the invoices of the set `invoices` say."""

from dataclasses import replace

from bill_data import Bill, Line

GERMAN = Bill(
    number="RE-2024-0815",
    supplier="Schraubenkontor Lenne GmbH",
    vat_id="DE811907532",
    date="2024-03-11",
    shown_date="11.03.2024",
    due="2024-04-10",
    shown_due="10.04.2024",
    order="B-7719",
    currency="EUR",
    lines=(
        Line("Sechskantschraube ISO 4017 M8 x 30, 8.8", "2500", "Stk", "11.40", 100),
        Line("Scheibe ISO 7089 8 - 200 HV", "2500", "Stk", "2.15", 100),
        Line("Sechskantmutter ISO 4032 M8", "2500", "Stk", "4.80", 100),
        Line("Verpackung und Versand", "1", "psch.", "18.50"),
    ),
    tax_rate="19",
    locale="de",
)
GERMAN_GOOD = replace(
    GERMAN,
    number="RE-2024-0822",
    date="2024-03-13",
    shown_date="13.03.2024",
    due="2024-04-12",
    shown_due="12.04.2024",
    order="B-7730",
    lines=(
        Line("Zylinderschraube ISO 4762 M6 x 20, 12.9", "1200", "Stk", "18.90", 100),
        Line("Gewindestange DIN 976 M12, 1 m", "40", "Stk", "3.85"),
        Line("Scheibe ISO 7089 12 - 200 HV", "400", "Stk", "4.10", 100),
    ),
)
# The total is ten euros more than net and tax make.
GERMAN_WRONG = replace(
    GERMAN,
    number="RE-2024-0831",
    date="2024-03-18",
    shown_date="18.03.2024",
    due="2024-04-17",
    shown_due="17.04.2024",
    order="B-7741",
    lines=(
        Line("Gewindestift ISO 4026 M5 x 10", "1000", "Stk", "6.30", 100),
        Line("Zylinderstift ISO 2338 6 m6 x 24", "600", "Stk", "14.75", 100),
    ),
    total="190.29",
)
FRENCH = Bill(
    number="FA24-2291",
    supplier="Visserie du Forez",
    vat_id="FR40303265045",
    date="2024-02-14",
    shown_date="14/02/2024",
    due="2024-03-15",
    shown_due="15/03/2024",
    order="B-7655",
    currency="EUR",
    lines=(
        Line("Goujon fileté M16 x 120, zingué", "800", "p", "1.27"),
        Line("Rondelle large M16", "1600", "p", "0.145"),
        Line("Écrou frein M16", "800", "p", "0.38"),
    ),
    tax_rate="20",
    locale="fr",
)
FRENCH_NO_VAT_ID = replace(
    FRENCH,
    number="FA24-2318",
    vat_id="",
    date="2024-02-19",
    shown_date="19/02/2024",
    due="",
    shown_due="",
    order="B-7671",
    lines=(Line("Tige filetée M20, 1 m", "150", "p", "6.92"), Line("Port", "1", "p", "42.00")),
)
BRITISH = Bill(
    number="INV-10388",
    supplier="Pennine Bearings Ltd",
    vat_id="GB293845116",
    date="2024-04-03",
    shown_date="3 April 2024",
    due="2024-05-03",
    shown_due="3 May 2024",
    order="B-7802",
    currency="GBP",
    lines=(
        Line("Deep groove bearing 6204-2RS", "120", "", "3.18"),
        Line("Angular contact bearing 7206", "24", "", "21.45"),
        Line("Needle roller HK 1612", "200", "", "1.06"),
        Line("Carriage", "1", "", "28.00"),
    ),
    tax_rate="20",
)
# Two digits changed places on the payment slip.
BRITISH_TWICE = replace(
    BRITISH,
    number="INV-10402",
    date="2024-04-15",
    shown_date="15 April 2024",
    due="2024-05-15",
    shown_due="15 May 2024",
    order="B-7816",
    lines=(
        Line("Pillow block UCP 206", "36", "", "14.90"),
        Line("Lithium grease 400 g", "48", "", "5.35"),
    ),
    other_total="915.84",
)
DUTCH = Bill(
    number="2024-00417",
    supplier="Van Dalen Staal B.V.",
    vat_id="NL004495445B01",
    date="2024-05-21",
    shown_date="21-05-2024",
    due="2024-06-20",
    shown_due="20-06-2024",
    order="B-7899",
    currency="EUR",
    lines=(
        Line("Plaat S355J2+N 12 mm, kg", "8640", "kg", "1.18"),
        Line("Plaat S355J2+N 25 mm, kg", "7850", "kg", "1.21"),
        Line("Snijden en transport", "1", "", "892.60"),
    ),
    tax_rate="21",
    locale="nl",
)


def _swiss_lines() -> tuple[Line, ...]:
    """Fifty-two turned parts."""
    kinds = ("Buchse", "Bolzen", "Flansch", "Distanzring", "Führungsbolzen", "Passhülse")
    lines: list[Line] = []
    for index in range(52):
        kind = kinds[index * 5 % 6]
        size = f"{12 + index * 7 % 30} x {20 + index * 11 % 60}"
        price = f"{4 + index * 13 % 37}.{(index * 35) % 100:02d}"
        lines.append(
            Line(f"{kind} {size}, Zeichnung {4100 + index}", str(10 + index * 3 % 40), "", price)
        )
    return tuple(lines)


SWISS = Bill(
    number="24-33018",
    supplier="Präzisa Drehteile AG",
    vat_id="CHE-116.284.409",
    date="2024-06-04",
    shown_date="4.6.2024",
    due="2024-07-04",
    shown_due="4.7.2024",
    order="B-7934",
    currency="CHF",
    lines=_swiss_lines(),
    tax_rate="8.1",
    locale="ch",
)
SWEDISH = Bill(
    number="88120",
    supplier="Lager & Lyft i Borås AB",
    vat_id="SE556012579001",
    date="2024-04-24",
    shown_date="2024-04-24",
    due="2024-05-24",
    shown_due="2024-05-24",
    order="B-7841",
    currency="SEK",
    lines=(
        Line("Kättingtelfer 500 kg, 3 m", "4", "", "2795.00"),
        Line("Rundsling 2 t, 2 m", "20", "", "148.50"),
        Line("Schackel 3,25 t", "30", "", "64.00"),
    ),
    tax_rate="25",
    locale="sv",
)
AMERICAN = Bill(
    number="TM-90217",
    supplier="Tolmark Motion Inc.",
    vat_id="31-1548807",
    date="2024-01-31",
    shown_date="Jan 31, 2024",
    due="2024-03-01",
    shown_due="Mar 1, 2024",
    order="B-7622",
    currency="USD",
    lines=(
        Line("BL-57 brushless motor, 24 V", "40", "", "86.50"),
        Line("Encoder kit 1024 ppr", "40", "", "31.25"),
        Line("Motor cable 5 ft", "40", "", "7.80"),
    ),
    tax_rate="5.75",
)
# The subtotal leaves out the third line.
AMERICAN_WRONG = replace(
    AMERICAN,
    number="TM-90240",
    date="2024-02-14",
    shown_date="Feb 14, 2024",
    due="2024-03-15",
    shown_due="Mar 15, 2024",
    order="B-7650",
    lines=(
        Line("BL-57 brushless motor, 24 V", "12", "", "86.50"),
        Line("Gearhead 10:1", "12", "", "64.00"),
        Line("Expedited shipping", "1", "", "145.00"),
    ),
    net="1806.00",
)
SPANISH = Bill(
    number="A/240118",
    supplier="Aceros del Nervión S.L.",
    vat_id="ESB95217384",
    date="2024-05-16",
    shown_date="16/05/2024",
    due="2024-06-15",
    shown_due="15/06/2024",
    order="B-7866",
    currency="EUR",
    lines=(
        Line("Redondo calibrado C45 20 mm, kg", "1250", "kg", "1.64"),
        Line("Hexagonal F-2111 24 mm, kg", "620", "kg", "1.79"),
    ),
    tax_rate="21",
    locale="es",
)

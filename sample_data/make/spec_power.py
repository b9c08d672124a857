"""Set `spec-check`, first part: reports on power supplies."""

from functools import partial

import broken
import spec_lists
import spec_tables
from report_data import Report
from truth import Doc, M, ambiguous, fact


def _psu(
    number: str, serial: str, day: str, values: dict[str, M], result: str = "passed"
) -> Report:
    """A report of Kestrel's series PS-2405; `day` is a day of March 2024."""
    return Report(
        number=number,
        product="PS-2405",
        serial=serial,
        date=f"2024-03-{day}",
        shown_date=f"{int(day)} March 2024",
        result=result,
        shown_result=result.upper(),
        values=values,
        ambient=M("25", "°C"),
        operating=("-25", "60", "°C"),
    )


def _values(
    voltage: str, current: str, ripple: str, efficiency: str, insulation: str
) -> dict[str, M]:
    return {
        "output_voltage": M(voltage, "V"),
        "output_current": M(current, "A"),
        "ripple": M(ripple, "mV"),
        "efficiency": M(efficiency, "%"),
        "insulation_resistance": M(insulation, "MΩ"),
    }


GOOD = _psu("KPS-2405-0117", "KP24-008117", "12", _values("24.06", "5.02", "64", "91.4", "860"))
HIGH = _psu("KPS-2405-0118", "KP24-008118", "12", _values("25.61", "5.01", "71", "91.1", "910"))
LOCKED = _psu("KPS-2405-0119", "KP24-008119", "13", _values("24.11", "5.00", "66", "91.2", "880"))
CUT = _psu("KPS-2405-0120", "KP24-008120", "13", _values("23.98", "5.04", "62", "91.5", "905"))
HIDDEN = _psu("KPS-2405-0121", "KP24-008121", "14", _values("25.12", "5.03", "68", "90.9", "870"))
BURN_IN = _psu("KPB-0033", "KP24-007790", "18", _values("24.02", "5.01", "70", "90.8", "1250"))

GERMAN = Report(
    number="2023-0442",
    product="PS-2405",
    serial="KP24-007702",
    date="2023-11-14",
    shown_date="14.11.2023",
    result="passed",
    shown_result="bestanden",
    values={
        "output_voltage": M("23.94", "V"),
        "output_current": M("5.05", "A"),
        "ripple": M("58.5", "mV"),
        "efficiency": M("90.2", "%"),
        "insulation_resistance": M("1250", "MΩ"),
    },
    ambient=M("23.5", "°C"),
    operating=("-25", "60", "°C"),
    locale="de",
)
GERMAN_ROWS = [
    ("1", "Ausgangsspannung", "23,52", "24,48", "23,94", "V", "ja"),
    ("2", "Ausgangsstrom", "5,00", "-", "5,05", "A", "ja"),
    ("3", "Restwelligkeit (20 MHz)", "-", "120", "58,5", "mV", "ja"),
    ("4", "Wirkungsgrad", "88,0", "-", "90,2", "%", "ja"),
    ("5", "Isolationswiderstand", "100", "-", "1.250", "MΩ", "ja"),
    ("6", "Einschaltstrom", "-", "30", "21,7", "A", "ja"),
]
MILLIVOLT = Report(
    number="2023-0443",
    product="PS-0503",
    serial="KP05-001934",
    date="2023-11-15",
    shown_date="15.11.2023",
    result="passed",
    shown_result="bestanden",
    values={
        "output_voltage": M("4987.5", "mV"),
        "output_current": M("3.08", "A"),
        "ripple": M("0.031", "V"),
        "efficiency": M("83.7", "%"),
        "insulation_resistance": M("0.94", "GΩ"),
    },
    ambient=M("23", "°C"),
    operating=("-10", "50", "°C"),
    locale="de",
)
MILLIVOLT_ROWS = [
    ("1", "Ausgangsspannung", "4.900,0", "5.100,0", "4.987,5", "mV", "ja"),
    ("2", "Ausgangsstrom", "3,00", "-", "3,08", "A", "ja"),
    ("3", "Restwelligkeit (20 MHz)", "-", "0,050", "0,031", "V", "ja"),
    ("4", "Wirkungsgrad", "80,0", "-", "83,7", "%", "ja"),
    ("5", "Isolationswiderstand", "0,10", "-", "0,94", "GΩ", "ja"),
]
NEAR = Report(
    number="NT-7781-24",
    product="PS-0503",
    serial="KP05-002210",
    date="2024-02-06",
    shown_date="2024-02-06",
    result="passed",
    shown_result="Passed",
    values={
        "output_voltage": M("5.098", "V"),
        "output_current": M("3.02", "A"),
        "ripple": M("34", "mV"),
        "efficiency": M("82.9", "%"),
        "insulation_resistance": M("640", "MΩ"),
    },
    ambient=M("25", "°C"),
)
NEAR_LABELS = (
    ("output_voltage", "Output voltage"),
    ("output_current", "Output current"),
    ("ripple", "Ripple (peak-peak)"),
    ("efficiency", "Efficiency"),
    ("insulation_resistance", "Insulation resistance"),
)

LOG = Report(
    number="ATE-07-000318",
    product="PS-0503",
    serial="KP05-002588",
    date="2024-04-02",
    shown_date="2024-04-02",
    result="passed",
    shown_result="PASS",
    values={
        "output_voltage": M("5.012", "V"),
        "output_current": M("3.050", "A"),
        "ripple": M("28.4", "mV"),
        "efficiency": M("84.1", "%"),
        "insulation_resistance": M("512", "MOhm"),
    },
    ambient=M("24.6", "°C"),
)


def _log_head(number: str, serial: str, time: str) -> list[str]:
    return [
        "ATE STATION 07          POWER SUPPLY FINAL TEST",
        f"REPORT NO: {number}       DATE: 2024-04-02 {time}",
        f"PRODUCT:   PS-0503             SERIAL NO: {serial}",
    ]


def _log_lines(rows: list[tuple[str, str, str, str, str, str]], tail: list[str]) -> list[str]:
    form = "{:<5}{:<24}{:>9} {:<6}{:>9}{:>9}  {}"
    head = form.format("STEP", "NAME", "RESULT", "UNIT", "LO", "HI", "P/F")
    body = [form.format(str(10 * n).zfill(3), *row) for n, row in enumerate(rows, 1)]
    return [head, "-" * 72, *body, "-" * 72, *tail]


LOG_ROWS = [
    ("OUTPUT VOLTAGE", "5.012", "V", "4.900", "5.100", "P"),
    ("OUTPUT CURRENT", "3.050", "A", "3.000", "-", "P"),
    ("RIPPLE", "28.4", "mV", "-", "50.0", "P"),
    ("EFFICIENCY", "84.1", "%", "80.0", "-", "P"),
    ("INSULATION RESISTANCE", "512", "MOhm", "100", "-", "P"),
    ("HI-POT 1500 VAC 1 S", "0.31", "mA", "-", "5.00", "P"),
]
TWICE = [
    ("OUTPUT VOLTAGE", "5.014", "V", "4.900", "5.100", "P"),
    ("OUTPUT CURRENT", "3.047", "A", "3.000", "-", "P"),
    ("RIPPLE", "31.0", "mV", "-", "50.0", "P"),
    ("EFFICIENCY", "83.8", "%", "80.0", "-", "P"),
    ("INSULATION RESISTANCE", "498", "MOhm", "100", "-", "P"),
]
TWICE_TAIL = [
    "RETEST REQUESTED BY OPERATOR 114",
    "",
    "010  OUTPUT VOLTAGE              5.087 V         4.900    5.100  P",
    "",
    "AMBIENT TEMPERATURE: 24.9 °C",
    "OVERALL RESULT: PASS",
]
RETEST = Report(
    number="ATE-07-000322",
    product="PS-0503",
    serial="KP05-002592",
    date="2024-04-02",
    shown_date="2024-04-02",
    result="passed",
    shown_result="PASS",
    values={
        "output_current": M("3.047", "A"),
        "ripple": M("31.0", "mV"),
        "efficiency": M("83.8", "%"),
        "insulation_resistance": M("498", "MOhm"),
    },
    ambient=M("24.9", "°C"),
)


def _burn_in_log() -> list[tuple[str, ...]]:
    """A reading each hour; the figures wander as a real supply's do."""
    rows: list[tuple[str, ...]] = []
    for hour in range(97):
        drift = (hour * 37 % 11 - 5) * 0.004 + hour * 0.0003
        remark = {0: "start", 24: "day 2", 48: "day 3", 61: "mains dip", 72: "day 4", 96: "end"}
        rows.append(
            (
                str(hour),
                f"{229.5 + hour * 13 % 17 / 10:.1f}",
                f"{0.571 + hour * 7 % 9 / 1000:.3f}",
                f"{24.05 + drift:.3f}",
                f"{24.04 - drift:.3f}",
                remark.get(hour, ""),
            )
        )
    return rows


BURN_IN_RESULTS = [
    ("Output voltage", "24.02", "V"),
    ("Output current", "5.01", "A"),
    ("Ripple and noise", "70", "mV"),
    ("Efficiency", "90.8", "%"),
    ("Insulation resistance", "1,250", "MΩ"),
]


def _scan_lines(report: Report) -> list[tuple[float, float, str, float]]:
    texts = [
        ("Wareneingang - Prüfprotokoll".replace("ü", "ue"), 15.0),
        (f"Typ {report.product}", 11.0),
    ]
    texts += [
        (f"Seriennummer {report.serial}", 11),
        ("Ausgangsspannung 24,1 V", 11),
        ("Ergebnis: bestanden", 11),
    ]
    return [(70, 100 + 34 * index, text, size) for index, (text, size) in enumerate(texts)]


def docs() -> list[Doc]:
    """The documents of this part."""
    burn_in_facts = BURN_IN.facts(dict.fromkeys((*BURN_IN.values, "result"), 3))
    burn_in_facts["insulation_resistance"] = fact("1250", "MΩ", printed="1,250", page=3)
    burn_in_facts["operating_temperature"] = None
    retest = RETEST.facts()
    retest["output_voltage"] = ambiguous(fact("5.014", "V"), fact("5.087", "V"))
    return [
        Doc(
            "kps-2405-0117.pdf",
            partial(spec_lists.key_value, report=GOOD),
            "ok",
            "Key-value list with dot leaders; test conditions stand above the results.",
            fields=GOOD.facts(),
        ),
        Doc(
            "kps-2405-0118.pdf",
            partial(spec_lists.key_value, report=HIGH),
            "flagged",
            "Output voltage above tolerance, although the laboratory wrote PASSED.",
            fields=HIGH.facts(),
            verdicts={"output_voltage": "fail"},
        ),
        Doc(
            "kps-2405-0119-protected.pdf",
            partial(spec_lists.key_value, report=LOCKED, password=broken.PASSWORD),
            "failed",
            "Encrypted with a user password.",
            code="document_encrypted",
        ),
        Doc(
            "kps-2405-0120.pdf",
            broken.truncated(partial(spec_lists.key_value, report=CUT), 0.3),
            "failed",
            "Cut off at 30 % of its bytes.",
            code="document_corrupt",
        ),
        Doc(
            "kps-2405-0121.pdf",
            partial(spec_lists.key_value, report=HIDDEN, hidden="24.02 V"),
            "flagged",
            "Invisible text (render mode 3) says 24.02 V; what the page shows is 25.12 V.",
            fields=HIDDEN.facts(),
            verdicts={"output_voltage": "fail"},
        ),
        Doc(
            "Pruefbericht_2023-0442.pdf",
            partial(spec_tables.german, report=GERMAN, rows=GERMAN_ROWS),
            "ok",
            "German bordered table, limits beside actual values; decimal comma, thousands point.",
            fields=GERMAN.facts(),
        ),
        Doc(
            "Pruefbericht_2023-0442_Kopie.pdf",
            partial(broken.copy, source="Pruefbericht_2023-0442.pdf"),
            "ok",
            "Byte-identical copy under another name.",
            fields=GERMAN.facts(),
            duplicate_of="Pruefbericht_2023-0442.pdf",
        ),
        Doc(
            "Pruefbericht_2023-0443.pdf",
            partial(
                spec_tables.german,
                report=MILLIVOLT,
                rows=MILLIVOLT_ROWS,
                remark="Messung mit Vorwiderstand; alle Werte in den angegebenen Einheiten.",
            ),
            "ok",
            "Voltage in mV, ripple in V, insulation in GΩ.",
            fields=MILLIVOLT.facts(),
        ),
        Doc(
            "norrvik-7781.pdf",
            partial(spec_lists.sidebar, report=NEAR, labels=NEAR_LABELS),
            "flagged",
            "Letterhead with sidebar, labels above values; output voltage just inside the limit.",
            fields=NEAR.facts(),
            verdicts={"output_voltage": "marginal"},
        ),
        Doc(
            "ate_log_000318.pdf",
            partial(
                spec_lists.test_log,
                head=_log_head(LOG.number, LOG.serial, "09:41"),
                lines=_log_lines(
                    LOG_ROWS, ["AMBIENT TEMPERATURE: 24.6 °C", "OVERALL RESULT: PASS"]
                ),
            ),
            "ok",
            "Typewriter print-out of a test station: result, unit and limits in columns.",
            fields=LOG.facts(),
        ),
        Doc(
            "ate_log_000322.pdf",
            partial(
                spec_lists.test_log,
                head=_log_head(RETEST.number, RETEST.serial, "10:17"),
                lines=_log_lines(TWICE, TWICE_TAIL),
            ),
            "flagged",
            "Output voltage measured twice with different results: ambiguous.",
            fields=retest,
            verdicts={"output_voltage": "not_comparable"},
        ),
        Doc(
            "burn-in-0033.pdf",
            partial(
                spec_tables.burn_in, report=BURN_IN, log=_burn_in_log(), results=BURN_IN_RESULTS
            ),
            "ok",
            "A log of 97 rows over three pages, head repeated; the results stand at the end.",
            fields=burn_in_facts,
        ),
        Doc(
            "scan_20240312.pdf",
            partial(broken.outlined, title="scan", lines=_scan_lines(GERMAN)),
            "failed",
            "Letters are drawn as outlines: there is no text layer.",
            code="document_no_text",
        ),
    ]

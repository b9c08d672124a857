"""The standards the samples are judged against.

Files are the same bytes on every run: openpyxl's clock and zip times are fixed.
"""

import zipfile
from collections.abc import Sequence
from datetime import datetime
from importlib import import_module
from io import BytesIO
from pathlib import Path
from typing import Any

from grades import GRADES

_openpyxl: Any = import_module("openpyxl")
_styles: Any = import_module("openpyxl.styles")
_DAY = datetime(2024, 6, 3, 8, 0, 0)  # noqa: DTZ001  xlsx knows no zones

HEAD = ("product", "parameter", "min", "max", "nominal", "tolerance", "unit", "clause", "condition")
Row = tuple[str, str, float | None, float | None, float | None, str | None, str, str, str | None]
LIMITS: Sequence[Row] = (
    ("*", "insulation_resistance", 100, None, None, None, "MΩ", "4.3", None),
    ("PS-2405", "output_voltage", None, None, 24, "±2 %", "V", "5.1.1", None),
    ("PS-2405", "output_current", 4.9, None, None, None, "A", "5.1.2", None),
    ("PS-2405", "ripple", None, 120, None, None, "mV", "5.1.3", None),
    ("PS-2405", "efficiency", 88, None, None, None, "%", "5.1.4", "ambient_temperature <= 40 °C"),
    ("PS-2405", "efficiency", 86, None, None, None, "%", "5.1.4", "ambient_temperature > 40 °C"),
    ("PS-0503", "output_voltage", None, None, 5, "±2 %", "V", "5.2.1", None),
    ("PS-0503", "output_current", 2.9, None, None, None, "A", "5.2.2", None),
    ("PS-0503", "ripple", None, 50, None, None, "mV", "5.2.3", None),
    ("PS-0503", "efficiency", 80, None, None, None, "%", "5.2.4", None),
    ("DM-40", "speed", None, None, 3200, "±5 %", "rpm", "6.1.1", None),
    ("DM-40", "torque", 0.18, None, None, None, "N·m", "6.1.2", None),
    ("DM-40", "winding_resistance", None, None, 1.85, "±8 %", "Ω", "6.1.3", None),
    ("DM-40", "shaft_diameter", None, None, 6, "h7", "mm", "6.1.4", None),
    ("DM-40", "mass", None, 0.48, None, None, "kg", "6.1.5", None),
    ("BL-57", "speed", None, None, 4000, "±5 %", "rpm", "6.2.1", None),
    ("BL-57", "torque", 0.42, None, None, None, "N·m", "6.2.2", None),
    ("BL-57", "winding_resistance", None, None, 0.62, "±0.05 Ω", "Ω", "6.2.3", None),
    ("BL-57", "shaft_diameter", None, None, 8, "h7", "mm", "6.2.4", None),
    ("BL-57", "mass", None, 1.2, None, None, "kg", "6.2.5", None),
    ("PT-10", "sensitivity", None, None, 2, "±1 %", "mV/V", "7.1.1", None),
    ("PT-10", "linearity_error", None, 0.25, None, None, "%", "7.1.2", None),
    ("PT-10", "supply_current", None, 25, None, None, "mA", "7.1.3", None),
    ("TS-100", "element_resistance", None, None, 100, "±0.12 Ω", "Ω", "7.2.1", None),
    ("TS-100", "response_time", None, 8, None, None, "s", "7.2.2", None),
)
INFO = (
    ("Standard", "WN 4711 Drives, supplies and sensors"),
    ("Version", "2024-06"),
    ("Valid from", "2024-06-03"),
    ("Owner", "Quality department"),
    ("Note", "Works standard of an invented company, made for the sample documents."),
)


def write_standard(path: Path) -> None:
    """Write the works standard: sheet `Limits`, a row per demand; sheet `Info` with the version."""
    book: Any = _openpyxl.Workbook()
    limits = book.active
    limits.title = "Limits"
    _fill(limits, [HEAD, *LIMITS], widths=(12, 24, 9, 9, 10, 11, 9, 9, 32))
    limits.freeze_panes = "A2"
    limits.auto_filter.ref = f"A1:I{len(LIMITS) + 1}"
    _fill(book.create_sheet("Info"), INFO, widths=(14, 70), bold_row=False)
    book.properties.creator = "sample_data/make"
    book.properties.created = book.properties.modified = _DAY
    _save(book, path)


def _fill(
    sheet: Any, rows: Sequence[Sequence[object]], *, widths: Sequence[int], bold_row: bool = True
) -> None:
    for row in rows:
        sheet.append(row)
    for cell in sheet[1] if bold_row else sheet["A"]:
        cell.font = _styles.Font(bold=True)
        if bold_row:
            cell.fill = _styles.PatternFill("solid", fgColor="DCE6F1")
    for index, width in enumerate(widths):
        sheet.column_dimensions["ABCDEFGHI"[index]].width = width


def _save(book: Any, path: Path) -> None:
    """Save without a trace of the clock: openpyxl stamps the time of saving into file and zip."""
    raw = BytesIO()
    book.save(raw)
    stamp = book.properties.modified.strftime("%Y-%m-%dT%H:%M:%SZ").encode()
    fixed = _DAY.strftime("%Y-%m-%dT%H:%M:%SZ").encode()
    with zipfile.ZipFile(raw) as source, zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as target:
        for name in source.namelist():
            entry = zipfile.ZipInfo(name, date_time=_DAY.timetuple()[:6])
            target.writestr(entry, source.read(name).replace(stamp, fixed))


def write_limits(path: Path) -> None:
    """Write the limits per steel grade as csv, a row per demand."""
    lines = ["grade,parameter,min,max,unit,clause,condition"]
    for grade, limits in GRADES.items():
        lines += [",".join((grade, *limit)) for limit in limits]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


APPROVALS = """\
# Up to which total an invoice may be paid without a second signature; a row per currency.
- {currency: EUR, parameter: total, max: 25000, clause: "4.2"}
- {currency: GBP, parameter: total, max: 20000, clause: "4.2"}
- {currency: CHF, parameter: total, max: 25000, clause: "4.2"}
- {currency: USD, parameter: total, max: 25000, clause: "4.2"}
- {currency: SEK, parameter: total, max: 250000, clause: "4.2"}
# Rates of value added tax that occur in any country we buy from.
- {currency: "*", parameter: tax_rate, min: 0, max: 27, unit: "%", clause: "2.1"}
"""


def write_approvals(path: Path) -> None:
    """Write the limits of approval as yaml, a row per demand."""
    path.write_text(APPROVALS, encoding="utf-8")

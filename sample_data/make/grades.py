"""Limits per steel grade, after EN 10025-2, EN 10028-2, EN ISO 683-2 and EN 10088-2, simplified.

A row is parameter, min, max, unit, clause, condition; `T` stands for the thickness of the product.
"""

from typing import NamedTuple


class Limit(NamedTuple):
    """One demand on a grade."""

    parameter: str
    min: str
    max: str
    unit: str
    clause: str
    condition: str = ""


def _analysis(clause: str, **limits: str) -> list[Limit]:
    """Limits of the heat analysis: `"0.17"` is a maximum, `"0.38-0.45"` both."""
    rows: list[Limit] = []
    for element, text in limits.items():
        low, dash, high = text.partition("-")
        rows.append(Limit(element, low if dash else "", high if dash else low, "%", clause))
    return rows


def _by_thickness(
    parameter: str, unit: str, clause: str, *steps: tuple[str, str, str]
) -> list[Limit]:
    """Minimum, or range, by thickness: (above mm, up to mm, limit)."""
    rows: list[Limit] = []
    for above, up_to, text in steps:
        low, dash, high = text.partition("-")
        parts = [f"thickness > {above} mm"] if above else []
        parts += [f"thickness <= {up_to} mm"]
        rows.append(Limit(parameter, low, high if dash else "", unit, clause, " and ".join(parts)))
    return rows


GRADES: dict[str, list[Limit]] = {
    "S235JR": [
        *_by_thickness("c", "%", "EN 10025-2 table 2", ("", "40", "-0.17"), ("40", "100", "-0.20")),
        *_analysis("EN 10025-2 table 2", mn="1.40", p="0.035", s="0.035", n="0.012", cu="0.55"),
        *_by_thickness(
            "cev", "%", "EN 10025-2 table 6", ("", "40", "-0.35"), ("40", "100", "-0.38")
        ),
        *_by_thickness(
            "yield_strength",
            "MPa",
            "EN 10025-2 table 7",
            ("", "16", "235"),
            ("16", "40", "225"),
            ("40", "100", "215"),
        ),
        *_by_thickness("tensile_strength", "MPa", "EN 10025-2 table 7", ("3", "100", "360-510")),
        *_by_thickness(
            "elongation", "%", "EN 10025-2 table 7", ("3", "40", "26"), ("40", "63", "25")
        ),
        Limit("impact_energy", "27", "", "J", "EN 10025-2 table 9", "impact_temperature <= 20 °C"),
    ],
    "S355J2": [
        *_by_thickness("c", "%", "EN 10025-2 table 2", ("", "40", "-0.20"), ("40", "100", "-0.22")),
        *_analysis("EN 10025-2 table 2", si="0.55", mn="1.60", p="0.025", s="0.025", cu="0.55"),
        *_by_thickness(
            "cev", "%", "EN 10025-2 table 6", ("", "30", "-0.45"), ("30", "150", "-0.47")
        ),
        *_by_thickness(
            "yield_strength",
            "MPa",
            "EN 10025-2 table 7",
            ("", "16", "355"),
            ("16", "40", "345"),
            ("40", "63", "335"),
            ("63", "80", "325"),
        ),
        *_by_thickness("tensile_strength", "MPa", "EN 10025-2 table 7", ("3", "100", "470-630")),
        *_by_thickness(
            "elongation", "%", "EN 10025-2 table 7", ("3", "40", "22"), ("40", "63", "21")
        ),
        Limit("impact_energy", "27", "", "J", "EN 10025-2 table 9", "impact_temperature <= -20 °C"),
    ],
    "P265GH": [
        *_analysis(
            "EN 10028-2 table 1",
            c="0.20",
            si="0.40",
            mn="0.80-1.40",
            p="0.025",
            s="0.010",
            n="0.012",
            cr="0.30",
            cu="0.30",
            mo="0.08",
            ni="0.30",
        ),
        Limit("al", "0.020", "", "%", "EN 10028-2 table 1"),
        *_by_thickness(
            "yield_strength",
            "MPa",
            "EN 10028-2 table 3",
            ("", "16", "265"),
            ("16", "40", "255"),
            ("40", "60", "245"),
        ),
        *_by_thickness("tensile_strength", "MPa", "EN 10028-2 table 3", ("", "60", "410-530")),
        *_by_thickness("elongation", "%", "EN 10028-2 table 3", ("", "60", "22")),
        Limit("impact_energy", "34", "", "J", "EN 10028-2 table 4", "impact_temperature <= 0 °C"),
    ],
    "42CrMo4": [
        *_analysis(
            "EN ISO 683-2 table 3",
            c="0.38-0.45",
            si="0.10-0.40",
            mn="0.60-0.90",
            p="0.025",
            s="0.035",
            cr="0.90-1.20",
            mo="0.15-0.30",
            cu="0.40",
        ),
        *_by_thickness(
            "yield_strength",
            "MPa",
            "EN ISO 683-2 table 9",
            ("", "16", "900"),
            ("16", "40", "750"),
            ("40", "100", "650"),
        ),
        *_by_thickness(
            "tensile_strength",
            "MPa",
            "EN ISO 683-2 table 9",
            ("", "16", "1100-1300"),
            ("16", "40", "1000-1200"),
            ("40", "100", "900-1100"),
        ),
        *_by_thickness(
            "elongation",
            "%",
            "EN ISO 683-2 table 9",
            ("", "16", "10"),
            ("16", "40", "11"),
            ("40", "100", "12"),
        ),
        *_by_thickness("impact_energy", "J", "EN ISO 683-2 table 9", ("16", "100", "35")),
    ],
    "X5CrNi18-10": [
        *_analysis(
            "EN 10088-2 table 1",
            c="0.07",
            si="1.00",
            mn="2.00",
            p="0.045",
            s="0.015",
            n="0.10",
            cr="17.5-19.5",
            ni="8.0-10.5",
        ),
        Limit("yield_strength", "210", "", "MPa", "EN 10088-2 table 7"),
        Limit("tensile_strength", "520", "720", "MPa", "EN 10088-2 table 7"),
        Limit("elongation", "45", "", "%", "EN 10088-2 table 7"),
    ],
}

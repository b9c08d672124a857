"""ISO 286 tolerance classes (`h7`, `H7`, `k6`, `js9`) as deviations from the nominal size.

Facts from ISO 286-1:2010, tables 1 to 3: standard tolerance grades IT4 to IT14, fundamental
deviations for nominal sizes up to 500 mm. No parsing of quantities here.
"""

import re
from bisect import bisect_left
from decimal import Decimal
from typing import NamedTuple

from docmill.quantities.model import QuantityError

FIT = re.compile(r"(js|JS|[d-hkmnprs]|[D-HKMNPRS])(1[0-4]|[5-9])")

STEPS = (3, 6, 10, 18, 30, 50, 80, 120, 180, 250, 315, 400, 500)
"""Nominal sizes in mm, above the one before up to and including this one."""
GRADES: dict[int, tuple[int, ...]] = {
    4: (3, 4, 4, 5, 6, 7, 8, 10, 12, 14, 16, 18, 20),
    5: (4, 5, 6, 8, 9, 11, 13, 15, 18, 20, 23, 25, 27),
    6: (6, 8, 9, 11, 13, 16, 19, 22, 25, 29, 32, 36, 40),
    7: (10, 12, 15, 18, 21, 25, 30, 35, 40, 46, 52, 57, 63),
    8: (14, 18, 22, 27, 33, 39, 46, 54, 63, 72, 81, 89, 97),
    9: (25, 30, 36, 43, 52, 62, 74, 87, 100, 115, 130, 140, 155),
    10: (40, 48, 58, 70, 84, 100, 120, 140, 160, 185, 210, 230, 250),
    11: (60, 75, 90, 110, 130, 160, 190, 220, 250, 290, 320, 360, 400),
    12: (100, 120, 150, 180, 210, 250, 300, 350, 400, 460, 520, 570, 630),
    13: (140, 180, 220, 270, 330, 390, 460, 540, 630, 720, 810, 890, 970),
    14: (250, 300, 360, 430, 520, 620, 740, 870, 1000, 1150, 1300, 1400, 1550),
}
"""Standard tolerances in µm."""
UPPER: dict[str, tuple[int, ...]] = {
    "d": (20, 30, 40, 50, 65, 80, 100, 120, 145, 170, 190, 210, 230),
    "e": (14, 20, 25, 32, 40, 50, 60, 72, 85, 100, 110, 125, 135),
    "f": (6, 10, 13, 16, 20, 25, 30, 36, 43, 50, 56, 62, 68),
    "g": (2, 4, 5, 6, 7, 9, 10, 12, 14, 15, 17, 18, 20),
    "h": (0,) * 13,
}
"""Amount in µm by which the upper deviation of a shaft lies below nominal."""
LOWER: dict[str, tuple[int, ...]] = {
    "k": (0, 1, 1, 1, 2, 2, 2, 3, 3, 4, 4, 4, 5),
    "m": (2, 4, 6, 7, 8, 9, 11, 13, 15, 17, 20, 21, 23),
    "n": (4, 8, 10, 12, 15, 17, 20, 23, 27, 31, 34, 37, 40),
    "p": (6, 12, 15, 18, 22, 26, 32, 37, 43, 50, 56, 62, 68),
}
"""Amount in µm by which the lower deviation of a shaft lies above nominal; `k` for IT4 to IT7."""
FINE_STEPS = (3, 6, 10, 18, 30, 50, 65, 80, 100, 120, 140, 160, 180, 200, 225, 250, 280, 315, 355,
              400, 450, 500)  # fmt: skip
FINE_LOWER: dict[str, tuple[int, ...]] = {
    "r": (10, 15, 19, 23, 28, 34, 41, 43, 51, 54, 63, 65, 68, 77, 80, 84, 94, 98, 108, 114, 126,
          132),
    "s": (14, 19, 23, 28, 35, 43, 53, 59, 71, 79, 92, 100, 108, 122, 130, 140, 158, 170, 190, 208,
          232, 252),
}  # fmt: skip


class Deviations(NamedTuple):
    """Lower and upper deviation from the nominal size in mm, with sign."""

    lower: Decimal
    upper: Decimal


def fit_deviations(nominal: Decimal, fit: str) -> Deviations:
    """Deviations in mm of a tolerance class for a nominal size in mm (ISO 286-1:2010).

    Small letters are shafts, capitals holes. `js` is taken as exactly half the grade either way.

    Raises:
        QuantityError: `fit_unknown`: a class or size outside the tables.
    """
    match = FIT.fullmatch(fit)
    if match is None:
        raise QuantityError("fit_unknown", f"{fit!r} is not a known ISO 286 tolerance class")
    if not 0 < nominal <= 500:
        raise QuantityError("fit_unknown", f"ISO 286 class {fit!r} needs a size up to 500 mm")
    letter, grade = match[1], int(match[2])
    step = bisect_left(STEPS, nominal)
    width = Decimal(GRADES[grade][step])
    if letter in ("js", "JS"):
        return _in_mm(-width / 2, width / 2)
    if letter.islower():
        lower = _shaft_lower(letter, grade, nominal, step)
        return _in_mm(lower, lower + width)
    upper = _hole_upper(letter, grade, nominal, step)
    return _in_mm(upper - width, upper)


def _shaft_lower(letter: str, grade: int, nominal: Decimal, step: int) -> Decimal:
    if letter in UPPER:
        return Decimal(-UPPER[letter][step] - GRADES[grade][step])
    if letter == "k" and grade > 7:
        return Decimal(0)
    return Decimal(_lower(letter, nominal, step))


def _lower(letter: str, nominal: Decimal, step: int) -> int:
    if letter in FINE_LOWER:
        return FINE_LOWER[letter][bisect_left(FINE_STEPS, nominal)]
    return LOWER[letter][step]


def _hole_upper(letter: str, grade: int, nominal: Decimal, step: int) -> Decimal:
    """Upper deviation of a hole; fine holes K to S are shifted by the standard's Δ."""
    small = letter.lower()
    if small in UPPER:
        return Decimal(UPPER[small][step] + GRADES[grade][step])
    if letter == "K" and grade > 8:
        raise QuantityError("fit_unknown", "ISO 286 has no general class K above IT8")
    if letter == "N" and grade > 8 and step > 0:
        return Decimal(0)
    if letter == "M" and grade == 6 and step == 10:
        return Decimal(-9)  # a special case of the standard, 250 mm to 315 mm
    last_with_delta = 8 if letter in "KMN" else 7
    delta = (
        GRADES[grade][step] - GRADES[grade - 1][step] if step and grade <= last_with_delta else 0
    )
    return Decimal(delta - _lower(small, nominal, step))


def _in_mm(lower: Decimal, upper: Decimal) -> Deviations:
    return Deviations(lower / 1000, upper / 1000)

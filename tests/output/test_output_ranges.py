"""Grounding of ranges: the whole statement, or numbers in columns that say what they are."""

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.output.conftest import Checker

TABLE = "Parameter  Min  Typ  Max  Unit\nSupply     3.0  3.3  3.6  V"


def ends(low: object = None, typ: object = None, high: object = None) -> dict[str, Any]:
    return {"min": low, "typ": typ, "max": high}


@pytest.mark.parametrize(
    ("page", "unit", "value", "quote"),
    [
        ("T −40 to +85 °C", "°C", ends(-40, None, 85), "−40 to +85 °C"),
        ("T -55 °C ≤ TJ ≤ +150 °C", "°C", ends(-55, None, 150), "-55 °C ≤ TJ ≤ +150 °C"),
        ("I max. 12 mA", "mA", ends(None, None, 12), "max. 12 mA"),
        ("I max. 12 mA", "mA", ends(None, None, 12), "12 mA"),
        ("Re ≥ 235 MPa", "MPa", ends(235), "≥ 235 MPa"),
        ("U 3.3 V ± 0.1 V", "V", ends("3.2", "3.3", "3.4"), "3.3 V ± 0.1 V"),
        ("U 3.3 V ± 0.1 V", "V", ends("3.2", None, "3.4"), "3.3 V ± 0.1 V"),
        (TABLE, "V", ends("3.0", "3.3", "3.6"), "3.0 3.3 3.6 V"),
        (TABLE, "V", ends(None, None, "3.6"), "3.6 V"),
        ("Limits 3.0  3.6  V", "V", ends("3.0", None, "3.6"), "3.0 3.6 V"),
        ("Maximum U  3.6 V", "V", ends(None, None, "3.6"), "Maximum U 3.6 V"),
        ("T −40 to\n+85 °C", "°C", ends(-40, None, 85), "−40 to +85 °C"),
    ],
)
async def test_a_stated_range_is_verified(
    checker: "Checker", page: str, unit: str, value: dict[str, Any], quote: str
) -> None:
    """Intervals, bounds, tolerances and min/typ/max columns are ranges."""
    checked = await checker.value(page, {"type": "range", "unit": unit}, value, quote, unit=unit)
    assert (checked.status, checked.code) == ("verified", "")


@pytest.mark.parametrize(
    ("page", "value", "quote", "code"),
    [
        ("U 3.0 to 3.6 V", ends("3.0", None, "3.5"), "3.0 to 3.6 V", "number_differs"),
        ("U max. 3.6 V", ends("3.6"), "max. 3.6 V", "range_not_stated"),
        ("U 3.6 V", ends(None, None, "3.6"), "3.6 V", "range_not_stated"),
        (TABLE, ends("3.0", None, "3.3"), "3.0 3.3 3.6 V", "wrong_column"),
        ("U 3.0  3.3  3.6 V", ends("3.0", None, "3.3"), "3.0 3.3 3.6 V", "range_not_stated"),
        ("U 3.0 to 3.6 mV", ends("3.0", None, "3.6"), "3.0 to 3.6 mV", "number_differs"),
        ("U 3.0 to 3.6", ends("3.0", None, "3.6"), "3.0 to 3.6", "unit_not_found"),
    ],
)
async def test_a_range_nobody_stated_is_not(
    checker: "Checker", page: str, value: dict[str, Any], quote: str, code: str
) -> None:
    """Another end, a bound the wrong way round, or numbers without a word which is which."""
    checked = await checker.value(page, {"type": "range", "unit": "V"}, value, quote, unit="V")
    assert (checked.status, checked.code) == ("unverified", code)

"""Units: spellings, exact conversion, and what must never convert."""

import subprocess
import sys
from decimal import Decimal

import pytest

from docmill.quantities import IncompatibleUnits, canonical_unit, compatible, convert


@pytest.mark.parametrize(
    ("printed", "canonical"),
    [
        ("N/mm2", "N/mm²"), ("N / mm²", "N/mm²"), ("uA", "µA"), ("μA", "µA"), ("kOhm", "kΩ"),
        ("kΩ", "kΩ"), ("MOhm", "MΩ"), ("mohm", "mΩ"), ("m·s⁻¹", "m/s"), ("min⁻¹", "1/min"),
        ("rpm", "1/min"), ("W/mK", "W/(m·K)"), ("W/(m·K)", "W/(m·K)"), ("[%]", "%"),
        ("(MPa)", "MPa"),
        ("Stk.", "pcs"), ("€", "EUR"), ("US$", "USD"), ("Nm", "N·m"), ("kN*m", "kN·m"),
        ("l/min", "L/min"),
        ("HBW 2,5/187,5", "HBW2.5/187.5"), ("degC", "°C"), ("º C", "°C"), ("ppm/°C", "ppm/°C"),
        ("J/cm2", "J/cm²"), ("inch", "in"), ("Zoll", "in"), ("mm^2", "mm²"), ("EUR/kg", "EUR/kg"),
        ("Gew.-%", "%"), ("Vol.-%", "vol%"), ("1/K", "1/K"), ("kV·A", "kVA"),
    ],
)  # fmt: skip
def test_one_spelling_for_each_unit(printed: str, canonical: str) -> None:
    """However a unit is printed, it has one canonical spelling, which stays itself."""
    assert canonical_unit(printed) == canonical
    assert canonical_unit(canonical) == canonical


@pytest.mark.parametrize(
    "printed",
    ["C", "F", "B", "foo", "", "K2", "W/m·K·s", "mpa", "MA", "m/s/s", "V/V", "x" * 60, "1/", "/K",
    "G"],
)  # fmt: skip
def test_what_is_not_on_the_list_is_no_unit(printed: str) -> None:
    """Unknown words, and letters that could be anything, are not guessed at."""
    assert canonical_unit(printed) is None


@pytest.mark.parametrize(
    ("value", "from_", "to", "result"),
    [
        ("235", "N/mm²", "MPa", "235"), ("25.4", "mm", "in", "1"), ("100", "°C", "°F", "212"),
        ("212", "°F", "°C", "100"), ("-40", "°C", "°F", "-40"), ("20", "°C", "K", "293.15"),
        ("1.5", "°C/W", "K/W", "1.5"), ("9", "°F/W", "K/W", "5"), ("0.5", "%", "ppm", "5000"),
        ("1", "kWh", "MJ", "3.6"), ("1", "bar", "MPa", "0.1"), ("36", "km/h", "m/s", "10"),
        ("210", "HV10", "HV", "210"), ("60", "1/min", "Hz", "1"), ("3", "EUR/kg", "EUR/t", "3000"),
        ("1", "lbf·ft", "N·m", "1.3558179483314004"), ("1", "ft-lb", "N·m", "1.3558179483314004"),
        ("10", "ft·lbf", "J", "13.558179483314004"),
        ("1.3558179483314004", "N·m", "lbf·ft", "1"), ("36", "ksi", "psi", "36000"),
        ("300", "mK", "°C", "-272.85"),
        ("1", "MiB", "bit", "8388608"), ("1", "J/cm²", "kJ/m²", "10"),
        ("2", "mV/V", "µV/V", "2000"),
    ],
)  # fmt: skip
def test_conversion_is_exact(value: str, from_: str, to: str, result: str) -> None:
    """Factors are exact by definition, offsets of temperatures included."""
    assert convert(Decimal(value), from_, to) == Decimal(result)


def test_a_difference_of_temperatures_has_no_offset() -> None:
    """A tolerance of 5 °C is 5 K and 9 °F."""
    assert convert(Decimal(5), "°C", "K", difference=True) == 5
    assert convert(Decimal(5), "°C", "°F", difference=True) == 9


@pytest.mark.parametrize(
    ("from_", "to"),
    [
        ("N·m", "J"), ("EUR", "USD"), ("$", "USD"), ("HV", "HV10"), ("HV10", "HBW"), ("VA", "W"),
        ("dBm", "dB"), ("°C", "V"), ("V", "°C"), ("vol%", "%"), ("Bq", "Hz"), ("Sv", "Gy"),
        ("lm", "cd"), ("Vpp", "V"), ("°/s", "1/min"), ("%", "nonsense"), ("nonsense", "%"),
        ("K", "ppm/K"), ("J", "°F"), ("mV/V", "mm/m"),
    ],
)  # fmt: skip
def test_different_quantities_never_convert(from_: str, to: str) -> None:
    """Same dimension is not enough: torque is no energy, apparent power no power."""
    with pytest.raises(IncompatibleUnits):
        convert(Decimal(1), from_, to)
    assert not compatible(from_, to)


def test_pint_is_loaded_only_when_units_differ() -> None:
    """Reading quantities costs no import of pint."""
    code = (
        "import sys; from docmill.quantities import parse_quantity; parse_quantity('5 V');"
        "sys.exit('pint' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0

"""The whitelist of units as data: symbols, prefixes, definitions, spellings.

Factors are exact by definition (SI brochure 2019, NIST SP 811, ISO 80000). A unit that isn't here
isn't read at all. Nothing here computes; `units` spells and `convert` converts.
"""

from typing import NamedTuple

PREFIXES = {
    "p": "1E-12", "n": "1E-9", "µ": "1E-6", "m": "1E-3", "c": "0.01", "d": "0.1", "h": "100",
    "k": "1E3", "M": "1E6", "G": "1E9", "T": "1E12", "Ki": "1024", "Mi": "1048576",
    "Gi": "1073741824",
}  # fmt: skip


class Base(NamedTuple):
    """A unit as `factor` times other units; a new dimension of its own where `factor` is empty."""

    prefixes: str
    """Allowed prefixes, separated by spaces."""
    factor: str = ""
    of: str = ""
    """Expression over `u_…` names of other bases, pint syntax."""


BASES: dict[str, Base] = {
    "m": Base("p n µ m c d k"),
    "g": Base("n µ m k"),
    "s": Base("p n µ m"),
    "A": Base("p n µ m k"),
    "K": Base("m"),
    "mol": Base("µ m k"),
    "cd": Base("m"),
    "ratio": Base(""),
    "rad": Base("µ m"),
    "bit": Base("k M G"),
    "t": Base("k", "1000000", "g"),
    "min": Base("", "60", "s"),
    "h": Base("", "3600", "s"),
    "d": Base("", "86400", "s"),
    "Hz": Base("m k M G T", "1", "1 / s"),
    "N": Base("µ m k M", "1000", "g * m / s ** 2"),
    "Pa": Base("m h k M G", "1", "N / m ** 2"),
    "J": Base("µ m k M G", "1", "N * m"),
    "W": Base("p n µ m k M G", "1", "J / s"),
    "V": Base("n µ m k M", "1", "W / A"),
    "Ω": Base("µ m k M G T", "1", "V / A"),
    "S": Base("n µ m", "1", "A / V"),
    "C": Base("p n µ m", "1", "A * s"),
    "F": Base("p n µ m", "1", "C / V"),
    "H": Base("n µ m", "1", "V * s / A"),
    "Wb": Base("µ m", "1", "V * s"),
    "T": Base("n µ m", "1", "Wb / m ** 2"),
    "L": Base("µ m c d h", "0.001", "m ** 3"),
    "eV": Base("m k M G", "1.602176634E-19", "J"),
    "Wh": Base("m k M G", "3600", "J"),
    "Ah": Base("µ m k", "3600", "C"),
    "bar": Base("µ m k", "100000", "Pa"),
    "psi": Base("", "6894.757293168361", "Pa"),
    "ksi": Base("", "1000", "psi"),
    "atm": Base("", "101325", "Pa"),
    "mmHg": Base("", "133.322387415", "Pa"),
    "Torr": Base("m", "133.3223684210526315789", "Pa"),
    "St": Base("c", "0.0001", "m ** 2 / s"),
    "P": Base("c m", "0.1", "Pa * s"),
    "Gs": Base("m k", "0.0001", "T"),
    "in": Base("", "0.0254", "m"),
    "ft": Base("", "0.3048", "m"),
    "yd": Base("", "0.9144", "m"),
    "mil": Base("", "0.0000254", "m"),
    "lb": Base("", "453.59237", "g"),
    "oz": Base("", "28.349523125", "g"),
    "lbf": Base("", "4.4482216152605", "N"),
    "kgf": Base("", "9.80665", "N"),
    "%": Base("", "0.01", "ratio"),
    "‰": Base("", "0.001", "ratio"),
    "ppm": Base("", "1E-6", "ratio"),
    "ppb": Base("", "1E-9", "ratio"),
    "°": Base("", "0.0174532925199432957692369076848861", "rad"),
    "B": Base("k M G T Ki Mi Gi", "8", "bit"),
    # Same dimension as another unit, but another quantity: kept apart so that they never convert.
    "N·m": Base("µ m c k M"),
    "lbf·ft": Base("", "1.3558179483314004", "N·m"),
    "lbf·in": Base("", "0.1129848290276167", "N·m"),
    "ft·lbf": Base("", "1.3558179483314004", "J"),
    "in·lbf": Base("", "0.1129848290276167", "J"),
    "kgf·m": Base("", "9.80665", "N·m"),
    "N·mm": Base("", "0.001", "N·m"),
    "N·cm": Base("", "0.01", "N·m"),
    "VA": Base("m k M"),
    "var": Base("k M"),
    "lm": Base("k"),
    "lx": Base("m k", "1", "lm / m ** 2"),
    "Sv": Base("n µ m"),
    "Gy": Base("µ m"),
    "Bq": Base("m k M G"),
    "Vpp": Base("µ m k"),
    "vol%": Base(""),
    "%RH": Base(""),
    "LSB": Base(""),
    "pcs": Base(""),
    "month": Base(""),
    "yr": Base(""),
    "dB": Base(""), "dBm": Base(""), "dBV": Base(""), "dBµV": Base(""), "dB(A)": Base(""),
    "dBi": Base(""), "dBc": Base(""),
    "HB": Base(""), "HRA": Base(""), "HRB": Base(""), "HRC": Base(""), "HRD": Base(""),
    "HRE": Base(""), "HRF": Base(""), "Shore A": Base(""), "Shore D": Base(""),
    "$": Base(""), "¥": Base(""), "kr": Base(""),
}  # fmt: skip
"""Symbols without prefix; `C`, `F` and `G` alone are never read: degree, farad or a letter."""

CURRENCIES = [
    "EUR", "USD", "GBP", "CHF", "JPY", "CNY", "AUD", "CAD", "NZD", "HKD", "SGD", "SEK", "NOK",
    "DKK", "ISK", "PLN", "CZK", "HUF", "RON", "BGN", "UAH", "RUB", "TRY", "ILS", "INR", "BRL",
    "MXN", "ARS", "CLP", "COP", "ZAR", "EGP", "AED", "SAR", "QAR", "KRW", "TWD", "THB", "IDR",
    "MYR", "PHP", "VND",
]  # fmt: skip

NEVER_ALONE = {"C", "F", "Gs", "ratio", "B", "P", "St"}

HARDNESS = ("HV", "HBW", "HBS", "HK")
"""Scales whose symbol may carry the test load: `HV10`, `HBW 2,5/187,5`."""

EXACT_SPELLINGS = {
    "℃": "°C", "ºC": "°C", "˚C": "°C", "° C": "°C", "º C": "°C", "˚ C": "°C", "degC": "°C",
    "deg C": "°C", "deg. C": "°C", "deg.C": "°C", "℉": "°F", "° F": "°F", "degF": "°F", "ºF": "°F",
    "deg F": "°F", "deg": "°", "º": "°", "˚": "°",
    "''": "in", '"': "in", "″": "in", "”": "in", "in.": "in", "mils": "mil",
    "l": "L", "ml": "mL", "µl": "µL", "dl": "dL", "cl": "cL", "hl": "hL",
    "msec": "ms", "usec": "µs", "µsec": "µs", "nsec": "ns",
    "sec": "s", "sec.": "s", "min.": "min", "hr": "h", "hrs": "h", "Std": "h", "Std.": "h",
    "kpsi": "ksi", "KSI": "ksi", "PSI": "psi",
    "Mpa": "MPa", "MPA": "MPa", "KPa": "kPa", "Kpa": "kPa", "KPA": "kPa", "Gpa": "GPa",
    "KG": "kg", "Kg": "kg", "KGS": "kg", "kgs": "kg", "MM": "mm", "CM": "cm", "KM": "km",
    "KW": "kW", "Kw": "kW", "KV": "kV", "Kv": "kV", "KN": "kN", "KJ": "kJ", "KHz": "kHz",
    "KHZ": "kHz", "Khz": "kHz", "MHZ": "MHz", "Mhz": "MHz", "GHZ": "GHz", "HZ": "Hz", "kwh": "kWh",
    "KWh": "kWh", "KWH": "kWh", "kVAr": "kvar", "VAr": "var",
    "VDC": "V", "Vdc": "V", "V DC": "V", "VAC": "V", "Vac": "V", "V AC": "V", "Vrms": "V",
    "VRMS": "V", "Vp-p": "Vpp", "VPP": "Vpp", "mVp-p": "mVpp",
    "wt%": "%", "wt.%": "%", "wt.-%": "%", "wt-%": "%", "Gew.-%": "%", "Gew%": "%", "Ma.-%": "%",
    "m%": "%", "% (m/m)": "%", "Vol.-%": "vol%", "Vol%": "vol%", "vol.%": "vol%", "vol.-%": "vol%",
    "% (v/v)": "vol%", "%rF": "%RH", "% rF": "%RH", "% RH": "%RH", "%r.H.": "%RH", "% r.F.": "%RH",
    "rpm": "1/min", "RPM": "1/min", "r/min": "1/min", "rev/min": "1/min", "U/min": "1/min",
    "tr/min": "1/min", "giri/min": "1/min", "obr/min": "1/min", "omw/min": "1/min",
    "min-1": "1/min", "s-1": "1/s", "K-1": "1/K", "bps": "bit/s", "kbps": "kbit/s",
    "Mbps": "Mbit/s", "Gbps": "Gbit/s", "dBA": "dB(A)", "dBuV": "dBµV",
    "kOhm": "kΩ", "kohm": "kΩ", "KOhm": "kΩ", "MOhm": "MΩ", "Mohm": "MΩ", "mOhm": "mΩ",
    "mohm": "mΩ", "GOhm": "GΩ", "V·A": "VA", "kV·A": "kVA", "W·h": "Wh", "kW·h": "kWh",
    "A·h": "Ah", "mA·h": "mAh", "W/mK": "W/(m·K)", "W/m·K": "W/(m·K)", "W/(mK)": "W/(m·K)",
    "J/kgK": "J/(kg·K)", "J/(kgK)": "J/(kg·K)", "J/gK": "J/(g·K)", "W/m²K": "W/(m²·K)",
    "Nm": "N·m", "N m": "N·m", "mNm": "mN·m", "cNm": "cN·m", "kNm": "kN·m", "MNm": "MN·m",
    "Nmm": "N·mm", "Ncm": "N·cm", "ft-lb": "ft·lbf", "ft·lb": "ft·lbf",
    "ft-lbf": "ft·lbf", "ft lbf": "ft·lbf", "ft lb": "ft·lbf", "ft-lbs": "ft·lbf",
    "ft lbs": "ft·lbf", "lb-ft": "lbf·ft", "lbf-ft": "lbf·ft", "lb·ft": "lbf·ft",
    "lb ft": "lbf·ft", "lbf ft": "lbf·ft", "in-lb": "in·lbf", "in·lb": "in·lbf",
    "in-lbf": "in·lbf", "in lbf": "in·lbf", "in-lbs": "in·lbf", "lb-in": "lbf·in",
    "lbf-in": "lbf·in", "lb·in": "lbf·in", "m·N": "N·m",
    "ShA": "Shore A", "ShD": "Shore D", "Shore-A": "Shore A", "Shore-D": "Shore D",
    "sq mm": "mm²", "qmm": "mm²", "ccm": "cm³", "cu m": "m³",
    "€": "EUR", "£": "GBP", "US$": "USD", "A$": "AUD", "AU$": "AUD", "C$": "CAD", "CA$": "CAD",
    "NZ$": "NZD", "HK$": "HKD", "S$": "SGD", "R$": "BRL", "₹": "INR", "₺": "TRY", "₽": "RUB",
    "₩": "KRW", "₴": "UAH", "₪": "ILS", "₫": "VND", "zł": "PLN", "zl": "PLN", "Kč": "CZK",
    "Ft": "HUF", "lei": "RON", "лв": "BGN", "SFr.": "CHF", "SFr": "CHF", "sFr.": "CHF",
}  # fmt: skip
"""Other spellings, exactly as printed, after µ and Ω have been normalised."""

WORD_SPELLINGS = {
    "celsius": "°C", "grad celsius": "°C", "degrees celsius": "°C", "degree celsius": "°C",
    "degrés celsius": "°C", "fahrenheit": "°F", "kelvin": "K", "ohm": "Ω", "ohms": "Ω",
    "percent": "%", "per cent": "%", "prozent": "%", "procent": "%",
    "inch": "in", "inches": "in", "zoll": "in", "foot": "ft", "feet": "ft", "lbs": "lb",
    "meter": "m", "metre": "m", "meters": "m", "metres": "m", "gram": "g", "grams": "g",
    "gramm": "g", "tonne": "t", "tonnes": "t", "tonnen": "t", "liter": "L", "litre": "L",
    "liters": "L", "litres": "L", "volt": "V", "volts": "V", "ampere": "A", "amperes": "A",
    "amp": "A", "amps": "A", "watt": "W", "watts": "W", "newton": "N", "joule": "J", "joules": "J",
    "hertz": "Hz", "pascal": "Pa", "byte": "B", "bytes": "B", "bits": "bit",
    "second": "s", "seconds": "s", "sekunden": "s", "sekunde": "s", "minute": "min",
    "minutes": "min", "minuten": "min", "hour": "h", "hours": "h", "stunde": "h", "stunden": "h",
    "heures": "h", "godz": "h", "godz.": "h", "day": "d", "days": "d", "tag": "d", "tage": "d",
    "jours": "d", "dni": "d", "month": "month", "months": "month", "monat": "month",
    "monate": "month", "mois": "month", "year": "yr", "years": "yr", "jahr": "yr", "jahre": "yr",
    "pc": "pcs", "pcs": "pcs", "pcs.": "pcs", "pc.": "pcs", "piece": "pcs", "pieces": "pcs",
    "stk": "pcs", "stk.": "pcs", "stück": "pcs", "stck": "pcs", "stck.": "pcs", "szt": "pcs",
    "szt.": "pcs", "pz": "pcs", "pz.": "pcs", "pièces": "pcs", "ea": "pcs", "ea.": "pcs",
    "each": "pcs", "euro": "EUR", "euros": "EUR",
}  # fmt: skip
"""Words that stand for a unit whatever their case; never a symbol whose case matters."""

TWINS = {"ft·lbf": "lbf·ft", "in·lbf": "lbf·in", "lbf·ft": "ft·lbf", "lbf·in": "in·lbf"}
"""Energy and torque spelt in either order by different trades; the unit wanted decides."""

DOLLARS = {"USD", "AUD", "CAD", "NZD", "HKD", "SGD", "MXN", "TWD"}
SHARED_SYMBOLS = {"$": DOLLARS, "¥": {"JPY", "CNY"}, "kr": {"SEK", "NOK", "DKK", "ISK"}}
"""Symbols of several currencies; resolved by the unit a field is wanted in, never guessed."""

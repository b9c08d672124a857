"""What the mill certificates of the set `material-certificates` say."""

from collections.abc import Sequence
from dataclasses import replace

from cert_data import Certificate, Heat
from truth import M

BASIC = ("c", "si", "mn", "p", "s", "n", "al", "cu", "cev")
SHORT = ("c", "si", "mn", "p", "s", "n", "cu", "cev")
BOILER = ("c", "si", "mn", "p", "s", "n", "al", "cr", "cu", "mo", "ni")
ALLOYED = ("c", "si", "mn", "p", "s", "cr", "mo", "cu")
STAINLESS = ("c", "si", "mn", "p", "s", "n", "cr", "ni")


def _heat(number: str, elements: Sequence[str], figures: str) -> Heat:
    return Heat(number, dict(zip(elements, figures.split(), strict=True)))


def _tests(values: str, *, unit: str = "MPa", cold: str = "-20") -> dict[str, M]:
    """Yield, tensile, elongation, impact energy at `cold` °C; `-` where not tested."""
    names = ("yield_strength", "tensile_strength", "elongation", "impact_energy")
    units = (unit, unit, "%", "J")
    tests = {
        name: M(value, of)
        for name, value, of in zip(names, values.split(), units, strict=True)
        if value != "-"
    }
    return {**tests, "impact_temperature": M(cold, "°C")}


CODED = Certificate(
    number="RB-2024-10117",
    kind="3.1",
    shown_kind="EN 10204 / 3.1",
    order="4500071182",
    product="Grobblech / Heavy plate",
    grade="S355J2",
    shown_grade="S355J2+N (1.0577)",
    thickness=M("12.0", "mm"),
    heats=[_heat("418823", BASIC, "0.162 0.214 1.418 0.0131 0.0042 0.0058 0.036 0.028 0.41")],
    date="2024-02-14",
    shown_date="14.02.2024",
    mechanical=_tests("392 541 27.5 87"),
    singles=("91", "84", "86"),
    locale="de",
)
# 353 MPa is enough from 16 to 40 mm (345), but wouldn't be up to 16 mm (355).
THICK = replace(
    CODED,
    number="RB-2024-10131",
    order="4500071204",
    thickness=M("25.0", "mm"),
    heats=[
        _heat("418861", BASIC, "0.158 0.221 1.431 0.0127 0.0038 0.0061 0.034 0.031 0.41"),
        _heat("418862", BASIC, "0.164 0.209 1.409 0.0140 0.0045 0.0055 0.038 0.027 0.42"),
    ],
    date="2024-02-19",
    shown_date="19.02.2024",
    mechanical=_tests("353 527 26.0 74"),
    singles=("70", "79", "73"),
)
LOCKED = replace(CODED, number="RB-2024-10140", order="4500071230")
CUT = replace(CODED, number="RB-2024-10142", order="4500071231")

ENGLISH = Certificate(
    number="CV-88213",
    kind="3.1",
    shown_kind="EN 10204 3.1",
    order="PO 60115/3",
    product="Hot rolled plate",
    grade="S235JR",
    shown_grade="S235JR",
    thickness=M("10", "mm"),
    heats=[
        _heat("7K2214", SHORT, "0.142 0.18 0.86 0.016 0.009 0.0071 0.11 0.30"),
        _heat("7K2215", SHORT, "0.191 0.20 0.91 0.018 0.011 0.0068 0.12 0.34"),
    ],
    date="2023-10-04",
    shown_date="4 October 2023",
    mechanical=_tests("281 412 31 64", unit="N/mm²", cold="20"),
)
ENGLISH_LIMITS = (
    ("min", "-", "-", "-", "-", "-", "-", "-", "-"),
    ("max", "0.17", "-", "1.40", "0.035", "0.035", "0.012", "0.55", "0.35"),
)
MARGINAL = replace(
    ENGLISH,
    number="CV-88240",
    order="PO 60131/1",
    grade="P265GH",
    shown_grade="P265GH",
    thickness=M("8", "mm"),
    heats=[
        _heat("7K2307", BOILER, "0.131 0.22 1.06 0.012 0.0099 0.0052 0.038 0.07 0.09 0.02 0.08")
    ],
    date="2023-10-19",
    shown_date="19 October 2023",
    mechanical=_tests("302 455 28 71", unit="N/mm²", cold="0"),
)
MARGINAL_LIMITS = (
    ("min", "-", "-", "0.80", "-", "-", "-", "0.020", "-", "-", "-", "-"),
    ("max", "0.20", "0.40", "1.40", "0.025", "0.010", "0.012", "-", "0.30", "0.30", "0.08", "0.30"),
)
TWO_PIECES = replace(
    ENGLISH,
    number="CV-88266",
    order="PO 60140/2",
    heats=[_heat("7K2391", SHORT, "0.138 0.19 0.88 0.014 0.008 0.0065 0.10 0.29")],
    date="2023-11-07",
    shown_date="7 November 2023",
    mechanical=_tests("276 408 32 66", unit="N/mm²", cold="20"),
    second={
        "yield_strength": M("243", "N/mm²"),
        "tensile_strength": M("391", "N/mm²"),
        "elongation": M("29", "%"),
        "impact_energy": M("58", "J"),
    },
)

FRENCH = Certificate(
    number="FG 24/0388",
    kind="3.1",
    shown_kind="EN 10204 - 3.1",
    order="C-2024-0117",
    product="Barre forgée ronde / Forged round bar",
    grade="42CrMo4",
    shown_grade="42CrMo4",
    thickness=M("60", "mm"),
    heats=[
        _heat("E24117", ALLOYED, "0.412 0.26 0.78 0.011 0.008 1.05 0.21 0.14"),
        _heat("E24118", ALLOYED, "0.405 0.27 0.75 0.013 0.009 1.08 0.20 0.15"),
    ],
    date="2024-04-22",
    shown_date="22/04/2024",
    mechanical=_tests("738 1002 14.5 52", cold="20"),
    locale="fr",
)
FRENCH_BOILER = replace(
    FRENCH,
    number="FG 24/0402",
    order="C-2024-0131",
    product="Tôle / Plate",
    grade="P265GH",
    shown_grade="P265GH",
    thickness=M("14", "mm"),
    heats=[
        _heat("E24133", BOILER, "0.148 0.24 1.12 0.014 0.004 0.0063 0.031 0.06 0.09 0.011 0.05"),
    ],
    date="2024-04-30",
    shown_date="30/04/2024",
    mechanical=_tests("309 461 27.0 82", cold="0"),
)

US = Certificate(
    number="MP-55120",
    kind="3.1",
    shown_kind="EN 10204 Type 3.1",
    order="48-1102",
    product="Carbon steel plate",
    grade="S355J2",
    shown_grade="S355J2+N",
    thickness=M("0.500", "in"),
    heats=[
        _heat("L40417", SHORT, "0.17 0.22 1.38 0.012 0.005 0.0069 0.18 0.41"),
        _heat("L40418", SHORT, "0.16 0.23 1.40 0.011 0.004 0.0072 0.17 0.40"),
    ],
    date="2024-01-25",
    shown_date="Jan 25, 2024",
    mechanical={
        "yield_strength": M("55.8", "ksi"),
        "tensile_strength": M("77.4", "ksi"),
        "elongation": M("26", "%"),
        "impact_energy": M("41", "ft·lbf"),
        "impact_temperature": M("-4", "°F"),
    },
)
US_STRONG = replace(
    US,
    number="MP-55163",
    order="48-1119",
    heats=[_heat("L40502", SHORT, "0.18 0.31 1.44 0.015 0.007 0.0080 0.21 0.43")],
    date="2024-02-02",
    shown_date="Feb 2, 2024",
    mechanical={
        **US.mechanical,
        "yield_strength": M("64.9", "ksi"),
        "tensile_strength": M("95.2", "ksi"),
    },
)

ITALIAN = Certificate(
    number="24/02217",
    kind="3.1",
    shown_kind="UNI EN 10204 3.1",
    order="ODA 3391",
    product="Lamiera / Plate",
    grade="X5CrNi18-10",
    shown_grade="X5CrNi18-10 (1.4301)",
    thickness=M("6", "mm"),
    heats=[
        _heat("S31877", STAINLESS, "0.041 0.38 1.62 0.029 0.0012 0.062 18.12 8.07"),
        _heat("S31878", STAINLESS, "0.038 0.41 1.58 0.031 0.0018 0.058 18.24 8.11"),
        _heat("S31880", STAINLESS, "0.044 0.36 1.66 0.027 0.0009 0.065 18.19 8.09"),
    ],
    date="2024-05-16",
    shown_date="16/05/2024",
    mechanical={
        "yield_strength": M("287", "MPa"),
        "tensile_strength": M("618", "MPa"),
        "elongation": M("54", "%"),
    },
    locale="it",
)


def _many() -> list[Heat]:
    """Fifty heats; one of them has too much phosphorus."""
    heats: list[Heat] = []
    for index in range(50):
        figures = {
            "c": f"{0.121 + index * 7 % 19 / 1000:.3f}",
            "si": f"{0.17 + index * 5 % 9 / 100:.2f}",
            "mn": f"{0.71 + index * 11 % 23 / 100:.2f}",
            "p": "0.041" if index == 31 else f"{0.011 + index * 3 % 13 / 1000:.3f}",
            "s": f"{0.008 + index * 5 % 11 / 1000:.3f}",
            "n": f"{0.0051 + index * 2 % 17 / 10000:.4f}",
            "cu": f"{0.19 + index * 7 % 13 / 100:.2f}",
            "cev": f"{0.26 + index * 11 % 7 / 100:.2f}",
        }
        heats.append(Heat(f"H{51200 + index * 3}", figures))
    return heats


MANY = Certificate(
    number="HSM-9104",
    kind="3.1",
    shown_kind="EN 10204 type 3.1",
    order="PUR-2024-558",
    product="IPE 200 sections",
    grade="S235JR",
    shown_grade="S235JR+AR",
    thickness=M("8.5", "mm"),
    heats=_many(),
    date="2024-03-08",
    shown_date="2024-03-08",
    mechanical=_tests("296 427 33.0 112", cold="20"),
)
TURNED = Certificate(
    number="RS-1207",
    kind="3.1",
    shown_kind="EN 10204-3.1",
    order="IND-20771",
    product="Smedet ring / Forged ring",
    grade="42CrMo4",
    shown_grade="42CrMo4+QT",
    thickness=M("35", "mm"),
    heats=[_heat("R-2291", ALLOYED, "0.421 0.24 0.74 0.010 0.006 1.02 0.19 0.16")],
    date="2024-06-11",
    shown_date="11.06.2024",
    mechanical={
        "yield_strength": M("812", "MPa"),
        "tensile_strength": M("1074", "MPa"),
        "elongation": M("13.0", "%"),
        "impact_temperature": M("20", "°C"),
    },
    locale="comma",
)
LETTER = Certificate(
    number="BC-77120",
    kind="2.2",
    shown_kind="EN 10204 - 2.2",
    order="B 24-0091",
    product="Brennzuschnitt",
    grade="S235JR",
    shown_grade="S235JR",
    thickness=M("15", "mm"),
    heats=[_heat("91147", SHORT, "0.128 0.19 0.79 0.015 0.012 0.0064 0.21 0.27")],
    date="2024-05-03",
    shown_date="03.05.2024",
    mechanical=_tests("274 398 30.5 58", cold="20"),
    locale="comma",
)

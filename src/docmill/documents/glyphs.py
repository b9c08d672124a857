"""Characters that mean the same: one table from what PDFs print to one plain form.

Used by `text`, which adds what needs more than one character (hyphenation, whitespace).
Superscripts stay as they are: `mm²` is not `mm2`, and a footnote mark is no digit.
"""

import unicodedata

# Private-use characters of symbol fonts: U+F000 plus the code of the Adobe Symbol encoding.
# Digits and most letters are left out: in pictogram fonts the same codes are bullets and arrows.
_SYMBOL = {
    0x20: " ", 0x25: "%", 0x28: "(", 0x29: ")", 0x2B: "+", 0x2C: ",", 0x2D: "-", 0x2E: ".",
    0x2F: "/", 0x3A: ":", 0x3C: "<", 0x3D: "=", 0x3E: ">", 0x44: "Δ", 0x46: "Φ", 0x51: "Θ",
    0x53: "Σ", 0x57: "Ω", 0x59: "Ψ", 0x5B: "[", 0x5D: "]", 0x61: "α", 0x62: "β", 0x64: "δ",
    0x65: "ε", 0x66: "φ", 0x67: "γ", 0x68: "η", 0x6A: "φ", 0x6C: "λ", 0x6D: "µ", 0x70: "π",
    0x71: "θ", 0x72: "ρ", 0x73: "σ", 0x74: "τ", 0x77: "ω", 0x7E: "~", 0xA2: "'", 0xA3: "≤",
    0xA5: "∞", 0xB0: "°", 0xB1: "±", 0xB2: '"', 0xB3: "≥", 0xB4: "×", 0xB7: "•", 0xB8: "÷",
    0xB9: "≠", 0xBB: "≈", 0xBC: "...", 0xC6: "Ø", 0xD6: "√", 0xD7: "⋅", 0xE5: "Σ",
}  # fmt: skip
_ALIKE = {
    "-": "‐‑‒–—―−﹘﹣－⁻" + "\u2796",
    "'": "‘’‚‛′´`ʹʼ＇",
    '"': "“”„‟″«»＂",
    "µ": "μ",
    "°": "º˚",
    "Ø": "⌀∅",
    "...": "…",
    "°C": "℃",
    "°F": "℉",
    "": "\u200b\u200c\u200d\u200e\u200f\u2060\u2061\u2062\u2063\u2064\ufeff\u034f"
    "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069",
}
# Without CR, LF and TAB, which are whitespace, and U+0002, a hyphen at a line's end.
_CONTROLS = [code for code in (*range(0x20), *range(0x7F, 0xA0)) if code not in (2, 9, 10, 13)]
_COMPATIBLE = (*range(0xFB00, 0xFB07), *range(0xFF01, 0xFF5F), *range(0x3380, 0x33DE))


def _table() -> dict[int, str]:
    table = {0xF000 + code: text for code, text in _SYMBOL.items()}
    table |= dict.fromkeys(_CONTROLS, " ")
    table |= dict.fromkeys(range(0xD800, 0xE000), "\ufffd")  # surrogates can't be stored as UTF-8
    for code in _COMPATIBLE:
        plain = unicodedata.normalize("NFKC", chr(code))
        squared = code >= 0x3380 and plain[-1] in "23"
        table[code] = plain[:-1] + "²³"[plain[-1] == "3"] if squared else plain
    table |= {ord(char): plain for plain, chars in _ALIKE.items() for char in chars}
    return {
        code: "".join(table.get(ord(char), char) for char in text) for code, text in table.items()
    }


PLAIN = _table()
"""For `str.translate`; every value is made of characters the table leaves alone."""

LEGIBLE = {
    code: text
    for code, text in PLAIN.items()
    if chr(code) not in "".join(_ALIKE[sign] for sign in "-'\"")
}
"""The same without dashes and quotation marks, whose differences matter to a grammar."""

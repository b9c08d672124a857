"""Temporary."""

import re

from docmill.quantities.model import Parsed, QuantityError, Span
from docmill.quantities.numbers import read_number
from docmill.quantities.units import scan_unit

_OP = {"<": "<", "≤": "<=", "<=": "<=", ">": ">", "≥": ">=", ">=": ">="}


def _one(t, i, dec):
    m = re.compile(r"\s*(max\.?|min\.?|<=|>=|[<>≤≥=~])?\s*([-−–+]?)\s*").match(t, i)
    n = read_number(t, m.end(), dec)
    if n is None:
        return None
    v = -n.value if m[2] in "-−–" and m[2] else n.value
    e = n.end
    u = None
    us = scan_unit(t, e + 1 if t[e : e + 1] == " " else e)
    if us:
        u = us.unit
        e = us.end
    op = m[1] or ""
    return m.start(), e, v, u, op


def parse_quantity(text, decimal=None):
    r = _one(text, 0, decimal)
    if r is None:
        raise QuantityError("no_number", "none")
    s, e, v, u, op = r
    rest = text[e:].strip()
    if rest:
        m = re.match(r"(?:to|bis|…|\.\.\.?|–|-|à)\s*(?=[-+−–\d])", rest)
        if m:
            r2 = _one(rest, m.end(), decimal)
            if r2 and not rest[r2[1] :].strip():
                return Parsed("interval", low=v, high=r2[2], unit=r2[3] or u, raw=text)
        m = re.match(r"±\s*", rest)
        if m:
            r2 = _one(rest, m.end(), decimal)
            if r2 and not rest[r2[1] :].strip():
                d = r2[2] * v / 100 if r2[3] == "%" and u != "%" else r2[2]
                return Parsed(
                    "toleranced",
                    value=v,
                    nominal=v,
                    lower=-d,
                    upper=d,
                    low=v - d,
                    high=v + d,
                    unit=u or r2[3],
                    raw=text,
                )
        raise QuantityError("extra_text", "extra")
    if op[:3] == "max" or op in ("<", "<=", "≤"):
        return Parsed("bounded", value=v, high=v, unit=u, qualifier="<=", raw=text)
    if op[:3] == "min" or op in (">", ">=", "≥"):
        return Parsed("bounded", value=v, low=v, unit=u, qualifier=">=", raw=text)
    return Parsed("exact", value=v, unit=u, raw=text)


def find_quantities(text, decimal=None):
    out = []
    i = 0
    for m in re.finditer(r"(?<![\w.,/-])(?:[<>≤≥]=?\s*)?[-+−–]?\d", text):
        if m.start() < i:
            continue
        try:
            r = _one(text, m.start(), decimal)
        except QuantityError:
            continue
        if r:
            out.append(Span(m.start(), r[1], parse_quantity(text[m.start() : r[1]], decimal)))
            i = r[1]
    return out


def parse_dates(text):
    from datetime import date

    out = []
    for m in re.finditer(r"(\d{4})-(\d\d)-(\d\d)|(\d{1,2})([./])(\d{1,2})[./](\d{4})", text):
        try:
            if m[1]:
                out.append(date(int(m[1]), int(m[2]), int(m[3])))
                continue
            a, b, y = int(m[4]), int(m[6]), int(m[7])
            if m[5] == ".":
                out.append(date(y, b, a))
                continue
            for p in ((b, a), (a, b)):
                try:
                    out.append(date(y, *p))
                except ValueError:
                    pass
        except ValueError:
            pass
    return tuple(dict.fromkeys(out))

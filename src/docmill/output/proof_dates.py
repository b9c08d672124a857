"""Proof of dates: a date with two readings needs another date of the document to tell which.

Which calendar days a text can mean says `quantities.dates`.
"""

import re
from datetime import date

from docmill.output.proof import Case, Proof, Proven, Refused
from docmill.quantities.dates import DateSpan, find_dates

_NUMERIC = re.compile(r"\s*(\d{1,2}) ?([./-]) ?(\d{1,2}) ?\2 ?(?:\d{4}|\d{2})\s*", re.ASCII)


def prove_date(case: Case) -> Proof:
    """A date printed in the words, in any form that means this day and no other."""
    claimed = case.claim.value
    assert isinstance(claimed, date)
    spans = find_dates(case.words.text)
    fitting = [span for span in spans if claimed in span.readings]
    if not fitting:
        return _differs(case, claimed, spans)
    for span in fitting:
        if _settled(case, span) == claimed:
            return Proven(claimed, case.words.part(span.start, span.end))
    settled = _settled(case, fitting[0])
    if settled is not None:
        reason = f"the document writes day and month so that {case.shown()} is {settled}"
        return Refused("date_differs", reason)
    readings = " or ".join(str(reading) for reading in fitting[0].readings)
    reason = f"{case.shown()} may be {readings}, and no other date shows which; give candidates"
    return Refused("date_ambiguous", reason)


def _differs(case: Case, claimed: date, spans: list[DateSpan]) -> Refused:
    if not spans:
        reason = f"no date can be read in the quote {case.shown()}; quote the whole date"
        return Refused("date_not_in_quote", reason)
    given = ", ".join(" or ".join(map(str, span.readings)) for span in spans[:3])
    return Refused("date_differs", f"the quote {case.shown()} gives {given}, not {claimed}")


def _settled(case: Case, span: DateSpan) -> date | None:
    """The one day a date means, if need be in the order of day and month the document shows."""
    if len(span.readings) == 1:
        return span.readings[0]
    match = _NUMERIC.fullmatch(case.words.text[span.start : span.end])
    orders = case.document.date_orders.get(match[2], set()) if match else set[str]()
    if not orders and case.document.decimal == ",":
        orders = {"dmy"}  # where the decimal mark is a comma, nobody writes the month first
    if match is None or len(orders) != 1:
        return None
    day, month = (match[1], match[3]) if orders == {"dmy"} else (match[3], match[1])
    named = [r for r in span.readings if (r.day, r.month) == (int(day), int(month))]
    return named[0] if len(named) == 1 else None

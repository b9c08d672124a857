"""Dates as printed: every calendar date a text can mean, so that nothing is guessed.

`03/04/2024` has two readings, `03.04.2024` one: dots mean day before month wherever that is
possible. Two-digit years are 1970 to 2069. No times, no relative dates.
"""

import re
import unicodedata
from datetime import date
from typing import NamedTuple

_NAMES = (
    "january januar janvier stycznia styczen enero gennaio jan janv sty ene gen janner",
    "february februar fevrier lutego luty febrero febbraio feb fev fevr lut febr feber",
    "march marz maerz mars marca marzec marzo mar mrz",
    "april avril kwietnia kwiecien abril aprile apr avr kwi abr",
    "may mai maja maj mayo maggio mag",
    "june juni juin czerwca czerwiec junio giugno jun cze giu juno",
    "july juli juillet lipca lipiec julio luglio jul juil lip lug",
    "august aout sierpnia sierpien agosto aug sie ago",
    "september septembre wrzesnia wrzesien septiembre setiembre settembre sep sept wrz set",
    "october oktober octobre pazdziernika pazdziernik octubre ottobre oct okt paz ott",
    "november novembre listopada listopad noviembre nov lis",
    "december dezember decembre grudnia grudzien diciembre dicembre dec dez gru dic",
)
MONTHS = {name: number for number, names in enumerate(_NAMES, 1) for name in names.split()}
"""Month names and their short forms in English, German, French, Polish, Spanish and Italian."""

MAX_LENGTH = 60
NUMERIC = re.compile(
    r"(?<![\w.,/-])([0-9]{1,4}) ?([./-]) ?([0-9]{1,2}) ?\2 ?([0-9]{1,4})(?![\w]|[./-][0-9])"
)
COMPACT = re.compile(r"(?<![\w.,/-])((?:19|20)[0-9]{2})([0-9]{2})([0-9]{2})(?![\w]|[.,/-][0-9])")
DAY_FIRST = re.compile(
    r"(?<![\w.,/-])([0-9]{1,2})(?:st|nd|rd|th|er|°|º)?[. /-]{0,2}(?:de |of )?"
    r"([^\W\d_]{3,12})[., /-]{0,2}(?:de |del )?'?([0-9]{4}|[0-9]{2})(?![\w])"
)
MONTH_FIRST = re.compile(
    r"(?<![\w])([^\W\d_]{3,12})[. /-]{1,2}([0-9]{1,2})(?:st|nd|rd|th)?(?:,? |, ?|[-/])"
    r"'?([0-9]{4}|[0-9]{2})(?![\w])"
)
YEAR_FIRST = re.compile(
    r"(?<![\w.,/-])([0-9]{4})[., /-]{1,2}([^\W\d_]{3,12})[., /-]{1,2}([0-9]{1,2})(?![\w])"
)
SPACES = str.maketrans(
    dict.fromkeys("\u00a0\u2009\u202f\t\n", " ") | {"‐": "-", "‑": "-", "–": "-"}
)


class DateSpan(NamedTuple):
    """A date in a longer text, with all its readings in ascending order."""

    start: int
    end: int
    readings: tuple[date, ...]


def parse_dates(text: str) -> tuple[date, ...]:
    """All dates the whole text can mean, in ascending order; none if it isn't a date.

    A weekday or a place before the date is allowed (`Bern, 25 October 2021`), a second date isn't.
    """
    if len(text) > MAX_LENGTH:
        return ()
    spans = find_dates(text)
    if len(spans) != 1:
        return ()
    before, after = text[: spans[0].start], text[spans[0].end :]
    if any(char.isdigit() for char in before + after):
        return ()
    return spans[0].readings


def find_dates(text: str) -> list[DateSpan]:
    """All dates of a text from left to right, none overlapping."""
    clean = text.translate(SPACES)
    found = [
        DateSpan(match.start(), match.end(), readings)
        for pattern, read in (
            (NUMERIC, _numeric), (COMPACT, _compact), (DAY_FIRST, _day_first),
            (MONTH_FIRST, _month_first), (YEAR_FIRST, _year_first),
        )
        for match in pattern.finditer(clean)
        if (readings := read(match))
    ]  # fmt: skip
    spans: list[DateSpan] = []
    for span in sorted(found, key=lambda item: (item.start, -item.end)):
        if not spans or span.start >= spans[-1].end:
            spans.append(span)
    return spans


def _numeric(match: re.Match[str]) -> tuple[date, ...]:
    first, mark, middle, last = match.groups()
    if len(first) >= 3:
        return _readings((first, middle, last)) if len(first) == 4 and len(last) <= 2 else ()
    if len(last) == 3 or len(last) == 1:
        return ()
    orders = [(last, middle, first), (last, first, middle)]
    if mark == ".":
        return _readings(orders[0]) or _readings(orders[1])
    if len(last) == 2 and len(first) == 2:
        orders.append((first, middle, last))
    return _readings(*orders)


def _compact(match: re.Match[str]) -> tuple[date, ...]:
    year, month, day = match.groups()
    return _readings((year, month, day))


def _day_first(match: re.Match[str]) -> tuple[date, ...]:
    return _named(match[3], match[2], match[1])


def _month_first(match: re.Match[str]) -> tuple[date, ...]:
    return _named(match[3], match[1], match[2])


def _year_first(match: re.Match[str]) -> tuple[date, ...]:
    return _named(match[1], match[2], match[3])


def _named(year: str, name: str, day: str) -> tuple[date, ...]:
    month = MONTHS.get(_plain(name))
    return _readings((year, str(month), day)) if month else ()


def _plain(name: str) -> str:
    """Lower case without accents; `ł` has no decomposition."""
    decomposed = unicodedata.normalize("NFKD", name.lower().replace("ł", "l"))
    return "".join(char for char in decomposed if not unicodedata.combining(char))


def _readings(*orders: tuple[str, str, str]) -> tuple[date, ...]:
    found: set[date] = set()
    for year, month, day in orders:
        number = int(year)
        if len(year) == 2:
            number += 1900 if number >= 70 else 2000
        if not 1000 <= number <= 2999:
            continue
        try:
            found.add(date(number, int(month), int(day)))
        except ValueError:
            continue
    return tuple(sorted(found))

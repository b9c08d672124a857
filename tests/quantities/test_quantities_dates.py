"""Dates: all readings, none guessed; and the decimal mark of a document."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docmill.quantities import detect_decimal, find_dates, parse_dates


@pytest.mark.parametrize(
    "text",
    ["2018-10-23", "23.10.2018", "10/23/2018", "23/10/2018", "2018/10/23", "20181023", "23.10.18",
     "Oct 23, 2018", "October 23rd, 2018", "23 Oct 2018", "23-Oct-2018", "23. Oktober 2018",
     "23 octobre 2018", "23 października 2018", "23 de octubre de 2018", "23 ottobre 2018",
     "2018 Oct 23", "Tuesday, 23 October 2018", "Bern, 23 October 2018", "23\u00a0Oct.\u00a02018"],
)  # fmt: skip
def test_one_reading(text: str) -> None:
    """Numeric, named, in six languages: one date."""
    assert parse_dates(text) == (date(2018, 10, 23),)


def test_all_readings_of_an_ambiguous_date() -> None:
    """Slashes and hyphens say nothing about the order; dots do."""
    assert parse_dates("03/04/2024") == (date(2024, 3, 4), date(2024, 4, 3))
    assert parse_dates("03/04/24") == (date(2003, 4, 24), date(2024, 3, 4), date(2024, 4, 3))
    assert parse_dates("03.04.2024") == (date(2024, 4, 3),)
    assert parse_dates("10.23.2018") == (date(2018, 10, 23),)


@pytest.mark.parametrize(
    "text", ["", "31.02.2020", "12:30", "1.2.3", "EN 10204", "2003-06", "1.2.2020 3.2.2020",
             "1607219/0001_20181023_1529", "5 Widgets 2018", "1.1.123", "x" * 99],
)  # fmt: skip
def test_no_date(text: str) -> None:
    """Impossible days, times, versions and order numbers are none."""
    assert parse_dates(text) == ()


def test_dates_in_running_text() -> None:
    """Dates are found with their places."""
    text = "Ordered 2018-10-23, shipped 3 May 2019 (ref 12/7)."
    assert [text[span.start : span.end] for span in find_dates(text)] == [
        "2018-10-23",
        "3 May 2019",
    ]


@given(st.dates(date(1970, 1, 1), date(2069, 12, 31)), st.sampled_from(["%d.%m.%Y", "%Y-%m-%d",
       "%m/%d/%Y", "%d/%m/%Y", "%d %B %Y", "%b %d, %Y", "%d-%b-%Y", "%d.%m.%y",
       "%d/%m/%y"]))  # fmt: skip
def test_the_meant_date_is_always_among_the_readings(day: date, form: str) -> None:
    """Whatever the form, the date that was printed is among the readings."""
    assert day in parse_dates(day.strftime(form))


@pytest.mark.parametrize(
    ("texts", "mark"),
    [
        (["0,15 1,5 mm"], ","), (["3.3 V"], "."), (["[%]0.1500"], "."), (["1.200,50"], ","),
        (["1,234,567"], "."), (["1 200,50"], ","), (["EN 10204 3.1", "0,15"], ","), (["3.1"], None),
        (["1.1 in der Tabelle"], None), (["1,5 V", "1.5 V"], None), (["1,234"], None), ([], None),
        (["12.2018", "v1.2.3", "192.168.0.1"], None), (["23.10.2018"], None),
    ],
)  # fmt: skip
def test_decimal_mark_of_a_document(texts: list[str], mark: str | None) -> None:
    """Only numbers with one reading are evidence; contradictions leave it open."""
    assert detect_decimal(texts) == mark

"""`documents.text.QuoteIndex`: quotes found again among the words of a page."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docmill.documents.text import QuoteIndex, Span, normalise_words

PAGE = QuoteIndex(
    [
        "Nenn\x02",
        "spannung",
        "3,3",
        "V",
        "±",
        "5",
        "%",
        "(−40",
        "°C)",
        "bis",
        "+85",
        "°C.",
        "Test-",
        "bericht",
        "EN-10204",
        "No.17",
    ]
)


@pytest.mark.parametrize(
    ("quote", "first", "last"),
    [
        ("Nennspannung 3,3 V", 0, 3),
        ("Nenn-spannung", 0, 1),
        ("3,3V ±5%", 2, 6),
        ("-40 °C", 7, 8),
        ("+85 °C", 10, 11),
        ("Test-\nbericht", 12, 13),
        ("Testbericht", 12, 13),
        ("EN-10204", 14, 14),
        ("3,3 | V", 2, 3),
        ("17", 15, 15),
    ],
)
def test_a_quote_is_found_whatever_breaks_its_words(quote: str, first: int, last: int) -> None:
    """Line ends, hyphens, spaces and sign variants don't hide a quote."""
    assert list(PAGE.find(quote)) == [Span(first, last, whole=True)]


@pytest.mark.parametrize("quote", ["40", "3,3 V ± 6 %", "EN10204", "spannungs", "", "  ", "\u200b"])
def test_other_words_are_not_found_as_whole(quote: str) -> None:
    """A missing sign, another digit or an empty quote is no match; `40` is part of `−40`."""
    assert not any(span.whole for span in PAGE.find(quote))


def test_a_part_of_a_word_is_marked_as_such() -> None:
    """Who asks for `40` on a page that says `−40` learns that it is inside a word."""
    assert list(PAGE.find("40")) == [Span(7, 7, whole=False)]


def test_case_matters_unless_told() -> None:
    """Quotes are verbatim; values are compared by an index that folds case."""
    assert "nennspannung" not in PAGE
    assert "STRASSE" in QuoteIndex(["Straße"], fold_case=True)


@given(st.lists(st.text(min_size=1, max_size=6), max_size=30))
def test_every_character_knows_its_word(words: list[str]) -> None:
    """The map has one entry per character and never runs backwards."""
    text, owners = normalise_words(words)
    assert len(text) == len(owners)
    assert list(owners) == sorted(owners)
    assert all(0 <= owner < len(words) for owner in owners)


WORDS = st.lists(
    st.text(alphabet="abcAB12,.-%€µ\u00ad\uf0b0", min_size=1, max_size=5), min_size=1, max_size=20
)


@given(WORDS, st.data())
def test_any_run_of_words_is_found_where_it_stands(words: list[str], data: st.DataObject) -> None:
    """Quoting words of the page verbatim always finds them, at least where they were taken."""
    first = data.draw(st.integers(0, len(words) - 1))
    last = data.draw(st.integers(first, len(words) - 1))
    spans = list(QuoteIndex(words).find(" ".join(words[first : last + 1])))
    edges_vary = any(set(word) <= set("-\u00ad") for word in words) or any(
        word[0] in "-\u00ad" or word[-1] in "-\u00ad" for word in words
    )
    assert edges_vary or any(span.first <= first and last <= span.last for span in spans)


def test_a_hostile_page_costs_no_more_than_its_length() -> None:
    """Hits are capped, so a page of one repeated letter is searched quickly."""
    index = QuoteIndex(["a"] * 200_000)
    begin = time.process_time()
    assert len(list(index.find("a" * 1000))) == 500
    assert time.process_time() - begin < 2

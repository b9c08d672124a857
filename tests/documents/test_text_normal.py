"""`documents.text.normalise`: what PDFs print in many ways becomes one plain form."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docmill.documents.glyphs import LEGIBLE, PLAIN
from docmill.documents.text import legible, normalise, search_form

SIGNS = st.text(
    alphabet=st.one_of(
        st.sampled_from("aB1 .-\n\r\t\u00ad\u0002\ufffe\u0301\u200b\u2126ﬁＡ℃µμ−…|"),
        st.characters(exclude_categories=["Cs"]),
    )
)


@pytest.mark.parametrize(
    ("printed", "plain"),
    [
        ("1\u202f200,50\u00a0EUR", "1 200,50 EUR"),
        ("  two\n lines\t", "two lines"),
        ("Nenn\u0002\nspannung", "Nennspannung"),
        ("Nenn\ufffespannung", "Nennspannung"),
        ("Nenn\u00adspannung", "Nennspannung"),
        ("Nenn-\nspannung", "Nennspannung"),
        ("Nenn-spannung", "Nenn-spannung"),
        ("EN-\n10204", "EN- 10204"),
        ("\u00ad40 °C", "-40 °C"),
        ("−40 – 85", "-40 - 85"),
        ("ﬁt ﬂow", "fit flow"),
        ("5 \u00b5m and 5 μm", "5 µm and 5 µm"),
        ("10 \u2126", "10 \u03a9"),
        ("ＡＢ１", "AB1"),
        ("\uf0b125 \uf0b0C \uf0b3 5 \uf06dm \uf0a3 3 k\uf057 \uf044T \uf0b4 \uf02b1 \uf02d1",
         "±25 °C ≥ 5 µm ≤ 3 kΩ ΔT × +1 -1"),
        ("“a” ‘b’", "\"a\" 'b'"),
        ("25ºC 25℃", "25°C 25°C"),
        ("mm² ㎡ x¹", "mm² m² x¹"),
        ("a\u200bb\u202ec", "abc"),
        ("a\x00b\x1fc", "a b c"),
        ("u\u0308ber", "über"),
    ],
)  # fmt: skip
def test_what_means_the_same_becomes_the_same(printed: str, plain: str) -> None:
    """Spaces, hyphens, ligatures, signs and symbol fonts each have one plain form."""
    assert normalise(printed) == plain


def test_pictogram_bullets_never_become_digits() -> None:
    """Digits of symbol fonts share their codes with bullets, so they stay unreadable."""
    assert normalise("\uf031\uf032") == "\uf031\uf032"


@given(SIGNS)
def test_normalising_twice_changes_nothing(text: str) -> None:
    """The plain form of a plain form is itself."""
    once = normalise(text)
    assert normalise(once) == once


@given(SIGNS)
def test_spacing_and_plain_form_do_not_matter_in_a_search(text: str) -> None:
    """A text and its plain form are found as the same quote."""
    assert search_form(normalise(text)) == search_form(text)


@given(SIGNS)
def test_no_control_characters_remain(text: str) -> None:
    """Neither terminal nor report ever sees a control or direction character of a document."""
    assert not any(ord(char) < 32 or char in "\u202e\u200b\x7f" for char in normalise(text))


def test_every_replacement_is_plain_itself() -> None:
    """The tables are closed: nothing they produce would be replaced again."""
    for table in (PLAIN, LEGIBLE):
        assert all(ord(char) not in table for text in table.values() for char in text)


def test_a_grammar_sees_dashes_as_printed() -> None:
    """Symbol fonts are spelled out, but `10–20` keeps its dash."""
    assert legible("10–20 \uf0b0C ﬁ \u00ad5") == "10–20 °C fi -5"
    assert legible("plain 1") == "plain 1"


@pytest.mark.parametrize("bad", ["-\n", "a-\n", "\u00ad ", "a\u0002", "\u0301", "\r", "- "])
def test_time_is_linear(bad: str) -> None:
    """A megabyte of the worst repetition is read in well under a second."""
    begin = time.process_time()
    normalise(bad * (1_000_000 // len(bad)))
    assert time.process_time() - begin < 2

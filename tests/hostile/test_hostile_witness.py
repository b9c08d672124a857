"""When OCR's reading of a place may be the words of the text layer, and what its table says."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docmill.sandboxes.toolbox.ocr import BORDER, words_of
from docmill.session.witness import same

HEAD = "level\tpage\tblock\tpar\tline\tword\tleft\ttop\twidth\theight\tconf\ttext\n"


@pytest.mark.parametrize(
    ("words", "seen"),
    [
        ("12.4 mm", "12.4 mm"),
        ("12,4 mm", "12.4mm"),
        ("[%]0.1500", "| [%]0.1500 0.20"),
        ("1 552,00 EUR", "1 552,00 EUR"),
        ("S355J2", "$355J2"),
        ("KP24-007702", "KP24-007702"),
        ("bestanden", "bestanden."),
        ("Steel Mill SE", "Steel Mill SE,"),
        ("25 °C", "25 °C"),
        ("−40 °C", "-40 °C"),
        ("l0", "10"),
        ("✓", ""),
        ("R0", "RO"),
        ("Stålvägen", "Stélvagen"),
    ],
)
def test_ocr_may_mean_the_same(words: str, seen: str) -> None:
    """Other punctuation, neighbours at the edge, letters that look like digits."""
    assert same(words, seen)


@pytest.mark.parametrize(
    ("words", "seen"),
    [
        ("17.4 mm", "12.4 mm"),
        ("12.4", "124"),
        ("-40 °C", "40 °C"),
        ("12.4", ""),
        ("passed", "failed"),
        ("12.4 12.4", "12.4"),
    ],
)
def test_ocr_may_contradict(words: str, seen: str) -> None:
    """Another digit, a point or a sign that isn't there, another word, nothing."""
    assert not same(words, seen)


def test_tesseracts_table_becomes_words() -> None:
    """Boxes without the border that was put around the picture, confidences as shares."""
    row = f"5\t1\t1\t1\t1\t1\t{BORDER + 10}\t{BORDER + 5}\t30\t12\t91.5\t12.4\n"
    block = "4\t1\t1\t1\t1\t0\t0\t0\t99\t99\t-1\t\n"
    assert words_of(HEAD + block + row) == [("12.4", 10, 5, 40, 17, pytest.approx(0.915))]


@given(st.text())
def test_a_broken_table_gives_no_words(table: str) -> None:
    """Whatever a program prints."""
    for text, *numbers in words_of(table):
        assert text
        assert len(numbers) == 5

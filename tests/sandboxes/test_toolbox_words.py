"""Words from characters: what splits a word, what doesn't, and where its box lies."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from reportlab.pdfgen.canvas import Canvas

from docmill.sandboxes.toolbox import pdfium, words

HEIGHT = 10.0
Box = tuple[float, float, float, float]


def line(text: str, gaps: dict[int, float] | None = None) -> list[Box]:
    """Boxes of characters 5 wide and 10 high on one line; `gaps` are set before a place."""
    boxes: list[Box] = []
    x = 0.0
    for place in range(len(text)):
        x += (gaps or {}).get(place, 0.0)
        boxes.append((x, 0.0, x + 5.0, HEIGHT))
        x += 5.0
    return boxes


def grouped(text: str, boxes: list[Box], *, turned: bool = False) -> list[str]:
    """The words of these characters."""
    found = words.group([ord(c) for c in text], boxes, lambda _: turned).found
    return [word[0] for word in found]


def test_white_space_ends_a_word() -> None:
    """Spaces of all kinds separate; a no-break space does too, so raw words stay raw."""
    text = "12 mm\u00a0steel\u2009x"
    assert grouped(text, line(text)) == ["12", "mm", "steel", "x"]


@pytest.mark.parametrize(("gap", "expected"), [(1.5, ["0.011"]), (4.0, ["0.0", "11"])])
def test_kerning_keeps_a_number_whole_and_a_wide_gap_splits_it(
    gap: float, expected: list[str]
) -> None:
    """Loose tracking is no space; neighbouring table cells without a space are two words."""
    assert grouped("0.011", line("0.011", {3: gap})) == expected


def test_an_exponent_is_a_word_of_its_own() -> None:
    """`10⁶ V` must not read 106, nor lose its place in the line."""
    boxes: list[Box] = [(0, 0, 5, 10), (5, 0, 10, 10), (10, -1, 13, 5), (13, 0, 18, 10)]
    assert grouped("106V", boxes) == ["10", "6", "V"]


def test_a_subscript_stays_with_its_symbol() -> None:
    """Rm and Rp0.2 are labels; a subscript doesn't take them apart."""
    boxes: list[Box] = [(0, 0, 5, 10), (5, 5, 8, 12), (8, 5, 11, 12)]
    assert grouped("Rp0", boxes) == ["Rp0"]


def test_a_raised_two_after_a_unit_stays() -> None:
    """mm² with a raised 2 is mm2, which the units know."""
    boxes: list[Box] = [(0, 0, 5, 10), (5, 0, 10, 10), (10, -1, 13, 5)]
    assert grouped("mm2", boxes) == ["mm2"]


def test_a_line_break_pdfium_makes_up_within_a_word_is_ignored() -> None:
    """After a subscript pdfium reports a new line; characters that touch are one word."""
    boxes: list[Box] = [(0, 0, 5, 10), (5, 3, 8, 11), (0, 0, 0, 0), (0, 0, 0, 0), (8, 0, 13, 10)]
    assert grouped("VC\r\nX", boxes) == ["VCX"]
    far: list[Box] = [*boxes[:4], (0, 12, 5, 22)]
    assert grouped("VC\r\nX", far) == ["VC", "X"]


def test_a_new_line_without_a_break_splits() -> None:
    """Two lines whose characters follow each other in the file aren't one word."""
    assert grouped("ab", [(50, 0, 55, 10), (0, 12, 5, 22)]) == ["a", "b"]
    assert grouped("ab", [(50, 0, 55, 10), (50, 10, 55, 20)]) == ["a", "b"]


def test_text_that_runs_upwards_is_kept_together() -> None:
    """A label along an axis is one word if its characters are turned."""
    boxes: list[Box] = [(0, 20, 10, 25), (0, 15, 10, 20), (0, 10, 10, 15)]
    assert grouped("kPa", boxes, turned=True) == ["kPa"]


def test_soft_hyphens_and_private_characters_stay_raw() -> None:
    """Reading them is the host's business."""
    text = "\uf0b0C\x02\ufffe"
    assert grouped(text, line(text)) == [text]


def test_surrogate_halves_are_joined_and_lone_ones_replaced() -> None:
    """The layout file is valid UTF-8 whatever the PDF says."""
    assert words.text_of([0xD835, 0xDC00]) == "\U0001d400"
    assert words.text_of([0xD835, 65]) == "\ufffdA"
    assert words.text_of([0x110000]) == "\ufffd"


def test_a_box_of_nonsense_drops_the_word() -> None:
    """Infinite coordinates can't be drawn or compared."""
    assert grouped("a", [(float("nan"), 0, 1, 1)]) == []
    assert grouped("a", [(1e9, 0, 2e9, 1)]) == []


@given(
    st.lists(
        st.tuples(st.integers(0, 0x10FFFF), *[st.floats(-1e4, 1e4, width=32)] * 4), max_size=40
    )
)
def test_no_character_is_lost_or_made_up(
    chars: list[tuple[int, float, float, float, float]],
) -> None:
    """Whatever the boxes, the words hold every character that isn't white space, in order."""
    found = words.group([c[0] for c in chars], [c[1:] for c in chars], lambda _: False).found
    spaces = words._SPACES | words._BREAKS  # pyright: ignore[reportPrivateUsage]
    kept = [c[0] for c in chars if c[0] not in spaces]
    assert sum(len(word[0].encode("utf-16-le")) for word in found) >= len(kept)
    assert all("\n" not in word[0] and "\t" not in word[0] for word in found)


def draw(path: Path, *, rotate: int = 0, crop: tuple[int, int, int, int] | None = None) -> None:
    """A page of 400 x 300 as shown, `Mark 3.30` at (150, 200), `up12.5` running upwards."""
    canvas = Canvas(str(path), pagesize=(400, 300), invariant=1)
    canvas.setFont("Helvetica", 12)
    canvas.drawString(150, 200, "Mark 3.30")
    canvas.saveState()
    canvas.translate(300, 100)
    canvas.rotate(90)
    canvas.drawString(0, 0, "up12.5")
    canvas.restoreState()
    canvas.setPageRotation(rotate)
    if crop:
        canvas.setCropBox(crop)  # pyright: ignore[reportUnknownMemberType]
    canvas.save()


@pytest.mark.parametrize(
    ("rotate", "x", "y"), [(0, 150, 100), (90, 200, 150), (180, 250, 200), (270, 200, 150)]
)
def test_boxes_are_those_of_the_page_as_displayed(
    tmp_path: Path, rotate: int, x: float, y: float
) -> None:
    """The start of a word's baseline is found where one sees it, however the page is turned."""
    draw(tmp_path / "page.pdf", rotate=rotate)
    found = {word[0]: word[1:] for word in read(tmp_path / "page.pdf")}
    x0, y0, x1, y1 = found["Mark"]
    assert x0 - 4 <= x <= x1 + 4
    assert y0 - 4 <= y <= y1 + 4
    assert set(found) == {"Mark", "3.30", "up12.5"}


def test_a_crop_box_moves_the_origin(tmp_path: Path) -> None:
    """Boxes count from the corner of what is shown, not of the sheet."""
    draw(tmp_path / "page.pdf", crop=(100, 50, 390, 280))
    x0, y0, _, y1 = {word[0]: word[1:] for word in read(tmp_path / "page.pdf")}["Mark"]
    assert x0 == pytest.approx(50, abs=0.1)
    assert y0 < 80 < y1


def read(path: Path) -> list[tuple[str, float, float, float, float]]:
    """The words of a file's first page."""
    document = pdfium.Document(path.read_bytes(), None)
    page = document.open_page(1)
    assert page
    with page:
        layer = page.text(1000)
        assert layer
        with layer:
            return words.words_of(page, layer).found

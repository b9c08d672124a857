"""Where proof stands: page, occurrence, boxes, label, ink."""

import time
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.output.conftest import Checker

VOLT: dict[str, Any] = {"type": "quantity", "unit": "V"}


def claim(value: object, quote: str, page: int = 1, **more: Any) -> dict[str, Any]:
    return {"value": value, "unit": "V", "page": page, "quote": quote, **more}


async def test_a_quote_on_another_page_is_named(checker: "Checker") -> None:
    """The error says where the words are, so one repair is enough."""
    checker.show("first", "second", "U = 3.3 V")
    outcome = await checker.check({"u": claim("3.3", "3.3 V", page=2)}, {"u": VOLT})
    assert [error.message for error in outcome.errors] == [
        'u: the quote "3.3 V" is not on page 2 (it is on page 3); correct `page`'
    ]
    assert outcome.record is not None
    assert outcome.record.values[0].code == "quote_on_other_page"


@pytest.mark.parametrize(
    ("page", "quote", "label", "code"),
    [
        (9, "3.3 V", None, "page_not_found"),
        (1, "3.4 V", None, "quote_not_found"),
        (1, "\u200b|", None, "quote_empty"),
        (1, "3.3 V", "Nowhere", "label_not_found"),
    ],
)
async def test_each_step_of_the_ladder_has_its_code(
    checker: "Checker", *, page: int, quote: str, label: str | None, code: str
) -> None:
    """Page, quote and label are looked up before the value is read."""
    checker.show("U = 3.3 V")
    outcome = await checker.check({"u": claim("3.3", quote, page, label=label)}, {"u": VOLT})
    assert [error.code for error in outcome.errors] == [code]


async def test_the_place_nearest_to_the_label_is_taken(checker: "Checker") -> None:
    """The same words twice on a page: the label tells which, else the first counts."""
    page = "Input  3.3 V\nmore\nOutput  3.3 V"
    near = await checker.value(page, VOLT, "3.3", "3.3 V", unit="V", label="Output")
    first = await checker.value(page, VOLT, "3.3", "3.3 V", unit="V")
    boxed = await checker.value(page, VOLT, "3.3", "3.3 V", unit="V", box=[70, 48, 90, 58])
    tops = [
        checked.reading.evidence.boxes[0][1]
        for checked in (near, first, boxed)
        if checked.reading and checked.reading.evidence
    ]
    assert tops == [48.0, 20.0, 48.0]


async def test_the_box_is_that_of_the_value(checker: "Checker") -> None:
    """Label words inside the quote aren't part of the value's box; the label has its own."""
    checked = await checker.value(
        "Supply voltage: 3.3 V", VOLT, "3.3", "Supply voltage: 3.3 V", unit="V", label="Supply"
    )
    assert checked.reading is not None
    evidence = checked.reading.evidence
    assert evidence is not None
    assert evidence.quote == "Supply voltage: 3.3 V"
    assert evidence.boxes == ((124.5, 20.0, 157.5, 30.0),)
    assert evidence.label_box == (28.5, 20.0, 67.5, 30.0)


async def test_a_quote_across_lines_has_a_box_per_line(checker: "Checker") -> None:
    """What breaks over a line end is drawn as two boxes."""
    checked = await checker.value("Name: Long\nText", {}, "Long Text", "Long Text")
    assert checked.reading is not None
    assert checked.reading.evidence is not None
    assert len(checked.reading.evidence.boxes) == 2


async def test_a_row_quote_is_found_where_the_text_layer_goes_by_columns(
    checker: "Checker",
) -> None:
    """Models are shown visual rows; their quotes are found in whatever order the file has them."""
    checker.show("Input  3.3 V\nOutput  5.0 V")
    page = checker.pages[0]
    order = [0, 3, 1, 2, 4, 5]
    checker.pages = (type(page)(1, 595, 842, tuple(page.words[index] for index in order)),)
    outcome = await checker.check({"u": claim("3.3", "Input | 3.3 V")}, {"u": VOLT})
    assert outcome.errors == ()


async def test_invisible_words_prove_nothing(checker: "Checker") -> None:
    """A text layer without ink is what no reader sees; the other values of the page stay proven."""
    checker.show("U = 3.3 V\nI = 5.0 V")
    checker.invisible = {(52.5, 20.0, 85.5, 30.0)}
    record = {"u": claim("3.3", "3.3 V"), "i": claim("5.0", "5.0 V")}
    outcome = await checker.check(record, {"u": VOLT, "i": VOLT})
    assert outcome.record is not None
    assert [value.code for value in outcome.record.values] == ["no_ink", ""]
    assert checker.asked == [1]


async def test_ink_is_asked_once_per_page_with_proof(checker: "Checker") -> None:
    """Rendering is the expensive step: pages without a proven value aren't rendered."""
    checker.show("U = 3.3 V", "U = 5.0 V", "U = 6.0 V")
    record = {
        "a": claim("3.3", "3.3 V"),
        "b": claim("3.3", "3.3 V"),
        "c": claim("9.9", "5.0 V", page=2),
        "d": claim("6.0", "6.0 V", page=3),
    }
    await checker.check(record, dict.fromkeys(record, VOLT))
    assert checker.asked == [1, 3]


async def test_a_lying_ink_probe_verifies_nothing(checker: "Checker") -> None:
    """The answer comes from the sandbox; one that is too short leaves values unverified."""
    checker.show("U = 3.3 V")
    checker.silent = True
    outcome = await checker.check({"u": claim("3.3", "3.3 V")}, {"u": VOLT})
    assert [error.code for error in outcome.errors] == ["no_ink"]


async def test_thirty_values_on_three_pages_cost_little(checker: "Checker") -> None:
    """A generous bound on a slow machine; the measured figure stands in `docs/records.md`."""
    lines = [f"Parameter {n}  condition 25 °C  {n}.{n % 10}  {n + 1}.5  mV" for n in range(40)]
    checker.show(*("\n".join(lines) for _ in range(3)))
    fields = {f"f{n}": {"type": "quantity", "unit": "mV"} for n in range(30)}
    record = {
        f"f{n}": {
            "value": f"{n + 1}.5",
            "unit": "mV",
            "page": n % 3 + 1,
            "quote": f"{n}.{n % 10} {n + 1}.5 mV",
            "label": f"Parameter {n}",
        }
        for n in range(30)
    }
    begin = time.process_time()
    outcome = await checker.check(record, fields)
    assert time.process_time() - begin < 0.5
    assert outcome.errors == ()

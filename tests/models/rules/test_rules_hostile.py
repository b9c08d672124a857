"""Whatever stands on a page: the record has the right form, every quote is on its page, in time."""

import random
import time
from typing import Any, cast

from hypothesis import given, settings
from hypothesis import strategies as st

from docmill.documents.layout import Page, Word
from docmill.models.rules.extract import extract
from docmill.models.rules.wanted import read_wanted
from docmill.output.schema import record_schema
from docmill.output.submitted import read_submission
from docmill.spec.fields import Field

FIELDS = {
    "voltage": Field(type="quantity", unit="V", aliases=("output voltage", "Rm", "C11")),
    "span": Field(type="range", unit="V", aliases=("output voltage",)),
    "limit": Field(type="number", pick="max", aliases=("total",), section=("heat",)),
    "number": Field(type="id", aliases=("output",), pattern="[A-Z]+-[0-9]+"),
    "issued": Field(type="date", aliases=("date",)),
    "kind": Field(enum={"a": ("EN 10204 3.1",), "b": ("€",)}, aliases=("heat",)),
    "ok": Field(type="boolean", aliases=("total",)),
    "lines": Field(
        type="list",
        fields={
            "heat": Field(type="id", aliases=("heat",)),
            "c": Field(type="quantity", unit="%", aliases=("C",), required=False),
        },
    ),
}
WANTED = read_wanted(record_schema(FIELDS))
SPELLED = """
output voltage Output total Total: net heat C C11 Min Max Typ Unit V % mm [%]0.1 3.3 1,234 1.234
≤ ≥ = ± - -- ... 12.03.2024 05/06/2024 KP-12 yes EN 10204 3.1 € ( ) / \u2126 \uf0b0 \ufb01 \u0002
"""
TEXTS = SPELLED.split()


def claims(record: dict[str, Any]) -> list[dict[str, Any]]:
    """All claims of a record."""
    found: list[dict[str, Any]] = []
    rows = [record, *cast("list[dict[str, Any]]", record["lines"])]
    leaves: list[Any] = [leaf for row in rows for leaf in row.values()]
    for leaf in leaves:
        if isinstance(leaf, dict):
            claim = cast("dict[str, Any]", leaf)
            found += claim.get("candidates", [claim])
    return found


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(TEXTS), st.integers(0, 40), st.integers(0, 30), st.integers(8, 12)
        ),
        max_size=120,
    )
)
def test_any_page_gives_a_record_of_the_right_form(
    found: list[tuple[str, int, int, int]],
) -> None:
    """No page makes the model fail, hand in a malformed record, or quote what isn't there."""
    words = tuple(
        Word(text, x * 12.0, y * 12.0, x * 12.0 + 5 * len(text), y * 12.0 + height)
        for text, x, y, height in found
    )
    record = extract(WANTED, [Page(1, 595, 842, words)]).record
    assert read_submission(record, FIELDS).errors == []
    texts = " ".join(word.text for word in words)
    for claim in claims(record):
        assert all(word in texts for word in claim["quote"].split()), claim


def test_a_page_of_many_words_is_read_in_linear_time() -> None:
    """Four times the words take no more than some ten times the time."""

    def seconds(count: int) -> float:
        chosen = random.Random(7).choices(TEXTS, k=count)
        words = tuple(
            Word(text, 30.0 + number % 3, 30, 60, 40) for number, text in enumerate(chosen)
        )
        started = time.process_time()
        extract(WANTED, [Page(1, 595, 842, words)])
        return time.process_time() - started

    seconds(100)
    assert seconds(8000) < 12 * max(seconds(2000), 0.02)

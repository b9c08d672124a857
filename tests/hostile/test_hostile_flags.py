"""Flags come from inside the sandbox: validated, capped, weighed; what they say of values."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docmill.batch.status import status_of
from docmill.documents.layout import Page
from docmill.errors import DocumentError
from docmill.records.checked import CheckedRecord, CheckedValue, Evidence, Reading
from docmill.records.flags import Flag
from docmill.session.marking import Marker, disagreements
from docmill.session.suspicion import EXCERPT, MAX_FLAGS, read_flags, refuse
from docmill.spec.hostile import Hostile

PAGES = (Page(1, 600, 800, ()), Page(2, 600, 800, ()))
BOX = (10.0, 10.0, 50.0, 20.0)
NESTED = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


def test_a_flag_is_data_with_the_weight_the_pipeline_gives_it() -> None:
    """Kind, page, boxes, excerpt and count as found; the severity is ours."""
    found = [
        {"kind": "covered", "page": 2, "boxes": [list(BOX)], "excerpt": "secret", "count": 3},
        {"kind": "javascript"},
    ]
    assert read_flags(found, PAGES, Hostile()) == (
        Flag(kind="covered", page=2, boxes=(BOX,), excerpt="secret", count=3),
        Flag(kind="javascript", severity="info"),
    )


@pytest.mark.parametrize(
    "entry",
    [
        {"kind": "harmless"},
        {"kind": "tiny", "page": 3},
        {"kind": "tiny", "page": -1},
        {"kind": "tiny", "page": "1"},
        {"kind": "tiny", "count": 10**9},
        {"kind": ["tiny"]},
        ["tiny"],
        None,
    ],
)
def test_what_is_no_flag_is_left_out(entry: object) -> None:
    """An unknown kind, a page that isn't there, a number out of bounds."""
    assert read_flags([entry], PAGES, Hostile()) == ()


@given(NESTED | st.lists(st.dictionaries(st.sampled_from(["kind", "page", "boxes"]), NESTED)))
def test_nothing_from_inside_breaks_the_host(found: object) -> None:
    """Whatever a sandbox that was taken over sends."""
    assert len(read_flags(found, PAGES, Hostile())) <= MAX_FLAGS


def test_floods_and_control_characters_are_cut() -> None:
    """A document can't fill the report, nor write to a terminal."""
    entry = {"kind": "tiny", "excerpt": "\x1b[2J" + "a" * 5000, "page": 1, "boxes": [BOX] * 99}
    flags = read_flags([entry] * 5000, PAGES, Hostile())
    assert len(flags) == MAX_FLAGS
    assert len(flags[0].excerpt) == EXCERPT
    assert "\x1b" not in flags[0].excerpt


def test_remarks_are_never_refused() -> None:
    """That a page was read by OCR holds nothing against it, however strict the pipeline is."""
    strict = Hostile(
        hidden_text="refuse", instructions="refuse", active_content="refuse", structure="refuse"
    )
    refuse([Flag(kind="ocr", page=1, severity="info")], strict)
    with pytest.raises(DocumentError):
        refuse([Flag(kind="tiny", page=1)], strict)


def test_a_refusal_names_what_was_found_and_what_to_do() -> None:
    """Code, words and remedy; the flags of other topics don't matter."""
    flags = read_flags([{"kind": "launch"}, {"kind": "tiny", "page": 1}], PAGES, Hostile())
    refuse(flags, Hostile())
    with pytest.raises(DocumentError) as caught:
        refuse(flags, Hostile(hidden_text="refuse"))
    assert caught.value.code == "document_hidden_text"
    assert "page 1: text too small to be read" in caught.value.message
    assert "documents.hostile.hidden_text" in caught.value.remedy


def test_active_content_may_be_refused() -> None:
    """It is only noted by default, and a reason to stop where the pipeline says so."""
    hostile = Hostile(active_content="refuse")
    with pytest.raises(DocumentError, match="an action that starts a program"):
        refuse(read_flags([{"kind": "launch"}], PAGES, hostile), hostile)


def record(*boxes: tuple[float, float, float, float]) -> CheckedRecord:
    """A verified value with its words in these boxes of page 1."""
    evidence = Evidence(page=1, quote="5 V", boxes=boxes)
    reading = Reading(value="5 V", evidence=evidence)
    return CheckedRecord(values=(CheckedValue(path="v", status="verified", reading=reading),))


async def test_a_value_carries_the_flags_of_its_words() -> None:
    """And not those of words beside them, or at the same place of another page."""
    flags = [
        Flag(kind="instructions", page=1, boxes=(BOX,)),
        Flag(kind="covered", page=2, boxes=(BOX,)),
        Flag(kind="tiny", page=1, boxes=((300.0, 10.0, 350.0, 20.0),)),
    ]
    (value,) = (await Marker(flags).mark(record((12.0, 11.0, 30.0, 19.0)))).values
    assert value.flags == ("instructions",)


def test_a_document_is_flagged_by_warnings_only() -> None:
    """Information about a document leaves its status as it is."""
    proven = record(BOX)
    assert status_of(proven, (), [Flag(kind="javascript", severity="info")]) == "ok"
    assert status_of(proven, (), [Flag(kind="invisible", page=1)]) == "flagged"


def test_values_that_differ_from_the_page_flag_the_document() -> None:
    """With the place and the words of the text layer; `note` makes it information."""
    (value,) = record(BOX).values
    marked = CheckedRecord(values=(value.model_copy(update={"flags": ("disagrees",)}),))
    (flag,) = disagreements(marked, Hostile())
    assert (flag.kind, flag.page, flag.boxes, flag.severity) == ("disagrees", 1, (BOX,), "warning")
    (flag,) = disagreements(marked, Hostile(text_layer="note"))
    assert flag.severity == "info"

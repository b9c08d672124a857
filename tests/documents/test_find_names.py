"""Ids of documents and shown names are safe, whatever the files are called."""

import re

from hypothesis import given
from hypothesis import strategies as st

from docmill.documents.names import shown_name, unique_ids

ID = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,78}[a-z0-9])?\Z")
NAMES = st.lists(st.text(min_size=1, max_size=200), max_size=8, unique=True)


def test_an_id_is_the_name_made_plain() -> None:
    """Accents lose their marks, everything else becomes a dash."""
    assert unique_ids(["Prüfbericht №7_é.PDF"]) == ["prufbericht-no7-e"]


def test_names_that_look_alike_keep_different_ids() -> None:
    """All who share a slug get a hash, so adding one file renames at most its look-alikes."""
    first, second, other = unique_ids(["A.pdf", "a.pdf", "b.pdf"])
    assert first != second
    assert first.startswith("a-")
    assert other == "b"
    assert unique_ids(["a.pdf", "A.pdf"]) == [second, first]


def test_a_name_may_imitate_another_ones_id() -> None:
    """A file named like an id that was given to another one still gets an id of its own."""
    shared = unique_ids(["A.pdf", "a.pdf"])
    ids = unique_ids(["A.pdf", "a.pdf", f"{shared[0]}.pdf"])
    assert len(set(ids)) == 3


@given(NAMES)
def test_ids_are_unique_and_safe(names: list[str]) -> None:
    """Any set of names, control characters and lone surrogates included."""
    ids = unique_ids(names)
    assert len(set(ids)) == len(names)
    assert all(ID.match(identifier) for identifier in ids)


@given(st.permutations(["x/a.pdf", "x-a.pdf", "b.pdf", "...", "日本.pdf", "c" * 200 + ".pdf"]))
def test_ids_do_not_depend_on_the_order_of_finding(names: list[str]) -> None:
    """The same set of names gives each the same id."""
    expected = dict(zip(sorted(names), unique_ids(sorted(names)), strict=True))
    assert dict(zip(names, unique_ids(names), strict=True)) == expected


@given(st.text(alphabet=st.characters(), max_size=40))
def test_shown_names_are_one_printable_line(name: str) -> None:
    """No line break, control character or direction mark gets through, and UTF-8 can hold it."""
    shown = shown_name(name)
    assert shown.encode().decode() == shown
    assert not re.search(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]", shown)


def test_ordinary_names_are_shown_as_they_are() -> None:
    """Umlauts and other scripts are no danger."""
    assert shown_name("Prüfbericht 日本.pdf") == "Prüfbericht 日本.pdf"

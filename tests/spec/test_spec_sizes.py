"""Sizes with units, and did-you-mean."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docmill.spec.sizes import parse_size
from docmill.spec.suggest import nearest, remedy_for


@pytest.mark.parametrize(
    ("text", "size"),
    [("512MiB", 512 * 2**20), ("1.5 GB", 1_500_000_000), ("64k", 65536), ("12", 12), ("3 B", 3)],
)
def test_sizes_have_units(text: str, size: int) -> None:
    """Decimal units are powers of 1000, binary ones and bare letters of 1024."""
    assert parse_size(text) == size


@pytest.mark.parametrize(
    "text", ["", "many", "-1MiB", "1e9", "1 XiB", "0", "0.1", "1 MiB x", "٣MB"]
)
def test_what_is_no_size_is_refused(text: str) -> None:
    """The message shows what was written."""
    with pytest.raises(ValueError, match="`"):
        parse_size(text)


@given(st.integers(1, 10**9), st.sampled_from(["B", "KiB", "MiB", "GiB", "kB", "MB"]))
def test_sizes_grow_with_their_number(number: int, unit: str) -> None:
    """One more is always more."""
    assert parse_size(f"{number + 1}{unit}") > parse_size(f"{number} {unit}")


def test_the_nearest_name_is_suggested() -> None:
    """Typos, case and dashes find their name; something else finds nothing."""
    assert nearest("recrod", ["record", "report"]) == "record"
    assert nearest("Max-Size", ["max_pages", "max_size"]) == "max_size"
    assert nearest("zzz", ["record", "report"]) is None


def test_a_remedy_lists_what_is_known() -> None:
    """Also where nothing is near, and where nothing is known."""
    assert remedy_for("zzz", ["a", "b"]) == "known: a, b"
    assert remedy_for("recrod", ["record"]) == "did you mean `record`? (known: record)"
    assert remedy_for("x", [], empty="make one") == "make one"

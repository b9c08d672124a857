"""A drop is complete when nothing in it has changed for a while, or when its marker says so."""

from hypothesis import given
from hypothesis import strategies as st

from docmill.documents.sources import Candidate
from docmill.watch.names import LONGEST, safe_name
from docmill.watch.settling import LOOSE, Settling


def file(name: str, *, stamp: str = "1") -> Candidate:
    """A file of the watched folder."""
    return Candidate(name, f"/in/{name}", 10, stamp)


def folders(settling: Settling, files: list[Candidate], now: float) -> list[str]:
    """Folders of the drops that are complete."""
    return [drop.folder for drop in settling.look(files, now)]


def test_a_file_counts_once_it_has_been_still_for_the_time_set() -> None:
    """Every change starts the time anew."""
    settling = Settling(10)
    assert folders(settling, [file("a")], 0) == []
    assert folders(settling, [file("a")], 9) == []
    assert folders(settling, [file("a", stamp="2")], 9.5) == []
    assert folders(settling, [file("a", stamp="2")], 19) == []
    assert settling.next_change(19) == 0.5
    assert folders(settling, [file("a", stamp="2")], 19.5) == [LOOSE]


def test_a_growing_file_holds_back_its_folder_only() -> None:
    """What came together is one batch; another folder doesn't wait for it."""
    settling = Settling(10)
    settling.look([file("x/a"), file("y/a")], 0)
    files = [file("x/a"), file("x/b"), file("y/a")]
    assert folders(settling, files, 10) == ["y"]
    assert folders(settling, files, 20) == ["x", "y"]


def test_with_a_marker_nothing_else_counts() -> None:
    """Without it a still file is not complete; with it a new one is."""
    settling = Settling(10, "_READY")
    settling.look([file("x/a")], 0)
    assert settling.look([file("x/a")], 100) == ()
    drops = settling.look([file("x/a"), file("y/a")], 101, ready=frozenset({"y"}))
    assert [drop.folder for drop in drops] == ["y"]


def test_a_file_that_came_back_starts_anew() -> None:
    """What was gone in between is not the file that had settled."""
    settling = Settling(10)
    settling.look([file("a")], 0)
    settling.look([], 5)
    assert folders(settling, [file("a")], 10) == []


@given(st.text(max_size=400))
def test_any_key_becomes_a_name_below_its_folder(key: str) -> None:
    """No key of a bucket leads out of the folder, hides a file or breaks a line."""
    name = safe_name(key)
    parts = name.split("/")
    assert not any(part.startswith(".") or not part for part in parts)
    assert all(len(part) <= LONGEST for part in parts)
    assert name.isprintable()
    assert safe_name(key) == name


def test_usual_names_stay_as_they_are() -> None:
    """Spaces, umlauts and other scripts are nobody's business."""
    for name in ("Prüfbericht 7.pdf", "in/报告.pdf", "a b/c d.PDF"):
        assert safe_name(name) == name
    assert safe_name("../../etc/passwd") == "%2E./%2E./etc/passwd"

"""Places of running sandboxes: one each, given back, and swept when their holder was killed."""

import os
from pathlib import Path

import pytest

from docmill.errors import PrerequisiteError
from docmill.sandboxes import claims


def test_every_sandbox_has_a_place_of_its_own(tmp_path: Path) -> None:
    """Two claims differ in number, name and user; a released place is free again."""
    first, second = claims.take(tmp_path), claims.take(tmp_path)
    assert first.number != second.number
    assert first.name != second.name
    assert first.uid() != second.uid()
    first.release()
    third = claims.take(tmp_path)
    assert third.number == first.number
    assert third.name != first.name
    second.release()
    third.release()
    assert not list(tmp_path.iterdir())


def test_a_live_place_is_not_swept(tmp_path: Path) -> None:
    """Its lock says that somebody is using it."""
    claim = claims.take(tmp_path)
    claim.note((Path("/sys/docmill-1"),))
    assert not list(claims.leftovers(tmp_path))
    claim.clear()
    claim.release()


def test_what_a_dead_holder_noted_can_be_read(tmp_path: Path) -> None:
    """The lock went with the process; the note stayed."""
    claim = claims.take(tmp_path)
    claim.note((Path("/a/docmill-1"), Path("/b/docmill-1")))
    claim.release()  # with the note left in, as after a kill
    (found,) = claims.leftovers(tmp_path)
    assert found.noted() == (Path("/a/docmill-1"), Path("/b/docmill-1"))
    found.clear()
    found.release()
    assert not list(tmp_path.iterdir())


def test_other_files_are_left_alone(tmp_path: Path) -> None:
    """Only numbered claims count."""
    (tmp_path / "notes.claim").touch()
    assert not list(claims.leftovers(tmp_path))
    assert not list(claims.leftovers(tmp_path / "missing"))


def test_a_folder_that_cannot_be_written_is_a_prerequisite(tmp_path: Path) -> None:
    """Not an error in mid-run."""
    (tmp_path / "file").touch()
    with pytest.raises(PrerequisiteError, match="can't be counted"):
        claims.take(tmp_path / "file" / "state")


def test_all_places_taken_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the command that frees what is dead."""
    monkeypatch.setattr(claims, "PLACES", 1)
    claim = claims.take(tmp_path)
    with pytest.raises(PrerequisiteError, match="are running"):
        claims.take(tmp_path)
    claim.release()


@pytest.mark.parametrize(
    ("ranges", "expected"),
    [
        ([(0, 4294967295)], claims.FIRST_UID),
        ([(0, 65536)], 65535 - claims.PLACES),
        ([(0, 1), (1, 65536)], 65536 - claims.PLACES),
    ],
)
def test_the_user_exists_in_this_container(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    ranges: list[tuple[int, int]],
    expected: int,
) -> None:
    """A container's root may only become users of its own range."""
    monkeypatch.setattr(claims, "_mapped", lambda: iter(ranges))
    claim = claims.take(tmp_path)
    assert claim.uid() == expected
    claim.release()


def test_a_container_with_one_user_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There is nobody to drop to."""
    monkeypatch.setattr(claims, "_mapped", lambda: iter([(0, 1)]))
    claim = claims.take(tmp_path)
    with pytest.raises(PrerequisiteError, match="too few users"):
        claim.uid()
    claim.release()


def test_the_state_of_root_is_shared_and_that_of_users_their_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or two runs of root with different caches would use the same user."""
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert claims.default_state(tmp_path) == Path("/run/docmill")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert claims.default_state(tmp_path) == tmp_path / "sessions"

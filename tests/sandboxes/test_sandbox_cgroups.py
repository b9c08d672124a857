"""Control groups: where they can be made, what is written, what is read back.

Folders of the test stand for the kernel's; the contract suite shows the real ones at work.
"""

from pathlib import Path

import pytest

from docmill.sandboxes import cgroups
from docmill.sandboxes.base import Enforced, SandboxLimits

LIMITS = SandboxLimits(memory=1000, cpus=1.5, pids=7, disk=1, seconds=1, output=1)


def tree(folder: Path, mounts: list[tuple[str, str]], own: str) -> tuple[Path, Path]:
    """mountinfo(5) and cgroup(7) files for mounts below a folder: (name, file system text)."""
    lines: list[str] = []
    for name, kind in mounts:
        (folder / name).mkdir()
        (folder / name / "cgroup.procs").touch()
        lines.append(f"30 23 0:26 / {folder}/{name} rw,nosuid shared:4 - {kind}")
    (folder / "mountinfo").write_text("\n".join([*lines, "22 1 8:1 / / rw - ext4 /dev/sda rw"]))
    (folder / "own").write_text(own)
    return folder / "mountinfo", folder / "own"


def test_v1_controllers_are_found_one_by_one(tmp_path: Path) -> None:
    """Each below the group this process is in, so that limits on docmill itself go on holding."""
    files = tree(
        tmp_path,
        [
            ("memory", "cgroup c rw,memory"),
            ("pids", "cgroup c rw,pids"),
            ("x", "cgroup c rw,blkio"),
        ],
        "4:memory:/jobs/one\n3:pids:/\n",
    )
    (tmp_path / "memory/jobs/one").mkdir(parents=True)
    (tmp_path / "memory/jobs/one/cgroup.procs").touch()
    places = cgroups.find_places(*files)
    assert {place.controllers: place.folder for place in places} == {
        ("memory",): tmp_path / "memory/jobs/one",
        ("pids",): tmp_path / "pids",
    }
    assert all(place.version == 1 for place in places)


def test_v2_uses_the_nearest_group_that_passes_controllers_on(tmp_path: Path) -> None:
    """A group that holds processes doesn't; an ancestor that was delegated does."""
    files = tree(tmp_path, [("u", "cgroup2 c rw")], "0::/user/app\n")
    (tmp_path / "u/cgroup.controllers").write_text("cpu memory pids io")
    for name, passed in (("user", "cpu memory pids"), ("user/app", "")):
        (tmp_path / "u" / name).mkdir()
        (tmp_path / "u" / name / "cgroup.procs").touch()
        if passed:
            (tmp_path / "u" / name / "cgroup.subtree_control").write_text(passed)
        else:  # writing fails, as with EBUSY
            (tmp_path / "u" / name / "cgroup.subtree_control").mkdir()
    (place,) = cgroups.find_places(*files)
    assert (place.folder, place.version) == (tmp_path / "u/user", 2)
    assert place.controllers == ("memory", "pids", "cpu")


def test_v1_groups_that_root_has_made_for_a_user_are_found(tmp_path: Path) -> None:
    """Last, at the top: where an ordinary user may write nowhere else."""
    files = tree(tmp_path, [("memory", "cgroup c rw,memory")], "4:memory:/\n")
    (tmp_path / "memory/cgroup.procs").unlink()
    assert cgroups.find_places(*files) == ()
    (tmp_path / "memory/docmill").mkdir()
    (tmp_path / "memory/docmill/cgroup.procs").touch()
    (place,) = cgroups.find_places(*files)
    assert place == cgroups.Place(tmp_path / "memory/docmill", 1, ("memory",))


def test_without_control_groups_there_are_no_places(tmp_path: Path) -> None:
    """Neither files nor mounts: limits are left to others, and the list says so."""
    assert cgroups.find_places(tmp_path / "none", tmp_path / "none") == ()
    assert cgroups.Group((), "x").enforced() == ()
    assert not cgroups.Group((), "x").out_of_memory()


@pytest.mark.parametrize(
    ("version", "files"),
    [
        (1, {"memory.limit_in_bytes": "1000", "pids.max": "7", "cpu.cfs_quota_us": "150000"}),
        (2, {"memory.max": "1000", "memory.swap.max": "0", "cpu.max": "150000 100000"}),
    ],
)
def test_limits_are_written_and_read_back(
    tmp_path: Path, version: int, files: dict[str, str]
) -> None:
    """One folder per sandbox; what is reported is what the files say afterwards."""
    place = cgroups.Place(tmp_path, version, ("memory", "pids", "cpu"))
    group = cgroups.Group((place,), "1-abc")
    group.create(LIMITS)
    folder = tmp_path / "docmill-1-abc"
    for name, text in files.items():
        assert (folder / name).read_text() == text
    assert group.holds(LIMITS)
    (folder / files_of(version)).write_text("4096")
    assert not group.holds(LIMITS)
    (folder / files_of(version)).write_text("max")
    assert not group.holds(LIMITS)
    (folder / files_of(version)).write_text("4096")
    found = {entry.limit: entry for entry in group.enforced()}
    assert found["memory"] == Enforced("memory", f"cgroup v{version}", "4096")
    assert found["pids"].value == "7"
    assert found["cpus"].value.split()[0] == "150000"


def files_of(version: int) -> str:
    """The file with the memory limit."""
    return "memory.max" if version == 2 else "memory.limit_in_bytes"


@pytest.mark.parametrize(("version", "file"), [(1, "memory.oom_control"), (2, "memory.events")])
def test_the_kernels_kills_are_noticed(tmp_path: Path, version: int, file: str) -> None:
    """So a dead sandbox can say that memory was the cause."""
    group = cgroups.Group((cgroups.Place(tmp_path, version, ("memory",)),), "1")
    group.folders[0].mkdir()
    (group.folders[0] / file).write_text("under_oom 0\noom_kill 0\n")
    assert not group.out_of_memory()
    (group.folders[0] / file).write_text("under_oom 0\noom_kill 2\n")
    assert group.out_of_memory()


def test_only_folders_of_ours_are_removed(tmp_path: Path) -> None:
    """A claim's file is never a licence to remove something else."""
    other, ours = tmp_path / "important", tmp_path / "docmill-3-x"
    other.mkdir()
    ours.mkdir()
    assert cgroups.remove((other, ours, tmp_path / "docmill-gone"))
    assert other.is_dir()
    assert not ours.exists()


def test_a_group_that_will_not_go_is_reported(tmp_path: Path) -> None:
    """Then the claim keeps its name, for the next sweep."""
    (tmp_path / "docmill-4" / "child").mkdir(parents=True)
    assert not cgroups.remove((tmp_path / "docmill-4",), seconds=0.01)

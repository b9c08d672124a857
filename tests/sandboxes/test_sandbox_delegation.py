"""Control groups where none can be written: handed over, asked of systemd, or a remedy that fits.

Folders of the test stand for the kernel's and systemd's, laid out as real machines have them.
"""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from docmill.sandboxes import delegation
from docmill.sandboxes.base import Enforced
from docmill.sandboxes.cgroups import Mounted
from docmill.sandboxes.delegation import Obtained, Surroundings, obtain_places
from docmill.sandboxes.remedies import lack_of

ALL = "cpu memory pids io"
SESSION = "/user.slice/user-1000.slice/session-3.scope"
MANAGER = "/user.slice/user-1000.slice/user@1000.service"
LOOSE = (
    Enforced("memory", "rlimit", "1 per process", together=False),
    Enforced("pids", "rlimit", "7"),
)


NOBODY = 3_999_999_999
"""A user without a name."""


class Machine:
    """A machine with cgroup v2; groups belong to root until the test writes otherwise."""

    def __init__(self, folder: Path, own: str, *, mount: str = "rw,nosuid") -> None:
        self.root = folder / "cgroup"
        self.around = Surroundings(
            NOBODY, folder / "mountinfo", folder / "own", folder / "users", folder / "booted"
        )
        self.root.mkdir()
        (self.root / "cgroup.controllers").write_text(ALL)
        self.around.mounts.write_text(f"30 23 0:26 / {self.root} {mount} shared:4 - cgroup2 c rw")
        (folder / "booted").mkdir()
        self.group(own)
        self.enter(own)

    def group(self, name: str, passed_on: str | None = None) -> Path:
        """A group; `passed_on` makes it ours to write, passing these controllers on."""
        folder = self.root / name.removeprefix("/")
        folder.mkdir(parents=True, exist_ok=True)
        if passed_on is not None:
            (folder / "cgroup.procs").write_text("4711\n")
            (folder / "cgroup.subtree_control").write_text(passed_on)
        return folder

    def enter(self, name: str) -> None:
        """Have this process be in a group."""
        self.around.own.write_text(f"0::{name}\n")

    def with_systemd(self) -> None:
        """Have the user's own systemd run."""
        self.around.bus.parent.mkdir(parents=True)
        self.around.bus.touch()

    def scope(self, passed_on: str) -> Callable[[Surroundings], str]:
        """systemd, which puts the process into a scope and hands that over."""

        def ask(around: Surroundings) -> str:
            name = f"{MANAGER}/app.slice/docmill-1.scope"
            self.group(name, passed_on)
            self.group(f"{name}/{delegation.RUNNER}", "")
            self.enter(name)
            return ""

        return ask

    def remedy(self, obtained: Obtained) -> str:
        """What would help."""
        lack = lack_of(self.around, obtained, LOOSE)
        assert lack is not None
        assert lack.limits == ("memory",)
        return f"{lack.cause} {lack.remedy}"


def never(around: Surroundings) -> str:
    """Fails the test: systemd wasn't to be asked."""
    raise AssertionError("systemd was asked")


def test_a_login_session_gets_a_scope_of_its_own(tmp_path: Path) -> None:
    """systemd makes it, docmill moves one group down, sandboxes come beside it."""
    machine = Machine(tmp_path, SESSION)
    machine.with_systemd()
    found = obtain_places(machine.around, machine.scope("cpu memory pids"))
    (place,) = found.places
    assert place.folder == machine.root / f"{MANAGER[1:]}/app.slice/docmill-1.scope"
    assert place.controllers == ("memory", "pids", "cpu")
    assert (place.folder / "runner/cgroup.procs").read_text() == "4711"
    assert lack_of(machine.around, found, ()) is None


def test_what_can_be_written_is_used_as_it_is(tmp_path: Path) -> None:
    """A desktop's terminal lies below the user's own systemd; nobody has to be asked."""
    name = f"{MANAGER}/app.slice/terminal.scope"
    machine = Machine(tmp_path, name)
    machine.with_systemd()
    machine.group(f"{MANAGER}/app.slice", "cpu memory pids")
    (place,) = obtain_places(machine.around, never).places
    assert place.folder.name == "app.slice"


def test_a_service_that_was_handed_its_group_moves_its_processes_down(tmp_path: Path) -> None:
    """`Delegate=yes` in its unit: systemd marks the group, and then leaves its inside alone."""
    machine = Machine(tmp_path, "/system.slice/docmill.service")
    folder = machine.group("/system.slice/docmill.service", "")
    try:
        os.setxattr(folder, "user.delegate", b"1")
    except OSError:
        pytest.skip("temporary files have no attributes here: only root's do")
    (folder / "runner").mkdir()
    (folder / "runner" / "cgroup.procs").touch()
    obtain_places(machine.around, never)
    assert (folder / "runner" / "cgroup.procs").read_text() == "4711"


def test_a_containers_outermost_group_is_its_own(tmp_path: Path) -> None:
    """The real outermost one has no type; that of a container has, and where it can be written
    nobody else arranges it."""
    machine = Machine(tmp_path, "/")
    outermost = Mounted(machine.root, machine.root, ())
    (machine.root / "cgroup.procs").touch()
    assert not delegation.is_handed_over(outermost)
    (machine.root / "cgroup.type").touch()
    assert delegation.is_handed_over(outermost)


def test_a_service_is_never_torn_from_its_unit(tmp_path: Path) -> None:
    """systemd would take it for ended; the remedy is a line in the unit."""
    machine = Machine(tmp_path, "/system.slice/docmill.service")
    machine.with_systemd()
    remedy = machine.remedy(obtain_places(machine.around, never))
    assert "systemctl edit docmill.service" in remedy
    assert "Delegate=memory pids cpu" in remedy


def test_without_a_systemd_of_ones_own_it_is_to_linger(tmp_path: Path) -> None:
    """As under `su` and cron."""
    machine = Machine(tmp_path, SESSION)
    remedy = machine.remedy(obtain_places(machine.around, never))
    assert "sudo loginctl enable-linger 3999999999" in remedy


def test_without_a_bus_the_package_is_named(tmp_path: Path) -> None:
    """A user's systemd that nobody can talk to."""
    machine = Machine(tmp_path, SESSION)
    machine.around.bus.parent.mkdir(parents=True)
    assert "dbus-user-session" in machine.remedy(obtain_places(machine.around, never))


def test_controllers_that_are_not_handed_over_are_asked_for(tmp_path: Path) -> None:
    """Older distributions keep some back."""
    machine = Machine(tmp_path, SESSION)
    machine.with_systemd()
    found = obtain_places(machine.around, machine.scope("pids"))
    assert "Delegate=memory pids cpu" in machine.remedy(found)
    assert "user@.service.d" in machine.remedy(found)


def test_systemds_refusal_is_told(tmp_path: Path) -> None:
    """In its own words."""
    machine = Machine(tmp_path, SESSION)
    machine.with_systemd()
    found = obtain_places(machine.around, lambda _: "Access denied")
    assert found == Obtained((), "Access denied")
    assert "Access denied" in machine.remedy(found)


@pytest.mark.parametrize(
    ("mounts", "booted", "remedy"),
    [
        ("", True, "mount -t cgroup2"),
        ("30 23 0:26 / {0}/c ro,nosuid s:4 - cgroup2 c rw", True, "--cgroupns=private"),
        (
            "30 23 0:26 / {0}/m rw s:4 - cgroup c rw,memory",
            True,
            "chown -R 3999999999 {0}/m/docmill",
        ),
        ("30 23 0:26 / {0}/cgroup rw s:4 - cgroup2 c rw", False, "echo $$ > {0}/cgroup/docmill"),
    ],
    ids=["nothing mounted", "container", "version 1", "no systemd"],
)
def test_each_kind_of_machine_has_its_remedy(
    tmp_path: Path, mounts: str, booted: bool, remedy: str
) -> None:
    """Read from its mounts."""
    machine = Machine(tmp_path, "/")
    machine.around.mounts.write_text(mounts.format(tmp_path))
    if not booted:
        machine.around.booted.rmdir()
    obtained = obtain_places(machine.around, never)
    assert remedy.format(tmp_path) in machine.remedy(obtained).replace("'$$'", "$$")


def test_the_request_names_this_process_and_hands_the_group_over() -> None:
    """What systemd is asked: a scope of the process, its inside ours, gone when it has ended."""
    words = delegation.request(4711, "docmill-1.scope")
    assert words[words.index("Delegate") + 1 :][:2] == ["b", "true"]
    assert words[words.index("PIDs") + 1 :][:3] == ["au", "1", "4711"]
    assert words[words.index("StartTransientUnit") + 1 :][:4] == [
        *("ssa(sv)a(sa(sv))", "docmill-1.scope", "fail", "4")
    ]


def test_where_nobody_answers_the_request_is_refused(tmp_path: Path) -> None:
    """A bus that isn't one, or no program to ask with: words, not an exception."""
    machine = Machine(tmp_path, SESSION)
    machine.with_systemd()
    assert delegation.ask_systemd(machine.around)
    assert delegation.here().uid == os.geteuid()

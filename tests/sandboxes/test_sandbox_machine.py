"""What the doctor reads from the kernel's switches, on machines that allow and that refuse."""

from pathlib import Path

import pytest

from docmill.sandboxes.cgroups import Place
from docmill.sandboxes.delegation import Obtained, Surroundings
from docmill.sandboxes.machine import Fact, facts


def look(tmp_path: Path, switches: dict[str, str], obtained: Obtained) -> dict[str, Fact]:
    """The facts of a machine with these switches."""
    for name, text in switches.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    nothing = tmp_path / "nothing"
    around = Surroundings(0, nothing, nothing, nothing, nothing)
    found = facts(around, obtained, "/opt/bwrap", kernel=tmp_path)
    return {fact.subject: fact for fact in found}


def test_an_ordinary_machine_allows_everything(tmp_path: Path) -> None:
    """Switches that a kernel doesn't have forbid nothing."""
    place = Place(Path("/sys/fs/cgroup/app"), 2, ("memory", "pids"))
    found = look(tmp_path, {"user/max_user_namespaces": "9000\n"}, Obtained((place,)))
    assert all(fact.good for fact in found.values())
    assert found["user namespaces"].found == "at most 9000"
    assert found["control groups"].found == "memory, pids (v2) in /sys/fs/cgroup/app"


@pytest.mark.parametrize(
    ("switch", "text", "subject", "remedy"),
    [
        (
            "kernel/unprivileged_userns_clone",
            "0",
            "user namespaces",
            "kernel.unprivileged_userns_clone=1 | sudo tee",
        ),
        (
            "user/max_user_namespaces",
            "0",
            "user namespaces",
            "user.max_user_namespaces=10000 | sudo tee",
        ),
        (
            "kernel/apparmor_restrict_unprivileged_userns",
            "1",
            "AppArmor",
            "profile docmill-bwrap /opt/bwrap flags=(unconfined) {\n  userns,\n}",
        ),
    ],
)
def test_what_is_forbidden_comes_with_its_remedy(
    tmp_path: Path, switch: str, text: str, subject: str, remedy: str
) -> None:
    """The switch set for good, or the whole text of the profile for the program in use."""
    fact = look(tmp_path, {switch: text}, Obtained(()))[subject]
    assert not fact.good
    assert remedy in fact.remedy

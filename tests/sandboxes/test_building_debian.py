"""Debian packages as a layer: from a repository of the test's own, by the machine's own apt."""

import hashlib
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from tests.sandboxes.package_index import Index, serving

from docmill.batch.downloads import package_supply
from docmill.errors import PrerequisiteError
from docmill.managers.settings import basic
from docmill.sandboxes.base import Packages, SandboxLimits, SandboxSpec
from docmill.sandboxes.bubblewrap import BubblewrapBackend
from docmill.sandboxes.building import debian
from docmill.sandboxes.building.layer import read_contents
from docmill.sandboxes.building.way import Reach, Supply, Way
from docmill.sandboxes.layers import LayerStore
from docmill.sandboxes.runtime import build_runtime
from docmill.settings import load_settings

MIB = 1024 * 1024
LIMITS = SandboxLimits(memory=256 * MIB, cpus=1, pids=32, disk=32 * MIB, seconds=60, output=MIB)
CONFIG = """
Dir::Etc "{0}/etc";
Dir::Etc::SourceList "{0}/etc/sources.list";
Dir::Etc::SourceParts "{0}/etc/none";
Dir::State "{0}/state";
Dir::State::status "{0}/state/status";
Dir::Cache "{0}/cache";
APT::Architectures {{ "all"; }};
"""

pytestmark = [
    pytest.mark.skipif(not Path("/usr/bin/apt-get").exists(), reason="this machine has no apt"),
    pytest.mark.timeout(120),
]


def package(folder: Path, name: str, files: dict[str, str], needs: str = "") -> None:
    """Make NAME_1.0_all.deb; its set-up script must never run."""
    tree = folder / name
    for path, text in files.items():
        (tree / path).parent.mkdir(parents=True, exist_ok=True)
        (tree / path).write_text(text)
        (tree / path).chmod(0o755)
    control = f"Package: {name}\nVersion: 1.0\nArchitecture: all\nMaintainer: a <a@x.example>\n"
    control += f"Depends: {needs}\n" if needs else ""
    (tree / "DEBIAN").mkdir()
    (tree / "DEBIAN" / "control").write_text(f"{control}Description: made by a test\n")
    (tree / "DEBIAN" / "postinst").write_text(f"#!/bin/sh\ntouch {folder}/ran\n")
    (tree / "DEBIAN" / "postinst").chmod(0o755)
    subprocess.run(
        ["dpkg-deb", "--root-owner-group", "-b", str(tree), str(folder / f"{name}.deb")],
        check=True, capture_output=True,
    )  # fmt: skip
    data = (folder / f"{name}.deb").read_bytes()
    digest = hashlib.sha256(data).hexdigest()
    with (folder / "Packages").open("a") as listing:
        listing.write(f"{control}Filename: ./{name}.deb\nSize: {len(data)}\n")
        listing.write(f"SHA256: {digest}\n\n")


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder everybody can read, with a repository and settings of apt that know no other."""
    with TemporaryDirectory(prefix="docmill-test-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        for part in ("etc", "state/lists/partial", "cache/archives/partial", "repository"):
            (folder / part).mkdir(parents=True)
        (folder / "state" / "status").touch()
        repository = folder / "repository"
        greeter = {"usr/bin/greet": "#!/bin/sh\ncat $(dirname $0)/../share/greeting"}
        package(repository, "greeter", greeter, needs="greeting")
        package(repository, "greeting", {"usr/share/greeting": "hello\n"})
        source = f"deb [trusted=yes] file:{repository} ./\n"
        (folder / "etc" / "sources.list").write_text(source)
        (folder / "apt.conf").write_text(CONFIG.format(folder))
        update(folder)
        yield folder


def update(place: Path) -> None:
    """Have apt read the repository's list."""
    subprocess.run(
        ["apt-get", "-o", "APT::Sandbox::User=root", "update"],
        check=True, capture_output=True, env={"APT_CONFIG": str(place / "apt.conf")},
    )  # fmt: skip


def supply(place: Path) -> Supply:
    """Downloads from the test's repository."""
    return package_supply(load_settings({"APT_CONFIG": str(place / "apt.conf")}))


async def test_packages_come_with_what_they_need(place: Path) -> None:
    """Found by their usual names inside; none of their scripts has run; the list is kept."""
    store = LayerStore(place / "store")
    packages = Packages(apt=("greeter",))
    build_runtime(store, runtime="python3", packages=packages, dropped=True, supply=supply(place))
    contents = read_contents(store.path(debian.KIND, debian.recipe_for(("greeter",))))
    assert contents is not None
    assert contents.installed == {"greeter": "1.0", "greeting": "1.0"}
    assert not (place / "repository" / "ran").exists()
    async with BubblewrapBackend(store.folder).open(SandboxSpec(LIMITS, packages=packages)) as one:
        told = await one.call("bash", {"command": "greet; which greet"}, timeout=20)
    assert told["output"] == "hello\n/opt/docmill/apt/usr/bin/greet\n"


def test_downloads_go_through_the_broker_with_its_login(place: Path) -> None:
    """To the hosts of the files that are wanted; apt itself sees neither name nor password."""

    class Repository(Index):
        """Serves the folder."""

        def answer(self, path: str) -> bytes | None:
            """A file of it."""
            self.asked.append(path)
            file = place / "repository" / path.strip("/").removeprefix("./")
            return file.read_bytes() if file.is_file() else None

    with serving({}, Repository) as repository:
        repository.login = basic("me", "hunter2")
        (place / "etc" / "sources.list").write_text(f"deb [trusted=yes] {repository.url} ./\n")
        login = f"machine {repository.url} login me password hunter2\n"
        (place / "etc" / "auth.conf").write_text(login)
        update(place)
        repository.asked.clear()
        ways: list[Way] = []

        def open_way(reach: Reach) -> Way:
            ways.append(supply(place).open_way(reach))
            return ways[-1]

        through = replace(supply(place), open_way=open_way)
        (layer,) = debian.layers(LayerStore(place / "store"), ("greeting",), through)
    assert (layer.folder / "usr/share/greeting").read_text() == "hello\n"
    assert [path.rpartition("/")[2] for path in repository.asked] == ["greeting.deb"]
    ((decision,),) = [way.decisions for way in ways]
    assert (decision.verdict, decision.credentials) == ("allowed", ("index",))


def test_a_package_apt_does_not_know_is_a_prerequisite(place: Path) -> None:
    """With the command that brings its lists up to date; nothing is left."""
    store = LayerStore(place / "store")
    with pytest.raises(PrerequisiteError, match=r"apt doesn't know.*no-such-package") as caught:
        debian.layers(store, ("no-such-package",), supply(place))
    assert "apt-get update" in caught.value.remedy
    assert not list(store.folder.glob("apt-*"))


def test_only_names_are_given_to_apt(place: Path) -> None:
    """Whoever calls."""
    with pytest.raises(PrerequisiteError, match="no name of a Debian package"):
        debian.layers(LayerStore(place / "store"), ("-y",), None)
    assert debian.layers(LayerStore(place / "store"), (), None) == []

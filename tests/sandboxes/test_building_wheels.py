"""Python packages from an index: wheels, exact versions, built once; honest refusals."""

import io
import marshal
import os
import signal
import socket
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from tests.sandboxes.package_index import QUIET, serving, wheel

from docmill.batch.downloads import package_supply
from docmill.errors import PrerequisiteError
from docmill.sandboxes import boot, interpreters
from docmill.sandboxes.base import Packages, SandboxLimits, SandboxSpec
from docmill.sandboxes.bubblewrap import BubblewrapBackend
from docmill.sandboxes.building import wheels
from docmill.sandboxes.building.layer import SITE, read_contents
from docmill.sandboxes.interpreters import find_interpreter, own_interpreter
from docmill.sandboxes.layers import LayerStore
from docmill.sandboxes.runtime import build_runtime, downloaded, is_at_hand
from docmill.settings import load_settings

MIB = 1024 * 1024
LIMITS = SandboxLimits(memory=256 * MIB, cpus=1, pids=32, disk=32 * MIB, seconds=60, output=MIB)
GREETER = wheel("greeter", "1.4", {"greeter.py": "from words import WORD"}, needs=("words<3",))
WORDS = dict(
    wheel("words", number, {"words.py": f"WORD = 'hello {number}'"}) for number in ("2.5", "3.0")
)
FILES = dict([GREETER]) | WORDS
BUILDER = """
import sys
from pathlib import Path
from docmill.batch.downloads import package_supply
from docmill.sandboxes.building import wheels
from docmill.sandboxes.interpreters import own_interpreter
from docmill.sandboxes.layers import LayerStore
from docmill.settings import load_settings

folder, url = sys.argv[1:]
supply = package_supply(load_settings({"PIP_CONFIG_FILE": "/dev/null", "PIP_INDEX_URL": url}))
wheels.layer(LayerStore(Path(folder)), own_interpreter(), ("greeter",), supply)
"""


@pytest.fixture
def store() -> Iterator[LayerStore]:
    """A cache the sandbox's user can reach; pytest's own folders are closed to others."""
    with TemporaryDirectory(prefix="docmill-test-") as folder:
        Path(folder).chmod(0o755)
        yield LayerStore(Path(folder) / "cache")


async def test_packages_are_had_once_with_what_they_need(store: LayerStore) -> None:
    """In the newest versions that fit, compiled; the list is kept, and no index is asked again."""
    packages = Packages(pip=("greeter>=1",))
    with serving(FILES) as index:
        build_runtime(
            store, runtime="python3", packages=packages, dropped=True, supply=index.supply
        )
    (contents,) = downloaded(store, runtime="python3", packages=packages)
    assert contents.installed.items() >= {"greeter": "1.4", "words": "2.5"}.items()
    assert contents.asked == ("greeter>=1",)
    async with BubblewrapBackend(store.folder).open(SandboxSpec(LIMITS, packages=packages)) as one:
        command = "python3 -c 'import greeter; print(greeter.WORD, greeter.__cached__)'"
        told = await one.call("bash", {"command": f"{command}; touch {SITE}/x"}, timeout=20)
    assert told["output"].startswith(f"hello 2.5 {SITE}/__pycache__/greeter.")
    assert "Read-only" in told["output"]


def test_a_package_without_a_wheel_is_refused_and_never_run(
    store: LayerStore, tmp_path: Path
) -> None:
    """Its set-up program would run on this machine."""
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w:gz") as archive:
        text = f"open({str(tmp_path / 'ran')!r}, 'w')".encode()
        entry = tarfile.TarInfo("evil-1.0/setup.py")
        entry.size = len(text)
        archive.addfile(entry, io.BytesIO(text))
    with serving({"evil-1.0.tar.gz": data.getvalue()}) as index:
        with pytest.raises(PrerequisiteError, match=r"can't be had as wheels.*evil") as caught:
            wheels.layer(store, own_interpreter(), ("evil",), index.supply)
        assert not [path for path in index.asked if path.endswith(".tar.gz")]
    assert "packages.pip" in caught.value.remedy
    assert not (tmp_path / "ran").exists()
    assert not list(store.folder.glob("wheels-*"))


def test_an_index_that_cannot_be_reached_is_named_as_the_cause(store: LayerStore) -> None:
    """With the command that shows which one it is."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    environ = {**QUIET, "PIP_INDEX_URL": f"http://127.0.0.1:{port}/simple"}
    supply = package_supply(load_settings(environ))
    with pytest.raises(PrerequisiteError, match="index can't be reached") as caught:
        wheels.layer(store, own_interpreter(), ("greeter",), supply)
    assert "pip config list" in caught.value.remedy


def test_a_killed_build_leaves_nothing_that_looks_finished(store: LayerStore) -> None:
    """The next one sweeps what is left, and succeeds."""
    with serving(FILES) as index:
        index.gate.clear()
        command = [sys.executable, "-c", BUILDER, str(store.folder), f"{index.url}/simple"]
        with subprocess.Popen(command, process_group=0) as builder:
            assert index.waiting.wait(30)
            os.killpg(builder.pid, signal.SIGKILL)
        assert not list(store.folder.glob("wheels-*"))
        assert list(store.folder.glob("building-*"))
        index.gate.set()
        folder = wheels.layer(store, own_interpreter(), ("greeter",), index.supply)
    assert read_contents(folder) is not None
    assert not list(store.folder.glob("building-*"))


def test_what_the_environment_says_of_the_toolboxs_own_packages_counts() -> None:
    """Else they come in the versions docmill has, so that documents are read alike."""
    own = own_interpreter()
    usual = wheels.recipe_for(own, ("greeter",))
    assert sorted(text.partition("==")[0] for text in usual[1:]) == [
        *("cryptography", "greeter", "pypdf", "pypdfium2")
    ]
    assert "PyPDF<9" in wheels.recipe_for(own, ("PyPDF<9",))
    assert len(wheels.recipe_for(own, ("PyPDF<9",))) == len(usual) - 1


def test_options_are_refused_also_here(store: LayerStore) -> None:
    """Whoever calls."""
    with pytest.raises(PrerequisiteError, match="is an option"):
        wheels.layer(store, own_interpreter(), ("--pre",), None)


def test_what_lies_beside_docmill_is_not_downloaded() -> None:
    """The usual case: nobody is asked."""
    assert is_at_hand("python3", Packages(pip=("pandas",)))
    assert not is_at_hand("python3", Packages(pip=("no-such-package-here",)))
    assert not is_at_hand("python3", Packages(apt=("jq",)))


def fake_python(home: Path, name: str, told: str) -> Path:
    """A program where uv keeps its Pythons, that says this of itself."""
    path = home / f".local/share/uv/python/cpython-{name}.1-linux/bin/python{name}"
    path.parent.mkdir(parents=True)
    path.write_text(f"#!/bin/sh\necho '{told}'\n")
    path.chmod(0o755)
    return path


def test_another_python_of_this_machine_is_found(tmp_path: Path) -> None:
    """One that is what its name says; others are passed over."""
    told = (
        '{"prefix": "/opt/py", "stdlib": "/opt/py/lib", "version": "3.98.1 (x)", "name": "3.98", '
        '"magic": "00", "cache_tag": "c", "suffix": ".so"}'
    )
    path = fake_python(tmp_path, "3.98", told)
    fake_python(tmp_path, "3.97", told)
    fake_python(tmp_path, "3.96", "no idea")
    found = find_interpreter("python3.98", tmp_path)
    assert (found.executable, found.name, found.is_own) == (path, "3.98", False)
    for name in ("3.97", "3.96", "3.95"):
        with pytest.raises(PrerequisiteError, match=rf"python{name}, which isn't installed") as e:
            find_interpreter(f"python{name}", tmp_path)
        assert f"uv python install {name}" in e.value.remedy
    with pytest.raises(PrerequisiteError, match="too old"):
        find_interpreter("python3.5", tmp_path)


def test_another_python_compiles_the_toolbox_itself(store: LayerStore, tmp_path: Path) -> None:
    """To the same as docmill would, were it that Python."""
    own = own_interpreter()
    sources = {
        path.name: path.read_bytes()
        for path in (Path(interpreters.__file__).parent / "toolbox").glob("*.py")
    }
    boot.write(tmp_path / "here", sources, "/inside")
    boot.write_with(own.executable, tmp_path / "there", "/inside")
    here, there = (marshal.loads((tmp_path / name).read_bytes()) for name in ("here", "there"))
    assert here == there
    with pytest.raises(PrerequisiteError, match="can't run sandboxes"):
        boot.write_with(Path("/bin/false"), tmp_path / "nowhere", "/inside")
    other = replace(own, version="another")
    python, _ = interpreters.place(store, other, dropped=False)
    assert Path(python).is_file()

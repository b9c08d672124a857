"""Node packages as a layer: from a registry of the test's own, by the machine's own npm."""

import base64
import hashlib
import io
import json
import tarfile
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from tests.sandboxes.package_index import Index, serving

from docmill.errors import PrerequisiteError
from docmill.sandboxes.base import Packages, SandboxLimits, SandboxSpec
from docmill.sandboxes.bubblewrap import BubblewrapBackend
from docmill.sandboxes.building import node
from docmill.sandboxes.building.layer import read_contents
from docmill.sandboxes.layers import LayerStore
from docmill.sandboxes.runtime import build_runtime

MIB = 1024 * 1024
LIMITS = SandboxLimits(
    memory=256 * MIB, cpus=1, pids=64, disk=32 * MIB, seconds=60, output=MIB, strict=True
)

pytestmark = [
    pytest.mark.skipif(not Path("/usr/bin/npm").exists(), reason="this machine has no npm"),
    pytest.mark.timeout(120),
]


class Registry(Index):
    """Speaks npm's protocol as far as an installation needs it."""

    @property
    def environ(self) -> dict[str, str]:
        """Variables that send npm here."""
        return {"npm_config_registry": self.url}

    def answer(self, path: str) -> bytes | None:
        """What is known of a package, or its files."""
        self.asked.append(path)
        name = path.strip("/")
        if name.endswith(".tgz"):
            return self.files.get(name)
        if f"{name}.tgz" not in self.files:
            return None
        data = self.files[f"{name}.tgz"]
        digest = base64.b64encode(hashlib.sha512(data).digest()).decode()
        described = {
            **manifest(name),
            "dist": {"tarball": f"{self.url}/{name}.tgz", "integrity": f"sha512-{digest}"},
        }
        latest = {"latest": "1.0.0"}
        return json.dumps(
            {"name": name, "dist-tags": latest, "versions": {"1.0.0": described}}
        ).encode()


NEEDS = {
    "greeter": {"greeting": "^1.0"},
    "traitor": {"stranger": "http://127.0.0.3:9/stranger.tgz"},
}


def manifest(name: str) -> dict[str, object]:
    """package.json; its set-up script must never run."""
    needs = NEEDS.get(name, {})
    scripts = {"postinstall": "touch ran"}
    return {"name": name, "version": "1.0.0", "dependencies": needs, "scripts": scripts}


def archive(name: str, program: str) -> bytes:
    """A package as npm has it."""
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w:gz") as file:
        for path, text in (("package.json", json.dumps(manifest(name))), ("index.js", program)):
            entry = tarfile.TarInfo(f"package/{path}")
            entry.size = len(text)
            file.addfile(entry, io.BytesIO(text.encode()))
    return data.getvalue()


FILES = {
    "greeter.tgz": archive("greeter", "module.exports = () => require('greeting').text"),
    "greeting.tgz": archive("greeting", "exports.text = 'hello from node'"),
}


@pytest.fixture
def store() -> Iterator[LayerStore]:
    """A cache the sandbox's user can reach; pytest's own folders are closed to others."""
    with TemporaryDirectory(prefix="docmill-test-") as folder:
        Path(folder).chmod(0o755)
        yield LayerStore(Path(folder) / "cache")


async def test_packages_come_with_what_they_need(store: LayerStore) -> None:
    """Found by `require` inside; none of their scripts has run; the list is kept."""
    packages = Packages(npm=("greeter",))
    with serving(FILES, Registry) as registry:
        supply = registry.supply
        build_runtime(store, runtime="python3", packages=packages, dropped=True, supply=supply)
    layer = store.path(node.KIND, node.recipe_for(("greeter",)))
    contents = read_contents(layer)
    assert contents is not None
    assert contents.installed == {"greeter": "1.0.0", "greeting": "1.0.0"}
    assert not list(layer.rglob("ran"))
    backend = BubblewrapBackend(store.folder)
    if backend.probe().lack:
        return  # Node reserves more than one process may have where memory is limited by process
    async with backend.open(SandboxSpec(LIMITS, packages=packages)) as sandbox:
        command = "node -e \"console.log(require('greeter')())\""
        told = await sandbox.call("bash", {"command": command}, timeout=20)
    assert told["output"] == "hello from node\n"


def test_a_package_the_registry_does_not_know_is_a_prerequisite(store: LayerStore) -> None:
    """Nothing is left of the attempt."""
    with (
        serving(FILES, Registry) as registry,
        pytest.raises(PrerequisiteError, match="isn't known") as caught,
    ):
        node.layers(store, ("no-such-package",), registry.supply)
    assert "packages.npm" in caught.value.remedy
    assert not list(store.folder.glob("npm-*"))


def test_a_package_that_wants_another_host_does_not_get_there(store: LayerStore) -> None:
    """Named by an address among its dependencies."""
    files = {"traitor.tgz": archive("traitor", "")}
    with (
        serving(files, Registry) as registry,
        pytest.raises(PrerequisiteError, match=r"A download from 127\.0\.0\.3:9 was refused"),
    ):
        node.layers(store, ("traitor",), registry.supply)
    assert not list(store.folder.glob("npm-*"))


def test_only_names_are_given_to_npm(store: LayerStore) -> None:
    """Whoever calls."""
    with pytest.raises(PrerequisiteError, match="no name of a Node package"):
        node.layers(store, ("--prefix=/",), None)
    assert node.layers(store, (), None) == []

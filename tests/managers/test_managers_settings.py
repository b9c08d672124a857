"""Settings of package managers: indexes and logins found, and texts in which no login is left."""

from pathlib import Path

import pytest

from docmill.managers.apt import apt_logins, apt_proxies, covered
from docmill.managers.npm import npm_settings, registry_of
from docmill.managers.pip import needs_default, pip_settings
from docmill.managers.settings import (
    HOME,
    Logins,
    basic,
    logins_in,
    netrc_logins,
    origin_of,
    proxies_of,
    without_logins,
)

SECRET = "hunter2"


@pytest.fixture(autouse=True)
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without settings of its own."""
    monkeypatch.setattr("docmill.managers.pip._FILES", ())
    monkeypatch.setattr("docmill.managers.npm._SYSTEM", tmp_path / "none")


def write(path: Path, text: str) -> Path:
    """A file with its folders."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://Index.example/simple/", "https://index.example:443"),
        ("http://me:pw@[2001:db8::1]/x", "http://[2001:db8::1]:80"),
        ("https://x.example:8443", "https://x.example:8443"),
        ("https://x.example:999999/", ""),
        ("file:///srv/index", ""),
        ("ftp://x.example/", ""),
        ("https:///simple", ""),
    ],
)
def test_an_origin_is_scheme_host_and_port(url: str, origin: str) -> None:
    """In one spelling; what isn't the web has none."""
    assert origin_of(url) == origin


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("a = https://me:pw@x.example/y", "a = https://x.example/y"),
        ("https://me:p%40w@x.example https://t@z.example", "https://x.example https://z.example"),
        ("https://me:p@w@x.example/", "https://x.example/"),
        ("https://x.example/a@1", "https://x.example/a@1"),
    ],
)
def test_logins_are_taken_out_of_addresses(text: str, clean: str) -> None:
    """All of them, and nothing else."""
    assert without_logins(text) == clean


def test_pip_is_read_from_variables_and_files(tmp_path: Path) -> None:
    """Indexes, pages of links, folders and certificates; logins and proxies stay outside."""
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    certificate = write(tmp_path / "ca.pem", "")
    write(
        tmp_path / ".config/pip/pip.conf",
        f"[global]\nindex-url = https://me:{SECRET}@x.example/simple\ncert = {certificate}\n"
        f"[download]\nfind-links = {wheels} https://y.example/list\n",
    )
    write(tmp_path / ".netrc", f"machine y.example login me password {SECRET}\n")
    environ = {
        "PIP_EXTRA_INDEX_URL": f"http://{SECRET}@z.example:8080/",
        "PIP_PROXY": f"http://me:{SECRET}@p.example:3128",
        "API_KEY": SECRET,
    }
    found = pip_settings(environ, tmp_path)
    assert set(found.indexes) == {"https://x.example/simple", "http://z.example:8080/"}
    assert found.pages == ("https://y.example/list",)
    assert found.environ == {"PIP_EXTRA_INDEX_URL": "http://z.example:8080/", "HOME": HOME}
    assert found.texts.keys() == {f"{HOME}/.config/pip/pip.conf"}
    assert found.files.keys() == {str(wheels), str(certificate)}
    assert found.certificates == certificate
    assert found.logins.value_for("https://x.example:443") == basic("me", SECRET)
    assert found.logins.value_for("https://y.example:443") == basic("me", SECRET)
    assert found.logins.value_for("http://z.example:8080") == basic(SECRET, "")
    assert found.logins.value_for("https://z.example:443") == ""
    assert found.proxies.https == f"http://me:{SECRET}@p.example:3128"
    assert SECRET not in repr(found)


@pytest.mark.parametrize(
    ("text", "indexes", "default"),
    [
        ("", (), True),
        ("[global]\nextra-index-url = https://x.example/\n", ("https://x.example/",), True),
        ("[global]\nindex_url = https://x.example/\n", ("https://x.example/",), False),
        ("[global]\nno-index = true\nextra-index-url = https://x.example/\n", (), False),
        ("no settings at all", (), True),
    ],
)
def test_whether_pip_asks_the_index_it_knows_itself(
    tmp_path: Path, text: str, indexes: tuple[str, ...], default: bool
) -> None:
    """Only if nothing else is said."""
    write(tmp_path / ".pip/pip.conf", text)
    found = pip_settings({}, tmp_path)
    assert (found.indexes, needs_default(found, {})) == (indexes, default)


def test_pip_without_files_is_read_from_variables_alone(tmp_path: Path) -> None:
    """As with pip."""
    write(tmp_path / ".pip/pip.conf", "[global]\nindex-url = https://x.example/\n")
    found = pip_settings({"PIP_CONFIG_FILE": "/dev/null"}, tmp_path)
    assert (found.indexes, found.texts) == ((), {})


def test_npm_is_read_by_scope(tmp_path: Path) -> None:
    """Tokens are found where they are for, also from variables; none is left in the text."""
    write(
        tmp_path / ".npmrc",
        "; a comment = 1\nregistry=https://x.example/npm/\n"
        "@own:registry = https://y.example/\n//y.example/:_authToken=${TOKEN}\n"
        f"//x.example/npm/:_password=aHVudGVyMg==\n//x.example/npm/:username=me\n"
        f"https-proxy=http://p.example:1\n_auth={SECRET}\n",
    )
    environ = {"TOKEN": SECRET, "npm_config_loglevel": "silent", "NPM_CONFIG__AUTH": SECRET}
    found = npm_settings(environ, tmp_path)
    assert found.indexes == ("https://x.example/npm/", "https://y.example/")
    assert found.environ == {"npm_config_loglevel": "silent", "HOME": HOME}
    assert found.logins.value_for("https://y.example:443") == f"Bearer {SECRET}"
    assert found.logins.value_for("https://x.example:443") == basic("me", SECRET)
    (text,) = found.texts.values()
    assert "registry" in text
    assert not any(word in text for word in ("_auth", "_password", "username", "proxy"))
    assert found.proxies.https == "http://p.example:1"
    assert registry_of("@own/a", environ, tmp_path) == "https://y.example/"
    assert registry_of("a", environ, tmp_path) == "https://x.example/npm/"
    assert registry_of("a", {}, tmp_path / "nobody") == ""


def test_apts_logins_are_covered(tmp_path: Path) -> None:
    """Those of auth.conf and of the addresses of sources."""
    write(
        tmp_path / "auth.conf",
        f"# mine\nmachine x.example/debian login me password {SECRET}\n"
        f"machine http://y.example login me password {SECRET}\n",
    )
    sources = f"deb https://me:{SECRET}@z.example/debian stable main\n"
    file = write(tmp_path / "sources.list.d/z.list", sources)
    write(tmp_path / "sources.list", "deb https://x.example/debian stable main\n")
    found = apt_logins([tmp_path])
    assert found.value_for("https://x.example:443") == basic("me", SECRET)
    assert found.value_for("http://y.example:80") == basic("me", SECRET)
    assert found.value_for("https://y.example:443") == ""
    assert found.value_for("https://z.example:443") == basic("me", SECRET)
    texts = covered([tmp_path])
    assert texts == {
        str(tmp_path / "auth.conf"): "",
        str(file): "deb https://z.example/debian stable main\n",
    }


def test_proxies_are_the_environments_unless_a_manager_has_its_own() -> None:
    """In either case of letters; a bare host is one of HTTP."""
    environ = {"HTTPS_PROXY": "p.example:1", "http_proxy": "http://q.example", "NO_PROXY": ".a, b"}
    found = proxies_of(environ)
    assert (found.http, found.https) == ("http://q.example", "http://p.example:1")
    assert found.bypass == ("a", "b")
    dump = 'Acquire::http::Proxy "http://r.example:2";\nAcquire::https::Proxy "DIRECT";\n'
    assert apt_proxies(environ, dump).http == "http://r.example:2"
    assert apt_proxies(environ, dump).https == "http://p.example:1"


def test_a_netrc_with_mistakes_has_no_logins(tmp_path: Path) -> None:
    """And one that isn't there."""
    assert netrc_logins(write(tmp_path / "netrc", "machine")) == Logins()
    assert netrc_logins(tmp_path / "none") == Logins()
    assert logins_in(["https://x.example/"]) == Logins()

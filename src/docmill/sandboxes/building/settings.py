"""How pip and npm are configured on this machine, as what a confined one has to see of it.

Settings decide which index is asked; a specification can't. Reads files, changes none.
"""

import configparser
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from docmill.sandboxes.interpreters import user_home

_PIP_FILES = ("/etc/pip.conf", "/etc/xdg/pip/pip.conf")
_PASSED = (
    *("http_proxy", "https_proxy", "no_proxy", "all_proxy", "node_extra_ca_certs"),
    *("ssl_cert_file", "ssl_cert_dir", "requests_ca_bundle", "curl_ca_bundle"),
)
"""Variables that say how the network is reached, in either case."""
HOME = "/home/builder"


@dataclass(frozen=True, slots=True)
class PipSettings:
    """Variables and files that configure a package manager."""

    environ: Mapping[str, str]
    files: Mapping[str, Path]
    """Path inside → path outside: settings, certificates, indexes that are folders."""


def pip_settings(environ: Mapping[str, str], home: Path | None = None) -> PipSettings:
    """What pip is told by files and variables; `home` is the user's."""
    home = home or user_home()
    passed = _passed(environ, "PIP_")
    found = [Path(name) for name in _PIP_FILES]
    found += [Path(passed["PIP_CONFIG_FILE"])] if passed.get("PIP_CONFIG_FILE") else []
    files = {str(path): path for path in found if path.is_file()}
    for name in (".config/pip/pip.conf", ".pip/pip.conf", ".netrc"):
        if (home / name).is_file():
            files[f"{HOME}/{name}"] = home / name
    values = [*passed.values(), *(value for path in files.values() for value in _values(path))]
    for path in _paths(values):
        files.setdefault(str(path), path)
    return PipSettings({**passed, "HOME": HOME}, files)


def npm_settings(environ: Mapping[str, str], home: Path | None = None) -> PipSettings:
    """What npm is told by files and variables."""
    home = home or user_home()
    passed = _passed(environ, "npm_config_")
    files = {"/etc/npmrc": Path("/etc/npmrc")} if Path("/etc/npmrc").is_file() else {}
    if (home / ".npmrc").is_file():
        files[f"{HOME}/.npmrc"] = home / ".npmrc"
    for path in _paths(passed.values()):
        files.setdefault(str(path), path)
    return PipSettings({**passed, "HOME": HOME}, files)


def _passed(environ: Mapping[str, str], prefix: str) -> dict[str, str]:
    return {
        name: value
        for name, value in environ.items()
        if name.casefold() in _PASSED or name.casefold().startswith(prefix.casefold())
    }


def _values(file: Path) -> Iterator[str]:
    parser = configparser.RawConfigParser()
    try:
        parser.read_string(file.read_text())
    except (OSError, UnicodeDecodeError, configparser.Error):
        return
    for section in parser.sections():
        yield from (value for _, value in parser.items(section))


def _paths(values: Iterable[str]) -> Iterator[Path]:
    """Files and folders that settings name, as paths or as file:// addresses."""
    for value in values:
        for word in value.split():
            text = url2pathname(urlsplit(word).path) if word.startswith("file:") else word
            if text.startswith("/") and Path(text).exists():
                # The pages of an index that is a folder link to files beside them.
                yield Path(text).parent if Path(text).name == "simple" else Path(text)

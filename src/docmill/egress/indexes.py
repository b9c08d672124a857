"""The package indexes this machine is configured for, as hosts; none is known by heart.

Reads the settings of pip, uv and npm. Asks no index anything.
"""

import configparser
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import urlsplit

from docmill.egress.hosts import HostRule, parse_authority
from docmill.errors import PrerequisiteError

_VARIABLES = (
    "PIP_INDEX_URL",
    "PIP_EXTRA_INDEX_URL",
    "UV_DEFAULT_INDEX",
    "UV_INDEX_URL",
    "UV_INDEX",
    "npm_config_registry",
    "NPM_CONFIG_REGISTRY",
)
_PIP_FILES = ("/etc/pip.conf", "/etc/xdg/pip/pip.conf")
_PIP_KEYS = ("index-url", "extra-index-url")
_NPM_KEY = "registry"


def index_rules(environ: Mapping[str, str]) -> tuple[HostRule, ...]:
    """The hosts of all indexes that are configured, each on its own port.

    Raises:
        PrerequisiteError: none is.
    """
    rules = tuple(dict.fromkeys(_rules(environ)))
    if not rules:
        raise PrerequisiteError(
            "The environment allows package managers, but no index is configured on this machine.",
            remedy="Configure one: pip config set global.index-url https://...",
        )
    return rules


def _rules(environ: Mapping[str, str]) -> Iterator[HostRule]:
    for url in _urls(environ):
        parts = urlsplit(url.rpartition("=")[2] if "://" in url.rpartition("=")[2] else url)
        if parts.scheme in ("http", "https"):
            place = parts.netloc.rpartition("@")[2]
            try:
                authority = parse_authority(place, 80 if parts.scheme == "http" else 443)
            except ValueError:
                continue
            yield HostRule(authority.host, (authority.port,))


def _urls(environ: Mapping[str, str]) -> Iterator[str]:
    for name in _VARIABLES:
        yield from environ.get(name, "").split()
    home = Path(environ.get("HOME") or "/nonexistent")
    files = [*_PIP_FILES, home / ".config/pip/pip.conf", home / ".pip/pip.conf"]
    files += [environ[name] for name in ("PIP_CONFIG_FILE",) if environ.get(name)]
    for file in files:
        yield from _pip_urls(Path(file))
    for file in (Path("/etc/npmrc"), home / ".npmrc"):
        yield from _npm_urls(file)


def _pip_urls(file: Path) -> Iterator[str]:
    parser = configparser.RawConfigParser()
    try:
        parser.read_string(file.read_text())
    except (OSError, UnicodeDecodeError, configparser.Error):
        return
    for section in parser.sections():
        for key in _PIP_KEYS:
            yield from parser.get(section, key, fallback="").split()


def _npm_urls(file: Path) -> Iterator[str]:
    try:
        lines = file.read_text().splitlines()
    except (OSError, UnicodeDecodeError):
        return
    for line in lines:
        key, _, value = line.partition("=")
        if key.strip() == _NPM_KEY or key.strip().endswith(f":{_NPM_KEY}"):
            yield value.strip()

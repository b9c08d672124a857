"""How npm is configured: by variables and by its files, whose tokens stay outside."""

import base64
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from docmill.managers.settings import (
    HOME,
    Logins,
    ManagerSettings,
    basic,
    logins_in,
    origin_of,
    passed,
    proxies_of,
    read_lines,
    user_home,
    without_logins,
)

_SYSTEM = Path("/etc/npmrc")
_PREFIX = "npm_config_"
_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_SECRETS = ("_authToken", "_auth", "_password", "username", "email")
_TAKEN_OVER = ("proxy", "https-proxy", "http-proxy", "noproxy", "cafile")


class Setting(NamedTuple):
    """One line of a settings file, or one variable."""

    key: str
    value: str


def npm_settings(environ: Mapping[str, str], home: Path | None = None) -> ManagerSettings:
    """What npm is told by files and variables; `home` is the user's."""
    home = home or user_home()
    files = {f"{HOME}/.npmrc": home / ".npmrc", "/etc/npmrc": _SYSTEM}
    settings = list(_all(environ, files.values()))
    said = {setting.key: setting.value for setting in reversed(settings)}
    certificates = Path(said.get("cafile") or environ.get("NODE_EXTRA_CA_CERTS") or "")
    http = said.get("proxy") or said.get("http-proxy", "")
    named = (Path(value) for value in said.values() if value.startswith("/"))
    return ManagerSettings(
        environ={
            **{name: value for name, value in passed(environ, _PREFIX).items()
               if not _is_kept_back(_key(name))},
            "HOME": HOME,
        },
        files={str(path): path for path in named if path.exists()},
        texts={inside: _cleaned(file) for inside, file in files.items() if file.is_file()},
        indexes=tuple(without_logins(url) for url in dict.fromkeys(_registries(settings))),
        logins=_logins(settings),
        proxies=proxies_of(environ, http=http, https=said.get("https-proxy", "") or http),
        certificates=certificates if certificates.is_file() else None,
    )  # fmt: skip


def npm_indexes(environ: Mapping[str, str], home: Path) -> Iterator[str]:
    """The addresses of npm's registries, as configured."""
    yield from _registries(list(_all(environ, (home / ".npmrc", _SYSTEM))))


def registry_of(package: str, environ: Mapping[str, str], home: Path | None = None) -> str:
    """The registry that is asked for a package, by its scope; empty: the one npm knows itself."""
    home = home or user_home()
    scope = package.partition("/")[0] if package.startswith("@") else ""
    settings = list(_all(environ, (home / ".npmrc", _SYSTEM)))
    said = {setting.key: setting.value for setting in reversed(settings)}
    found = said.get(f"{scope}:registry", "") or said.get("registry", "")
    return without_logins(found)


def _registries(settings: list[Setting]) -> Iterator[str]:
    for key, value in settings:
        if (key == "registry" or key.endswith(":registry")) and origin_of(value):
            yield value


def _all(environ: Mapping[str, str], files: Iterable[Path]) -> Iterator[Setting]:
    """Variables first, which count most."""
    for name, value in environ.items():
        if name.casefold().startswith(_PREFIX) and value:
            yield Setting(_key(name), value)
    for file in files:
        for line in read_lines(file):
            key, equals, value = line.partition("=")
            if equals and not key.lstrip().startswith(("#", ";")):
                text = value.strip().strip("\"'")
                yield Setting(
                    key.strip(), _VARIABLE.sub(lambda found: environ.get(found[1], ""), text)
                )


def _key(variable: str) -> str:
    """The setting a variable is for, as npm reads it."""
    name = variable[len(_PREFIX) :]
    return name if name.startswith("//") else name[:1].lower() + name[1:].lower().replace("_", "-")


def _is_kept_back(key: str) -> bool:
    name = key.rpartition(":")[2].casefold()
    return name in {secret.casefold() for secret in _SECRETS} or name in _TAKEN_OVER


def _cleaned(file: Path) -> str:
    lines = [line for line in read_lines(file)
             if not _is_kept_back(line.partition("=")[0].strip())]  # fmt: skip
    return without_logins("\n".join([*lines, ""]))


def _logins(settings: list[Setting]) -> Logins:
    """Tokens and passwords, which npm has by address."""
    parts: dict[str, dict[str, str]] = {}
    for key, value in settings:
        place, _, name = key.rpartition(":")
        if name in _SECRETS and place.startswith("//"):
            parts.setdefault(place, {}).setdefault(name, value)
    found: dict[str, str] = {}
    for place, named in parts.items():
        value = _header(named)
        for scheme in ("https:", "http:"):
            if value and origin_of(f"{scheme}{place}"):
                found[origin_of(f"{scheme}{place}")] = value
    return Logins(found) | logins_in(value for _, value in settings)


def _header(named: Mapping[str, str]) -> str:
    if named.get("_authToken"):
        return f"Bearer {named['_authToken']}"
    if named.get("_auth"):
        return f"Basic {named['_auth']}"
    if named.get("_password"):
        with suppress(ValueError):
            password = base64.b64decode(named["_password"]).decode("utf-8", "replace")
            return basic(named.get("username", ""), password)
    return ""

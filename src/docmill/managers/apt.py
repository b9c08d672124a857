"""How apt is configured: its logins, which stay outside, and the settings without them.

Which addresses it would ask it tells itself (`--print-uris`); `sandboxes.building.debian` asks it.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from docmill.managers.settings import (
    Logins,
    Proxies,
    basic,
    logins_in,
    origin_of,
    proxies_of,
    read_lines,
    without_logins,
)

_ADDRESS = re.compile(r"https?://\S+", re.IGNORECASE)
_PROXY = re.compile(r'^Acquire::(https?)::[Pp]roxy "([^"]*)";$', re.MULTILINE)
_LOGIN_FILES = ("auth.conf", "auth.conf.d/*.conf")


def apt_logins(folders: Iterable[Path]) -> Logins:
    """Those in auth.conf and in the addresses of sources, below apt's folders."""
    found = Logins()
    for folder in folders:
        for pattern in _LOGIN_FILES:
            for file in sorted(folder.glob(pattern)):
                found |= _auth_logins(file)
        found |= logins_in(
            url for file in _sources(folder) for line in read_lines(file)
            for url in _ADDRESS.findall(line)
        )  # fmt: skip
    return found


def covered(folders: Iterable[Path]) -> dict[str, str]:
    """Path → what a confined apt reads there: no logins."""
    texts: dict[str, str] = {}
    for folder in folders:
        for pattern in _LOGIN_FILES:
            texts |= dict.fromkeys(map(str, folder.glob(pattern)), "")
        for file in _sources(folder):
            text = "\n".join(read_lines(file))
            if without_logins(text) != text:
                texts[str(file)] = f"{without_logins(text)}\n"
    return texts


def apt_proxies(environ: Mapping[str, str], dump: str) -> Proxies:
    """Those of apt's settings, as `apt-config dump` has them, else of the environment."""
    own = {scheme: value for scheme, value in _PROXY.findall(dump) if value != "DIRECT"}
    return proxies_of(environ, http=own.get("http", ""), https=own.get("https", ""))


def _sources(folder: Path) -> Iterator[Path]:
    for pattern in ("*.list", "*.sources"):
        yield from sorted(folder.rglob(pattern))


def _auth_logins(file: Path) -> Logins:
    """Lines like those of a .netrc, whose machine may be an address with a path."""
    words = [word for line in read_lines(file) if not line.lstrip().startswith("#")
             for word in line.split()]  # fmt: skip
    by_origin: dict[str, str] = {}
    by_host: dict[str, str] = {}
    for entry in _entries(words):
        value = basic(entry.get("login", ""), entry.get("password", ""))
        machine = entry["machine"]
        origin = origin_of(machine) if "://" in machine else ""
        if origin:
            by_origin[origin] = value
        elif "://" not in machine:
            by_host[machine.partition("/")[0].partition(":")[0].lower()] = value
    return Logins(by_origin, by_host)


def _entries(words: list[str]) -> Iterator[dict[str, str]]:
    entry: dict[str, str] = {}
    for key, value in zip(words[::2], words[1::2], strict=False):
        if key == "machine" and entry:
            yield entry
            entry = {}
        entry[key] = value
    if "machine" in entry:
        yield entry

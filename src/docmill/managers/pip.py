"""How pip is configured: by variables and by its files. A specification can't change any of it."""

import configparser
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit
from urllib.request import url2pathname

from docmill.managers.settings import (
    HOME,
    ManagerSettings,
    logins_in,
    netrc_logins,
    origin_of,
    passed,
    proxies_of,
    user_home,
    without_logins,
)

_FILES = ("/etc/pip.conf", "/etc/xdg/pip/pip.conf")
_OWN_FILES = (".config/pip/pip.conf", ".pip/pip.conf")
_INDEXES = ("index-url", "extra-index-url")
_TAKEN_OVER = frozenset(("proxy", "cert"))
"""Options that the way out decides."""


class Option(NamedTuple):
    """One option, wherever it was said."""

    name: str
    """As in a file: `index-url`."""
    value: str


def pip_settings(environ: Mapping[str, str], home: Path | None = None) -> ManagerSettings:
    """What pip is told by files and variables; `home` is the user's."""
    home = home or user_home()
    files = _files(environ, home)
    options = [*_variables(environ), *(one for file in files.values() for one in _options(file))]
    said = {option.name: option.value for option in reversed(options)}
    urls = [word for option in options for word in option.value.split()]
    no_index = said.get("no-index", "").lower() in ("1", "true", "yes", "on")
    pages = [word for option in options if option.name == "find-links"
             for word in option.value.split() if origin_of(word)]  # fmt: skip
    certificates = Path(said.get("cert", ""))
    named = {str(path): path for path in _paths(urls)}
    return ManagerSettings(
        environ={
            **{name: value for name, value in passed(environ, "PIP_").items()
               if _option_name(name) not in _TAKEN_OVER},
            "HOME": HOME,
        },
        files=named,
        texts={inside: without_logins(_text(file)) for inside, file in files.items()},
        indexes=() if no_index else tuple(map(without_logins, _index_urls(options))),
        pages=tuple(map(without_logins, pages)),
        logins=logins_in(urls) | netrc_logins(home / ".netrc"),
        proxies=proxies_of(environ, http=said.get("proxy", ""), https=said.get("proxy", "")),
        certificates=certificates if certificates.is_file() else None,
    )  # fmt: skip


def needs_default(settings: ManagerSettings, environ: Mapping[str, str]) -> bool:
    """Whether pip would ask the index it knows by itself: no `index-url` says otherwise."""
    options = list(_variables(environ))
    texts = settings.texts.values()
    options += [option for text in texts for option in _parsed(text)]
    return not {"index-url", "no-index"} & {option.name for option in options}


def pip_indexes(environ: Mapping[str, str], home: Path) -> Iterator[str]:
    """The addresses of pip's indexes, as configured."""
    options = list(_variables(environ))
    options += [one for file in _files(environ, home).values() for one in _options(file)]
    yield from _index_urls(options)


def _index_urls(options: Iterable[Option]) -> list[str]:
    words = (word for option in options if option.name in _INDEXES
             for word in option.value.split())  # fmt: skip
    return list(dict.fromkeys(word for word in words if origin_of(word)))


def _files(environ: Mapping[str, str], home: Path) -> dict[str, Path]:
    """Path inside → the file outside, the one that counts most first."""
    named = environ.get("PIP_CONFIG_FILE", "")
    if named == os.devnull:
        return {}
    found = {named: Path(named)} if named else {}
    found |= {f"{HOME}/{name}": home / name for name in _OWN_FILES}
    found |= {name: Path(name) for name in _FILES}
    return {inside: file for inside, file in found.items() if file.is_file()}


def _variables(environ: Mapping[str, str]) -> Iterator[Option]:
    for name, value in environ.items():
        if name.startswith("PIP_") and value:
            yield Option(_option_name(name), value)


def _option_name(variable: str) -> str:
    return variable.removeprefix("PIP_").lower().replace("_", "-")


def _options(file: Path) -> Iterator[Option]:
    yield from _parsed(_text(file))


def _text(file: Path) -> str:
    try:
        return file.read_text()
    except (OSError, UnicodeDecodeError):
        return ""


def _parsed(text: str) -> Iterator[Option]:
    parser = configparser.RawConfigParser()
    try:
        parser.read_string(text)
    except configparser.Error:
        return
    for section in parser.sections():
        for name, value in parser.items(section):
            yield Option(name.lower().replace("_", "-").lstrip("-"), value)


def _paths(words: Iterable[str]) -> Iterator[Path]:
    """Files and folders that settings name, as paths or as file:// addresses."""
    for word in words:
        text = url2pathname(urlsplit(word).path) if word.startswith("file:") else word
        if text.startswith("/") and text != os.devnull and Path(text).exists():
            # The pages of an index that is a folder link to files beside them.
            yield Path(text).parent if Path(text).name == "simple" else Path(text)

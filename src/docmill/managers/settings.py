"""What the settings of all package managers have in common, and texts without their secrets.

Neighbours: `pip`, `npm`, `apt` read each manager's own. No representation here shows a secret.
"""

import base64
import netrc
import os
import pwd
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit

HOME = "/home/builder"
"""The home of a package manager that is shut in."""
_PORTS = {"http": 80, "https": 443}
_LOGIN = re.compile(r"\b(https?://)[^/\s]+@", re.IGNORECASE)
_CERTIFICATES = (
    *("ssl_cert_file", "ssl_cert_dir", "requests_ca_bundle", "curl_ca_bundle"),
    "node_extra_ca_certs",
)


@dataclass(frozen=True, slots=True)
class Logins:
    """Values of the header Authorization, by whom they are for."""

    by_origin: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    by_host: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)

    def value_for(self, origin: str) -> str:
        """What requests to an origin get; empty: nothing."""
        host = urlsplit(origin).hostname or ""
        return self.by_origin.get(origin) or self.by_host.get(host, "")

    def __or__(self, other: "Logins") -> "Logins":
        """Those of both; this one's where both have one."""
        return Logins({**other.by_origin, **self.by_origin}, {**other.by_host, **self.by_host})


@dataclass(frozen=True, slots=True)
class Proxies:
    """How this machine reaches the web; empty: directly."""

    http: str = field(default="", repr=False)
    https: str = field(default="", repr=False)
    bypass: tuple[str, ...] = ()
    """Hosts that are reached directly, with all below them; `*`: all."""


@dataclass(frozen=True, slots=True)
class ManagerSettings:
    """What a package manager is told here, as one that is shut in may see it."""

    environ: Mapping[str, str] = field(default_factory=dict[str, str])
    """Without logins and proxies."""
    files: Mapping[str, Path] = field(default_factory=dict[str, Path])
    """Path inside → path outside: certificates, indexes that are folders."""
    texts: Mapping[str, str] = field(default_factory=dict[str, str])
    """Path inside → its settings, without logins."""
    indexes: tuple[str, ...] = ()
    """Addresses of what is asked for packages, without logins."""
    pages: tuple[str, ...] = ()
    """Addresses of pages that link to packages of any name."""
    logins: Logins = Logins()
    proxies: Proxies = Proxies()
    certificates: Path | None = None
    """Authorities that the indexes' certificates are from, where the machine's own don't do."""


def user_home() -> Path:
    """The home of the user docmill runs as, whatever the environment says."""
    return Path(pwd.getpwuid(os.geteuid()).pw_dir)


def origin_of(url: str) -> str:
    """`scheme://host:port` of a web address; empty for anything else."""
    try:
        parts = urlsplit(url.strip())
        port = parts.port or _PORTS.get(parts.scheme, 0)
    except ValueError:
        return ""
    if parts.scheme not in _PORTS or not parts.hostname:
        return ""
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{parts.scheme}://{host}:{port}"


def without_logins(text: str) -> str:
    """A text whose web addresses have lost name and password."""
    return _LOGIN.sub(r"\1", text)


def basic(user: str, password: str) -> str:
    """The header's value for a name and a password."""
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def logins_in(urls: Iterable[str]) -> Logins:
    """Those that stand in addresses."""
    found: dict[str, str] = {}
    for url in urls:
        origin = origin_of(url)
        parts = urlsplit(url.strip()) if origin else None
        if parts and parts.username is not None:
            found[origin] = basic(unquote(parts.username), unquote(parts.password or ""))
    return Logins(found)


def netrc_logins(file: Path) -> Logins:
    """Those of a .netrc; none if it has mistakes, as with pip."""
    try:
        hosts = netrc.netrc(str(file)).hosts
    except (OSError, UnicodeDecodeError, netrc.NetrcParseError):
        return Logins()
    return Logins(
        by_host={
            host.lower(): basic(user or account or "", password or "")
            for host, (user, account, password) in hosts.items()
            if host != "default"
        }
    )


def proxies_of(environ: Mapping[str, str], *, http: str = "", https: str = "") -> Proxies:
    """Those of the environment, unless a package manager has its own."""
    said = {
        name: environ.get(name) or environ.get(name.upper()) or ""
        for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy")
    }
    bypass = re.split(r"[,\s]+", said["no_proxy"].lower())
    return Proxies(
        _web_address(http or said["http_proxy"] or said["all_proxy"]),
        _web_address(https or said["https_proxy"] or said["all_proxy"]),
        tuple(host.lstrip(".") for host in bypass if host),
    )


def passed(environ: Mapping[str, str], prefix: str) -> dict[str, str]:
    """A manager's own variables, without logins, and those that name certificates."""
    return {
        name: without_logins(value)
        for name, value in environ.items()
        if name.casefold() in _CERTIFICATES or name.casefold().startswith(prefix.casefold())
    }


def read_lines(file: Path) -> Iterator[str]:
    """The lines of a file; none if it can't be read."""
    try:
        yield from file.read_text().splitlines()
    except (OSError, UnicodeDecodeError):
        return


def _web_address(proxy: str) -> str:
    return f"http://{proxy}" if proxy and "://" not in proxy else proxy

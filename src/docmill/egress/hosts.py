"""Names of hosts: their one spelling, and the rules of `allowed_hosts` that match them.

No names are resolved here.
"""

import re
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import NamedTuple

WEB_PORTS = (80, 443)
_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")
_ADDRESS_LIKE = re.compile(r"(\d+|0x[0-9a-f]*)")
"""A last label like this makes C libraries read the whole name as an address."""
_MOST_CHARACTERS = 253


class HostRule(NamedTuple):
    """Hosts that may be reached, and on which ports."""

    host: str
    """In its one spelling; the part after `*.` of a wildcard."""
    ports: tuple[int, ...] = WEB_PORTS
    wildcard: bool = False
    """Every host below `host`, but not itself."""

    def matches(self, host: str) -> bool:
        """Whether the rule is about this host (in its one spelling), whatever the port."""
        return host.endswith(f".{self.host}") if self.wildcard else host == self.host

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        ports = "" if self.ports == WEB_PORTS else f":{','.join(map(str, self.ports))}"
        return f"{'*.' * self.wildcard}{host}{ports}"


class Authority(NamedTuple):
    """A host and a port, as a request names them."""

    host: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


def literal(host: str) -> IPv4Address | IPv6Address | None:
    """The address a host is, if it is one."""
    try:
        return ip_address(host)
    except ValueError:
        return None


def plain_host(text: str) -> str:
    """The one spelling of a host: lower case, no final dot, addresses in their usual form.

    Raises:
        ValueError: no host's name and no address.
    """
    host = text.lower().removesuffix(".")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
        if ":" not in host:
            raise ValueError(f"`{text}` is no address")
    address = literal(host)
    if address is not None:
        if "%" in host:
            raise ValueError(f"`{text}` is an address of one device only")
        return str(address)
    labels = host.split(".")
    if len(host) > _MOST_CHARACTERS or not all(map(_LABEL.fullmatch, labels)):
        raise ValueError(f"`{text}` is no name of a host")
    if _ADDRESS_LIKE.fullmatch(labels[-1]):
        raise ValueError(f"`{text}` is an address in a spelling that isn't taken")
    return host


def parse_authority(text: str, default_port: int | None = None) -> Authority:
    """`host`, `host:port` or `[address]:port`.

    Raises:
        ValueError: it is none of these, or has no port where none is known.
    """
    host, colon, port = text.rpartition(":")
    if not colon or text.endswith("]"):
        host, port = text, ""
    if "[" not in host and ":" in host:
        raise ValueError(f"`{text}` needs brackets around the address")
    if not port:
        if default_port is None or (colon and not text.endswith("]")):
            raise ValueError(f"`{text}` has no port")
        return Authority(plain_host(host), default_port)
    return Authority(plain_host(host), _port(port))


def parse_rule(text: str, *, ports: tuple[int, ...] = WEB_PORTS) -> HostRule:
    """An entry of a list of hosts: `host`, `*.host`, `host:port`, `*.host:port`, an address.

    Raises:
        ValueError: `what is wrong; what to write instead`.
    """
    if "://" in text or "/" in text:
        bare = text.partition("://")[2] or text
        raise ValueError(f"`{text}` is an address of a page; write only the host: {_head(bare)}")
    if not text.isascii():
        raise ValueError(f"`{text}` isn't ASCII; {_ascii_hint(text)}")
    if text == "*":
        raise ValueError("`*` is every host; write `type: unrestricted` if that is meant")
    wildcard = text.startswith("*.")
    bare = text[2:] if wildcard else text
    if "*" in bare:
        raise ValueError(f"`{text}` has a `*` in the middle; write *.HOST for all hosts below one")
    authority = _parsed(bare)
    if wildcard and ("." not in authority.host or literal(authority.host)):
        raise ValueError(f"`{text}` is too much; write *.NAME.TLD")
    named = (authority.port,) if authority.port else ports
    return HostRule(authority.host, named, wildcard)


def _parsed(text: str) -> Authority:
    try:
        return parse_authority(text, 0)
    except ValueError as error:
        raise ValueError(f"{error}; write a host such as api.example.com, or host:8443") from None


def _port(text: str) -> int:
    if not (text.isascii() and text.isdecimal()) or len(text) > 5 or not 0 < int(text) < 65536:
        raise ValueError(f"`{text}` is no port")
    return int(text)


def _head(text: str) -> str:
    return text.partition("/")[0].partition("@")[2] or text.partition("/")[0]


def _ascii_hint(text: str) -> str:
    try:
        return f"write {text.encode('idna').decode()}"
    except UnicodeError:
        return "write the host in its ASCII form (xn--…)"


def rules_for(texts: Iterable[str]) -> tuple[HostRule, ...]:
    """Rules of texts that were checked before.

    Raises:
        ValueError: one is none.
    """
    return tuple(parse_rule(text) for text in texts)

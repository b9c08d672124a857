"""Which texts are names of packages: no option, address or path can be smuggled in as one.

Pure; `compile` asks for every entry of an environment, the builders ask again.
"""

import re
from typing import NamedTuple

from packaging.requirements import InvalidRequirement, Requirement

_DEBIAN = re.compile(r"[a-z0-9][a-z0-9+.-]{1,99}")
_NODE = re.compile(r"(@[a-z0-9][a-z0-9._-]*/)?[a-z0-9][a-z0-9._-]*")
_NODE_VERSION = re.compile(r"[\^~<>=]{0,2}\s?v?[0-9][0-9A-Za-z.+-]*|latest|\*")


class Mistake(NamedTuple):
    """Why a text is no name of a package, and what to write instead."""

    message: str
    remedy: str


def pip_mistake(text: str) -> Mistake | None:
    """What is wrong with a requirement of Python's; None if nothing is."""
    if text.lstrip().startswith("-"):
        return Mistake(f"`{text}` is an option, not a package", "configure pip on the machine")
    if _is_address(text) or text.startswith((".", "/", "~")):
        return Mistake(
            f"`{text}` is an address or a path, not a package",
            "name a package of the index this machine's pip is configured for, like pandas>=3",
        )
    try:
        requirement = Requirement(text)
    except InvalidRequirement:
        return Mistake(f"`{text}` isn't a requirement", "write a name with a version: pandas>=3")
    if requirement.url:
        return Mistake(
            f"`{text}` names an address to take the package from",
            "name a package of the index this machine's pip is configured for",
        )
    if not text.isprintable() or not text.isascii():
        return Mistake(f"`{text}` isn't a requirement", "write a name with a version: pandas>=3")
    return None


def apt_mistake(text: str) -> Mistake | None:
    """What is wrong with a name of a Debian package."""
    # A sign behind a name asks apt to install or remove; `g++` is a name all the same.
    signed = text.endswith(("-", ".deb")) or (text.endswith("+") and not text.endswith("++"))
    if _DEBIAN.fullmatch(text) and not signed:
        return None
    return Mistake(
        f"`{text}` is no name of a Debian package",
        "write the name alone, like poppler-utils: no version, path or option",
    )


def npm_mistake(text: str) -> Mistake | None:
    """What is wrong with a Node package, `name` or `name@version`."""
    name, _, version = text[1:].partition("@")
    name = text[:1] + name
    if "@" in text[1:] and not _NODE_VERSION.fullmatch(version):
        return Mistake(
            f"`{text}` names no version of a Node package", "write name@1.2.3 or name@^1.2"
        )
    if _NODE.fullmatch(name) and len(name) <= 214:
        return None
    return Mistake(
        f"`{text}` is no name of a Node package",
        "write name or @scope/name, with @version behind it if need be: no address, path or option",
    )


def _is_address(text: str) -> bool:
    return "://" in text or text.startswith(("git+", "hg+", "svn+", "bzr+", "file:"))

"""File names of documents made safe: to show, and as unique ids that are file names themselves."""

import hashlib
import re
import unicodedata
from collections import Counter
from collections.abc import Sequence

_UNSAFE = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
_LONGEST = 80


def shown_name(name: str) -> str:
    """The name with control, direction and undecodable characters as `\\x0a` or `\\u202e`."""
    if name.isascii() and name.isprintable():
        return name
    return "".join(_shown(character) for character in name)


def _shown(character: str) -> str:
    if unicodedata.category(character) not in _UNSAFE:
        return character
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:  # a byte that is not UTF-8, as os.fsdecode keeps it
        code -= 0xDC00
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


def unique_ids(names: Sequence[str]) -> list[str]:
    """One id per name, in order: `[a-z0-9-]`, 1 to 80 characters, never twice.

    Depends on the set of names alone. A name whose slug is shared or empty gets a short hash, so
    all who share it keep their ids whatever order they are found in.
    """
    slugs = [_slug(name) for name in names]
    shared = {slug for slug, count in Counter(slugs).items() if count > 1 or not slug}
    ids = [
        _with_hash(slug, name) if slug in shared else slug
        for slug, name in zip(slugs, names, strict=True)
    ]
    taken = Counter(ids)
    # a file may be named like another one's slug with hash; then both get longer ones
    return [
        _with_hash(slug, name, length=24) if taken[given] > 1 else given
        for given, slug, name in zip(ids, slugs, names, strict=True)
    ]


def _slug(name: str) -> str:
    stem = re.sub(r"\.pdf\Z", "", name, flags=re.IGNORECASE)
    ascii_only = unicodedata.normalize("NFKD", stem).encode("ascii", "ignore").decode()
    slug = re.sub(r"[^a-z0-9]+", "-", ascii_only.lower()).strip("-")
    return slug if len(slug) <= _LONGEST else _with_hash(slug, name)


def _with_hash(slug: str, name: str, *, length: int = 8) -> str:
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:length]
    kept = slug[: _LONGEST - length - 1].rstrip("-")
    return f"{kept}-{digest}" if kept else f"document-{digest}"

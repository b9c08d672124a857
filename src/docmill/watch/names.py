"""Keys of a bucket as names of files: they may be anything, and must stay below their folder."""

import hashlib
from urllib.parse import quote

LONGEST = 200
"""Bytes of one part of a name; file systems take 255, and a note's name is longer."""


def safe_name(name: str) -> str:
    """A name as a relative path that stays below its folder, the same for the same name.

    Spaces and letters of every script are kept; what could lead elsewhere, hide a file or break a
    line is written as `%2E`; a part that is too long is cut and gets a hash. Different names stay
    different.
    """
    return "/".join(_safe_part(part) for part in name.split("/"))


def _safe_part(part: str) -> str:
    if not part:
        return "%2F"
    kept = "".join(
        sign if sign.isprintable() and sign not in "\\%" else quote(sign, errors="surrogatepass")
        for sign in part
    )
    if kept.startswith("."):
        kept = f"%2E{kept[1:]}"
    if len(kept.encode()) <= LONGEST:
        return kept
    stem, dot, suffix = kept.rpartition(".")
    ending = f".{suffix}" if dot and stem and len(suffix.encode()) <= 10 else ""
    digest = hashlib.sha256(part.encode("utf-8", "surrogatepass")).hexdigest()[:12]
    room = LONGEST - len(ending.encode()) - len(digest) - 1
    return f"{kept.encode()[:room].decode('utf-8', 'ignore')}~{digest}{ending}"

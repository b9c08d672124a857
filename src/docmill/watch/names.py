"""Keys of a bucket as names of files: they may be anything, and must stay below their folder."""

import hashlib
from urllib.parse import quote

LONGEST = 120
"""Characters of one part of a name; with four bytes each that is what file systems take."""


def safe_name(name: str) -> str:
    """A name as a relative path that stays below its folder, the same for the same name.

    Spaces and letters of every script are kept; what could lead elsewhere, hide a file or break a
    line is written as `%2E`; a part that is too long is cut and gets a hash.
    """
    return "/".join(_safe_part(part) for part in name.split("/"))


def _safe_part(part: str) -> str:
    kept = "".join(
        sign if sign.isprintable() and sign not in "\\%" else quote(sign, safe="", errors="replace")
        for sign in part
    )
    if kept.startswith(".") or not kept:
        kept = f"%2E{kept[1:]}" if kept else "_"
    if len(kept) <= LONGEST:
        return kept
    stem, dot, suffix = kept.rpartition(".")
    ending = f".{suffix}" if dot and stem and len(suffix) <= 10 else ""
    digest = hashlib.sha256(part.encode("utf-8", "replace")).hexdigest()[:12]
    return f"{kept[: LONGEST - len(ending) - 13]}~{digest}{ending}"

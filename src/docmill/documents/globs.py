"""Glob patterns over relative names, for local folders and object stores alike.

`sources` walks; this only matches. `*` and `?` stay within one folder, `**` spans folders, `[...]`
is a set; case doesn't matter, so `*.pdf` finds `A.PDF`. Time is linear in pattern times name.
"""

import re
from collections.abc import Sequence
from fnmatch import translate
from functools import lru_cache


def glob_problem(pattern: str) -> str:
    """What is wrong with a pattern, as one sentence; empty if nothing is."""
    if not pattern.strip():
        return "the pattern is empty"
    if "\\" in pattern:
        return "folders are separated by `/`, not by a backslash"
    if pattern.startswith("/"):
        return "the pattern counts from the documents' folder and can't begin with `/`"
    segments = pattern.split("/")
    if ".." in segments:
        return "the pattern can't leave the documents' folder with `..`"
    if any("**" in segment and segment != "**" for segment in segments):
        return "`**` spans folders only as a part of its own, as in `**/*.pdf`"
    return ""


def glob_matches(pattern: str, name: str) -> bool:
    """Whether a relative name with `/` matches; a pattern with a trailing `/` means all below."""
    if pattern.endswith("/"):
        pattern += "**"
    return _segments_match(pattern.split("/"), name.casefold().split("/"))


def _segments_match(pattern: Sequence[str], names: Sequence[str]) -> bool:
    # reach[j]: the pattern so far matches the first j names; one row per pattern segment
    reach = [True] + [False] * len(names)
    for segment in pattern:
        following = [False] * (len(names) + 1)
        if segment == "**":
            any_before = False
            for j, reached in enumerate(reach):
                any_before = any_before or reached
                following[j] = any_before
        else:
            expression = _segment(segment)
            for j, name in enumerate(names):
                following[j + 1] = reach[j] and expression.match(name) is not None
        reach = following
    return reach[-1]


@lru_cache(maxsize=1024)
def _segment(segment: str) -> re.Pattern[str]:
    # fnmatch's translation uses atomic groups: no backtracking over hostile names
    return re.compile(translate(segment.casefold()))

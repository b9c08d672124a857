"""Patterns that choose documents, the same on a disk and in a bucket."""

import time

import pytest

from docmill.documents.globs import glob_matches, glob_problem


@pytest.mark.parametrize(
    ("pattern", "name", "matches"),
    [
        ("**/*", "a.pdf", True),
        ("**/*", "x/y/a.pdf", True),
        ("*.pdf", "a.pdf", True),
        ("*.pdf", "A.PDF", True),
        ("*.pdf", "x/a.pdf", False),
        ("**/*.pdf", "a.pdf", True),
        ("x/**", "x/y/a.pdf", True),
        ("x/", "x/y/a.pdf", True),
        ("x/**/a.pdf", "x/a.pdf", True),
        ("x/**/a.pdf", "y/a.pdf", False),
        ("**/old/**", "a/old/b.pdf", True),
        ("report-[0-9].pdf", "report-7.pdf", True),
        ("report-[!0-9].pdf", "report-7.pdf", False),
        ("a?.pdf", "ab.pdf", True),
        ("a?.pdf", "a/.pdf", False),
        ("*", "a\nb", True),
    ],
)
def test_patterns_match_like_a_shell_does(pattern: str, name: str, *, matches: bool) -> None:
    """`*` stays in its folder, `**` spans folders, case doesn't matter."""
    assert glob_matches(pattern, name) is matches


@pytest.mark.parametrize(
    ("pattern", "problem"),
    [
        ("**/*.pdf", ""),
        ("", "the pattern is empty"),
        ("../*.pdf", "the pattern can't leave the documents' folder with `..`"),
        ("/etc/*", "the pattern counts from the documents' folder and can't begin with `/`"),
        ("x\\*.pdf", "folders are separated by `/`, not by a backslash"),
        ("**.pdf", "`**` spans folders only as a part of its own, as in `**/*.pdf`"),
    ],
)
def test_unsafe_and_mistaken_patterns_are_told(pattern: str, problem: str) -> None:
    """What could never match as meant is a mistake of the spec."""
    assert glob_problem(pattern) == problem


def test_hostile_names_cost_no_time() -> None:
    """Many stars and a long name don't multiply."""
    began = time.process_time()
    assert not glob_matches("*a" * 20 + "b", "a" * 5000)
    assert not glob_matches("**/" * 30 + "b", "a/" * 500 + "c")
    assert time.process_time() - began < 2

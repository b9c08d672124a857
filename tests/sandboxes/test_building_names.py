"""Names of packages: what is one, and everything that isn't and could do harm."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docmill.sandboxes.building.names import apt_mistake, npm_mistake, pip_mistake


@pytest.mark.parametrize(
    "text",
    ["pandas", "pandas>=3", "pandas[excel]==3.1.*", "a; python_version<'3.13'", "a.b"],
)
def test_requirements_are_names_with_versions(text: str) -> None:
    """As pip has them."""
    assert pip_mistake(text) is None


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("--index-url https://x.example", "an option"),
        (" -e .", "an option"),
        ("-r/etc/passwd", "an option"),
        ("git+ssh://x.example/y", "an address or a path"),
        ("https://x.example/a.whl", "an address or a path"),
        ("a @ https://x.example/a.whl", "an address or a path"),
        ("a @ file:/tmp/a.whl", "names an address"),
        ("./a", "an address or a path"),
        ("/tmp/a.whl", "an address or a path"),
        ("~/a", "an address or a path"),
        ("a b", "isn't a requirement"),
        ("a --hash=sha256:0", "isn't a requirement"),
        ("a\n--pre", "isn't a requirement"),
        ("", "isn't a requirement"),
    ],
)
def test_nothing_is_smuggled_past_pip(text: str, why: str) -> None:
    """Options, addresses, paths, second lines."""
    mistake = pip_mistake(text)
    assert mistake is not None
    assert why in mistake.message
    assert mistake.remedy


@pytest.mark.parametrize("text", ["jq", "g++", "libstdc++6", "python3.11", "poppler-utils"])
def test_debian_names_are_plain(text: str) -> None:
    """Letters, digits and a few signs."""
    assert apt_mistake(text) is None


@pytest.mark.parametrize(
    "text",
    [
        *("", "a", "-y", "-oDebug=1", "jq=1.6", "jq/stable", "jq-", "jq+", "./jq.deb", "jq.deb"),
        *("/tmp/jq.deb", "JQ", "jq jq", "jq\njq", "jq*", "^jq", "~njq", "jq:amd64"),
    ],
)
def test_nothing_is_smuggled_past_apt(text: str) -> None:
    """No options, versions, files, patterns; and no removal, which is a sign behind a name."""
    assert apt_mistake(text) is not None


@pytest.mark.parametrize(
    "text", ["left-pad", "left-pad@1.3.0", "@types/node@^20", "a@latest", "a@*", "a@>=1.0.0-rc.1"]
)
def test_node_names_may_have_a_scope_and_a_version(text: str) -> None:
    """As npm has them."""
    assert npm_mistake(text) is None


@pytest.mark.parametrize(
    "text",
    [
        *("", "--prefix=/", "-g", "git+https://x.example/a", "github:a/b", "a/b", "./a", "../a"),
        *("file:../a", "https://x.example/a.tgz", "a@npm:b", "a@file:b", "a@https://x.example/a"),
        *("a@git+ssh://x", "A", "@a", "@/b", "a@", "a b", "a@1 || 2", "a\n--foo", ".a", "_a"),
    ],
)
def test_nothing_is_smuggled_past_npm(text: str) -> None:
    """No options, addresses, paths, aliases, tags of other kinds."""
    assert npm_mistake(text) is not None


@given(st.text())
def test_any_text_is_judged(text: str) -> None:
    """And what begins like an option or leads somewhere never passes."""
    for check in (pip_mistake, apt_mistake, npm_mistake):
        if check(text) is None:
            assert not text.startswith(("-", ".", "/", "~"))
            assert "://" not in text
            assert "\n" not in text

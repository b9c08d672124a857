"""The list of system calls of a container, next to bubblewrap's filter."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from docmill.sandboxes import seccomp
from docmill.sandboxes.docker.profile import all_but, allowed, profile

WORDS = st.integers(0, 0xFFFFFFFF)


def rules(name: str) -> list[dict[str, Any]]:
    """The rules of one call."""
    return [rule for rule in json.loads(profile())["syscalls"] if name in rule["names"]]


def test_what_bubblewrap_refuses_is_not_on_the_list() -> None:
    """Both backends keep out the same calls."""
    refused = {
        name
        for machine in (seccomp._X86_64, seccomp._AARCH64)  # pyright: ignore[reportPrivateUsage]
        for name in machine.calls
    }
    assert not refused & allowed()
    assert not {"clone3", "clone", "ioctl", "socket", "socketpair", "fcntl"} & allowed()


def test_everything_unlisted_is_refused() -> None:
    """The list takes the place of Docker's own and names what is allowed."""
    found = json.loads(profile())
    assert found["defaultAction"] == "SCMP_ACT_ERRNO"
    assert not rules("ptrace")
    assert not rules("bpf")


@given(st.sets(WORDS, max_size=4), WORDS)
def test_all_but_some_words_match_once(values: set[int], word: int) -> None:
    """No word is matched twice: rules that overlap would contradict each other."""
    patterns = list(all_but(values))
    for each in (word, *values, *(value ^ 1 for value in values)):
        matches = [value for mask, value in patterns if each & mask == value]
        assert len(matches) == (each not in values)


@given(WORDS, st.integers(0, 0xFFFFFFFF))
def test_typing_into_a_terminal_is_refused_whatever_the_upper_half(word: int, upper: int) -> None:
    """The kernel reads 32 bits of the argument; a rule for 64 could be slipped past."""
    for request in (0x5412, 0x541C, word):
        full = upper << 32 | request
        args = [rule["args"][0] for rule in rules("ioctl")]
        matched = any(full & arg["value"] == arg["valueTwo"] for arg in args)
        assert matched == (request not in (0x5412, 0x541C))


def test_sockets_have_three_families() -> None:
    """Every other one doesn't exist, as far as programs can tell."""
    found: dict[int, int | None] = {}
    for family in range(64):
        for rule in rules("socket"):
            arg = rule["args"][0]
            if family & arg["value"] == arg["valueTwo"]:
                found[family] = rule.get("errnoRet")
    assert [family for family, refusal in found.items() if refusal is None] == [1, 2, 10]
    assert set(found.values()) == {None, 97}


def test_new_namespaces_are_refused() -> None:
    """`clone` without any of their flags only, and no `clone3`, whose flags can't be seen."""
    (rule,) = rules("clone")
    arg = rule["args"][0]
    flags = (0x80, 0x20000, 0x2000000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000)
    assert not any(flag & arg["value"] == arg["valueTwo"] for flag in flags)
    assert 0x1200011 & arg["value"] == arg["valueTwo"]
    assert [rule["errnoRet"] for rule in rules("clone3")] == [38]


def test_notices_and_huge_pages_are_refused() -> None:
    """As bubblewrap's filter does; the calls themselves work."""
    told = [rule["args"][0] for rule in rules("fcntl")]
    assert not any(1026 & arg["value"] == arg["valueTwo"] for arg in told)
    assert any(1030 & arg["value"] == arg["valueTwo"] for arg in told)
    for name, ordinary, huge in (
        *(("mmap", 0x22, 0x40022), ("memfd_create", 1, 5), ("shmget", 0o1600, 0o5600)),
    ):
        (rule,) = rules(name)
        arg = rule["args"][0]
        assert ordinary & arg["value"] == arg["valueTwo"]
        assert huge & arg["value"] != arg["valueTwo"]


def test_the_size_of_cores_stays_what_it_is() -> None:
    """As in bubblewrap's filter: it can be read, and other limits be set."""

    def fits(arg: dict[str, Any], word: int) -> bool:
        if arg["op"] == "SCMP_CMP_EQ":
            return bool(word == arg["value"])
        return bool(word & arg["value"] == arg["valueTwo"])

    def passes(name: str, *words: int) -> bool:
        return any(
            all(fits(arg, words[int(arg["index"])]) for arg in rule["args"]) for rule in rules(name)
        )

    core, files, pointer = 4, 7, 0x7F0000000000
    assert not passes("setrlimit", core, pointer)
    assert passes("setrlimit", files, pointer)
    assert not passes("prlimit64", 0, core, pointer)
    assert passes("prlimit64", 0, core, 0)
    assert passes("prlimit64", 0, files, pointer)

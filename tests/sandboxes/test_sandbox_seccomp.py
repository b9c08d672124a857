"""The system-call filter, run by a small interpreter of the classic BPF it is made of."""

import errno
import struct

import pytest

from docmill.errors import PrerequisiteError
from docmill.sandboxes import seccomp

ALLOW, KILL = 0x7FFF0000, 0x80000000
X86, ARM = 0xC000003E, 0xC00000B7


def run(program: bytes, arch: int, number: int, *arguments: int) -> int:
    """What the filter answers to a system call (linux/filter.h, the five codes it uses)."""
    data = struct.pack("<IIQ6Q", number, arch, 0, *arguments, *[0] * (6 - len(arguments)))
    steps = [struct.unpack_from("=HBBI", program, at) for at in range(0, len(program), 8)]
    place = value = 0
    while True:
        code, yes, no, operand = steps[place]
        place += 1
        match code:
            case 0x20:
                value = struct.unpack_from("<I", data, operand)[0]
            case 0x15:
                place += yes if value == operand else no
            case 0x35:
                place += yes if value >= operand else no
            case 0x45:
                place += yes if value & operand else no
            case 0x06:
                return operand
            case _:
                raise AssertionError(f"unknown code {code:#x}")


def refused(number: int) -> int:
    """The answer that makes a call fail with an error number."""
    return 0x00050000 | number


@pytest.mark.parametrize(
    ("machine", "arch", "calls"),
    [
        ("x86_64", X86, {"ptrace": 101, "mount": 165, "unshare": 272, "bpf": 321, "keyctl": 250}),
        ("aarch64", ARM, {"ptrace": 117, "mount": 40, "unshare": 97, "bpf": 280, "keyctl": 219}),
    ],
)
def test_listed_calls_fail_and_common_ones_pass(
    machine: str, arch: int, calls: dict[str, int]
) -> None:
    """By number, for the machine's own architecture only."""
    program = seccomp.program(machine)
    for number in calls.values():
        assert run(program, arch, number) == refused(errno.EPERM)
    for number in {0, 1, 2, 9, 59, 231} if arch == X86 else {63, 64, 221, 93, 214}:
        assert run(program, arch, number) == ALLOW
    assert run(program, X86 if arch == ARM else ARM, 0) == KILL


def test_other_interfaces_and_the_future_are_closed() -> None:
    """x32 calls end the process; calls newer than the table are "not implemented"."""
    program = seccomp.program("x86_64")
    assert run(program, X86, 0x40000000 | 59) == KILL
    assert run(program, X86, 463) == refused(errno.ENOSYS)
    assert run(program, X86, 435) == refused(errno.ENOSYS)


def test_namespaces_cannot_be_made_by_clone() -> None:
    """A thread may; a new user namespace may not."""
    program = seccomp.program("x86_64")
    assert run(program, X86, 56, 0x3D0F00) == ALLOW
    assert run(program, X86, 56, 0x10000000) == refused(errno.EPERM)


@pytest.mark.parametrize(
    ("family", "allowed"), [(1, True), (2, True), (10, True), (16, False), (17, False), (40, False)]
)
def test_socket_families(family: int, *, allowed: bool) -> None:
    """Unix and internet sockets only: no netlink, packet, vsock."""
    program = seccomp.program("x86_64")
    for call in (41, 53):
        expected = ALLOW if allowed else refused(errno.EAFNOSUPPORT)
        assert run(program, X86, call, family) == expected


def test_typing_into_a_terminal_is_refused() -> None:
    """TIOCSTI and TIOCLINUX; other ioctls pass."""
    program = seccomp.program("x86_64")
    assert run(program, X86, 16, 0, 0x5412) == refused(errno.EPERM)
    assert run(program, X86, 16, 0, 0x541C) == refused(errno.EPERM)
    assert run(program, X86, 16, 0, 0x5401) == ALLOW


@pytest.mark.parametrize(
    ("machine", "arch", "calls"),
    [
        ("x86_64", X86, {"inotify_init": 253, "inotify_init1": 294, "sync": 162, "syncfs": 306}),
        ("aarch64", ARM, {"inotify_init1": 26, "sync": 81, "syncfs": 267}),
    ],
)
def test_calls_that_reach_the_host_through_shared_files_fail(
    machine: str, arch: int, calls: dict[str, int]
) -> None:
    """Being told when the host reads a program that both see; having it write to its disks."""
    program = seccomp.program(machine)
    assert {run(program, arch, number) for number in calls.values()} == {refused(errno.EPERM)}
    fcntl = 72 if arch == X86 else 25
    assert run(program, arch, fcntl, 3, 1026, 1) == refused(errno.EPERM)
    assert run(program, arch, fcntl, 3, 1030, 1) == ALLOW


@pytest.mark.parametrize(("arch", "setting", "limits"), [(X86, 160, 302), (ARM, 164, 261)])
def test_the_size_of_cores_stays_what_it_is(arch: int, setting: int, limits: int) -> None:
    """At 1 a crash starts no program of the host's; it can be read, and other limits be set."""
    program = seccomp.program("x86_64" if arch == X86 else "aarch64")
    core, files, pointer = 4, 7, 0x7F0000000000
    assert run(program, arch, setting, core, pointer) == refused(errno.EPERM)
    assert run(program, arch, setting, files, pointer) == ALLOW
    for new in (pointer, 1):
        assert run(program, arch, limits, 0, core, new, 0) == refused(errno.EPERM)
        assert run(program, arch, limits, 0, files, new, 0) == ALLOW
    assert run(program, arch, limits, 0, core, 0, pointer) == ALLOW


@pytest.mark.parametrize(
    ("call", "ordinary", "huge"),
    [
        (9, (0, 4096, 3, 0x22), (0, 4096, 3, 0x40022)),
        (319, (0, 1), (0, 5)),
        (29, (0, 4096, 0o1600), (0, 4096, 0o5600)),
    ],
)
def test_huge_pages_are_refused(
    call: int, ordinary: tuple[int, ...], huge: tuple[int, ...]
) -> None:
    """mmap, memfd_create and shmget work without them."""
    program = seccomp.program("x86_64")
    assert run(program, X86, call, *ordinary) == ALLOW
    assert run(program, X86, call, *huge) == refused(errno.EPERM)


def test_a_machine_without_a_table_gets_no_sandbox() -> None:
    """Rather than one without a filter."""
    with pytest.raises(PrerequisiteError, match="riscv64"):
        seccomp.program("riscv64")

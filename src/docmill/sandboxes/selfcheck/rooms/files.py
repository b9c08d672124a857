"""Attacks on the host's files: by path, through `/proc`, through what is mounted."""

from docmill.sandboxes.selfcheck.base import Room
from docmill.sandboxes.selfcheck.scripting import scripted

_READ_SECRETS = """
seen = []
for path in BAIT["secrets"]:
    try:
        if holds(open(path, "rb").read()):
            reached(f"read {path}")
        seen.append("read something else")
    except OSError as error:
        seen.append(name_of(error.errno))
stopped(f"{len(seen)} files: {', '.join(sorted(set(seen)))}")
"""
_SHADOW = """
text = open("/etc/shadow").read()
reached("read") if text.startswith("root:") else stopped("another file is there")
"""
_PROC_ROOT = """
seen = []
for pid in [name for name in os.listdir("/proc") if name.isdigit()] + ["self"]:
    for start in ("root", "cwd"):
        for path in ("/secret", *BAIT["secrets"]):
            try:
                if holds(open(f"/proc/{pid}/{start}{path}", "rb").read()):
                    reached(f"read it through /proc/{pid}/{start}")
            except OSError as error:
                seen.append(name_of(error.errno))
stopped(f"{len(seen)} paths: {', '.join(sorted(set(seen)))}")
"""
HOST_GONE = "the sandbox's own mount namespace: only system programs and its runtime are there"

ROOM = Room(
    "files",
    (
        scripted(
            "host-files",
            tries="Read files in the host's temporary folder, homes, the workspace and /run.",
            script=_READ_SECRETS,
            held_by=HOST_GONE,
            gives="Every file docmill's user can read: other documents, keys, results.",
        ),
        scripted(
            "shadow",
            tries="Read the host's password hashes.",
            script=_SHADOW,
            held_by="a small /etc of the sandbox's own, and a user without rights",
            gives="Password hashes of the host.",
        ),
        scripted(
            "proc-root",
            tries="Reach files through /proc/PID/root and /proc/PID/cwd of any process.",
            script=_PROC_ROOT,
            held_by="the sandbox's own process namespace and /proc",
            gives="The file system of whatever process it goes through.",
        ),
    ),
)

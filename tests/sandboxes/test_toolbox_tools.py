"""The file tools as the toolbox runs them: read, write, edit, glob, grep, put, get."""

import os
from pathlib import Path
from typing import Any

import pytest

from docmill.sandboxes.toolbox import files, search, server
from docmill.sandboxes.toolbox.errors import OpError, from_os
from docmill.sandboxes.toolbox.waiting import pause

SETTINGS = server.Settings(memory=1 << 30, pids=10, disk=1 << 20, seconds=10, output=400)


@pytest.fixture(autouse=True)
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The sandbox's workspace, in a folder of the test."""
    monkeypatch.setattr(files, "WORKSPACE", str(tmp_path))
    return tmp_path


def ask(op: str, data: bytes = b"", **args: Any) -> tuple[dict[str, Any], bytes]:
    """One message as the host sends it, and the frame that answers it."""
    job = server.Job({"id": 7, "op": op, "args": args, "timeout": 5}, data, SETTINGS)
    while job.wait:
        job.go_on(pause((job.wait,)))
    return job.frame


def content(op: str, **args: Any) -> str:
    """The text a tool answers."""
    message, _ = ask(op, **args)
    return message["result"]["content"]


def problem(op: str, data: bytes = b"", **args: Any) -> str:
    """The reason a tool gives for failing."""
    message, _ = ask(op, data, **args)
    return message["error"]["message"]


def found(work: Any, **args: Any) -> str:
    """What a search finds, without the child process it runs in."""
    call = server.Call(args, b"", 5, SETTINGS)
    outcome = search._outcome(call, work)  # pyright: ignore[reportPrivateUsage]
    return outcome.get("content") or outcome["problem"]


def test_write_read_and_edit(workspace: Path) -> None:
    """Paths are relative to the workspace; folders are made."""
    assert content("write", file_path="a/b.txt", content="one\ntwo\nthree") == (
        f"wrote 13 bytes to {workspace}/a/b.txt"
    )
    assert content("read", file_path="a/b.txt") == "one\ntwo\nthree"
    assert content("edit", file_path="a/b.txt", old_string="two", new_string="2")
    assert content("read", file_path=f"{workspace}/a/b.txt") == "one\n2\nthree"


@pytest.mark.parametrize(
    ("view", "expected"), [([1, 2], "1\n2"), ([2, 0], "2\n3"), ([3, 9], "3"), ([9, 9], "")]
)
def test_a_view_range_selects_lines(workspace: Path, view: list[int], expected: str) -> None:
    """First and last line, counted from 1; nothing beyond the end."""
    (workspace / "n").write_text("1\n2\n3")
    assert content("read", file_path="n", view_range=view) == expected
    assert "view_range" in problem("read", file_path="n", view_range=[1])


def test_long_texts_are_cut_with_a_hint(workspace: Path) -> None:
    """The model learns how much there is and how to see it."""
    (workspace / "long").write_text("é" * 500)
    text = content("read", file_path="long")
    assert text.startswith("é" * 200 + "\n[cut: 1000 bytes, shown 400; use view_range]")


def test_only_text_files_are_read(workspace: Path) -> None:
    """Folders, pipes, devices, binary and huge files are refused without being read."""
    (workspace / "binary").write_bytes(b"\xff\xfe")
    os.mkfifo(workspace / "pipe")
    with (workspace / "huge").open("wb") as file:
        file.truncate(files.READ_CAP + 1)
    assert "UTF-8" in problem("read", file_path="binary")
    assert "not a regular file" in problem("read", file_path="pipe")
    assert "not a regular file" in problem("read", file_path="/dev/zero")
    assert "too large" in problem("read", file_path="huge")
    assert problem("read", file_path=".")
    assert "No such file" in problem("read", file_path="missing")
    assert "must be a path" in problem("read", file_path="a\0b")


def test_only_plain_files_are_written(workspace: Path) -> None:
    """A pipe would hold up every other call, with a reader or without one."""
    os.mkfifo(workspace / "pipe")
    assert "pipe" in problem("write", file_path="pipe", content="x")
    reader = os.open(workspace / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    assert "not a regular file" in problem("write", file_path="pipe", content="x" * 100_000)
    os.close(reader)
    assert "not a regular file" in problem("write", file_path="/dev/null", content="x")


def test_edit_wants_one_place(workspace: Path) -> None:
    """An ambiguous edit changes nothing; replace_all says all are meant."""
    (workspace / "f").write_text("a a")
    assert "2 times" in problem("edit", file_path="f", old_string="a", new_string="b")
    assert "doesn't occur" in problem("edit", file_path="f", old_string="x", new_string="b")
    assert "empty" in problem("edit", file_path="f", old_string="", new_string="b")
    assert content("edit", file_path="f", old_string="a", new_string="b", replace_all=True)
    assert (workspace / "f").read_text() == "b b"


def test_glob_finds_the_newest_first(workspace: Path) -> None:
    """`**` crosses folders, `*` doesn't; links aren't followed."""
    for age, name in enumerate(["x.csv", "d/y.csv", "d/e/z.csv", "d/n.txt"]):
        path = workspace / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        os.utime(path, (age, age))
    (workspace / "link.csv").symlink_to("/etc/passwd")
    glob = search._glob  # pyright: ignore[reportPrivateUsage]
    names = [Path(line).name for line in found(glob, pattern="**/*.csv").splitlines()]
    assert names == ["z.csv", "y.csv", "x.csv"]
    assert found(glob, pattern="*.csv") == f"{workspace}/x.csv"
    assert found(glob, pattern="?.txt", path="d") == f"{workspace}/d/n.txt"
    assert found(glob, pattern="nothing") == "no files found"
    assert "no such folder" in found(glob, pattern="*", path="missing")


def test_glob_stops_listing_at_its_limit(workspace: Path) -> None:
    """The rest is counted."""
    for number in range(search.MAX_FOUND + 3):
        (workspace / str(number)).touch()
    call = server.Call({"pattern": "*"}, b"", 5, SETTINGS)
    assert search._glob(call).endswith("[3 more]")  # pyright: ignore[reportPrivateUsage]


def test_grep_answers_file_line_and_text(workspace: Path) -> None:
    """Binary files are passed over; a bad expression is explained."""
    (workspace / "f").write_text("bore\n12 mm\n")
    (workspace / "b").write_bytes(b"\0 12 mm")
    grep = search._grep  # pyright: ignore[reportPrivateUsage]
    assert found(grep, pattern=r"\d+ mm") == f"{workspace}/f:2:12 mm"
    assert found(grep, pattern="bore", path="f") == f"{workspace}/f:1:bore"
    assert found(grep, pattern="steel") == "no matches"
    assert "not a regular expression" in found(grep, pattern="(")
    assert "No such file" in found(grep, pattern="x", path="missing")
    (workspace / "long").write_text("12 mm\n" * 1000)
    assert len(found(grep, pattern="mm")) < SETTINGS.output + 200


def test_put_and_get_move_pieces(workspace: Path) -> None:
    """A file arrives in pieces and leaves in pieces."""
    path = f"{workspace}/new/file"
    ask("put", b"abc", path=path, offset=0)
    ask("put", b"def", path=path, offset=3)
    assert ask("get", path=path, offset=2, length=3) == ({"id": 7, "result": {"size": 6}}, b"cde")
    ask("put", b"x", path=path, offset=0)
    assert Path(path).read_bytes() == b"x"


@pytest.mark.parametrize("path", ["relative", "/", "/a/../b", "/a//b", "/a/./b", "/a/"])
def test_crooked_paths_are_refused(path: str) -> None:
    """Only absolute paths without detours."""
    assert "plain path" in problem("get", path=path, offset=0, length=1)


def test_links_are_never_followed_out_or_in(workspace: Path) -> None:
    """Neither as the file nor as a folder on the way, symbolic or hard."""
    (workspace / "real").write_text("x")
    (workspace / "soft").symlink_to("real")
    (workspace / "folder").symlink_to("/etc")
    os.link(workspace / "real", workspace / "hard")
    assert problem("get", path=f"{workspace}/soft", offset=0, length=1)
    assert problem("get", path=f"{workspace}/folder/passwd", offset=0, length=1)
    assert "one name" in problem("get", path=f"{workspace}/hard", offset=0, length=1)
    assert problem("put", b"y", path=f"{workspace}/soft", offset=0)
    assert problem("put", b"y", path=f"{workspace}/folder/x", offset=0)
    assert (workspace / "real").read_text() == "x"


@pytest.mark.parametrize(
    ("op", "args"), [("reboot", {}), ("read", {}), ("get", {"path": "/a", "offset": "x"})]
)
def test_a_bad_call_is_answered(op: str, args: dict[str, Any]) -> None:
    """Unknown operations and missing or wrong arguments never end the toolbox."""
    assert problem(op, **args)


def test_a_ping_echoes() -> None:
    """For measuring."""
    assert ask("ping", b"data") == ({"id": 7, "result": None}, b"data")


def test_a_full_disk_has_a_code_of_its_own() -> None:
    """The host tells it from errors a model can mend."""
    assert from_os(OSError(28, "No space left"), "/f").code == "disk"
    assert from_os(OSError(13, "Permission denied"), "/f").code == "tool"
    assert isinstance(from_os(OSError("odd"), "/f"), OpError)

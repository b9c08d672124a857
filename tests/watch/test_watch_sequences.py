"""Any sequence of drops, renames, changes and deaths ends the same: each content was read once."""

import tempfile
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import NoReturn

from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import create_engine, update
from tests.watch.conftest import Post

from docmill.store.drops import DropStore
from docmill.store.schema import intake, metadata

NAMES = st.sampled_from(("a", "b", "box/a", "box/b", "other/ü c"))
CONTENTS = st.sampled_from((b"1", b"22", b"333", b"4444"))


class Killed(BaseException):
    """The watcher's process is gone."""


class Lab:
    """A folder and whoever watches it, one after the other."""

    def __init__(self, folder: Path) -> None:
        self.incoming = folder / "lab/incoming"
        self.incoming.mkdir(parents=True)
        self.engine = create_engine(f"sqlite:///{folder / 'store.db'}")
        metadata.create_all(self.engine, tables=[intake])
        self.post = Post(self.engine, folder / "workspace", {"path": str(self.incoming)})

    def files(self, below: str = "incoming") -> list[Path]:
        """Files below a folder of the lab."""
        return [path for path in (self.incoming.parent / below).rglob("*") if path.is_file()]

    def drop(self, name: str, content: bytes) -> None:
        """A file is written, or overwritten."""
        path = self.incoming / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)

    def rename(self, name: str, other: str) -> None:
        """A file gets another name, if there is one."""
        if (self.incoming / name).is_file():
            (self.incoming / other).parent.mkdir(parents=True, exist_ok=True)
            (self.incoming / name).rename(self.incoming / other)

    def watch(self) -> None:
        """A new watcher makes a round."""
        self.post.store = DropStore(self.engine)
        self.post.once()

    def die(self, when: str) -> None:
        """A watcher is killed `before` its first run, or `after` it and before it puts files away.

        Another then writes where it had found one.
        """

        def killed(_: Path) -> NoReturn:
            raise Killed

        def nothing(_: Path) -> None:
            pass

        setattr(self.post.ran, when, killed)
        try:
            self.watch()
        except Killed:
            with self.engine.begin() as connection:
                mine = intake.c.owner == self.post.store.owner
                connection.execute(update(intake).where(mine).values(owner="gone"))
        setattr(self.post.ran, when, nothing)


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("drop"), NAMES, CONTENTS),
        st.tuples(st.just("rename"), NAMES, NAMES),
        st.tuples(st.just("watch")),
        st.tuples(st.just("die"), st.sampled_from(("before", "after"))),
    ),
    max_size=8,
)


def contents(paths: Iterable[Path]) -> set[bytes]:
    """What is in files."""
    return {path.read_bytes() for path in paths}


@settings(max_examples=25)
@given(STEPS)
def test_each_content_is_read_once_and_kept(steps: list[tuple[str, ...]]) -> None:
    """What lies there in the end was read, nothing was read twice, and all that was read is in
    `done`; no file is left in the watched folder."""
    with tempfile.TemporaryDirectory() as folder:
        lab = Lab(Path(folder))
        try:
            for what, *arguments in steps:
                getattr(lab, what)(*arguments)
            there = contents(lab.files())
            lab.watch()
            read = Counter(lab.post.ran.contents)
            assert there <= set(read)
            assert max(read.values(), default=1) == 1
            assert contents(lab.files("done")) == set(read)
            assert lab.files() == []
        finally:
            lab.engine.dispose()

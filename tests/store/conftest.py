"""Every test of the store runs twice: over SQLite and over PostgreSQL."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from sqlalchemy import Engine

from docmill.store.database import open_database


class Place:
    """Where a store is; each `open` is another process's."""

    def __init__(self, folder: Path, url: str | None, stack: ExitStack) -> None:
        self.folder = folder
        self.url = url
        self._stack = stack

    def open(self) -> Engine:
        """The store, made if it isn't there; closed at the test's end."""
        engine = open_database(self.folder, self.url)
        self._stack.callback(engine.dispose)
        return engine


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    """Where there is no store yet."""
    url = request.getfixturevalue("database_url") if request.param == "postgresql" else None
    with ExitStack() as stack:
        yield Place(tmp_path / ".docmill", url, stack)


@pytest.fixture
def engine(place: Place) -> Engine:
    """A fresh store."""
    return place.open()

"""Each content is processed once, whoever watches and whatever the file is called."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, update

from docmill.store.database import open_database
from docmill.store.drops import DropStore, Intake
from docmill.store.schema import intake

A, B = Intake("a" * 64, "a.pdf", "/in/a.pdf"), Intake("b" * 64, "b.pdf", "/in/b.pdf")


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    """A fresh store."""
    engine = open_database(tmp_path)
    yield engine
    engine.dispose()


def test_two_watchers_never_have_the_same_content(engine: Engine) -> None:
    """The second is told that somebody else is at work on it."""
    first, second = DropStore(engine), DropStore(engine)
    assert first.take("p", "one", [A]).new == (A,)
    taken = second.take("p", "two", [A, B])
    assert (taken.new, taken.elsewhere) == ((B,), (A,))


def test_the_same_content_under_another_name_is_known(engine: Engine) -> None:
    """Also within one drop; another pipeline processes it all the same."""
    store = DropStore(engine)
    copy = A._replace(name="copy.pdf", location="/in/copy.pdf")
    taken = store.take("p", "one", [A, copy])
    assert (taken.new, taken.known) == ((A,), (copy,))
    store.settle("p", done=[A.sha256], failed=[])
    assert store.take("p", "two", [copy]).known == (copy,)
    assert store.take("other", "three", [A]).new == (A,)


def test_what_failed_may_be_dropped_again(engine: Engine) -> None:
    """A mended cause deserves another try with the same file."""
    store = DropStore(engine)
    store.take("p", "one", [A])
    store.settle("p", done=[], failed=[A.sha256])
    assert store.take("p", "two", [A]).new == (A,)


def test_a_dead_watchers_drop_is_gone_on_with(engine: Engine) -> None:
    """A live one's isn't; what was released can be taken at once."""
    store = DropStore(engine)
    store.take("p", "one", [A, B])
    assert store.left_behind("p") == {}
    with engine.begin() as connection:
        connection.execute(update(intake).values(owner="gone"))
    assert store.left_behind("p") == {"one": (A, B)}
    assert store.left_behind("p") == {}
    store.release("p", "one")
    assert store.take("p", "two", [A]).new == (A,)

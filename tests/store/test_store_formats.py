"""A store of an older format is upgraded when it is opened, at once or not at all."""

import signal
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Engine, inspect

from docmill.errors import PrerequisiteError
from docmill.store import schema
from docmill.store.accounts import Accounts
from docmill.store.database import generation
from docmill.store.formats import found_format
from docmill.store.runs import RunStore
from docmill.store.sessions import SessionStore

if TYPE_CHECKING:
    from tests.store.conftest import Place

OLD = Path(__file__).with_name("old-formats.sql").read_text()


def write_old(place: "Place", number: int) -> None:
    """A store of an older format with a run in it."""
    script = OLD.partition(f"-- format {number + 1}\n")[0].replace("'version', '0'", "'version', ?")
    script = script.replace("?", f"'{number}'")
    if place.url:
        with psycopg.connect(place.url.replace("+psycopg", "")) as connection:
            connection.execute(script.encode())
        return
    place.folder.mkdir()
    with closing(sqlite3.connect(place.folder / "store.db")) as file:
        file.executescript(script)


def check_run(engine: Engine) -> None:
    """The run is there as it was written, and amounts may be large now."""
    assert [run.id for run in RunStore(engine).recent()] == ["run-0001"]
    store = SessionStore(engine)
    found = store.finished("k")
    assert found is not None
    assert found.findings.pages == 3
    assert len(list(store.journal(found.id))) == 1
    assert store.spent(1).usd == Decimal("0.25")
    accounts = Accounts(engine, run=1, usd_per_run=Decimal(1000))
    assert accounts.reserve(Decimal(900), document="doc-2", session="sesn_2")
    assert generation(engine) == "abc"


@pytest.mark.parametrize("number", [1, 3, 5])
def test_an_older_store_is_upgraded_with_everything_in_it(place: "Place", number: int) -> None:
    """Tables that were missing are made, those that were narrow are widened."""
    write_old(place, number)
    engine = place.open()
    with engine.connect() as connection:
        assert found_format(connection) == str(schema.VERSION)
        assert schema.metadata.tables.keys() <= set(inspect(connection).get_table_names())
    check_run(engine)


def test_an_upgraded_store_is_like_a_new_one(place: "Place") -> None:
    """Nobody has to think of where a store came from."""
    write_old(place, 5)
    with place.open().connect() as connection:
        options = {"compare_type": True, "version_table": "docmill_alembic"}
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, schema.metadata) == []


def test_the_file_is_copied_before_it_is_changed(place: "Place") -> None:
    """PostgreSQL's users have backups of their own."""
    write_old(place, 5)
    place.open()
    copies = list(place.folder.glob("store.db.format-5*"))
    assert len(copies) == (0 if place.url else 1)
    for copy in copies:
        with closing(sqlite3.connect(copy)) as file:
            assert file.execute("SELECT value FROM docmill_meta ORDER BY key").fetchall() == [
                ("abc",),
                ("5",),
            ]


@pytest.mark.parametrize("number", ["99", "seven"])
def test_a_later_store_is_refused_and_left_alone(place: "Place", number: str) -> None:
    """The message names both formats."""
    engine = place.open()
    with engine.begin() as connection:
        connection.exec_driver_sql(
            f"UPDATE docmill_meta SET value = '{number}' WHERE \"key\" = 'version'"
        )
    words = f"has format {number}; this docmill reads format {schema.VERSION}"
    with pytest.raises(PrerequisiteError, match=words):
        place.open()
    with engine.connect() as connection:
        assert found_format(connection) == number


def test_of_several_that_open_an_older_store_one_upgrades_it(place: "Place") -> None:
    """The others wait for it, and find the new format."""
    write_old(place, 5)
    with ThreadPoolExecutor(4) as threads:
        engines = [future.result() for future in [threads.submit(place.open) for _ in range(4)]]
    check_run(engines[0])


KILLED = """
import os, signal, sys
from pathlib import Path
from docmill.store import database, schema

def die(connection):
    os.kill(os.getpid(), signal.SIGKILL)

schema.metadata.create_all = die
database.open_database(Path(sys.argv[1]), sys.argv[2])
"""


def test_an_upgrade_killed_half_way_is_done_again(place: "Place") -> None:
    """It is one transaction: the store is as it was until everything is done."""
    write_old(place, 5)
    command = [sys.executable, "-c", KILLED, place.folder, place.url or ""]
    assert subprocess.run(command, check=False).returncode == -signal.SIGKILL
    check_run(place.open())


OPENED = """
import sys
from pathlib import Path
from docmill.store.database import open_database

open_database(Path(sys.argv[1])).dispose()
print([name for name in ("alembic", "psycopg") if name in sys.modules])
"""


def test_a_store_of_this_format_is_opened_without_the_migrations(tmp_path: Path) -> None:
    """Importing them takes longer than all the rest; PostgreSQL's driver isn't needed either."""
    command = [sys.executable, "-c", OPENED, tmp_path]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"

"""What is special about PostgreSQL: how it is named, what it says, whose tables are there."""

import traceback
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest
from sqlalchemy import Engine, insert, select, update

from docmill.errors import PrerequisiteError
from docmill.records.results import Usage
from docmill.store.accounts import Accounts
from docmill.store.database import exclusive, open_database, place_of
from docmill.store.postgres import make_engine
from docmill.store.schema import charges, meta
from docmill.store.sessions import Findings, SessionStore

if TYPE_CHECKING:
    from tests.conftest import Cluster
    from tests.store.conftest import Place

SECRET = "s3cret"


@pytest.mark.parametrize(
    "url",
    [
        f"mysql://user:{SECRET}@127.0.0.1/d",
        f"postgresql://user:{SECRET}@127.0.0.1:port/d",
        f"postgresql://user:{SECRET}@127.0.0.1:5432",
        f"postgresql+asyncpg://user:{SECRET}@127.0.0.1:5432/d",
        SECRET,
    ],
)
def test_another_url_is_refused_and_not_repeated(url: str, tmp_path: Path) -> None:
    """It may hold a password; the variable's name says where to look."""
    with pytest.raises(PrerequisiteError, match="DOCMILL_DATABASE_URL") as caught:
        open_database(tmp_path, url)
    assert SECRET not in "".join(traceback.format_exception(caught.value))
    assert "postgresql://USER:PASSWORD@HOST:5432/DATABASE" in caught.value.remedy


def test_a_server_that_does_not_answer_is_named_without_the_password(tmp_path: Path) -> None:
    """A server that isn't there when a store is opened isn't waited for."""
    url = f"postgresql://user:{SECRET}@127.0.0.1:1/d?password={SECRET}"
    with pytest.raises(PrerequisiteError, match=r"127\.0\.0\.1:1/d can.t be reached") as caught:
        open_database(tmp_path, url)
    assert SECRET not in "".join(traceback.format_exception(caught.value))
    assert SECRET not in place_of(make_engine(url))


def test_a_database_that_is_not_there_is_said(postgresql: "Cluster", tmp_path: Path) -> None:
    """In the server's own words."""
    with pytest.raises(PrerequisiteError, match='database "nothing" does not exist'):
        open_database(tmp_path, postgresql.url.replace("/postgres", "/nothing"))


def test_a_schema_that_is_not_there_is_said(postgresql: "Cluster", tmp_path: Path) -> None:
    """Tables are never made elsewhere instead."""
    with pytest.raises(PrerequisiteError, match="no schema has been selected"):
        open_database(tmp_path, f"{postgresql.url}?options=-csearch_path%3Dnowhere")


def test_tables_of_another_program_are_left_alone(database_url: str, tmp_path: Path) -> None:
    """Prefect's server has a table `events`, too."""
    with psycopg.connect(database_url) as connection:
        connection.execute("CREATE TABLE events (id INTEGER)")
    with pytest.raises(PrerequisiteError, match="`events` of another program"):
        open_database(tmp_path, database_url)
    with psycopg.connect(database_url) as connection:
        query = "SELECT count(*) FROM information_schema.tables WHERE table_schema LIKE 't%'"
        assert connection.execute(query).fetchone() == (1,)


def test_a_character_it_does_not_know_is_replaced(database_url: str, tmp_path: Path) -> None:
    """A NUL in a text of a model or of a tool must not end a run."""
    engine = open_database(tmp_path, database_url)
    store = SessionStore(engine)
    session = store.create(key="a\0b", run=1, document="d")
    assert store.resumable("a\0b") == session
    store.finish(session, Findings(record=None, message="a\0b"))
    with engine.connect() as connection:
        key = connection.exec_driver_sql('SELECT "key" FROM sessions').scalar()
    assert key == "a\ufffdb"
    engine.dispose()


def test_a_transaction_under_a_name_is_alone(place: "Place") -> None:
    """What several read, change and write at once adds up."""
    engines = [place.open() for _ in range(3)]
    count = meta.c.key == "count"
    with engines[0].begin() as connection:
        connection.execute(insert(meta).values(key="count", value="0"))

    def add(engine: Engine) -> None:
        for _ in range(20):
            with exclusive(engine, "count") as connection:
                found = connection.execute(select(meta.c.value).where(count)).scalar_one()
                connection.execute(update(meta).where(count).values(value=str(int(found) + 1)))

    with ThreadPoolExecutor(3) as threads:
        list(threads.map(add, engines))
    with engines[0].connect() as connection:
        assert connection.execute(select(meta.c.value).where(count)).scalar() == "60"


def test_a_charge_under_way_is_in_the_balance(
    database_url: str, postgresql: "Cluster", tmp_path: Path
) -> None:
    """Adding up what was spent waits for those who are just writing a charge."""
    engine = open_database(tmp_path, database_url)
    row = {"session": "s", "position": 0, "run": 1, "document": "d", "attempt": 1, "model": "m"}
    usage = Usage(usd=Decimal("0.5")).model_dump_json()
    waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted"
    with ThreadPoolExecutor(1) as threads, psycopg.connect(postgresql.url, autocommit=True) as see:
        with engine.connect() as connection:
            connection.execute(insert(charges).values(**row, usage=usage))
            used = threads.submit(Accounts(engine, run=1, usd_per_run=Decimal(1)).used)
            while see.execute(waiting).fetchone() != (1,):
                assert not used.done()
            connection.commit()
        assert used.result() == Decimal("0.5")
    engine.dispose()

"""Results as rows of a database: in one transaction, as often as one likes, next to other runs'."""

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, text
from tests.handover.conftest import FIELDS, StoredInMemory, batch, document, verified

from docmill.handover.database import open_engine, write_table
from docmill.handover.deliver import HandOver
from docmill.handover.sheets import make_sheet
from docmill.spec.fields import Field
from docmill.spec.results import Results

ENTRY = Results(table="measured", database_env="DB")


@pytest.fixture(params=["sqlite", "postgresql"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'results.db'}"
    url: str = request.getfixturevalue("database_url")
    return url


@pytest.fixture
def engine(address: str) -> Iterator[Engine]:
    """The same, to look into."""
    engine = open_engine(address, "DB")
    yield engine
    engine.dispose()


def rows(engine: Engine, query: str) -> list[tuple[Any, ...]]:
    """What a query finds."""
    with engine.connect() as connection:
        return [tuple(row) for row in connection.execute(text(query))]


def test_a_run_handed_over_again_has_its_rows_once(
    address: str, engine: Engine, tmp_path: Path
) -> None:
    """Other runs' rows stay; numbers keep their digits."""
    for name in ("run-0007", "run-0008", "run-0007"):
        handing = HandOver(
            StoredInMemory(batch(), name), FIELDS, secrets={"DB": address}.get, root=tmp_path
        )
        (done,) = handing.to([ENTRY])
        assert (done.state, done.detail, done.places) == ("done", "10 rows", ("measured",))
    counted = rows(engine, "SELECT run, count(*) FROM measured GROUP BY run ORDER BY run")
    assert counted == [("run-0007", 10), ("run-0008", 10)]
    ((number,),) = rows(
        engine, "SELECT DISTINCT number FROM measured WHERE path = 'voltage' AND number IS NOT NULL"
    )
    assert str(number) == "-3.30"


def test_a_table_grows_with_the_record(engine: Engine) -> None:
    """A field that was added is a column that was added; what was there stays."""
    first = StoredInMemory([document("a.pdf", verified("mass", Decimal(2)))], "run-0001")
    write_table(make_sheet(first, {"mass": Field(type="number")}, "documents"), engine, "wide")
    fields = {"mass": Field(type="number"), "Length": Field(type="number")}
    second = StoredInMemory([document("a.pdf", verified("Length", Decimal("7.5")))], "run-0002")
    write_table(make_sheet(second, fields, "documents"), engine, "wide")
    found = rows(engine, 'SELECT run, mass, "Length" FROM wide ORDER BY run')
    assert [(run, *map(str, numbers)) for run, *numbers in found] == [
        ("run-0001", "2", "None"),
        ("run-0002", "None", "7.5"),
    ]


def test_a_database_that_refuses_has_nothing_of_the_run(
    address: str, engine: Engine, tmp_path: Path
) -> None:
    """And the reason quotes neither the statement nor what was in it."""
    handing = HandOver(StoredInMemory(batch()), FIELDS, secrets={"DB": address}.get, root=tmp_path)
    with engine.begin() as connection:
        connection.execute(
            text("CREATE TABLE measured (run_key TEXT, path TEXT CHECK (path <> 'tested'))")
        )
    (failed,) = handing.to([ENTRY])
    assert failed.state == "failed"
    assert "doubtful.pdf" not in failed.detail
    assert "INSERT" not in failed.detail
    assert rows(engine, "SELECT count(*) FROM measured") == [(0,)]

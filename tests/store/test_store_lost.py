"""PostgreSQL goes away in the middle: the work waits, goes on, and nothing is done twice."""

import select
import socket
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pytest
from sqlalchemy import Engine, func
from sqlalchemy import select as query
from sqlalchemy.engine import make_url

from docmill.errors import LimitError
from docmill.events import StatusRunning
from docmill.records.results import DocumentInfo, RunInfo, Usage
from docmill.store import schema
from docmill.store.accounts import Accounts
from docmill.store.approvals import Approvals, Question
from docmill.store.batches import BatchCall, BatchLog
from docmill.store.database import open_database
from docmill.store.drops import DropStore, Intake
from docmill.store.lease import own_lease
from docmill.store.patience import StoreLostError, engaged
from docmill.store.runs import DocumentEnd, RunDocument, RunStore
from docmill.store.sessions import Charge, SessionStore

if TYPE_CHECKING:
    from tests.conftest import Cluster

Moment = Literal["before", "after"]
NOW = datetime(2026, 1, 1, tzinfo=UTC)


class Cutter:
    """A line to the server that is cut at the next commit: before the server hears of it, or after
    it has committed and before anybody hears of that."""

    def __init__(self, port: int) -> None:
        self._server = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.moment: Moment | None = None
        self.cuts = 0
        self._thread = threading.Thread(target=self._accept)
        self._lines: list[threading.Thread] = []
        self._thread.start()

    def close(self) -> None:
        """Once the clients are gone."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._listener.close()
        for line in self._lines:
            line.join()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self._lines.append(threading.Thread(target=self._carry, args=(client,)))
            self._lines[-1].start()

    def _carry(self, client: socket.socket) -> None:
        with client, socket.create_connection(("127.0.0.1", self._server)) as server:
            while True:
                ready, _, _ = select.select([client, server], [], [])
                for end in ready:
                    data = end.recv(65536)
                    if not data:
                        return
                    if end is client and b"COMMIT" in data and self.moment:
                        self._cut(server, data)
                        return
                    (server if end is client else client).sendall(data)

    def _cut(self, server: socket.socket, data: bytes) -> None:
        if self.moment == "after":
            server.sendall(data)
            server.recv(65536)
        self.moment = None
        self.cuts += 1


class Line:
    """A store at the end of a line that can be cut."""

    def __init__(self, engine: Engine, cutter: Cutter) -> None:
        self.engine = engine
        self.sessions = SessionStore(engine)
        self.runs = RunStore(engine)
        self.drops = DropStore(engine)
        self._cutter = cutter

    def cut(self, moment: Moment, work: Callable[[], Any]) -> Any:
        """What comes of a piece of work at whose commit the line is cut."""
        before, self._cutter.moment = self._cutter.cuts, moment
        result = work()
        assert self._cutter.cuts == before + 1, "nothing was cut"
        return result

    def rows(self, table: str) -> int:
        """How many rows a table has."""
        with self.engine.connect() as connection:
            counted = query(func.count()).select_from(schema.metadata.tables[table])
            return connection.execute(counted).scalar_one()


@pytest.fixture
def line(database_url: str, tmp_path: Path) -> Iterator[Line]:
    """A fresh store."""
    url = make_url(database_url)
    cutter = Cutter(url.port or 0)
    engine = open_database(tmp_path, url.set(port=cutter.port).render_as_string())
    yield Line(engine, cutter)
    engine.dispose()
    cutter.close()


both = pytest.mark.parametrize("moment", ["before", "after"])


def charge(usd: str) -> Charge:
    """Of the first run's only document."""
    return Charge(
        run=1,
        document="d",
        attempt=1,
        model="m",
        usage=Usage(model_calls=1, usd=Decimal(usd)),
    )


@both
def test_an_event_and_its_charge_are_stored_once(line: Line, moment: Moment) -> None:
    """The journal shows whether the commit took place; the balance counts the charge once."""
    accounts = Accounts(line.engine, run=1, usd_per_run=Decimal(1))
    session = line.cut(moment, lambda: line.sessions.create(key="k", run=1, document="d"))
    assert accounts.used() == 0
    assert line.cut(moment, lambda: accounts.reserve(Decimal("0.5"), document="d", session=session))
    event = StatusRunning(attempt=1)
    line.cut(moment, lambda: line.sessions.append(session, 0, event, charge=charge("0.25")))
    assert (line.rows("sessions"), line.rows("events"), line.rows("charges")) == (1, 1, 1)
    assert line.rows("reservations") == 0
    assert accounts.used() == line.sessions.spent(1).usd == Decimal("0.25")


@both
def test_a_run_is_claimed_once(line: Line, moment: Moment) -> None:
    """It isn't taken for another process's, nor for one that goes on."""
    info = RunInfo(
        id="",
        pipeline="p",
        status="running",
        started=NOW,
        docmill_version="0",
        model="rules",
        agent="a",
        environment="e",
        sandbox="s",
        spec_digest="d",
    )
    document = DocumentInfo(id="d", name="d.pdf", sha256="0", size=1)
    batch = [RunDocument(info=document, key="k")]
    number, resumed = line.cut(moment, lambda: line.runs.claim(info, batch))
    assert not resumed
    line.cut(moment, lambda: line.runs.end_documents(number, [("d", DocumentEnd(status="ok"))]))
    assert line.runs.ended(number) == {"d": "ok"}
    line.cut(moment, lambda: line.runs.update(number, info.model_copy(update={"status": "failed"})))
    assert line.rows("runs") == 1
    assert line.cut(moment, lambda: line.runs.claim(info, batch, resume=number)) == (number, True)


@both
def test_a_batch_is_intended_once(line: Line, moment: Moment) -> None:
    """Its number is that of the entries that are there."""
    log = BatchLog(line.engine)
    calls = [BatchCall("one", "s/0/0", "f", 1), BatchCall("two", "s/0/1", "f", 1)]
    batch = line.cut(moment, lambda: log.intend("claude", calls, NOW))
    assert log.calls(batch.number) == {"one", "two"}
    assert line.rows("batches") == 1


@both
def test_who_decides_first_is_told_so(line: Line, moment: Moment) -> None:
    """Also if the answer to the commit was lost; the second is still too late."""
    store = Approvals(line.engine)
    session = line.sessions.create(key="k", run=1, document="d")
    asked = Question(session=session, call="c", run=1, document="d", server="", tool="t", input={})
    line.cut(moment, lambda: store.ask(asked, minutes=5))
    assert line.cut(moment, lambda: store.decide(session, "c", "allow", reason="Yes."))
    assert not line.cut(moment, lambda: store.decide(session, "c", "deny"))


@both
def test_a_drop_is_taken_once_and_not_lost(line: Line, moment: Moment) -> None:
    """What this process has just taken isn't somebody else's."""
    file = Intake("a" * 64, "a.pdf", "/in/a.pdf")
    assert line.cut(moment, lambda: line.drops.take("p", "one", [file])).new == (file,)
    with line.engine.begin() as connection:
        dead = own_lease().rpartition(" ")[0].replace(" ", " 1", 1)
        connection.execute(schema.intake.update().values(owner=dead))
    assert line.cut(moment, lambda: line.drops.left_behind("p")) == {"one": (file,)}
    line.cut(moment, lambda: line.drops.settle("p", done=[file.sha256], failed=[]))
    assert line.drops.take("p", "two", [file]).known == (file,)


@both
def test_money_is_refused_as_ever(line: Line, moment: Moment) -> None:
    """A reservation that was made before the line was cut doesn't stand in its own way."""
    accounts = Accounts(line.engine, run=1, usd_per_run=Decimal(1))
    accounts.used()
    taken = line.cut(moment, lambda: accounts.reserve(Decimal(1), document="d", session="s"))
    assert taken
    assert not accounts.reserve(Decimal(1), document="d", session="other")
    line.cut(moment, lambda: accounts.leave("s"))
    with pytest.raises(LimitError):
        accounts.reserve(Decimal(2), document="d", session="s")


def test_a_server_that_crashes_is_waited_for(
    database_url: str, postgresql: "Cluster", tmp_path: Path
) -> None:
    """What was stored before is there; whoever watches is told once why nothing happens."""
    engine = open_database(tmp_path, database_url)
    store = SessionStore(engine)
    session = store.create(key="k", run=1, document="d")
    store.append(session, 0, StatusRunning(attempt=1))
    postgresql.control("restart")
    store.append(session, 1, StatusRunning(attempt=2))
    said: list[str] = []

    def tell(sentence: str) -> None:
        said.append(sentence)
        if "is away" in sentence:
            postgresql.control("resume")

    engaged(engine).tell = tell
    postgresql.control("pause")
    store.append(session, 2, StatusRunning(attempt=3))
    assert [entry.position for entry in store.journal(session)] == [0, 1, 2]
    assert [sentence.partition("postgres ")[2] for sentence in said] == [
        "is away; waiting for it, up to 120 s.",
        "answers again.",
    ]
    engine.dispose()


def test_a_server_that_stays_away_ends_the_work_in_plain_words(
    database_url: str, postgresql: "Cluster", tmp_path: Path
) -> None:
    """After a while; and once it is back the same store goes on."""
    engine = open_database(tmp_path, database_url)
    store = SessionStore(engine)
    engaged(engine).seconds = 0.2
    postgresql.control("pause")
    try:
        with pytest.raises(StoreLostError, match="can't be reached") as caught:
            store.create(key="k", run=1, document="d")
    finally:
        postgresql.control("resume")
    assert "Start PostgreSQL" in caught.value.remedy
    assert store.resumable("k") is None
    engine.dispose()

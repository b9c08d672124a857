"""Runs and their documents: claimed by one process at a time, filled in as documents end."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from itertools import islice
from typing import Any, NamedTuple

from pydantic import TypeAdapter
from sqlalchemy import Connection, Engine, RowMapping, bindparam, func, insert, select, update

from docmill.base import Frozen
from docmill.errors import RunBusyError, RunError, RunNotFoundError
from docmill.records.results import DocumentInfo, DocumentStatus, RunInfo, RunStatus, Verdict
from docmill.store.database import exclusive
from docmill.store.fences import RunFence, lost
from docmill.store.heartbeats import is_alive
from docmill.store.lease import host_of, is_ours, own_lease, pid_of
from docmill.store.patience import enduring
from docmill.store.prepared import Prepared, transaction
from docmill.store.schema import documents, runs

VERDICTS = TypeAdapter(tuple[Verdict, ...])
ENTERED_AT_ONCE = 1_000
"""Documents of a batch whose rows are in memory at a time."""
JUDGED_AT_ONCE = 200
"""Documents whose verdicts are stored in one transaction; some have many."""


class RunDocument(NamedTuple):
    """A document to be entered in a run."""

    info: DocumentInfo
    key: str


class DocumentEnd(Frozen):
    """How a document of a run ended."""

    status: DocumentStatus
    code: str = ""
    message: str = ""
    remedy: str = ""
    session: str = ""
    attempts: int = 1
    cached: bool = False
    verdicts: tuple[Verdict, ...] = ()


_NOT_ENDED: dict[str, Any] = {
    **DocumentEnd(status="cancelled").model_dump(),
    "status": None,
    "verdicts": "[]",
}


class Judged(NamedTuple):
    """Verdicts on a document and what they make of it."""

    document: str
    status: DocumentStatus
    verdicts: tuple[Verdict, ...]


def run_id(number: int) -> str:
    """`run-0007`."""
    return f"run-{number:04d}"


def run_number(name: str) -> int:
    """The number in `run-0007`, `0007` or `7`.

    Raises:
        RunNotFoundError: it isn't such a name.
    """
    digits = name.removeprefix("run-")
    if not digits.isascii() or not digits.isdigit():
        raise RunNotFoundError(
            f"`{name}` is no name of a run; they look like run-0007.",
            remedy="See which there are: docmill runs list",
        )
    return int(digits)


class RunStore:
    """Runs of a workspace."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._fence = RunFence(engine)
        this = (
            documents.c.run == bindparam("number"),
            documents.c.document == bindparam("which"),
        )
        one = update(documents).where(*this)
        self._end = Prepared(engine, one, tuple(DocumentEnd.model_fields))
        self._judge = Prepared(engine, one, ("status", "verdicts"))

    def claim(
        self, info: RunInfo, batch: Sequence[RunDocument], *, resume: int | None = None
    ) -> tuple[int, bool]:
        """Start a run, or take over the pipeline's unfinished one if its process is dead.

        A dead run of the same spec goes on under its own number with the batch found now; one of
        another spec is closed as failed and stays readable. With `resume` that run goes on, if it
        is not finished; its documents that failed, were cancelled or met a limit are done again.

        Returns:
            The run's number, and whether it is one that goes on.

        Raises:
            RunBusyError: a live process is running this pipeline.
            RunNotFoundError, RunError: the run to be resumed can't be.
        """
        tried: list[tuple[int, bool]] = []

        @enduring
        def claimed() -> tuple[int, bool]:
            with exclusive(self._engine, "runs") as connection:
                if tried and _is_ours(connection, tried[-1][0]):
                    return tried[-1]  # the commit took place; only its answer was lost
                tried.append(self._claim(connection, info, batch, resume))
            return tried[-1]

        return claimed()

    def _claim(
        self,
        connection: Connection,
        info: RunInfo,
        batch: Sequence[RunDocument],
        resume: int | None,
    ) -> tuple[int, bool]:
        if resume is None:
            number = self._take_over(connection, info)
        else:
            number = self._reopen(connection, info, resume)
        resumed = number is not None
        if number is None:
            row = _run_row(info) | {"owner": own_lease()}
            inserted = connection.execute(insert(runs).values(row)).inserted_primary_key
            assert inserted is not None
            number = int(inserted[0])
        _enter(connection, number, batch)
        return number, resumed

    def _take_over(self, connection: Connection, info: RunInfo) -> int | None:
        query = select(runs).where(runs.c.pipeline == info.pipeline, runs.c.owner != "")
        for row in connection.execute(query).mappings().all():
            _refuse_live(connection, row)
            this_run = runs.c.number == row["number"]
            if row["spec_digest"] == info.spec_digest:
                _go_on(connection, row, info)
                return int(row["number"])
            closed = RunInfo.model_validate_json(row["info"])
            if closed.status == "running":
                closed = closed.model_copy(
                    update={
                        "status": "failed",
                        "ended": datetime.now(UTC),
                        "message": "The process was killed, and the specs changed since.",
                    }
                )
            connection.execute(update(runs).where(this_run).values(**_run_row(closed), owner=""))
        return None

    def _reopen(self, connection: Connection, info: RunInfo, number: int) -> int:
        query = select(runs).where(runs.c.pipeline == info.pipeline)
        rows = {row["number"]: row for row in connection.execute(query).mappings()}
        for row in rows.values():
            _refuse_live(connection, row)
        if number not in rows:
            raise _not_found(number)
        if rows[number]["status"] == "finished":
            raise RunError(
                f"{run_id(number)} is finished; there is nothing to go on with.",
                remedy=f"Start a new run: docmill run {info.pipeline}",
            )
        if rows[number]["spec_digest"] != info.spec_digest:
            raise RunError(
                f"The specs of pipeline `{info.pipeline}` are not those of {run_id(number)} any "
                "more.",
                remedy=f"Start a new run: docmill run {info.pipeline} (finished documents aren't "
                "paid again unless what finds their values changed)",
            )
        _go_on(connection, rows[number], info)
        again = documents.c.status.in_(("failed", "cancelled", "limit"))
        connection.execute(
            update(documents).where(documents.c.run == number, again).values(_NOT_ENDED)
        )
        return number

    @enduring
    def update(self, number: int, info: RunInfo, *, release: bool = True) -> None:
        """Store what is known of a run by now; a run that has ended is released.

        Without `release` it stays this process's: if that dies, the next run goes on with it.

        Raises:
            LeaseLostError: another process has taken it over; nothing is stored.
        """
        values = _run_row(info)
        if release and info.status != "running":
            values["owner"] = ""
        with self._engine.begin() as connection:
            mine = runs.c.owner.in_(("", own_lease()))
            this = update(runs).where(runs.c.number == number, mine)
            if not connection.execute(this.values(values)).rowcount:
                raise lost(run_id(number))

    @enduring
    def info(self, number: int) -> RunInfo:
        """A run's info.

        Raises:
            RunNotFoundError: there is no such run.
        """
        query = select(runs.c.number, runs.c.info, runs.c.status).where(runs.c.number == number)
        with self._engine.connect() as connection:
            row = connection.execute(query).first()
        if row is None:
            raise _not_found(number)
        return RunInfo.model_validate_json(row.info).model_copy(update={"id": run_id(number)})

    @enduring
    def latest(self, pipeline: str | None = None) -> int:
        """Number of the newest run, of one pipeline or of all.

        Raises:
            RunNotFoundError: nothing was run yet.
        """
        query = select(func.max(runs.c.number))
        if pipeline:
            query = query.where(runs.c.pipeline == pipeline)
        with self._engine.connect() as connection:
            number = connection.execute(query).scalar()
        if number is None:
            of = f" of pipeline `{pipeline}`" if pipeline else ""
            raise RunNotFoundError(f"There is no run{of} yet.", remedy="Start one: docmill run")
        return int(number)

    @enduring
    def recent(self, *, pipeline: str | None = None, limit: int = 20) -> list[RunInfo]:
        """The newest runs first; a run whose process was killed still says `running`."""
        query = select(runs.c.number, runs.c.info).order_by(runs.c.number.desc()).limit(limit)
        if pipeline:
            query = query.where(runs.c.pipeline == pipeline)
        with self._engine.connect() as connection:
            rows = connection.execute(query).all()
        return [
            RunInfo.model_validate_json(row.info).model_copy(update={"id": run_id(row.number)})
            for row in rows
        ]

    @enduring
    def is_live(self, number: int) -> bool:
        """Whether a live process runs it."""
        query = select(runs.c.owner).where(runs.c.number == number)
        with self._engine.connect() as connection:
            owner = connection.execute(query).scalar()
            return bool(owner) and is_alive(connection, str(owner))

    def end_documents(self, number: int, ends: Iterable[tuple[str, DocumentEnd]]) -> None:
        """Store how documents ended, in one transaction; later calls replace earlier ones."""
        rows = [
            {
                **end.model_dump(exclude={"verdicts"}),
                "verdicts": _verdicts_json(end.verdicts),
                "number": number,
                "which": document,
            }
            for document, end in ends
        ]
        self._write(self._end, rows)

    def set_verdicts(self, number: int, judged: Iterable[Judged]) -> None:
        """Replace verdicts, and the status they lead to, of some documents per transaction.

        Who is killed between two has lost nothing: whoever goes on judges the whole batch again.
        """
        rows = (
            {
                "status": status,
                "verdicts": _verdicts_json(verdicts),
                "number": number,
                "which": document,
            }
            for document, status, verdicts in judged
        )
        while some := list(islice(rows, JUDGED_AT_ONCE)):
            self._write(self._judge, some)

    @enduring
    def _write(self, statement: Prepared, rows: Sequence[dict[str, Any]]) -> None:
        with transaction(self._engine) as cursor:
            statement.run_many(cursor, rows)
            if rows:
                self._fence.check(cursor, rows[0]["number"])

    @enduring
    def settled(self, number: int) -> dict[str, DocumentEnd]:
        """How documents of the run ended that have no valid record and aren't done again."""
        query = select(documents).where(
            documents.c.run == number, documents.c.status.in_(("failed", "invalid", "limit"))
        )
        with self._engine.connect() as connection:
            rows = connection.execute(query).mappings().all()
        names = DocumentEnd.model_fields.keys() - {"verdicts"}
        return {
            row["document"]: DocumentEnd(
                **{name: row[name] for name in names},
                verdicts=VERDICTS.validate_json(row["verdicts"]),
            )
            for row in rows
        }

    @enduring
    def ended(self, number: int) -> dict[str, DocumentStatus]:
        """Documents of the run that have ended, with their status."""
        query = select(documents.c.document, documents.c.status).where(
            documents.c.run == number, documents.c.status.is_not(None)
        )
        with self._engine.connect() as connection:
            return {row.document: row.status for row in connection.execute(query)}


def _is_ours(connection: Connection, number: int) -> bool:
    query = select(runs.c.owner).where(runs.c.number == number)
    return connection.execute(query).scalar() == own_lease()


def _refuse_live(connection: Connection, row: RowMapping) -> None:
    owner = str(row["owner"])
    if is_alive(connection, owner):
        pid = pid_of(owner)
        where, there = ("", "") if is_ours(owner) else (f" of {host_of(owner)}", " there")
        raise RunBusyError(
            f"{run_id(row['number'])} of pipeline `{row['pipeline']}` is being run by process "
            f"{pid}{where}.",
            remedy=f"Wait for it, or end it{there}: kill {pid}",
        )


def _go_on(connection: Connection, row: RowMapping, info: RunInfo) -> None:
    """A run goes on, with today's limits; when it began and what was expected then stays."""
    old = RunInfo.model_validate_json(row["info"])
    kept = {"started": old.started, "forecast": old.forecast}
    values = _run_row(info.model_copy(update=kept)) | {"owner": own_lease()}
    connection.execute(update(runs).where(runs.c.number == row["number"]).values(values))


def _not_found(number: int) -> RunNotFoundError:
    return RunNotFoundError(
        f"There is no {run_id(number)} in this workspace.",
        remedy="See which there are: docmill runs list",
    )


def _verdicts_json(verdicts: tuple[Verdict, ...]) -> str:
    return VERDICTS.dump_json(verdicts, exclude_defaults=True).decode()


def _run_row(info: RunInfo) -> dict[str, str]:
    status: RunStatus = info.status
    return {
        "pipeline": info.pipeline,
        "status": status,
        "spec_digest": info.spec_digest,
        "info": info.model_dump_json(exclude_defaults=True),
    }


def _enter(connection: Connection, number: int, batch: Sequence[RunDocument]) -> None:
    """Enter the batch in the run; rows of documents that are gone or have changed are replaced."""
    known = {
        row.document: row.key
        for row in connection.execute(
            select(documents.c.document, documents.c.key).where(documents.c.run == number)
        )
    }
    wanted = {entry.info.id: entry.key for entry in batch}
    stale = {document for document, key in known.items() if wanted.get(document) != key}
    for document in stale:
        connection.execute(
            documents.delete().where(documents.c.run == number, documents.c.document == document)
        )
    rows = (
        {
            "run": number,
            "document": entry.info.id,
            "name": entry.info.name,
            "key": entry.key,
            "info": entry.info.model_dump_json(exclude_defaults=True),
        }
        for entry in batch
        if entry.info.id not in known or entry.info.id in stale
    )
    while some := list(islice(rows, ENTERED_AT_ONCE)):
        connection.execute(insert(documents), some)

"""Which finished sessions know some fields of a record already, and what a pipeline's batch was.

Neighbours: `compile.batch` plans with it, `session` notes what it has finished. Findings themselves
lie in `sessions`.
"""

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

from pydantic import TypeAdapter
from sqlalchemy import Engine, Row, insert, select
from sqlalchemy.exc import IntegrityError

from docmill.plan import Earlier
from docmill.spec.fields import Field
from docmill.store.patience import enduring
from docmill.store.schema import bases, documents, record_fields, runs, sessions
from docmill.store.sessions import Session, read_findings

FIELDS = TypeAdapter(dict[str, Field])
_CHUNK = 500


class Past(NamedTuple):
    """Documents of a pipeline's earlier runs: name → sha256."""

    last: dict[str, str]
    """Those of the newest run; none before the first."""
    known: dict[str, str]
    """Those of the names asked for that any run had, as the newest of these knew them."""


class Growth:
    """What batches and records of a workspace have grown from."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._entered: set[str] = set()
        """Digests of records that are known to be stored."""

    @enduring
    def note(self, session: str, base: str, fields: Mapping[str, Field]) -> None:
        """Remember what a session's record is made of, before it is finished; once is enough."""
        text = _text(fields)
        digest = hashlib.sha256(text.encode()).hexdigest()
        if digest not in self._entered:
            with suppress(IntegrityError), self._engine.begin() as connection:
                connection.execute(insert(record_fields).values(digest=digest, fields=text))
            self._entered.add(digest)
        with suppress(IntegrityError), self._engine.begin() as connection:
            connection.execute(insert(bases).values(session=session, base=base, record=digest))

    @enduring
    def earlier(self, keys: Sequence[str]) -> dict[str, list[Earlier]]:
        """Finished sessions by base key, the newest first."""
        shapes: dict[str, dict[str, Field]] = {}
        found: dict[str, list[Earlier]] = defaultdict(list)
        for base, session, record in self._sessions(keys):
            if record not in shapes:
                shapes[record] = self._fields(record)
            found[base].append(Earlier(session, shapes[record]))
        return dict(found)

    @enduring
    def finished(self, session: str) -> Session | None:
        """A finished session with its findings."""
        which = sessions.c.session == session
        query = select(sessions).where(which, sessions.c.state == "finished")
        with self._engine.connect() as connection:
            row = connection.execute(query).mappings().first()
        if row is None:
            return None
        return Session(
            id=session,
            key=row["key"],
            run=row["run"],
            document=row["document"],
            findings=read_findings(row["findings"]),
        )

    @enduring
    def past(self, pipeline: str, names: Sequence[str]) -> Past:
        """What the pipeline's runs had; of those before its newest, only these names."""
        own = select(runs.c.number).where(runs.c.pipeline == pipeline)
        columns = select(documents.c.name, documents.c.info)
        with self._engine.connect() as connection:
            numbers = connection.execute(own.order_by(runs.c.number)).scalars().all()
            if not numbers:
                return Past({}, {})
            last = _shas(connection.execute(columns.where(documents.c.run == numbers[-1])))
            known: dict[str, str] = {}
            for start in range(0, len(names), _CHUNK):
                named = documents.c.name.in_(names[start : start + _CHUNK])
                found = columns.where(documents.c.run.in_(own), named).order_by(documents.c.run)
                known |= _shas(connection.execute(found))
        return Past(last, known)

    def _sessions(self, keys: Sequence[str]) -> Iterator[tuple[str, str, str]]:
        joined = bases.join(sessions, sessions.c.session == bases.c.session)
        with self._engine.connect() as connection:
            for start in range(0, len(keys), _CHUNK):
                query = (
                    select(bases.c.base, bases.c.session, bases.c.record)
                    .select_from(joined)
                    .where(
                        bases.c.base.in_(keys[start : start + _CHUNK]),
                        sessions.c.state == "finished",
                    )
                    .order_by(sessions.c.started.desc(), bases.c.session)
                )
                for row in connection.execute(query):
                    yield (row.base, row.session, row.record)

    def _fields(self, record: str) -> dict[str, Field]:
        query = select(record_fields.c.fields).where(record_fields.c.digest == record)
        with self._engine.connect() as connection:
            return FIELDS.validate_json(connection.execute(query).scalar_one())


def _shas(rows: Iterable[Row[Any]]) -> dict[str, str]:
    """From names and infos; of a name that comes twice, the later."""
    return {str(name): str(json.loads(info)["sha256"]) for name, info in rows}


def _text(fields: Mapping[str, Field]) -> str:
    """JSON in the order of the fields, which is that of the record."""
    return FIELDS.dump_json(dict(fields), exclude_defaults=True).decode()

"""What earlier runs say about documents and models, for forecasts; read only."""

import json
from collections.abc import Collection, Iterator, Sequence
from typing import NamedTuple

from sqlalchemy import Engine, select

from docmill.events import EVENT, DocumentPrepared
from docmill.records.results import Usage
from docmill.store.patience import enduring
from docmill.store.schema import charges, documents, events, runs

RUNS = 30
"""So many of the newest runs are looked at."""
FIRST_EVENTS = 12
"""A document is prepared within so many events of its session's beginning."""


class Text(NamedTuple):
    """How much text a document has."""

    words: int
    pages: int


class Past(NamedTuple):
    """A document that an earlier run has read."""

    text: Text | None
    size: int
    """Bytes of its file."""
    usage: Usage


class _Row(NamedTuple):
    document: str
    session: str
    sha256: str
    size: int


class History:
    """The newest runs of a workspace."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @enduring
    def texts(self, hashes: Collection[str]) -> dict[str, Text]:
        """How much text documents have that a session has prepared before, by sha256."""
        sessions: dict[str, str] = {}
        for number in self._runs():
            if len(sessions) == len(hashes):
                break
            for row in self._documents(number):
                if row.sha256 in hashes:
                    sessions.setdefault(row.sha256, row.session)
        found = self._prepared(list(sessions.values()))
        return {sha: found[session] for sha, session in sessions.items() if session in found}

    @enduring
    def past(self, *, model: str, pipeline: str | None = None, limit: int = 200) -> list[Past]:
        """Documents whose whole record a model was asked for, the newest runs first; of one
        pipeline or of all."""
        found: list[Past] = []
        for number in self._runs(model=model, pipeline=pipeline):
            usages = self._usages(number, limit - len(found))
            rows = list(self._documents(number, list(usages)))
            texts = self._prepared([row.session for row in rows])
            found += [Past(texts.get(row.session), row.size, usages[row.document]) for row in rows]
            if len(found) >= limit:
                break
        return found

    def _runs(self, *, model: str | None = None, pipeline: str | None = None) -> list[int]:
        newest = select(runs.c.number, runs.c.info).order_by(runs.c.number.desc()).limit(RUNS)
        if pipeline is not None:
            newest = newest.where(runs.c.pipeline == pipeline)
        with self._engine.connect() as connection:
            return [
                int(row.number)
                for row in connection.execute(newest)
                if model is None or json.loads(row.info)["model"] == model
            ]

    def _documents(self, run: int, ids: Sequence[str] | None = None) -> Iterator[_Row]:
        """Documents of a run that have a session; one row at a time, for runs may be large."""
        table = documents.c
        query = select(table.document, table.session, table.info).where(
            table.run == run, table.session != ""
        )
        if ids is not None:
            query = query.where(table.document.in_(ids))
        with self._engine.connect() as connection:
            for row in connection.execute(query.order_by(table.document)):
                info = json.loads(row.info)
                yield _Row(row.document, row.session, info["sha256"], info["size"])

    def _usages(self, run: int, limit: int) -> dict[str, Usage]:
        """What a model took for documents of a run, whose whole record it was asked for."""
        table = charges.c
        part = select(events.c.session).where(
            events.c.session == table.session,
            events.c.position < FIRST_EVENTS,
            events.c.type == "docmill.fields_kept",
        )
        asked = (
            select(table.document)
            .where(table.run == run, table.model != "", ~part.exists())
            .distinct()
            .order_by(table.document)
            .limit(limit)
        )
        totals: dict[str, Usage] = {}
        with self._engine.connect() as connection:
            wanted = list(connection.execute(asked).scalars())
            query = select(table.document, table.usage).where(
                table.run == run, table.document.in_(wanted)
            )
            for document, usage in connection.execute(query):
                added = Usage.model_validate_json(usage)
                totals[document] = totals.get(document, Usage()) + added
        return {document: usage for document, usage in totals.items() if usage.model_calls}

    def _prepared(self, sessions: Sequence[str]) -> dict[str, Text]:
        table = events.c
        found: dict[str, Text] = {}
        with self._engine.connect() as connection:
            for start in range(0, len(sessions), 500):
                query = select(table.session, table.type, table.body).where(
                    table.session.in_(sessions[start : start + 500]),
                    table.position < FIRST_EVENTS,
                    table.type == "docmill.document_prepared",
                )
                for row in connection.execute(query):
                    event = EVENT.validate_python(json.loads(row.body) | {"type": row.type})
                    if isinstance(event, DocumentPrepared):
                        found[row.session] = Text(event.words, event.pages)
        return found

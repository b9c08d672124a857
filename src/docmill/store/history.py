"""What earlier runs say about documents and models, for forecasts; read only."""

import json
from collections.abc import Collection, Sequence
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
    run: int
    document: str
    session: str
    sha256: str
    size: int


class History:
    """The newest runs of a workspace."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def texts(self, hashes: Collection[str]) -> dict[str, Text]:
        """How much text documents have that a session has prepared before, by sha256."""
        wanted = {row.sha256: row.session for row in self._rows() if row.sha256 in hashes}
        found = self._prepared(list(wanted.values()))
        return {sha: found[session] for sha, session in wanted.items() if session in found}

    def past(self, *, model: str, pipeline: str | None = None, limit: int = 200) -> list[Past]:
        """Documents read by a model, the newest runs first; of one pipeline or of all."""
        rows = self._rows(model=model, pipeline=pipeline)
        usages = self._usages({row.run for row in rows})
        read = [row for row in rows if usages.get(row[:2], Usage()).model_calls][:limit]
        texts = self._prepared([row.session for row in read])
        return [Past(texts.get(row.session), row.size, usages[row[:2]]) for row in read]

    @enduring
    def _rows(self, *, model: str | None = None, pipeline: str | None = None) -> list[_Row]:
        newest = select(runs.c.number, runs.c.info).order_by(runs.c.number.desc()).limit(RUNS)
        if pipeline is not None:
            newest = newest.where(runs.c.pipeline == pipeline)
        table = documents.c
        with self._engine.connect() as connection:
            numbers = [
                row.number
                for row in connection.execute(newest)
                if model is None or json.loads(row.info)["model"] == model
            ]
            query = (
                select(table.run, table.document, table.session, table.info)
                .where(table.run.in_(numbers), table.session != "")
                .order_by(table.run.desc(), table.document)
            )
            rows = connection.execute(query).all()
        return [
            _Row(row.run, row.document, row.session, info["sha256"], info["size"])
            for row in rows
            for info in [json.loads(row.info)]
        ]

    @enduring
    def _usages(self, numbers: Collection[int]) -> dict[tuple[int, str], Usage]:
        table = charges.c
        query = select(table.run, table.document, table.usage).where(table.run.in_(numbers))
        totals: dict[tuple[int, str], Usage] = {}
        with self._engine.connect() as connection:
            for row in connection.execute(query):
                place = (row.run, row.document)
                usage = Usage.model_validate_json(row.usage)
                totals[place] = totals.get(place, Usage()) + usage
        return totals

    @enduring
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

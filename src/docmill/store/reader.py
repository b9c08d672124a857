"""A stored run, read back one document at a time for reports and the command line."""

from collections.abc import Callable, Iterator
from functools import cached_property
from pathlib import PurePosixPath
from typing import Any

from sqlalchemy import Engine, RowMapping, func, select, tuple_

from docmill.records.results import DocumentInfo, DocumentResult, RunInfo, Usage
from docmill.store.patience import enduring
from docmill.store.runs import VERDICTS, RunStore
from docmill.store.schema import charges, documents, sessions
from docmill.store.seals import Seals
from docmill.store.sessions import REMEMBERED, Findings, read_findings

CHUNK = 100


class StoredRun:
    """Implements `records.reader.RunReader` over the store."""

    def __init__(self, engine: Engine, number: int, picture: Callable[[str], bytes]) -> None:
        self._engine = engine
        self._number = number
        self._picture = picture
        self._first: list[DocumentResult] = []
        seal = Seals(engine).of_run(number)
        info = RunStore(engine).info(number)
        self.info: RunInfo = info.model_copy(update={"seal": seal.head}) if seal else info

    def documents(self) -> Iterator[DocumentResult]:
        """Documents that have ended, in order of name; a reader is a view of one moment."""
        yield from tuple(self._first)
        last = _place(self._first[-1].document) if self._first else ("", "")
        while rows := self._chunk(last):
            costs = self._costs([row["document"] for row in rows])
            last = (rows[-1]["name"], rows[-1]["document"])
            for row in rows:
                result = self._result(row, costs.get(row["document"], {}))
                self._remember(result)
                yield result

    def _remember(self, result: DocumentResult) -> None:
        """Keep the documents of a small run, in order: a report reads a run many times."""
        if self._small and (
            not self._first or _place(self._first[-1].document) < _place(result.document)
        ):
            self._first.append(result)

    @cached_property
    def _small(self) -> bool:
        """Whether its documents can be kept; of a large run none is, for each pass needs all."""
        return self._count() <= REMEMBERED

    @enduring
    def _count(self) -> int:
        query = select(func.count()).where(documents.c.run == self._number)
        with self._engine.connect() as connection:
            return connection.execute(query).scalar_one()

    def document(self, wanted: str) -> DocumentResult | None:
        """One document by id or name; None if the run has none such.

        A name without its folder or its ending will do where only one document has it.
        """
        alike: list[DocumentResult] = []
        for result in self.documents():
            name = result.document.name
            if wanted in (result.document.id, name):
                return result
            path = PurePosixPath(name)
            if wanted in (path.name, path.stem, str(path.with_suffix(""))):
                alike.append(result)
        return alike[0] if len(alike) == 1 else None

    def picture(self, blob: str) -> bytes:
        """PNG bytes of a page picture; KeyError if it has been pruned."""
        return self._picture(blob)

    def output(self, blob: str) -> bytes:
        """Bytes of a file the agent has left; KeyError if it has been pruned."""
        return self._picture(blob)

    @enduring
    def _chunk(self, after: tuple[str, str]) -> list[RowMapping]:
        joined = documents.outerjoin(sessions, sessions.c.session == documents.c.session)
        query = (
            select(documents, sessions.c.findings)
            .select_from(joined)
            .where(
                documents.c.run == self._number,
                documents.c.status.is_not(None),
                tuple_(documents.c.name, documents.c.document) > after,
            )
            .order_by(documents.c.name, documents.c.document)
            .limit(CHUNK)
        )
        with self._engine.connect() as connection:
            return list(connection.execute(query).mappings())

    def _result(self, row: RowMapping, costs: dict[str, Usage]) -> DocumentResult:
        several = len(self.info.models) > 1
        asked = {model: usage for model, usage in costs.items() if model} if several else {}
        read = read_findings if self._small else Findings.model_validate_json
        return _result(row, read, sum(costs.values(), Usage()), asked)

    @enduring
    def _costs(self, ids: list[str]) -> dict[str, dict[str, Usage]]:
        """By document and model; what has no model is the sandbox's and the tools'."""
        query = select(charges.c.document, charges.c.model, charges.c.usage).where(
            charges.c.run == self._number, charges.c.document.in_(ids)
        )
        # Sums of seconds depend on the order they are added in.
        query = query.order_by(charges.c.session, charges.c.position)
        totals: dict[str, dict[str, Usage]] = {}
        with self._engine.connect() as connection:
            for row in connection.execute(query):
                usage = Usage.model_validate_json(row.usage)
                models = totals.setdefault(row.document, {})
                models[row.model] = models.get(row.model, Usage()) + usage
        return totals


def _place(info: DocumentInfo) -> tuple[str, str]:
    """Place in the order; two odd file names may be shown alike."""
    return info.name, info.id


def _result(
    row: RowMapping, read: Callable[[str], Findings], usage: Usage, by_model: dict[str, Usage]
) -> DocumentResult:
    info = DocumentInfo.model_validate_json(row["info"])
    found: dict[str, Any] = {}
    if row["findings"]:
        findings = read(row["findings"])
        info = info.model_copy(update={"pages": findings.pages})
        found = {
            "record": findings.record,
            "notes": findings.notes,
            "flags": findings.flags,
            "pictures": findings.pictures,
            "page_sizes": findings.page_sizes,
            "outputs": findings.outputs,
            "refused_outputs": findings.refused_outputs,
        }
    return DocumentResult(
        document=info,
        status=row["status"],
        code=row["code"],
        message=row["message"],
        remedy=row["remedy"],
        verdicts=VERDICTS.validate_json(row["verdicts"]),
        session_id=row["session"],
        attempts=row["attempts"],
        cached=row["cached"],
        usage=usage,
        by_model=by_model,
        **found,
    )

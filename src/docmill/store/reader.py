"""A stored run, read back one document at a time for reports and the command line."""

from collections.abc import Callable, Iterator
from typing import Any

from sqlalchemy import Engine, RowMapping, select

from docmill.records.results import DocumentInfo, DocumentResult, RunInfo, Usage
from docmill.store.runs import VERDICTS, RunStore
from docmill.store.schema import charges, documents, sessions
from docmill.store.sessions import Findings

CHUNK = 100


class StoredRun:
    """Implements `records.reader.RunReader` over the store."""

    def __init__(self, engine: Engine, number: int, picture: Callable[[str], bytes]) -> None:
        self._engine = engine
        self._number = number
        self._picture = picture
        self.info: RunInfo = RunStore(engine).info(number)

    def documents(self) -> Iterator[DocumentResult]:
        """Documents that have ended, in order of name."""
        last = ""
        while True:
            rows = self._chunk(last)
            if not rows:
                return
            costs = self._costs([row["document"] for row in rows])
            for row in rows:
                yield _result(row, costs.get(row["document"], Usage()))
            last = rows[-1]["name"]

    def document(self, wanted: str) -> DocumentResult | None:
        """One document by id or name; None if the run has none such."""
        for result in self.documents():
            if wanted in (result.document.id, result.document.name):
                return result
        return None

    def picture(self, blob: str) -> bytes:
        """PNG bytes of a page picture; KeyError if it has been pruned."""
        return self._picture(blob)

    def _chunk(self, after: str) -> list[RowMapping]:
        joined = documents.outerjoin(sessions, sessions.c.session == documents.c.session)
        query = (
            select(documents, sessions.c.findings)
            .select_from(joined)
            .where(
                documents.c.run == self._number,
                documents.c.status.is_not(None),
                documents.c.name > after,
            )
            .order_by(documents.c.name)
            .limit(CHUNK)
        )
        with self._engine.connect() as connection:
            return list(connection.execute(query).mappings())

    def _costs(self, ids: list[str]) -> dict[str, Usage]:
        query = select(charges.c.document, charges.c.usage).where(
            charges.c.run == self._number, charges.c.document.in_(ids)
        )
        totals: dict[str, Usage] = {}
        with self._engine.connect() as connection:
            for row in connection.execute(query):
                usage = Usage.model_validate_json(row.usage)
                totals[row.document] = totals.get(row.document, Usage()) + usage
        return totals


def _result(row: RowMapping, usage: Usage) -> DocumentResult:
    info = DocumentInfo.model_validate_json(row["info"])
    found: dict[str, Any] = {}
    if row["findings"]:
        findings = Findings.model_validate_json(row["findings"])
        info = info.model_copy(update={"pages": findings.pages})
        found = {
            "record": findings.record,
            "notes": findings.notes,
            "pictures": findings.pictures,
            "page_sizes": findings.page_sizes,
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
        **found,
    )

"""A run derived again: records from journals, verdicts and statuses from specs, costs from prices.

Two passes over the documents, each holding one at a time. Whatever differs from what the store said
is noted; the result is read like any stored run, to make its report once more.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from sqlalchemy import Engine, select

from docmill.batch.status import status_of
from docmill.bundle.cells import compare_cells
from docmill.bundle.findings import Check, Verification
from docmill.bundle.journals import Found, PrunedError, found_in
from docmill.bundle.money import Auditor
from docmill.bundle.proving import Proofs
from docmill.bundle.specs import Rules
from docmill.checks.batch import BatchJudge
from docmill.events import Event
from docmill.records.results import DocumentResult, RunInfo, Usage, Verdict
from docmill.store.reader import StoredRun
from docmill.store.schema import charges
from docmill.store.sessions import Charge, SessionStore

FOUND = ("record", "notes", "flags", "pictures", "page_sizes", "outputs", "refused_outputs")
Journal = dict[int, Event]


class DerivedRun:
    """Implements `records.reader.RunReader` over documents that were derived again."""

    def __init__(
        self,
        info: RunInfo,
        path: Path,
        *,
        picture: Callable[[str], bytes],
        output: Callable[[str], bytes],
    ) -> None:
        self.info = info
        self._path = path
        self._picture = picture
        self._output = output

    def documents(self) -> Iterator[DocumentResult]:
        """Every document in order of name."""
        with self._path.open(encoding="utf-8", errors="surrogatepass") as file:
            for text in file:
                yield DocumentResult.model_validate_json(text)

    def picture(self, blob: str) -> bytes:
        """PNG bytes of a page picture, as the report shows it."""
        return self._picture(blob)

    def output(self, blob: str) -> bytes:
        """Bytes of a file the agent has left, as it lies beside the report."""
        return self._output(blob)


class Derivation:
    """Derives the documents of one run."""

    def __init__(
        self,
        engine: Engine,
        number: int,
        *,
        rules: Rules,
        proofs: Proofs,
        told: Verification,
    ) -> None:
        self._engine = engine
        self._number = number
        self._rules = rules
        self._proofs = proofs
        self._sessions = SessionStore(engine)
        self._records = told.check("records", "what journals say each agent handed in")
        self._verdicts = told.check("verdicts", "records judged again by checks and standard")
        self._statuses = told.check("statuses", "how each document ended")
        costs = told.check("costs", "events × prices = charges")
        self._auditor = Auditor(costs, rules.specs, rules.prices, run=number)
        self._totals = told.check("totals", "charges of each document added up")
        self._told = told
        self._pruned = 0
        self._batch_judged = True
        self.limited = False
        """Whether a document met a limit."""

    def carry_out(self, stored: StoredRun, folder: Path) -> Path:
        """Write the derived documents into a file in `folder`, one per line; returns it."""
        first, second = folder / "first.jsonl", folder / "derived.jsonl"
        # A run that stopped early may have judged every record, but not the batch.
        self._batch_judged = stored.info.status in ("finished", "limit")
        batch = BatchJudge(self._rules.specs.pipeline, self._rules.specs.fields)
        with first.open("w", encoding="utf-8", errors="surrogatepass") as file:
            for result in stored.documents():
                derived = self._again(result)
                batch.add(derived.document, derived.record)
                file.write(derived.model_dump_json() + "\n")
        across = batch.verdicts()
        with (
            first.open(encoding="utf-8", errors="surrogatepass") as read,
            second.open("w", encoding="utf-8", errors="surrogatepass") as file,
        ):
            for text, result in zip(read, stored.documents(), strict=True):
                derived = DocumentResult.model_validate_json(text)
                judged = self._judged(derived, result, across)
                file.write(judged.model_dump_json() + "\n")
        first.unlink()
        if self._pruned:
            self._told.unproven.append(
                f"{self._pruned} documents whose journals were pruned: their records are those "
                "the store has kept."
            )
        return second

    def charge(self) -> None:
        """Compute the charges of all sessions again; `carry_out` needs the sums."""
        ledger: dict[str, dict[int, Charge]] = {}
        with self._engine.connect() as connection:
            for row in connection.execute(
                select(charges).order_by(charges.c.session, charges.c.position)
            ).mappings():
                if row["session"] not in ledger and ledger:
                    self._audit(ledger)
                    ledger = {}
                fields = {key: row[key] for key in ("run", "document", "attempt", "model")}
                usage = Usage.model_validate_json(row["usage"])
                ledger.setdefault(row["session"], {})[row["position"]] = Charge(
                    usage=usage, **fields
                )
        self._audit(ledger)

    def _audit(self, ledger: Mapping[str, Mapping[int, Charge]]) -> None:
        for session, entries in ledger.items():
            self._auditor.session(session, self._journal(session), entries)

    def _journal(self, session: str) -> Journal:
        return {stored.position: stored.event for stored in self._sessions.journal(session)}

    def _again(self, stored: DocumentResult) -> DocumentResult:
        """A document as its session's journal and its charges have it."""
        name = stored.document.name
        journal = list(self._journal(stored.session_id).values()) if stored.session_id else []
        derived = self._priced(stored)
        if stored.status in ("failed", "limit", "cancelled"):
            self._records.compare(f"{name} has no record", stored.record is None, True)
            return derived.model_copy(update={"record": None})
        try:
            if not journal:
                raise PrunedError
            found = found_in(journal, self._rules.specs, self._source)
        except PrunedError:
            self._pruned += 1
            return derived
        self._proofs.prove(name, journal, self._source)
        derived = _with(derived, found)
        for key in ("document", *FOUND, "code", "message"):
            old, new = _json(stored, key), _json(derived, key)
            compare_cells(self._records, f"{name} {key}", old, new)
        return derived

    def _source(self, session: str) -> list[Event] | None:
        return list(self._journal(session).values()) or None

    def _priced(self, stored: DocumentResult) -> DocumentResult:
        spent = self._auditor.spent.get(stored.document.id, {})
        usage = sum(spent.values(), Usage())
        several = len(self._rules.specs.agent.models) > 1
        by_model = {model: one for model, one in spent.items() if model} if several else {}
        derived = stored.model_copy(update={"usage": usage, "by_model": by_model})
        for key in ("usage", "by_model"):
            place = f"{stored.document.name} {key}"
            compare_cells(self._totals, place, _json(stored, key), _json(derived, key))
        return derived

    def _judged(
        self,
        derived: DocumentResult,
        stored: DocumentResult,
        across: Mapping[str, tuple[Verdict, ...]],
    ) -> DocumentResult:
        name = stored.document.name
        alone = self._rules.judge.judge(derived.record) if derived.record else ()
        verdicts = alone + across.get(derived.document.id, ())
        if not self._batch_judged and stored.verdicts == alone:
            verdicts = alone
        status = stored.status
        if stored.status not in ("failed", "limit", "cancelled"):
            status = status_of(derived.record, verdicts, derived.flags)
        elif stored.status == "cancelled":
            verdicts = stored.verdicts  # a run that was stopped judges nothing
        self.limited |= status == "limit"
        derived = derived.model_copy(update={"verdicts": verdicts, "status": status})
        old, new = _json(stored, "verdicts"), _json(derived, "verdicts")
        compare_cells(self._verdicts, f"{name} verdicts", old, new)
        self._statuses.compare(f"{name} status", stored.status, status)
        return derived


def _with(result: DocumentResult, found: Found) -> DocumentResult:
    document = result.document.model_copy(update={"pages": found.pages})
    return result.model_copy(
        update={
            **found.details,
            "document": document,
            "record": found.record,
            "code": found.code,
            "message": found.message,
        }
    )


def _json(result: DocumentResult, key: str) -> object:
    return json.loads(result.model_dump_json(include={key}))[key]


def check_run(check: Check, info: RunInfo, *, limited: bool) -> None:
    """How the run ended, from how its documents did."""
    if info.status in ("finished", "limit"):
        check.compare(f"{info.id} status", info.status, "limit" if limited else "finished")
    in_order = info.ended is None or info.started <= info.ended
    check.compare(f"{info.id} began before it ended", in_order, True)

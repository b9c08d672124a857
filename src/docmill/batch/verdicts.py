"""Verdicts on a run: each record by itself, then the batch as a whole, then the expectations.

The rules are those of `checks`; this module feeds them from the store, one document at a time, and
stores what they say. Verdicts cost nothing, so they are always made anew.
"""

import asyncio
import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter

from docmill.batch.status import status_of
from docmill.checks.batch import BatchJudge
from docmill.checks.expectations import library_version, run_expectations
from docmill.checks.expectations_process import LibraryProcess
from docmill.checks.judge import Judge
from docmill.checks.table import Table, write_table
from docmill.plan import CompiledPipeline
from docmill.records.checked import CheckedRecord
from docmill.records.results import ExpectationResult, Verdict
from docmill.store.reader import StoredRun
from docmill.store.runs import Judged, RunStore

RESULTS = TypeAdapter(tuple[ExpectationResult, ...])


@dataclass(frozen=True, slots=True)
class BatchSummary:
    """What judging a batch came to."""

    documents: int
    """Documents with a record."""
    expectations: tuple[ExpectationResult, ...]


class BatchVerdicts:
    """Judges the records of one run."""

    def __init__(
        self,
        compiled: CompiledPipeline,
        judge: Judge,
        *,
        runs: RunStore,
        reader: Callable[[], StoredRun],
        number: int,
        cache: Path,
        library: LibraryProcess | None = None,
    ) -> None:
        """`library`: one that `prepare` need not start."""
        self._compiled = compiled
        self._judge = judge
        self._runs = runs
        self._reader = reader
        self._number = number
        self._cache = cache
        self._library = library

    def prepare(self) -> None:
        """Let Great Expectations be imported, if it will be asked; the batch is nearly done."""
        if self._compiled.pipeline.expectations and self._library is None:
            self._library = LibraryProcess()

    def close(self) -> None:
        """End what `prepare` started; may be called at any time."""
        if self._library is not None:
            self._library.close()
            self._library = None

    def of_record(self, record: CheckedRecord | None) -> tuple[Verdict, ...]:
        """Verdicts on one record by itself."""
        return self._judge.judge(record) if record else ()

    async def judge_all(self) -> BatchSummary:
        """Judge every record and the batch, store the verdicts, run the expectations."""
        return await asyncio.to_thread(self._judge_all)

    def _judge_all(self) -> BatchSummary:
        try:
            return BatchSummary(self._judge_records(), self._expectations())
        finally:
            self.close()

    def _judge_records(self) -> int:
        reader = self._reader()
        batch = BatchJudge(self._compiled.pipeline, self._compiled.fields)
        count = 0
        for result in reader.documents():
            batch.add(result.document, result.record)
            count += result.record is not None
        self._runs.set_verdicts(self._number, self._judged(reader, batch.verdicts()))
        return count

    def _judged(
        self, reader: StoredRun, across: Mapping[str, tuple[Verdict, ...]]
    ) -> Iterator[Judged]:
        """Documents whose verdicts aren't those stored when their session ended."""
        for result in reader.documents():
            verdicts = self.of_record(result.record) + across.get(result.document.id, ())
            if result.record is None:
                if verdicts:
                    yield Judged(result.document.id, result.status, verdicts)
            elif verdicts != result.verdicts:
                status = status_of(result.record, verdicts, result.flags)
                yield Judged(result.document.id, status, verdicts)

    def _expectations(self) -> tuple[ExpectationResult, ...]:
        """Results over the batch's table, which has the statuses that the report shows."""
        if not self._compiled.pipeline.expectations:
            return ()
        table = self._cache / f"run-{self._number}.csv"
        table.parent.mkdir(parents=True, exist_ok=True)
        try:
            write_table(table, self._compiled.fields, self._reader().documents())
            return self._asked(table)
        finally:
            table.unlink(missing_ok=True)

    def _asked(self, table: Path) -> tuple[ExpectationResult, ...]:
        """What the library says; the same table and expectations are judged once."""
        expectations = self._compiled.pipeline.expectations
        declared = json.dumps([entry.model_dump(mode="json") for entry in expectations])
        content = hashlib.sha256(f"{library_version()}\n{declared}".encode())
        content.update(table.read_bytes())
        known = self._cache / f"{content.hexdigest()}.json"
        if known.is_file():
            return RESULTS.validate_json(known.read_bytes())
        kinds = Table(self._compiled.fields).kinds
        results = run_expectations(table, expectations, kinds=kinds, process=self._library)
        known.write_bytes(RESULTS.dump_json(results))
        return results

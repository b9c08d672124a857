"""Shows a run while it happens: a line per document as it ends, and a line of totals on a terminal.

Everything goes to stderr. Without a terminal there is no moving line and no colour.
"""

import sys
import time
from collections import Counter
from collections.abc import Sequence
from decimal import Decimal

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn
from rich.text import Text

from docmill.cli.approving import question_text
from docmill.cli.console import inert
from docmill.cli.outcome import GLYPHS
from docmill.cli.tables import shortened, terminal
from docmill.plan import BatchPlan, PlannedDocument
from docmill.records.results import RunInfo, Usage
from docmill.report.display import count, usd_text
from docmill.store.approvals import Question
from docmill.store.runs import DocumentEnd

ASKED_WIDTH = 300
"""Characters of a call that a person is asked about; `docmill approve` shows all of it."""


class Progressing:
    """A run's observer for the terminal."""

    def __init__(self) -> None:
        self._console: Console = terminal(sys.stderr)
        self._bar: Progress | None = None
        self._task: TaskID | None = None
        self._begun: dict[str, float] = {}
        self._usd = Decimal(0)
        self._unpriced = 0
        self._documents: Sequence[PlannedDocument] = ()
        self._silent = Counter[str]()
        self._names = 0
        self.run = ""
        """`run-0007`, once it is claimed."""

    def planned(self, info: RunInfo, plan: BatchPlan, *, resumed: bool) -> None:
        """The headline: what runs, on what, within which limits."""
        self.run = info.id
        self._documents = plan.documents
        self._names = max((len(_name(document)) for document in plan.documents), default=0)
        documents = count(len(plan.documents), "document")
        self._say("  ".join([info.id, info.pipeline, documents]), style="bold")
        facts = [f"model {info.model}", f"agent {info.agent}"]
        facts.append(f"sandbox {info.sandbox.partition(' (')[0]}")
        if "usd_per_run" in info.limits:
            facts.append(f"limit ${info.limits['usd_per_run']}")
        self._say(f"  {'  '.join(facts)}", style="dim")
        if resumed:
            self._say("  ↻ goes on where it was interrupted")
        if self._console.is_terminal and sys.stderr.isatty():
            self._bar = Progress(
                TextColumn("  {task.description}"),
                BarColumn(bar_width=20),
                MofNCompleteColumn(),
                TextColumn("{task.fields[cost]}"),
                console=self._console,
                transient=True,
            )
            self._task = self._bar.add_task("starting", total=len(plan.documents), cost="")
            self._bar.start()

    def published(self, flow_run_id: str, url: str) -> None:
        """Where the run can be watched."""
        self._say(f"  ↗ {url}", style="dim")

    def began(self, document: PlannedDocument, *, attempt: int) -> None:
        """Only a new attempt is worth a line."""
        self._begun[document.info.id] = time.monotonic()
        if self._bar is not None and self._task is not None:
            self._bar.update(self._task, description=_name(document))
        if attempt > 1:
            self._say(f"  ↪ {_name(document):<{self._names}}  attempt {attempt}")

    def ended(self, document: PlannedDocument, end: DocumentEnd, usage: Usage) -> None:
        """How a document ended; those of an earlier run, or not begun, are only counted."""
        begun = self._begun.pop(document.info.id, None)
        self._usd += usage.usd
        self._unpriced += usage.unpriced_calls
        if self._bar is not None and self._task is not None:
            self._bar.update(self._task, advance=1, cost=usd_text(self._usd, self._unpriced))
        if end.status == "cancelled" or (end.cached and end.status in ("ok", "flagged")):
            self._silent["cached" if end.cached else "cancelled"] += 1
            return
        glyph, style = GLYPHS[end.status]
        line = Text("  ")
        line.append(glyph, style=style)
        line.append(f" {_name(document):<{self._names}}  ")
        line.append(f"{end.status:<8}", style=style)
        line.append(self._details(document, end, usage, begun=begun))
        self._console.print(line)

    def waits(self, document: str, questions: Sequence[Question]) -> None:
        """What a person is asked, and the command that answers."""
        names = (_name(entry) for entry in self._documents if entry.info.id == document)
        name = next(names, document)
        if not questions:
            self._say(f"  ▶ {name} goes on")
        for question in questions:
            told = inert(question_text(question))
            told = told if len(told) <= ASKED_WIDTH else f"{told[:ASKED_WIDTH]}… (docmill approve)"
            self._say(f"  ⏸ {name} asks to call {told}", style="yellow")
        if questions:
            command = f"docmill approve {self.run} {document}"
            self._say(f"    allow: {command}    refuse: {command} --deny", style="yellow")

    def preparing(self, what: str) -> None:
        """Why nothing happens yet."""
        self._say(f"  {inert(what)}", style="dim")

    def paused(self, endpoint: str, reason: str, seconds: float) -> None:
        """Why nothing happens, and when it is tried again."""
        self._say(f"  ⏸ {endpoint}: {inert(reason)} Next try in {seconds:.0f} s.", style="yellow")

    def resumed(self, endpoint: str) -> None:
        """The wait is over."""
        self._say(f"  ▶ {endpoint} answers again")

    def batch_sent(self, endpoint: str, batch: str, *, calls: int) -> None:
        """What is waited for."""
        some = count(calls, "call")
        self._say(f"  ⇡ {endpoint}: {some} sent as message batch {inert(batch)}", style="dim")

    def batch_ended(self, endpoint: str, batch: str, *, calls: int, answered: int) -> None:
        """What came of it."""
        some = f"{answered} of {count(calls, 'call')} answered"
        self._say(f"  ⇣ {endpoint}: {inert(batch)} has ended, {some}", style="dim")

    def close(self) -> None:
        """Take the moving line away, and say what was only counted; once."""
        if self._bar is not None:
            self._bar.stop()
        if cached := self._silent.pop("cached", 0):
            self._say(f"  = {count(cached, 'document')} finished by earlier runs")
        if cancelled := self._silent.pop("cancelled", 0):
            self._say(f"  – {count(cancelled, 'document')} not done")

    def _details(
        self, document: PlannedDocument, end: DocumentEnd, usage: Usage, *, begun: float | None
    ) -> str:
        if end.message:
            return f" {inert(end.message)}"
        if document.info.duplicate_of:
            return f" same content as {document.info.duplicate_of}"
        if begun is None:
            parts = [" read before the interruption"]
        else:
            parts = [f" {time.monotonic() - begun:.1f} s"]
        if end.attempts > 1:
            parts.append(count(end.attempts, "attempt"))
        open_checks = sum(
            verdict.verdict != "pass" and not verdict.informative for verdict in end.verdicts
        )
        if open_checks:
            parts.append(f"{count(open_checks, 'check')} not passed")
        if usage.usd or usage.unpriced_calls:
            parts.append(usd_text(usage.usd, usage.unpriced_calls))
        return "  ".join(parts)

    def _say(self, text: str, *, style: str = "") -> None:
        self._console.print(Text(text, style=style))


def _name(document: PlannedDocument) -> str:
    return shortened(document.info.name)

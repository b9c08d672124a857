"""A workbench with a real sandbox and store, and a document made for the test."""

import json
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from reportlab.pdfgen.canvas import Canvas  # pyright: ignore[reportMissingTypeStubs, reportUnknownVariableType]

from docmill.backends.local import LocalBackend
from docmill.blobs import BlobStore
from docmill.compile import compile_pipeline, plan_batch
from docmill.compile.forms import sandbox_spec
from docmill.events import Event
from docmill.ledger.prices import load_prices
from docmill.ledger.purse import Purses
from docmill.models.base import Model
from docmill.output.fields import resolve_record
from docmill.plan import PlannedDocument
from docmill.sandboxes import open_backend
from docmill.session.bench import Stage, Workbench
from docmill.session.consent import Consent
from docmill.spec.agent import ModelChoice
from docmill.spec.load import load_workspace
from docmill.store.accounts import Accounts
from docmill.store.approvals import Approvals
from docmill.store.database import open_database
from docmill.store.sessions import Entry, SessionStore
from docmill.telemetry import Telemetry
from docmill.tools import toolset

PIPELINE = """
name: demo
documents: in
agent: reader
record:
  repairs: {repairs}
  fields:
    voltage: {{type: quantity, unit: V, aliases: [Output voltage]}}
    serial: {{type: id, required: false, aliases: [Serial number]}}
limits: {limits}
outcome: {outcome}
retries: {{delay_seconds: 0}}
"""
LINES = ("Test report", "Output voltage 3.30 V", "Serial number AB-12")


class Died(BaseException):
    """The process is gone."""


class Bench:
    """A tiny workspace, and workbenches on it for any model."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.limits = "{}"
        self.outcome = "null"
        self.repairs = 2
        self.system = "Read."
        self.tools = ""
        """What the agent's spec says of them, if anything."""
        self._engine = open_database(root / ".docmill")
        self.store = SessionStore(self._engine)
        self.approvals = Approvals(self._engine)
        self.blobs = BlobStore(root / "blobs")
        self.usd_per_run: Decimal | None = None

    def for_model(
        self, model: Model, name: str = "rules", *, telemetry: Telemetry | None = None
    ) -> Workbench:
        """A workbench whose agent is this model."""
        return self.for_models({name: model}, telemetry=telemetry)

    def for_models(
        self, models: Mapping[str, Model], *, telemetry: Telemetry | None = None
    ) -> Workbench:
        """A workbench whose agent is a cascade of these models, by name."""
        for folder in ("agent_specs", "pipelines", "in"):
            (self.root / folder).mkdir(exist_ok=True)
        names = json.dumps([*models] if len(models) > 1 else next(iter(models)))
        agent = f"name: reader\nmodel: {names}\nsystem: {self.system}\n"
        agent += f"tools: {self.tools}\n" if self.tools else ""
        (self.root / "agent_specs" / "reader.yaml").write_text(agent)
        text = PIPELINE.format(limits=self.limits, repairs=self.repairs, outcome=self.outcome)
        (self.root / "pipelines" / "demo.yaml").write_text(text)
        compiled = compile_pipeline(load_workspace(self.root), "demo")
        tools = toolset(compiled.agent)
        return Workbench(
            compiled=compiled,
            shape=resolve_record(compiled.pipeline.record, self.root),
            sandboxes=open_backend("auto"),
            sandbox_spec=sandbox_spec(compiled.environment, {"run": "test"}),
            sandbox_name="bubblewrap",
            stages=tuple(
                Stage(ModelChoice(id=name), LocalBackend(model, tools), model=model)
                for name, model in models.items()
            ),
            store=self.store,
            blobs=self.blobs,
            prices=load_prices(),
            run=1,
            purses=Purses(self.accounts()),
            max_bytes=1 << 20,
            consent=Consent(self.approvals, minutes=compiled.pipeline.limits.approval_minutes),
            telemetry=telemetry,
        )

    def accounts(self) -> Accounts:
        """The accounts of run 1."""
        limits = compile_pipeline(load_workspace(self.root), "demo").pipeline.limits
        return Accounts(
            self._engine,
            run=1,
            usd_per_document=limits.usd_per_document,
            usd_per_run=self.usd_per_run,
        )

    @contextmanager
    def dying_after(self, kind: type[Any]) -> Generator[None]:
        """Sessions die when they go on after an event of this kind was stored, as the last one."""
        append = self.store.append_all
        dead: list[Event] = []

        def last(session: str, position: int, entries: Sequence[Entry]) -> None:
            if dead:
                raise Died
            upto = [index for index, one in enumerate(entries, 1) if isinstance(one.event, kind)]
            stored = entries[: upto[0]] if upto else entries
            append(session, position, stored)
            dead.extend(entry.event for entry in stored if isinstance(entry.event, kind))

        self.store.append_all = last
        with pytest.raises(Died):
            yield
        self.store.append_all = append

    def document(self, bench: Workbench) -> PlannedDocument:
        """The workspace's only document, as planned."""
        return plan_batch(bench.compiled, lambda _: set()).documents[0]

    def close(self) -> None:
        """Close the store."""
        self._engine.dispose()


@pytest.fixture
def write_pdf(tmp_path: Path) -> Callable[[Sequence[str]], Path]:
    """Writes `in/report.pdf` with these lines of text."""

    def write(lines: Sequence[str]) -> Path:
        path = tmp_path / "in" / "report.pdf"
        path.parent.mkdir(exist_ok=True)
        canvas: Any = Canvas(str(path), invariant=1)
        canvas.rect(50, 50, 400, 20)
        for number, line in enumerate(lines):
            canvas.drawString(72, 760 - 20 * number, line)
        canvas.save()
        return path

    return write


@pytest.fixture
def bench(tmp_path: Path, write_pdf: Callable[[Sequence[str]], Path]) -> Iterator[Bench]:
    """A workspace with a one-page report."""
    write_pdf(LINES)
    bench = Bench(tmp_path)
    yield bench
    bench.close()

"""A workspace whose record, models and documents change from session to session."""

import json
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
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
from docmill.models.rules import RulesModel
from docmill.output.fields import resolve_record
from docmill.plan import CompiledPipeline, PlannedDocument
from docmill.sandboxes import open_backend
from docmill.session.bench import Stage, Workbench
from docmill.session.consent import Consent
from docmill.session.run import SessionEnd, run_session
from docmill.spec.agent import ModelChoice
from docmill.spec.load import load_workspace
from docmill.store.accounts import Accounts
from docmill.store.approvals import Approvals
from docmill.store.database import open_database
from docmill.store.growth import Growth
from docmill.store.sessions import Entry, SessionStore
from docmill.tools import toolset

VOLTAGE = {"type": "quantity", "unit": "V", "aliases": ["Output voltage"]}
SERIAL = {"type": "id", "aliases": ["Serial number"]}
MAKER = {"aliases": ["Manufacturer"]}
LINES = ("Test report", "Output voltage 3.30 V", "Serial number AB-12", "Manufacturer Ohm Ltd")
Fields = Mapping[str, Mapping[str, Any]]


class Died(BaseException):
    """The process is gone."""


def write_pdf(root: Path, name: str, lines: Sequence[str]) -> Path:
    """`in/NAME.pdf` with these lines."""
    path = root / "in" / f"{name}.pdf"
    path.parent.mkdir(exist_ok=True)
    canvas: Any = Canvas(str(path), invariant=1)
    for number, line in enumerate(lines):
        canvas.drawString(72, 760 - 20 * number, line)
    canvas.save()
    return path


class Workspace:
    """One document; its pipeline is written anew for each session."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.outcome = "null"
        self.system = "Read."
        self._engine = open_database(root / ".docmill")
        self.store = SessionStore(self._engine)
        self.growth = Growth(self._engine)
        self.write_pdf("report", LINES)

    def write_pdf(self, name: str, lines: Sequence[str]) -> None:
        """A page with these lines."""
        write_pdf(self.root, name, lines)

    def compiled(self, fields: Fields, models: Sequence[str] = ("rules",)) -> CompiledPipeline:
        """The pipeline with a record of these fields, and an agent of these models."""
        for folder in ("agent_specs", "pipelines"):
            (self.root / folder).mkdir(exist_ok=True)
        agent = {"name": "reader", "model": list(models), "system": self.system}
        agent["model"] = models[0] if len(models) == 1 else list(models)
        (self.root / "agent_specs" / "reader.yaml").write_text(json.dumps(agent))
        record = json.dumps({"fields": fields})
        text = f"name: demo\ndocuments: in\nagent: reader\nrecord: {record}\n"
        text += f"outcome: {self.outcome}\n"
        (self.root / "pipelines" / "demo.yaml").write_text(text)
        return compile_pipeline(load_workspace(self.root), "demo")

    def planned(self, compiled: CompiledPipeline) -> PlannedDocument:
        """The only document, with what the store knows of it."""
        plan = plan_batch(compiled, self.store.finished_keys, known_bases=self.growth.earlier)
        (document,) = plan.documents
        return document

    async def read(self, fields: Fields, models: Mapping[str, Model] | None = None) -> SessionEnd:
        """One session that asks for these fields, if the store doesn't know them."""
        models = models or {"rules": RulesModel()}
        compiled = self.compiled(fields, list(models))
        document = self.planned(compiled)
        return await run_session(self.bench(compiled, models), document, attempt=1)

    def bench(self, compiled: CompiledPipeline, models: Mapping[str, Model]) -> Workbench:
        """A workbench for run 1."""
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
            blobs=BlobStore(self.root / "blobs"),
            prices=load_prices(),
            run=1,
            purses=Purses(Accounts(self._engine, run=1)),
            max_bytes=1 << 20,
            consent=Consent(Approvals(self._engine), minutes=1),
            growth=self.growth,
        )

    def journal(self, session: str) -> list[Event]:
        """All events of a session."""
        return [entry.event for entry in self.store.journal(session)]

    @contextmanager
    def dying_at(self, kind: type[Event]) -> Generator[None]:
        """Sessions die before they store an event of this kind."""
        append = self.store.append_all

        def last(session: str, position: int, entries: Sequence[Entry]) -> None:
            if any(isinstance(entry.event, kind) for entry in entries):
                raise Died
            append(session, position, entries)

        self.store.append_all = last
        with pytest.raises(Died):
            yield
        self.store.append_all = append

    def close(self) -> None:
        """Close the store."""
        self._engine.dispose()

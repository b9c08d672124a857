"""What follows a run: results handed over, Prefect's events, people and programs told.

`job` and `start` call it, and so do the commands that do it again. What came of each stands in the
store; how the run ended is settled before.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from sqlalchemy import Engine

from docmill.egress.vault import Lookup, no_blocks
from docmill.flow import server
from docmill.flow.address import ServerSettings
from docmill.flow.job import RunEvent
from docmill.handover.deliver import HandOver, check, to_be_handed_over
from docmill.notify.payload import ReportPlaces, RunNotice, Surroundings, make_notice, outcomes
from docmill.notify.tell import Keys, Teller, open_keys, owed
from docmill.plan import CompiledPipeline
from docmill.records.deliveries import Delivery, DeliveryKind
from docmill.records.reader import RunReader
from docmill.report.summary import Summary, summarise
from docmill.settings import Settings
from docmill.store.deliveries import DeliveryLog
from docmill.store.runs import run_number

FORMATS = ("html", "xlsx", "json", "md")


@dataclass(frozen=True, slots=True)
class Aftermath:
    """What a pipeline wants done after each of its runs."""

    compiled: CompiledPipeline
    settings: Settings
    engine: Engine
    reports: Path
    """Folder of the pipeline's reports."""
    server: ServerSettings
    blocks: Lookup = no_blocks

    def check(self) -> None:
        """Find all that it needs before anything is spent.

        Raises:
            PrerequisiteError: a secret, a variable or a package is missing.
        """
        pipeline, root = self.compiled.pipeline, self.compiled.root
        check(pipeline.results, secrets=self.settings.secret, root=root)
        self._keys()

    def hand_over(self, reader: RunReader) -> tuple[Delivery, ...]:
        """Hand the results over; says what came of each."""
        entries = self.compiled.pipeline.results
        if not entries:
            return ()
        handing = HandOver(
            reader,
            self.compiled.fields,
            secrets=self.settings.secret,
            root=self.compiled.root,
        )
        return self._logged(reader, to_be_handed_over(entries), handing.to(entries))

    def events(self, reader: RunReader, summary: Summary, url: str) -> tuple[RunEvent, ...]:
        """What Prefect's events say of a run."""
        notice = self._notice(reader, summary, details=False, url=url)
        payload = notice.model_dump(mode="json")
        return tuple(RunEvent(name, payload) for name in notice.events)

    def tell(self, reader: RunReader, url: str = "") -> tuple[Delivery, ...]:
        """Tell everybody who wants to hear of a run that ended so; says what came of each."""
        notices = self.compiled.pipeline.notify
        if not notices:
            return ()
        summary = summarise(reader)
        told = owed(notices, outcomes(reader.info, summary))
        teller = Teller(
            reader.info,
            lambda details: self._notice(reader, summary, details=details, url=url),
            self._keys(),
            server=partial(server.ensure, self.server),
        )
        return self._logged(reader, [each.delivery for each in told], teller.tell(told))

    def delivered(self, reader: RunReader, kind: DeliveryKind) -> tuple[Delivery, ...]:
        """What is known of a run's deliveries of one kind."""
        known = DeliveryLog(self.engine).of_run(run_number(reader.info.id))
        return tuple(each for each in known if each.kind == kind)

    def _logged(
        self, reader: RunReader, pending: Sequence[Delivery], tried: Iterable[Delivery]
    ) -> tuple[Delivery, ...]:
        log, number = DeliveryLog(self.engine), run_number(reader.info.id)
        # Killed between the two, it is known what was owed.
        log.put(number, pending)
        done: list[Delivery] = []
        for each in tried:
            log.put(number, [each])
            done.append(each)
        return tuple(sorted(done, key=lambda each: each.position))

    def _keys(self) -> Keys:
        return open_keys(
            self.compiled.pipeline.notify,
            secrets=self.settings.secret,
            root=self.compiled.root,
            blocks=self.blocks,
        )

    def _notice(self, reader: RunReader, summary: Summary, *, details: bool, url: str) -> RunNotice:
        around = Surroundings(
            report=self._report(reader.info.id),
            results=self.delivered(reader, "results"),
            prefect_url=url,
        )
        return make_notice(reader, around, summary=summary, details=details)

    def _report(self, run: str) -> ReportPlaces:
        folder = self.reports / run
        files = {kind: folder / f"report.{kind}" for kind in FORMATS}
        found = {kind: str(path) for kind, path in files.items() if path.is_file()}
        return ReportPlaces(folder=str(folder), files=found) if found else ReportPlaces()

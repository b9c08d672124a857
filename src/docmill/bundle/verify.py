"""Verifies a bundle, offline and in a folder of its own: chains first, then every cell derived.

Trusts nothing: what a bundle says is compared with what follows from its own journals, specs and
prices; what only the outside knows (is this the seal of the report I hold?) the caller gives.
"""

import tempfile
from importlib.metadata import version
from pathlib import Path

from sqlalchemy import Engine

from docmill.bundle import form
from docmill.bundle.derived import Derivation, DerivedRun, check_run
from docmill.bundle.expecting import Evaluate, ask_library, expect_again
from docmill.bundle.findings import Verification
from docmill.bundle.loading import load, number_of_run, read_manifest
from docmill.bundle.opening import Archive, BundleError
from docmill.bundle.proving import Proofs
from docmill.bundle.reports import Reports
from docmill.bundle.specs import Rules, read_rules
from docmill.errors import RunNotFoundError
from docmill.records.results import RunInfo
from docmill.store.reader import StoredRun
from docmill.store.runs import RunStore
from docmill.store.seals import Seals

MALFORMED = (ArithmeticError, LookupError, RecursionError, TypeError, ValueError)
"""What made-up data may lead to where an honest bundle's never do."""


def verify_bundle(
    path: Path, *, head: str | None = None, evaluate: Evaluate = ask_library
) -> Verification:
    """Check everything in a bundle that can be checked.

    Args:
        path: the file.
        head: the seal shown by a report the reader holds; the bundle's has to be the same.
        evaluate: who runs expectations over the table.

    Raises:
        BundleError: it is no bundle, or one that isn't safe to open, or its data have no form.
    """
    archive = Archive(path)
    try:
        with tempfile.TemporaryDirectory(prefix="docmill-verify-") as folder:
            return _Verifier(archive, Path(folder), evaluate).verify(head)
    except RunNotFoundError as error:
        raise BundleError("The bundle has no run.") from error
    except MALFORMED as error:
        raise BundleError(f"The bundle's data have no form: {str(error)[:300]}") from error
    finally:
        archive.close()


class _Verifier:
    def __init__(self, archive: Archive, folder: Path, evaluate: Evaluate) -> None:
        self._archive = archive
        self._folder = folder
        self._evaluate = evaluate
        self._manifest = read_manifest(archive)
        self._number = number_of_run(self._manifest)
        manifest = self._manifest
        self._told = Verification(
            run=manifest.run, pipeline=manifest.pipeline, head=manifest.seal or manifest.head
        )

    def verify(self, head: str | None) -> Verification:
        self._told.unproven += self._manifest.missing
        self._parts()
        engine = load(self._archive, self._number, self._folder)
        try:
            info = RunStore(engine).info(self._number)
            self._chains(engine, info, head)
            rules = self._rules(engine, info)
            if rules is not None:
                self._derive(engine, rules)
        finally:
            engine.dispose()
        return self._told

    def _parts(self) -> None:
        check = self._told.check("parts", "sha256 and size of every part")
        listed = {part.name: part for part in self._manifest.parts}
        for name, size in self._archive.sizes.items():
            if name == form.MANIFEST:
                continue
            part = listed.pop(name, None)
            check.compare(f"{name} size", size, part and part.size)
            check.compare(f"{name} sha256", self._digest(name), part and part.sha256)
        for name in listed:
            check.compare(name, "missing", "there")

    def _digest(self, name: str) -> str:
        try:
            return self._archive.digest(name)
        except BundleError as error:
            return error.message

    def _chains(self, engine: Engine, info: RunInfo, head: str | None) -> None:
        seals = Seals(engine)
        found, sealed = seals.check(self._number), seals.of_run(self._number)
        journals = self._told.check("journals", "hash chain over the events of each session")
        run = self._told.check("seal", "hash chain over the run, as it was sealed")
        journals.cells = found.journals
        for session in found.changed:
            journals.wrong(session, "events that were changed", "the events that were sealed")
        if found.pruned:
            self._told.unproven.append(
                f"{len(found.pruned)} journals were pruned; their seals stand for them."
            )
        manifest = self._manifest
        run.compare("pipeline", manifest.pipeline, info.pipeline)
        run.compare("head of the manifest", manifest.head, found.head)
        if sealed is None:
            run.compare("seal of the manifest", manifest.seal, "")
            self._told.unproven.append("The run was never sealed: it was killed.")
        else:
            run.compare("seal of the manifest", manifest.seal, sealed.head)
            run.compare("seal", sealed.head, found.head)
        if head is not None:
            run.compare("seal of the report you hold", head.strip(), found.head)
        else:
            self._told.unproven.append(
                "Whether this is the run of a report you hold: give its seal with --head."
            )

    def _rules(self, engine: Engine, info: RunInfo) -> Rules | None:
        check = self._told.check("specs", "specs, standard and prices are those the run names")
        same = info.docmill_version == version("docmill")
        if not same:
            self._told.unproven.append(
                f"docmill {info.docmill_version[:20]} ran it and this is {version('docmill')}: "
                "what differs may be how the two work."
            )
        rules = read_rules(self._archive, engine, info, check, folder=self._folder, same=same)
        if rules is None:
            self._told.unproven.append("Everything else: the run has no specs kept with it.")
        elif rules.specs.python:
            self._told.unproven.append(
                "The pipeline's own python model: it is code, and is never imported."
            )
        return rules

    def _derive(self, engine: Engine, rules: Rules) -> None:
        told = self._told
        check = told.check("proof", "values proven again on the words of the pages")
        proofs = Proofs(self._archive, check, rules.specs)
        derivation = Derivation(engine, self._number, rules=rules, proofs=proofs, told=told)
        derivation.charge()
        stored = StoredRun(engine, self._number, _nothing)
        documents = derivation.carry_out(stored, self._folder)
        told.unproven += proofs.unproven()
        check_run(told.check("run", "how the run ended"), stored.info, limited=derivation.limited)
        reports = Reports(self._archive, self._folder, self._manifest, told)
        run = DerivedRun(stored.info, documents, picture=reports.picture, output=reports.output)
        expect_again(run, rules, told, folder=self._folder, evaluate=self._evaluate)
        reports.compare(run, rules.specs.pipeline.report)


def _nothing(blob: str) -> bytes:
    raise KeyError(blob)
